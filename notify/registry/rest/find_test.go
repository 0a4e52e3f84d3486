package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

func TestFind_TheRevisionThatTheClientHasIsA304(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	first := s.do("GET", findCart+"0%2B", "", "X-ConsumerId", "front")
	require.Equal(t, http.StatusOK, first.status, first.body)
	assert.Contains(t, first.body, `"instanceId":"c1"`)
	rev := first.header.Get("X-Resource-Revision")
	require.NotEmpty(t, rev)

	same := s.do("GET", findCart+"0%2B&rev="+rev, "", "X-ConsumerId", "front")
	assert.Equal(t, http.StatusNotModified, same.status)
	assert.Empty(t, same.body)
	assert.Equal(t, rev, same.header.Get("X-Resource-Revision"))

	s.instance("cart", "c2")
	changed := s.do("GET", findCart+"0%2B&rev="+rev, "", "X-ConsumerId", "front")
	assert.Equal(t, http.StatusOK, changed.status)
	assert.Contains(t, changed.body, `"instanceId":"c2"`)
	assert.NotEqual(t, rev, changed.header.Get("X-Resource-Revision"))
}

func TestFind_MakesAConsumerWhoHearsWhatTheAnswerLacks(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.service("cart", "cart", "1.0.0")
	s.service("front", "front", "1.0.0")
	s.instance("cart", "c1")
	conn := s.dial(watched)
	before := s.hub.Registry().Revision()
	s.ok("GET", findCart+"1.0.0", "") // nobody in particular
	assert.Equal(t, before, s.hub.Registry().Revision())

	s.ok("GET", findCart+"1.0.0", "", "X-ConsumerId", "front")
	assert.Equal(t, []string{"front"}, s.hub.Registry().Consumers("cart"))
	action, id, _ := s.frame(conn)
	assert.Equal(t, registry.Update, action, "what became visible, for other instances of front")
	assert.Equal(t, "c1", id)
	recorded := s.hub.Registry().Revision()
	s.ok("GET", findCart+"1.0.0", "", "X-ConsumerId", "front")
	assert.Equal(t, recorded, s.hub.Registry().Revision(), "a second find changes nothing")

	s.instance("cart", "c2")
	action, id, _ = s.frame(conn)
	assert.Equal(t, registry.Create, action)
	assert.Equal(t, "c2", id)
}

func TestFind_AFailedOneMakesNoConsumer(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	before := s.hub.Registry().Revision()
	got := s.do("GET", findCart+"7.0%2B", "", "X-ConsumerId", "front")
	assertError(t, got, rest.CodeNoService, "7.0+")
	assert.Equal(t, before, s.hub.Registry().Revision())
}

func TestFind_ManyAtOnceSaysForEachWhatBecameOfIt(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	rev := s.do("GET", findCart+"1.0.0", "").header.Get("X-Resource-Revision")
	key := `"service":{"environment":"production","appId":"shop","serviceName":`
	got := s.do("POST", api+"/instances/action?type=query", `{"consumerServiceId":"front",`+
		`"services":[{`+key+`"cart","version":"1.0.0"}},{`+key+`"gone","version":"0+"}},`+
		`{`+key+`"cart","version":"1.0.0"},"rev":"`+rev+`"},{},{`+key+`"cart","version":"x"}}]}`)
	require.Equal(t, http.StatusOK, got.status, got.body)
	var answer struct {
		Services struct {
			Failed []struct {
				Indexes []int
				Error   rest.Error
			}
			NotModified []int
			Updated     []struct {
				Index     int
				Rev       string
				Instances []registry.Instance
			}
		}
	}
	decode(t, got.body, &answer)
	require.Len(t, answer.Services.Failed, 3)
	for i, want := range []struct{ index, code int }{
		{1, rest.CodeNoService}, {3, rest.CodeInvalid}, {4, rest.CodeInvalid},
	} {
		assert.Equal(t, []int{want.index}, answer.Services.Failed[i].Indexes)
		assert.Equal(t, want.code, answer.Services.Failed[i].Error.Code)
	}
	assert.Equal(t, []int{2}, answer.Services.NotModified)
	require.Len(t, answer.Services.Updated, 1)
	assert.Equal(t, rev, answer.Services.Updated[0].Rev)
	assert.Equal(t, "c1", answer.Services.Updated[0].Instances[0].ID)
}

func TestFind_OnlyWhatTheConsumerMaySee(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.ok("PUT", api+"/microservices/front/tags", `{"tags":{"zone":"b"}}`)
	s.ok("POST", api+"/microservices/cart/rules",
		`{"rules":[{"ruleType":"WHITE","attribute":"tag_zone","pattern":"^a$"}]}`)
	for _, path := range []string{findCart + "0%2B", api + "/microservices/cart/instances",
		api + "/microservices/cart/instances/c1"} {
		assertError(t, s.do("GET", path, "", "X-ConsumerId", "front"), rest.CodeNoService, "")
		s.ok("GET", path, "")
	}
	s.ok("PUT", api+"/microservices/front/tags/zone?value=a", "")
	s.ok("GET", findCart+"0%2B", "", "X-ConsumerId", "front")
}

func TestTenants_SeeOnlyTheirOwn(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	for _, other := range []struct{ path, domain string }{
		{"/v4/other/registry", ""}, {api, "other"},
	} {
		for _, path := range []string{"/microservices/cart", "/microservices/cart/instances",
			"/instances?appId=shop&serviceName=cart&env=production&version=0%2B",
			"/existence?type=microservice&appId=shop&serviceName=cart&env=production" +
				"&version=0%2B"} {
			got := s.do("GET", other.path+path, "", "X-Domain-Name", other.domain)
			assertError(t, got, rest.CodeNoService, "")
		}
		list := s.ok("GET", other.path+"/microservices", "", "X-Domain-Name", other.domain)
		assert.Empty(t, list["services"])
		assertError(t, s.do("GET", "/v4/other/admin/dump", ""), rest.CodeForbidden, "project")
	}
	got := s.ok("POST", "/v4/other/registry/microservices", `{"service":{"serviceName":"cart"}}`,
		"X-Domain-Name", "mine")
	id := got["serviceId"].(string)
	assert.Equal(t, "mine/other", s.hub.Registry().Service(id).Tenant)
}

// TestFind_TheAnswerIsNoOlderThanTheDependency deletes an instance between the two: the consumer
// isn't told of that, so it must not be in the answer. On a slow machine the find may come later
// than that, and then nothing is tested, but nothing fails either.
func TestFind_TheAnswerIsNoOlderThanTheDependency(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.service("cart", "cart", "1.0.0")
	s.service("front", "front", "1.0.0")
	s.instance("cart", "c1")
	s.instance("cart", "c2")
	answers := make(chan reply)
	require.NoError(t, s.hub.Change(time.Time{},
		func(r *registry.Registry) ([]registry.Change, error) {
			path, query, _ := strings.Cut(findCart+"1.0.0", "?")
			go func() { answers <- direct(s, "GET", path, query, "", "front") }()
			time.Sleep(20 * time.Millisecond) // the find reads, and then it waits for its turn
			gone, err := r.Deregister("cart", "c1")
			return []registry.Change{gone}, err
		}))
	got := <-answers
	assert.Equal(t, http.StatusOK, got.status)
	assert.Contains(t, got.body, "c2")
	assert.NotContains(t, got.body, "c1")
}

func TestInstances_AreThoseOfTheServiceAndNotOfItsVersion(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.service("short", "cart", "1.0")
	s.service("long", "cart", "1.0.0")
	s.instance("short", "s1")
	s.instance("long", "l1")
	got := s.do("GET", api+"/microservices/short/instances", "").body
	assert.Contains(t, got, `"s1"`)
	assert.NotContains(t, got, `"l1"`)
}

// TestFind_DoesNotWaitForChangesWhereThereIsNoneToMake: while a change is held up, as by a full
// task queue, consumers still get their answers.
func TestFind_DoesNotWaitForChangesWhereThereIsNoneToMake(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	path, query, _ := strings.Cut(findCart+"0%2B", "?")
	all := `{"consumerServiceId":"front","services":[{"service":{"environment":"production",` +
		`"appId":"shop","serviceName":"cart","version":"0+"}}]}`
	known := `{"service":{"environment":"production","appId":"shop","serviceName":"front",` +
		`"version":"1.0.0"}}`
	answers := make(chan reply, 5)
	s.put(func(*registry.Registry) ([]registry.Change, error) {
		go func() {
			answers <- direct(s, "GET", path, query, "", "front")
			answers <- direct(s, "GET", path, query+"&noCache=1", "", "front")
			answers <- direct(s, "GET", path, query, "", "")
			answers <- direct(s, "POST", path+"/action", "type=query", all, "front")
			// Registering what is known is no change either.
			answers <- direct(s, "POST", api+"/microservices", "", known, "")
		}()
		for range cap(answers) {
			select {
			case got := <-answers:
				assert.Equal(t, http.StatusOK, got.status, got.body)
				assert.Regexp(t, `"instanceId":"c1"|"serviceId":"front"`, got.body)
			case <-s.ctx.Done():
				t.Error("a find waits for the change")
				return nil, nil
			}
		}
		return nil, nil
	})
}

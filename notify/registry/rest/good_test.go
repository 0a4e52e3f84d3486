package rest_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

const (
	cartJSON = `{"serviceId":"cart","environment":"production","appId":"shop",` +
		`"serviceName":"cart","version":"1.0.0","level":"BACK","status":"UP",` +
		`"timestamp":"1795318893","modTimestamp":"1795318893"}`
	c1JSON = `{"instanceId":"c1","serviceId":"cart","endpoints":["rest://10.0.0.1:8080"],` +
		`"hostName":"node-1","status":"UP","healthCheck":{"mode":"push","interval":30,"times":3},` +
		`"timestamp":"1795318893","modTimestamp":"1795318893","version":"1.0.0"}`
)

// good are requests that succeed, one after the other, with a server that has the shop: what they
// answer, and whether they change the registry.
var good = []struct {
	method, path, body string
	want               string // JSON; "" is an empty body
	changes            bool
}{
	{"GET", api + "/version", "", `{"version":"1.2.3","apiVersion":"4.0.0"}`, false},
	{"GET", api + "/existence?type=microservice&env=production&appId=shop&serviceName=cart" +
		"&version=1.0.0", "", `{"serviceId":"cart"}`, false},
	{"GET", api + "/existence?type=microservice&env=production&appId=shop&serviceName=cart" +
		"&version=latest", "", `{"serviceId":"cart"}`, false},
	{"GET", one, "", `{"service":` + cartJSON + `}`, false},
	{"POST", api + "/microservices", `{"service":{"serviceName":"cart","appId":"shop",` +
		`"environment":"production","version":"1.0.0","framework":{"name":"x"},"unknown":[1]}}`,
		`{"serviceId":"cart"}`, false},
	{"POST", api + "/microservices", `{"service":{"serviceId":"cart","serviceName":"cart",` +
		`"appId":"shop","environment":"production","version":"1.0.0"}}`,
		`{"serviceId":"cart"}`, false},
	{"POST", api + "/microservices", `{"service":{"serviceId":"plain","serviceName":"plain"}}`,
		`{"serviceId":"plain"}`, true},
	{"GET", api + "/microservices/plain", "", `{"service":{"serviceId":"plain","appId":"default",` +
		`"serviceName":"plain","version":"0.0.1","level":"BACK","status":"UP",` +
		`"timestamp":"1795318893","modTimestamp":"1795318893"}}`, false},
	{"PUT", api + "/microservices/plain/properties", `{"properties":{"a":"b"}}`, "", true},
	{"DELETE", api + "/microservices/plain", "", "", true},

	{"GET", one + "/instances", "", `{"instances":[` + c1JSON + `]}`, false},
	{"GET", one + "/instances/c1", "", `{"instance":` + c1JSON + `}`, false},
	{"GET", findCart + "0%2B", "", `{"instances":[` + c1JSON + `]}`, false},
	{"GET", findCart + "0%2B&noCache=1", "", `{"instances":[` + c1JSON + `]}`, false},
	{"GET", findCart + "0%2B&cacheOnly=1", "", `{"instances":[` + c1JSON + `]}`, false},
	{"GET", api + "/microservices/front/instances", "", `{"instances":[]}`, false},
	{"PUT", one + "/instances/c1/heartbeat", "", "", false},
	{"PUT", api + "/heartbeats", `{"instances":[{"serviceId":"cart","instanceId":"c1"}]}`,
		`{"instances":[{"serviceId":"cart","instanceId":"c1"}]}`, false},
	{"POST", one + "/instances", `{"instance":{"instanceId":"c2"}}`, `{"instanceId":"c2"}`, true},
	{"PUT", one + "/instances/c2/status?value=DOWN", "", "", true},
	{"PUT", one + "/instances/c2/properties", `{"properties":{}}`, "", true},
	{"DELETE", one + "/instances/c2", "", "", true},

	{"GET", one + "/providers", "", `{"providers":[]}`, false},
	{"GET", api + "/microservices/front/providers", "", `{"providers":[` + cartJSON + `]}`, false},
	{"GET", one + "/consumers", "", `{"consumers":[` +
		strings.ReplaceAll(cartJSON, "cart", "front") + `]}`, false},
	{"POST", api + "/dependencies", dependsOn("0+"), "", false}, // it has it already
	{"PUT", api + "/dependencies", dependsOn("1.0.0"), "", true},

	{"POST", one + "/schemas", `{"schemas":[{"schemaId":"a","schema":"text"}]}`, "", false},
	{"PUT", one + "/schemas/b", `{"schema":"more","summary":"sum"}`, "", false},
	{"GET", one + "/schemas", "", `{"schemas":[{"schemaId":"a","summary":` +
		`"982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"},` +
		`{"schemaId":"b","summary":"sum"}]}`, false},
	{"DELETE", one + "/schemas/a", "", "", false},
	{"GET", one + "/schemas?withSchema=1", "",
		`{"schemas":[{"schemaId":"b","summary":"sum","schema":"more"}]}`, false},
	{"GET", one + "/schemas/b", "", `{"schema":"more","schemaSummary":"sum"}`, false},
	{"GET", api + "/existence?type=schema&serviceId=cart&schemaId=b", "",
		`{"schemaId":"b","summary":"sum"}`, false},

	{"GET", one + "/tags", "", `{"tags":{}}`, false},
	{"POST", one + "/tags", `{"tags":{"a":"1"}}`, "", true},
	{"POST", one + "/tags", `{"tags":{"b":"2"}}`, "", true},
	{"PUT", one + "/tags/b?value=3", "", "", true},
	{"GET", one + "/tags", "", `{"tags":{"a":"1","b":"3"}}`, false},
	{"DELETE", one + "/tags/a,b", "", "", true},
	{"PUT", one + "/tags", `{"tags":{"c":"4"}}`, "", true},
	{"GET", one + "/tags", "", `{"tags":{"c":"4"}}`, false},
	{"GET", one + "/rules", "", `{"rules":[]}`, false},

	{"GET", "/v4/default/admin/alarms", "", `{"alarms":[]}`, false},
	{"DELETE", "/v4/default/admin/alarms", "", "", false},
	{"DELETE", one + "?force=1", "", "", true},
}

func TestRoutes_AnswerAndChangeWhatTheySay(t *testing.T) {
	s := newServer(t, rest.Config{Version: "1.2.3"})
	s.shop()
	for _, test := range good {
		before := s.hub.Registry().Revision()
		got := s.do(test.method, test.path, test.body)
		name := test.method + " " + test.path
		require.Equal(t, 200, got.status, "%s: %s", name, got.body)
		if test.want == "" {
			assert.Empty(t, got.body, name)
		} else {
			assert.JSONEq(t, test.want, got.body, name)
		}
		assert.Equal(t, test.changes, s.hub.Registry().Revision() > before, name)
	}
	assert.Nil(t, s.hub.Registry().Service("cart"))
}

func TestHealth_NamesTheAddressThatTheClientUsed(t *testing.T) {
	s := newServer(t, rest.Config{})
	got := s.do("GET", api+"/health", "")
	assert.Contains(t, got.body, `"endpoints":["`+strings.Replace(s.url, "http", "rest", 1)+`"]`)
	assert.Contains(t, got.body, `"status":"UP"`)
}

func TestIDs_AreRandomWhereTheBodyNamesNone(t *testing.T) {
	s := newServer(t, rest.Config{})
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for _, name := range []string{"a", "b"} {
		id := s.ok("POST", api+"/microservices", `{"service":{"serviceName":"`+name+`"}}`)
		instances := api + "/microservices/" + id["serviceId"].(string) + "/instances"
		in := s.ok("POST", instances, `{"instance":{}}`)
		for _, id := range []string{id["serviceId"].(string), in["instanceId"].(string)} {
			assert.Regexp(t, form, id)
			assert.False(t, seen[id])
			seen[id] = true
		}
	}
}

// TestServices_ThatCameByAnotherWayAreFound: a loaded world is as good as a registered one.
func TestServices_ThatCameByAnotherWayAreFound(t *testing.T) {
	s := newServer(t, rest.Config{})
	old := registry.Service{ID: "old", Key: registry.Key{
		Tenant: "default/default", App: "default", Name: "old", Version: "1.0"}}
	require.NoError(t, s.hub.Change(time.Time{},
		func(r *registry.Registry) ([]registry.Change, error) { return r.PutService(old) }))
	got := s.ok("POST", api+"/microservices", `{"service":{"serviceName":"old","version":"1.0"}}`)
	assert.Equal(t, "old", got["serviceId"])
	got = s.ok("GET", api+"/existence?type=microservice&serviceName=old&version=1.0", "")
	assert.Equal(t, "old", got["serviceId"])
}

func TestServices_RegisteredByManyAtOnceAreOne(t *testing.T) {
	h, r := offline(t)
	before := r.Revision()
	replies := make(chan reply)
	const clients = 16
	for range clients {
		go func() {
			replies <- direct(h, "POST", api+"/microservices", "",
				`{"service":{"serviceName":"new"}}`, "")
		}()
	}
	first := <-replies
	for range clients - 1 {
		assert.Equal(t, first.body, (<-replies).body)
	}
	assert.Equal(t, before+1, r.Revision())
}

// TestInstances_LiveFromTheirHeartbeats has one without a health check: it gets 30 s × (3 + 1).
func TestInstances_LiveFromTheirHeartbeats(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	conn := s.dial(watched)
	expire := func(after time.Duration) {
		_, err := s.hub.Expire(time.Unix(began, 0).Add(after))
		require.NoError(t, err)
	}
	expire(0) // the lease begins
	s.now = time.Unix(began+100, 0)
	s.ok("PUT", one+"/instances/c1/heartbeat", "")
	expire(219 * time.Second)
	s.ok("GET", one+"/instances/c1", "")
	expire(221 * time.Second)
	action, id, _ := s.frame(conn)
	assert.Equal(t, registry.Delete, action)
	assert.Equal(t, "c1", id)
}

func TestRules_ComeAndGo(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	added := s.ok("POST", one+"/rules", `{"rules":[{"ruleType":"BLACK","attribute":"serviceName",`+
		`"pattern":"^front$","description":"no"}]}`)
	id := added["RuleIds"].([]any)[0].(string)
	assert.Empty(t, s.hub.Registry().Consumers("cart"))
	assert.JSONEq(t, `{"rules":[{"ruleId":"`+id+`","ruleType":"BLACK","attribute":"serviceName",`+
		`"pattern":"^front$","description":"no","timestamp":"1795318893",`+
		`"modTimestamp":"1795318893"}]}`, s.do("GET", one+"/rules", "").body)
	assertError(t, s.do("PUT", one+"/rules/"+id, `{"ruleType":"WHITE"}`), rest.CodeRuleType,
		"ruleType")
	s.ok("PUT", one+"/rules/"+id, `{"ruleType":"BLACK","attribute":"appId","pattern":"^x$"}`)
	assert.Equal(t, []string{"front"}, s.hub.Registry().Consumers("cart"))
	s.ok("DELETE", one+"/rules/"+id, "")
	assert.JSONEq(t, `{"rules":[]}`, s.do("GET", one+"/rules", "").body)
}

func TestKept_GoesWithTheService(t *testing.T) {
	s := newServer(t, rest.Config{SchemaBytesMax: 400})
	for range 3 { // the quota would be exceeded otherwise
		s.shop()
		s.ok("PUT", one+"/schemas/a", `{"schema":"`+strings.Repeat("x", 100)+`"}`)
		assertError(t, s.do("PUT", one+"/schemas/b", `{"schema":"`+strings.Repeat("x", 100)+`"}`),
			rest.CodeNotEnoughQuota, "schemas")
		s.ok("PUT", one+"/tags", `{"tags":{"a":"b"}}`)
		s.ok("DELETE", one+"?force=true", "")
	}
	s.shop()
	assert.JSONEq(t, `{"schemas":[]}`, s.do("GET", one+"/schemas", "").body)
	assert.JSONEq(t, `{"tags":{}}`, s.do("GET", one+"/tags", "").body)
}

// TestKept_GoesWithTheServiceThoughTheHubTellsNobody has a hub without Deleted.
func TestKept_GoesWithTheServiceThoughTheHubTellsNobody(t *testing.T) {
	h, _ := offline(t)
	ask := func(method, path, body string) string {
		got := direct(h, method, path, "force=1", body, "")
		require.Equal(t, http.StatusOK, got.status, got.body)
		return got.body
	}
	assert.JSONEq(t, `{"tags":{"t":"1"}}`, ask("GET", one+"/tags", ""))
	ask("DELETE", one, "")
	ask("POST", api+"/microservices", `{"service":{"serviceId":"cart","serviceName":"cart"}}`)
	assert.JSONEq(t, `{"tags":{}}`, ask("GET", one+"/tags", ""))
}

func TestClosed_TheEngineIsA503(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.engine.Close()
	got := s.do("PUT", one+"/instances/c1/status?value=DOWN", "")
	assert.Equal(t, 503, got.status)
	assertError(t, got, rest.CodeUnavailable, "closed")
}

func TestConfig_EveryMistakeIsReported(t *testing.T) {
	_, err := rest.New(rest.Config{BodyBytesMax: -1, WatchersMax: -1, SchemaBytesMax: -1,
		ServicesMax: -1, InstancesMax: -1, Watch: watch.Config{ListTimeout: -1},
		Stream: stream.Config{Heartbeat: -1}})
	for _, field := range []string{"Hub", "Engine", "BodyBytesMax", "WatchersMax",
		"SchemaBytesMax", "ServicesMax", "InstancesMax", "ListTimeout", "Heartbeat"} {
		assert.ErrorContains(t, err, field)
	}
}

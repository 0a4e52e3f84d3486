package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

// refusesNow wants a request to be refused for want of room, with nothing changed.
func refusesNow(t *testing.T, h http.Handler, r *registry.Registry, method, path, query, body,
	consumer, field string) {
	t.Helper()
	before := r.Revision()
	got := direct(h, method, path, query, body, consumer)
	assert.Equal(t, http.StatusBadRequest, got.status, got.body)
	assertError(t, got, rest.CodeNotEnoughQuota, field)
	assert.Equal(t, before, r.Revision())
}

func TestLimits_OfServicesAndInstances(t *testing.T) {
	s := newServer(t, rest.Config{ServicesMax: 2, InstancesMax: 2})
	s.shop()
	s.instance("cart", "c2")
	const more = `{"service":{"serviceName":"more"}}`
	refuses := func(path, body, field string) {
		t.Helper()
		refusesNow(t, s, s.hub.Registry(), "POST", path, "", body, "", field)
	}
	refuses(api+"/microservices", more, "service: want at most 2 services")
	refuses("/v4/other/registry/microservices", more, "service: want at most 2 services")
	refuses(one+"/instances", `{"instance":{"instanceId":"c3"}}`,
		"instance: want at most 2 of one service")

	assert.Equal(t, "cart", s.service("", "cart", "1.0.0"), "a known one is not one more")
	s.instance("cart", "c2")
	s.instance("front", "c3")
	s.ok("DELETE", one+"/instances/c1", "")
	s.instance("cart", "c3")
	s.ok("DELETE", one+"?force=1", "")
	s.ok("POST", api+"/microservices", more)
}

// manyRules is a body by which consumers, each front or idle, depend on n providers each, the first
// of them number from.
func manyRules(from, n int, consumers ...string) string {
	providers := make([]string, n)
	for i := range providers {
		providers[i] = fmt.Sprintf(`{"serviceName":"p%d","version":"0+"}`, from+i)
	}
	all := make([]string, len(consumers))
	for i, name := range consumers {
		all[i] = `{"consumer":{"environment":"production","appId":"shop","serviceName":"` + name +
			`","version":"1.0.0"},"providers":[` + strings.Join(providers, ",") + `]}`
	}
	return `{"dependencies":[` + strings.Join(all, ",") + `]}`
}

func TestLimits_OfTheRulesOfAConsumer(t *testing.T) {
	const path, most = api + "/dependencies", registry.RulesMax
	h, r := offline(t)
	require.Equal(t, 200, direct(h, "POST", api+"/microservices", "", `{"service":{"version":`+
		`"1.0.0","serviceName":"idle","appId":"shop","environment":"production"}}`, "").status)
	refuses := func(method, body, field string) {
		t.Helper()
		refusesNow(t, h, r, method, path, "", body, "", field)
	}
	ok := func(method, body string) {
		t.Helper()
		got := direct(h, method, path, "", body, "")
		require.Equal(t, 200, got.status, got.body)
	}
	refuses("PUT", manyRules(0, most+1, "idle"), "dependencies[0].providers: 10001")
	refuses("POST", manyRules(0, most+1, "idle"), "dependencies[0].providers: 10001")
	// front has a rule already, so that it is the second of the body that has no room.
	refuses("POST", manyRules(0, most, "idle", "front"), "dependencies[1].providers: 10001")
	ok("PUT", manyRules(0, most, "front"))
	ok("POST", manyRules(0, most, "front")) // nothing new
	refuses("POST", manyRules(most, 1, "front"), "dependencies[0].providers: 10001")

	find, query, _ := strings.Cut(findCart+"0%2B", "?")
	refusesNow(t, h, r, "GET", find, query, "", "front", "providers: 10001")
	ok("PUT", dependsOn("0+"))
	assert.Equal(t, 200, direct(h, "GET", find, query, "", "front").status)
	assert.Len(t, r.Dependencies(shopKey("front", "1.0.0")), 1)
}

// TestLimits_OfTheRulesOfAConsumerThatIsNamedTwice has halves that fit alone, but front has a rule
// already.
func TestLimits_OfTheRulesOfAConsumerThatIsNamedTwice(t *testing.T) {
	const path, half = api + "/dependencies", registry.RulesMax / 2
	h, r := offline(t)
	first, second := manyRules(0, half, "front"), manyRules(half, half, "front")
	both := strings.TrimSuffix(first, "]}") + "," + strings.TrimPrefix(second, `{"dependencies":[`)
	refusesNow(t, h, r, "POST", path, "", both, "", "dependencies[1].providers: 10001")
	require.Equal(t, 200, direct(h, "PUT", path, "", both, "").status)
	assert.Len(t, r.Dependencies(shopKey("front", "1.0.0")), half,
		"the last one replaced the first")
}

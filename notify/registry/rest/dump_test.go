package rest_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

const dumpPath = "/v4/default/admin/dump"

// dumped decodes a dump: the values of each list, by their keys.
func dumped(t testing.TB, text string) map[string]map[string]json.RawMessage {
	t.Helper()
	var dump struct{ Cache map[string][]rawRecord }
	decode(t, text, &dump)
	lists := map[string]map[string]json.RawMessage{}
	for name, records := range dump.Cache {
		lists[name] = map[string]json.RawMessage{}
		for _, r := range records {
			require.NotContains(t, lists[name], r.Key)
			lists[name][r.Key] = r.Value
		}
	}
	return lists
}

// put changes the registry by another way than this handler.
func (s *server) put(do func(*registry.Registry) ([]registry.Change, error)) {
	s.t.Helper()
	require.NoError(s.t, s.hub.Change(time.Time{}, do))
}

func shopKey(name, version string) registry.Key {
	return registry.Key{Tenant: "default/default", Env: "production", App: "shop", Name: name,
		Version: version}
}

// TestDump_HasTheRulesAsTheyWereWritten has all ways to write one, a provider that isn't there, and
// a consumer that isn't, in both directions.
func TestDump_HasTheRulesAsTheyWereWritten(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.ok("POST", api+"/dependencies", dependsOn("latest"))
	s.ok("POST", api+"/dependencies", dependsOn("1.0-2.0"))
	s.ok("POST", api+"/dependencies", strings.Replace(dependsOn("1.0.0"), "cart", "nobody", 1))
	s.ok("POST", api+"/dependencies", strings.Replace(dependsOn("ignored"), "cart", "*", 1))
	front, ghost := shopKey("front", "1.0.0"), shopKey("ghost", "2")
	s.put(func(r *registry.Registry) ([]registry.Change, error) {
		return r.SetDependencies(ghost, []registry.Key{shopKey("cart", "0+")})
	})
	star := registry.Key{Tenant: "default/default", Env: "production", Name: "*"}
	got := map[string][]registry.Key{}
	for key, value := range dumped(t, s.do("GET", dumpPath, "").body)["dependencyRules"] {
		var v struct{ Dependency []registry.Key }
		decode(t, string(value), &v)
		got[strings.TrimPrefix(key, "/cse-sr/ms/dep-rules/default/default/")] = v.Dependency
	}
	assert.Equal(t, map[string][]registry.Key{
		"c/production/shop/front/1.0.0": {shopKey("cart", "0+"), shopKey("cart", "latest"),
			shopKey("cart", "1.0-2.0"), shopKey("nobody", "1.0.0"), star},
		"c/production/shop/ghost/2":      {shopKey("cart", "0+")},
		"p/production/shop/cart/0+":      {front, ghost},
		"p/production/shop/cart/latest":  {front},
		"p/production/shop/cart/1.0-2.0": {front},
		"p/production/shop/nobody/1.0.0": {front},
		"p/production/*":                 {front},
	}, got)
}

// TestDump_WritesTheRulesOfARealOne feeds it what the consumers of a real one need, and wants the
// same records, of both directions.
func TestDump_WritesTheRulesOfARealOne(t *testing.T) {
	text, err := os.ReadFile("testdata/dependency-rules.json")
	require.NoError(t, err)
	recorded := dumped(t, `{"cache":{"dependencyRules":`+string(text)+`}}`)["dependencyRules"]
	require.Len(t, recorded, 68)
	s := newServer(t, rest.Config{})
	for path, value := range recorded {
		parts := strings.Split(strings.TrimPrefix(path, "/cse-sr/ms/dep-rules/"), "/")
		require.Len(t, parts, 7)
		if parts[2] != "c" {
			continue
		}
		consumer := registry.Key{Tenant: parts[0] + "/" + parts[1], Env: parts[3], App: parts[4],
			Name: parts[5], Version: parts[6]}
		var needs struct{ Dependency []registry.Key }
		decode(t, string(value), &needs)
		s.put(func(r *registry.Registry) ([]registry.Change, error) {
			return r.SetDependencies(consumer, needs.Dependency)
		})
	}
	got := dumped(t, s.do("GET", dumpPath, "").body)["dependencyRules"]
	assert.Len(t, got, len(recorded))
	for key, value := range recorded {
		assert.JSONEq(t, string(value), string(got[key]), key)
	}
}

// TestDump_HasWhatWasPutIn, whether by a client or by another way.
func TestDump_HasWhatWasPutIn(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.ok("PUT", one+"/tags", `{"tags":{"zone":"a"}}`)
	s.ok("POST", one+"/rules", `{"rules":[{"ruleType":"BLACK","attribute":"version",`+
		`"pattern":"^9","description":"no"}]}`)
	direct := registry.Service{ID: "direct", Key: shopKey("direct", "3"), Level: "FRONT",
		Status: "UP", Properties: map[string]string{"a": "b"}, Timestamp: 1, ModTimestamp: 2}
	in := registry.Instance{ID: "d1", ServiceID: "direct", Endpoints: []string{"rest://1.2.3.4"},
		HostName: "h", Status: "DOWN", Properties: map[string]string{"c": "d"},
		HealthCheck: &registry.HealthCheck{Mode: "pull", URL: "u", Port: 1}, Timestamp: 3,
		DataCenter: &registry.DataCenter{Name: "dc", Zone: "z"}, ModTimestamp: 4, Version: "3"}
	rule := registry.Visibility{ID: "r1", Type: registry.White, Attribute: "tag_x", Pattern: "y"}
	s.put(func(r *registry.Registry) ([]registry.Change, error) {
		changes, err := r.PutService(direct)
		require.NoError(t, err)
		created, err := r.Register(in)
		require.NoError(t, err)
		tags, err := r.SetTags("direct", map[string]string{"t": "1"})
		require.NoError(t, err)
		shown, err := r.SetVisibility("direct", []registry.Visibility{rule})
		return append(append(append(changes, created), tags...), shown), err
	})
	got := dumped(t, s.do("GET", dumpPath, "").body)
	r := s.hub.Registry()
	read := func(list, key string, into any) {
		t.Helper()
		require.Contains(t, got[list], key)
		decode(t, string(got[list][key]), into)
	}
	for _, id := range []string{"cart", "front", "direct"} {
		var service registry.Service
		read("services", "/cse-sr/ms/files/default/default/"+id, &service)
		service.Tenant = "default/default" // it stands in the key
		assert.Equal(t, *r.Service(id), service)
		var indexed string
		read("serviceIndexes", "/cse-sr/ms/indexes/"+service.Key.String(), &indexed)
		assert.Equal(t, id, indexed)
		for _, want := range r.Instances(id) {
			var in registry.Instance
			read("instances", "/cse-sr/inst/files/default/default/"+id+"/"+want.ID, &in)
			assert.Equal(t, *want, in)
		}
		if want := r.Tags(id); want != nil {
			var tags map[string]string
			read("serviceTags", "/cse-sr/ms/tags/default/default/"+id, &tags)
			assert.Equal(t, want, tags)
		}
		for _, want := range r.Visibility(id) {
			var rule registry.Visibility
			read("serviceRules", "/cse-sr/ms/rules/default/default/"+id+"/"+want.ID, &rule)
			assert.Equal(t, want, rule)
		}
	}
	assert.Equal(t, direct, *r.Service("direct"))
	assert.Equal(t, in, *r.Instance("direct", "d1"))
	assert.Len(t, got["services"], 3)
	assert.Len(t, got["instances"], 2)
	assert.Len(t, got["serviceTags"], 2)
	assert.Len(t, got["serviceRules"], 2)
}

// form gives the shape of a JSON value: the paths of all fields, those of all elements of a list
// together, and no values.
func form(prefix string, v any, into map[string]bool) map[string]bool {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			form(prefix+"."+name, field, into)
		}
	case []any:
		for _, element := range v {
			form(prefix+"[]", element, into)
		}
	default:
		into[prefix] = true
	}
	return into
}

// TestDump_HasTheFormOfARealOne compares with a record of a real one, by hand for what only one of
// them has.
func TestDump_HasTheFormOfARealOne(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.ok("POST", api+"/microservices", `{"service":{"serviceId":"sc","alias":"SC",`+
		`"environment":"development","serviceName":"SERVICECENTER",`+
		`"properties":{"allowCrossApp":"true"}}}`)
	s.ok("PUT", one+"/tags", `{"tags":{"zone":"a"}}`)
	s.ok("POST", one+"/rules",
		`{"rules":[{"ruleType":"BLACK","attribute":"version","pattern":"^9"}]}`)
	got := s.do("GET", "/v4/default/admin/dump", "")
	require.Equal(t, 200, got.status)
	assert.NotContains(t, got.body, "environments")
	assert.NotContains(t, got.body, "appConf")
	var dump struct{ Cache map[string][]rawRecord }
	decode(t, got.body, &dump)
	keys := map[string][]string{}
	for list, records := range dump.Cache {
		for _, r := range records {
			assert.Equal(t, s.hub.Registry().Revision(), r.Rev)
			keys[list] = append(keys[list], r.Key)
		}
	}
	for _, r := range dump.Cache["serviceRules"] {
		var rule struct{ RuleID string }
		require.NoError(t, json.Unmarshal(r.Value, &rule))
		keys["serviceRules"] = []string{strings.TrimSuffix(r.Key, rule.RuleID)}
	}
	const ms, in = "/cse-sr/ms/", "/cse-sr/inst/files/default/default/"
	assert.Equal(t, map[string][]string{
		"services": {ms + "files/default/default/cart", ms + "files/default/default/front",
			ms + "files/default/default/sc"},
		"serviceIndexes": {ms + "indexes/default/default/production/shop/cart/1.0.0",
			ms + "indexes/default/default/production/shop/front/1.0.0",
			ms + "indexes/default/default/development/default/SERVICECENTER/0.0.1"},
		"serviceAliases": {ms + "alias/default/default/development/default/SC/0.0.1"},
		"serviceTags":    {ms + "tags/default/default/cart"},
		"serviceRules":   {ms + "rules/default/default/cart/"},
		"instances":      {in + "cart/c1"},
		"dependencyRules": {ms + "dep-rules/default/default/c/production/shop/front/1.0.0",
			ms + "dep-rules/default/default/p/production/shop/cart/0+"},
	}, keys)

	real, ours := map[string]bool{}, map[string]bool{}
	var v any
	text, err := os.ReadFile("testdata/dump.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &v))
	form("", v, real)
	decode(t, got.body, &v)
	form("", v, ours)
	for path := range real {
		if !slices.Contains([]string{".cache.services[].value.schemas[]"}, path) {
			assert.True(t, ours[path], "%s is missing", path)
		}
	}
	for path := range ours {
		added := strings.HasPrefix(path, ".cache.serviceTags") ||
			strings.HasPrefix(path, ".cache.serviceRules")
		assert.True(t, real[path] || added, "%s is none of a real dump", path)
	}
}

type rawRecord struct {
	Key   string
	Rev   int64
	Value json.RawMessage
}

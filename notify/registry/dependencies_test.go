package registry_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
)

var everything = registry.Key{Tenant: tenant, Env: "production", Name: "*"}

func TestDependenciesAreTheRulesAsTheyWereWritten(t *testing.T) {
	r := world(t, "web", "cart")
	web := key("web", "1.0.0")
	star, alias, own := everything, key("card", "1.0"), key("cart", "latest")
	star.App, star.Version = "ignored", "0+"
	alias.Alias = "ignored"
	own.Tenant = ""
	depend(t, r, "web", key("cart", "0+"), star, alias, own, key("cart", "1-2.0.0"),
		key("cart", "0+"))
	want := []registry.Key{key("cart", "0+"), everything, key("card", "1.0"),
		key("cart", "latest"), key("cart", "1-2.0.0")}
	assert.Equal(t, want, r.Dependencies(web))
	web.Alias = "any"
	assert.Equal(t, want, r.Dependencies(web))

	require.NoError(t, done(r.AddDependencies(key("web", "1.0.0"),
		[]registry.Key{key("cart", "0+"), key("new", "1.0.0")})))
	want = append(want, key("new", "1.0.0"))
	assert.Equal(t, want, r.Dependencies(web))
	changes, err := r.SetDependencies(key("web", "1.0.0"), r.Dependencies(web))
	require.NoError(t, err)
	assert.Empty(t, changes)
	assert.Equal(t, want, r.Dependencies(web), "set anew")

	assert.Nil(t, r.Dependencies(key("web", "1.0")), "another version in other words")
	assert.Nil(t, r.Dependencies(key("nobody", "1.0.0")))
	depend(t, r, "web")
	assert.Nil(t, r.Dependencies(web))
}

func TestDependsIsAboutThisVeryRule(t *testing.T) {
	r := world(t, "web", "cart")
	depend(t, r, "web", key("cart", "0+"), key("none", "latest"))
	own, star := key("cart", "0+"), everything
	own.Tenant, own.Alias = "", "any"
	other := key("cart", "0+")
	other.Tenant = "other/default"
	for _, c := range []struct {
		consumer string
		provider registry.Key
		want     bool
	}{
		{"web", key("cart", "0+"), true},
		{"web", own, true},
		{"web", key("none", "latest"), true},
		{"web", key("cart", "0.0+"), false},
		{"web", key("cart", "latest"), false},
		{"web", key("none", "0+"), false},
		{"web", key("unheard", "0+"), false},
		{"web", other, false},
		{"web", star, false},
		{"cart", key("cart", "0+"), false},
		{"nobody", key("cart", "0+"), false},
	} {
		assert.Equal(t, c.want, r.Depends(c.consumer, c.provider), "%+v", c)
	}
	star.App, star.Version = "ignored", "1"
	depend(t, r, "cart", star)
	assert.True(t, r.Depends("cart", everything))
	assert.False(t, r.Depends("cart", key("web", "0+")), "it sees it, but not by this rule")
}

func TestDependentsAreAllWhoHaveRulesRegisteredOrNot(t *testing.T) {
	r := world(t, "web", "cart")
	assert.Empty(t, r.Dependents())
	other := key("web", "2.0.0")
	other.Tenant = "a/b"
	require.NoError(t, done(r.SetDependencies(other, []registry.Key{{Name: "x", Version: "1"}})))
	depend(t, r, "web", key("cart", "0+"))
	depend(t, r, "none", key("cart", "0+"))
	assert.Equal(t, []registry.Key{other, key("none", "1.0.0"), key("web", "1.0.0")},
		r.Dependents())
	depend(t, r, "none")
	_, err := r.DeleteService("web")
	require.NoError(t, err)
	assert.Equal(t, []registry.Key{other}, r.Dependents())
}

func TestAConsumerHasAtMostRulesMaxRules(t *testing.T) {
	r := world(t, "web")
	web := key("web", "1.0.0")
	rules := make([]registry.Key, registry.RulesMax+1)
	for i := range rules {
		rules[i] = key(fmt.Sprint("s", i), "0+")
	}
	refused := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, registry.ErrLimit)
		assert.ErrorContains(t, err, "providers: 10001: want at most 10000")
	}
	before := r.Revision()
	refused(done(r.SetDependencies(web, rules)))
	refused(done(r.AddDependencies(web, rules)))
	assert.Equal(t, before, r.Revision())
	assert.Empty(t, r.Dependencies(web))

	all, last := rules[:registry.RulesMax], rules[registry.RulesMax:]
	require.NoError(t, done(r.AddDependencies(web, all[:1])))
	require.NoError(t, done(r.AddDependencies(web, all)))
	before = r.Revision()
	refused(done(r.AddDependencies(web, last)))
	require.NoError(t, done(r.AddDependencies(web, all)), "nothing new")
	assert.Equal(t, before, r.Revision())
	assert.Equal(t, all, r.Dependencies(web))
	require.NoError(t, done(r.SetDependencies(web, last)), "instead of them")
	assert.Equal(t, last, r.Dependencies(web))
}

func TestServicesAreFoundByTheirKeys(t *testing.T) {
	r := registry.New()
	for _, version := range []string{"2.0", "1", "10", "1.0"} {
		require.NoError(t, done(r.PutService(registry.Service{ID: "cart" + version,
			Key: key("cart", version)})))
	}
	depend(t, r, "web", key("cart", "0+")) // who has rules, but isn't registered
	for version, want := range map[string]string{"1": "cart1", "1.0": "cart1.0", "2.0": "cart2.0"} {
		k := key("cart", version)
		k.Alias = "any"
		require.NotNil(t, r.ServiceByKey(k), version)
		assert.Equal(t, want, r.ServiceByKey(k).ID)
	}
	other := key("cart", "1")
	other.Tenant = "other/default"
	for _, k := range []registry.Key{key("cart", "1.0.0"), key("cart", "0+"), other,
		key("web", "1.0.0"), {}} {
		assert.Nil(t, r.ServiceByKey(k), k)
	}
	for rule, want := range map[string][]string{
		"0+":     {"cart1", "cart1.0", "cart2.0", "cart10"},
		"1.0.0":  {"cart1", "cart1.0"},
		"2-10":   {"cart2.0"},
		"latest": {"cart10"},
		"11":     nil,
	} {
		var ids []string
		for _, s := range r.ServicesOf(key("cart", "ignored"), ruleOf(t, rule)) {
			ids = append(ids, s.ID)
		}
		assert.Equal(t, want, ids, rule)
	}
	assert.Empty(t, r.ServicesOf(key("card", ""), ruleOf(t, "0+")))
	assert.Empty(t, r.ServicesOf(other, ruleOf(t, "0+")))
}

func TestTagsAndVisibilityAreGivenAsTheyWereSet(t *testing.T) {
	r := world(t, "web")
	assert.Nil(t, r.Tags("web"))
	assert.Nil(t, r.Visibility("web"))
	assert.Nil(t, r.Tags("nobody"))
	assert.Nil(t, r.Visibility("nobody"))

	tags := map[string]string{"color": "red"}
	rule := registry.Visibility{ID: "r1", Type: registry.Black, Attribute: "appId", Pattern: "^x",
		Description: "not x", Timestamp: 1, ModTimestamp: 2}
	rules := []registry.Visibility{rule, black("serviceName", "y")}
	tag(t, r, "web", tags)
	show(t, r, "web", rules...)
	tags["color"], rules[0].ID = "mine", "mine"
	gotTags, gotRules := r.Tags("web"), r.Visibility("web")
	want := []registry.Visibility{rule, black("serviceName", "y")}
	check := func() {
		t.Helper()
		assert.Equal(t, map[string]string{"color": "red"}, gotTags)
		assert.Equal(t, want, gotRules)
	}
	check()
	_, err := r.SetVisibility("web", []registry.Visibility{{Type: "GREY"}})
	require.Error(t, err)
	assert.Equal(t, want, r.Visibility("web"), "what is refused changes nothing")

	tag(t, r, "web", nil)
	show(t, r, "web")
	assert.Empty(t, r.Tags("web"))
	assert.Empty(t, r.Visibility("web"))
	check() // what was given stays as it is
}

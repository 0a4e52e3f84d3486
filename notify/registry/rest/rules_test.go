package rest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

func TestTags_ThatCameByAnotherWayAreShownAndEdited(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.put(func(r *registry.Registry) ([]registry.Change, error) {
		return r.SetTags("cart", map[string]string{"zone": "a", "color": "red"})
	})
	assert.JSONEq(t, `{"tags":{"zone":"a","color":"red"}}`, s.do("GET", one+"/tags", "").body)
	s.ok("PUT", one+"/tags/zone?value=b", "")
	s.ok("DELETE", one+"/tags/color", "")
	assert.Equal(t, map[string]string{"zone": "b"}, s.hub.Registry().Tags("cart"))
}

// TestRules_ThatCameByAnotherWayAreShownAndEdited has rules that nobody gave an id.
func TestRules_ThatCameByAnotherWayAreShownAndEdited(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	s.put(func(r *registry.Registry) ([]registry.Change, error) {
		c, err := r.SetVisibility("cart", []registry.Visibility{
			{Type: registry.Black, Attribute: "serviceName", Pattern: "^front$"},
			{Type: registry.Black, Attribute: "serviceName", Pattern: "^x$"}})
		return []registry.Change{c}, err
	})
	shown := func() (rules []registry.Visibility) {
		var body struct{ Rules []registry.Visibility }
		decode(t, s.do("GET", one+"/rules", "").body, &body)
		return body.Rules
	}
	rules := shown()
	require.Len(t, rules, 2)
	assert.Equal(t, "^front$", rules[0].Pattern)
	assert.Len(t, rules[0].ID, 32)
	assert.NotEqual(t, rules[0].ID, rules[1].ID)
	assert.Equal(t, rules, shown(), "the ids stay")

	s.ok("PUT", one+"/rules/"+rules[0].ID,
		`{"ruleType":"BLACK","attribute":"serviceName","pattern":"^y$"}`)
	assert.Equal(t, rules[0].ID, shown()[0].ID, "also with another pattern")
	assert.Equal(t, []string{"front"}, s.hub.Registry().Consumers("cart"))
	s.ok("DELETE", one+"/rules/"+rules[0].ID+","+rules[1].ID, "")
	assert.Empty(t, shown())
}

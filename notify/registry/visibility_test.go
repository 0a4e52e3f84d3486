package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
)

func white(attribute, pattern string) registry.Visibility {
	return registry.Visibility{Type: registry.White, Attribute: attribute, Pattern: pattern}
}

func black(attribute, pattern string) registry.Visibility {
	return registry.Visibility{Type: registry.Black, Attribute: attribute, Pattern: pattern}
}

func show(t *testing.T, r *registry.Registry, id string, rules ...registry.Visibility) {
	t.Helper()
	_, err := r.SetVisibility(id, rules)
	require.NoError(t, err)
}

func tag(t *testing.T, r *registry.Registry, id string, tags map[string]string) []registry.Change {
	t.Helper()
	changes, err := r.SetTags(id, tags)
	require.NoError(t, err)
	return changes
}

func TestVisibilityRulesDecideWhoHears(t *testing.T) {
	r := world(t, "cart", "web", "app", "webmaster")
	for _, c := range []string{"web", "app", "webmaster"} {
		depend(t, r, c, key("cart", "0+"))
	}
	tag(t, r, "app", map[string]string{"color": "red"})
	all := []string{"app", "web", "webmaster"}
	for i, c := range []struct {
		rules []registry.Visibility
		want  []string
	}{
		{nil, all},
		{[]registry.Visibility{white("serviceName", "^web$")}, []string{"web"}},
		{[]registry.Visibility{white("serviceName", "web")}, []string{"web", "webmaster"}},
		{[]registry.Visibility{black("serviceName", "web")}, []string{"app"}},
		{[]registry.Visibility{black("serviceId", "web$"), black("serviceId", "app")},
			[]string{"webmaster"}},
		{[]registry.Visibility{white("tag_color", "red|blue")}, []string{"app"}},
		{[]registry.Visibility{black("tag_color", ".")}, []string{"web", "webmaster"}},
		{[]registry.Visibility{white("tag_size", ".*")}, nil}, // nobody has the tag
		{[]registry.Visibility{black("tag_size", ".*")}, all},
		{[]registry.Visibility{white("environment", "^production$")}, all},
		{[]registry.Visibility{black("appId", "shop")}, nil},
		{[]registry.Visibility{white("version", `^1\.`)}, all},
		{nil, all},
	} {
		show(t, r, "cart", c.rules...)
		require.ElementsMatch(t, c.want, r.Consumers("cart"), "case %d", i)
		require.ElementsMatch(t, c.want, register(t, r, "cart", "i").Consumers)
		for _, id := range all {
			view, err := r.View(id)
			require.NoError(t, err)
			_, err = r.Find(id, key("cart", ""), ruleOf(t, "0+"))
			if slices.Contains(c.want, id) {
				require.NoError(t, err)
				require.Len(t, view.Services, 1)
				require.Equal(t, []string{"cart"}, r.Providers(id))
				continue
			}
			require.ErrorIs(t, err, registry.ErrUnknownService, "case %d: %s", i, id)
			require.Empty(t, view.Services)
			require.Empty(t, r.Providers(id))
		}
		_, err := r.Find("", key("cart", ""), ruleOf(t, "0+"))
		require.NoError(t, err, "nobody in particular is kept out by nothing")
	}
}

func TestARuleChangeTellsAllConsumersTheDeniedOnesToo(t *testing.T) {
	r := world(t, "cart", "web", "app")
	depend(t, r, "web", key("cart", "0+"))
	depend(t, r, "app", key("cart", "0+"))
	before := r.Revision()
	c, err := r.SetVisibility("cart", []registry.Visibility{black("serviceName", "web")})
	require.NoError(t, err)
	assert.Equal(t, registry.Expire, c.Action)
	assert.Equal(t, "cart", c.Service.ID)
	assert.Nil(t, c.Instance)
	assert.Equal(t, before+1, c.Revision)
	assert.Equal(t, before+1, r.Revision())
	assert.Equal(t, []string{"app", "web"}, c.Consumers)
	assert.Equal(t, []string{"app"}, r.Consumers("cart"))

	_, err = r.DeleteService("cart")
	require.NoError(t, err)
	put(t, r, "cart")
	assert.Equal(t, []string{"app", "web"}, r.Consumers("cart"), "its rules went with it")
}

func TestATagChangeTellsThatConsumerOncePerProvider(t *testing.T) {
	r := world(t, "cart", "stock", "other", "web", "app")
	depend(t, r, "web", key("stock", "0+"), key("cart", "0+"), key("cart", "latest"))
	depend(t, r, "app", key("cart", "0+"))
	show(t, r, "cart", white("tag_color", "red"))
	before := r.Revision()
	tags := map[string]string{"color": "red"}
	changes := tag(t, r, "web", tags)
	require.Len(t, changes, 2)
	for i, c := range changes {
		assert.Equal(t, registry.Expire, c.Action)
		assert.Equal(t, []string{"cart", "stock"}[i], c.Service.ID)
		assert.Equal(t, []string{"web"}, c.Consumers)
		assert.Equal(t, before+int64(i)+2, c.Revision)
	}
	assert.Equal(t, before+3, r.Revision())
	assert.Equal(t, []string{"web"}, r.Consumers("cart"))
	tags["color"] = "blue"
	put(t, r, "new") // resolves everything anew
	assert.Equal(t, []string{"web"}, r.Consumers("cart"), "the tags are a copy")
	assert.Len(t, tag(t, r, "web", nil), 2)
	assert.Empty(t, r.Consumers("cart"))
	assert.Empty(t, tag(t, r, "other", tags), "no provider, nobody to tell")
}

func TestVisibilityErrorsNameTheFieldAndChangeNothing(t *testing.T) {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "0+"))
	before := r.Revision()
	ok := white("serviceName", "nobody")
	for _, c := range []struct {
		rule  registry.Visibility
		field string
	}{
		{registry.Visibility{Attribute: "appId", Pattern: "x"}, `rules[1]: `},
		{black("serviceName", "x"), `Type "BLACK"`},
		{white("alias", "x"), `Attribute "alias"`},
		{white("tag_", "x"), `Attribute "tag_"`},
		{white("", "x"), `Attribute ""`},
		{white("serviceName", "("), `Pattern "("`},
		{white("serviceName", ""), `Pattern ""`},
	} {
		_, err := r.SetVisibility("cart", []registry.Visibility{ok, c.rule})
		require.ErrorIs(t, err, registry.ErrInvalid)
		assert.ErrorContains(t, err, c.field)
	}
	_, err := r.SetVisibility("nowhere", nil)
	require.ErrorIs(t, err, registry.ErrUnknownService)
	_, err = r.SetTags("nowhere", nil)
	require.ErrorIs(t, err, registry.ErrUnknownService)
	assert.Equal(t, before, r.Revision())
	assert.Equal(t, []string{"web"}, r.Consumers("cart"))
}

// Whatever rules and tags there are, and in whatever order they and the services came, the index
// admits whom a look at each pair does, from both sides.
func TestWhoIsAdmittedIsTheSameFromBothSides(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(t *rapid.T) {
		r := registry.New()
		tags, denied := map[string]string{}, map[string]func(consumer string) bool{}
		put := func(name string) {
			require.NoError(t, done(r.PutService(registry.Service{ID: name, Key: key(name, "1")})))
			require.NoError(t, done(r.SetDependencies(key(name, "1"), []registry.Key{
				{Env: "production", Name: "*"}})))
		}
		for _, name := range names {
			put(name)
		}
		name := rapid.SampledFrom(names)
		t.Repeat(map[string]func(*rapid.T){
			"tag": func(t *rapid.T) {
				id := name.Draw(t, "id")
				value := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "tag")
				tags[id] = value
				set := map[string]string{"k": value}
				if value == "" {
					set = nil
				}
				_, err := r.SetTags(id, set)
				require.NoError(t, err)
			},
			"by tag": func(t *rapid.T) {
				id := name.Draw(t, "id")
				value := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tag")
				kind := rapid.SampledFrom([]func(_, _ string) registry.Visibility{white, black}).
					Draw(t, "kind")("tag_k", value)
				_, err := r.SetVisibility(id, []registry.Visibility{kind})
				require.NoError(t, err)
				isWhite := kind.Type == registry.White
				denied[id] = func(c string) bool { return (tags[c] == value) != isWhite }
			},
			"by name": func(t *rapid.T) {
				id, other := name.Draw(t, "id"), name.Draw(t, "other")
				_, err := r.SetVisibility(id, []registry.Visibility{black("serviceName", other)})
				require.NoError(t, err)
				denied[id] = func(c string) bool { return c == other }
			},
			"all": func(t *rapid.T) {
				id := name.Draw(t, "id")
				_, err := r.SetVisibility(id, nil)
				require.NoError(t, err)
				delete(denied, id)
			},
			"again": func(t *rapid.T) {
				id := name.Draw(t, "id")
				_, err := r.DeleteService(id)
				require.NoError(t, err)
				put(id)
				delete(denied, id)
				delete(tags, id)
			},
			"": func(t *rapid.T) {
				for _, p := range names {
					for _, c := range names {
						want := denied[p] == nil || !denied[p](c)
						says := fmt.Sprintf("%s admits %s", p, c)
						require.Equal(t, want, slices.Contains(r.Consumers(p), c), says)
						require.Equal(t, want, slices.Contains(r.Providers(c), p), says)
						_, err := r.Find(c, key(p, ""), ruleOf(t, "0+"))
						require.Equal(t, want, err == nil, says)
					}
				}
			},
		})
	})
}

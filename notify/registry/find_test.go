package registry_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
)

func ruleOf(t rapid.TB, text string) registry.Rule {
	t.Helper()
	rule, err := registry.ParseRule(text)
	require.NoError(t, err)
	return rule
}

func find(t testing.TB, r *registry.Registry, consumer, name, rule string) registry.Found {
	t.Helper()
	found, err := r.Find(consumer, key(name, ""), ruleOf(t, rule))
	require.NoError(t, err)
	return found
}

func idsOf(list []*registry.Instance) (ids []string) {
	for _, in := range list {
		ids = append(ids, in.ServiceID+"/"+in.ID)
	}
	return ids
}

// versions is a registry with a consumer "web", and "cart" in versions 1, 2 and 3 with two
// instances each.
func versions(t *testing.T) *registry.Registry {
	r := world(t, "web")
	for _, v := range []string{"3", "1", "2"} {
		id := "cart" + v
		require.NoError(t, done(r.PutService(registry.Service{ID: id, Key: key("cart", v)})))
		register(t, r, id, "b")
		register(t, r, id, "a")
	}
	return r
}

func TestFindGivesTheInstancesOfAllVersionsThatTheRuleTakes(t *testing.T) {
	r := versions(t)
	for rule, want := range map[string][]string{
		"2":      {"cart2/a", "cart2/b"},
		"2+":     {"cart2/a", "cart2/b", "cart3/a", "cart3/b"},
		"1-3":    {"cart1/a", "cart1/b", "cart2/a", "cart2/b"},
		"latest": {"cart3/a", "cart3/b"},
	} {
		assert.Equal(t, want, idsOf(find(t, r, "web", "cart", rule).Instances), rule)
	}
	assert.Empty(t, find(t, r, "cart1", "web", "0+").Instances, "no instance is no error")

	nobody, err := r.Find("", key("cart", "ignored"), ruleOf(t, "2"))
	require.NoError(t, err)
	assert.Equal(t, find(t, r, "web", "cart", "2"), nobody)
	own := key("cart", "")
	own.Tenant, own.Alias = "", "basket"
	found, err := r.Find("web", own, ruleOf(t, "2"))
	require.NoError(t, err)
	assert.Equal(t, nobody, found, "without a tenant, the consumer's")
}

func TestFindRefusesWhatCannotBeAsked(t *testing.T) {
	r := versions(t)
	at := func(tenant, env, app string) registry.Key {
		return registry.Key{Tenant: tenant, Env: env, App: app, Name: "cart"}
	}
	unknown, bad := registry.ErrUnknownService, registry.ErrInvalid
	for name, c := range map[string]struct {
		consumer string
		provider registry.Key
		rule     string
		want     error
	}{
		"consumer":    {"nobody", key("cart", ""), "0+", unknown},
		"name":        {"web", key("card", ""), "0+", unknown},
		"version":     {"web", key("cart", ""), "4+", unknown},
		"environment": {"web", at(tenant, "", "shop"), "0+", unknown},
		"application": {"web", at(tenant, "production", "x"), "0+", unknown},
		"tenant":      {"web", at("a/b", "production", "shop"), "0+", bad},
		"no tenant":   {"", at("", "production", "shop"), "0+", bad},
		"no name":     {"web", key("", ""), "0+", bad},
		"every name":  {"web", key("*", ""), "0+", bad},
	} {
		_, err := r.Find(c.consumer, c.provider, ruleOf(t, c.rule))
		assert.ErrorIs(t, err, c.want, name)
	}
}

func TestARuleAloneMakesNoServiceKnown(t *testing.T) {
	r := world(t, "web")
	depend(t, r, "web", key("cart", "0+"))
	_, err := r.Find("web", key("cart", ""), ruleOf(t, "0+"))
	assert.ErrorIs(t, err, registry.ErrUnknownService)
}

func TestFoundStaysAsItIs(t *testing.T) {
	r := versions(t)
	found := find(t, r, "web", "cart", "1+")
	before := idsOf(found.Instances)
	_ = append(find(t, r, "web", "cart", "1").Instances, nil) // must not write into the cache
	register(t, r, "cart1", "c")
	_, err := r.DeleteService("cart2")
	require.NoError(t, err)
	assert.Equal(t, before, idsOf(found.Instances))
	assert.Equal(t, []string{"cart1/a", "cart1/b", "cart1/c", "cart3/a", "cart3/b"},
		idsOf(find(t, r, "web", "cart", "1+").Instances))
}

func TestFindSharesWhatItCachesAndWritesNotIntoIt(t *testing.T) {
	r := versions(t)
	for i := range 3 { // so that there may be room behind the five of cart1
		register(t, r, "cart1", fmt.Sprint(i))
	}
	_, err := r.Deregister("cart2", "b")
	require.NoError(t, err)
	first, second := find(t, r, "web", "cart", "1"), find(t, r, "web", "cart", "1.0")
	assert.Same(t, &first.Instances[0], &second.Instances[0])

	both := find(t, r, "web", "cart", "1-3")
	require.Len(t, both.Instances, 6)
	_, err = r.Update(registry.Instance{ID: "a", ServiceID: "cart2", Status: "DOWN"})
	require.NoError(t, err)
	assert.Equal(t, "DOWN", find(t, r, "web", "cart", "1-3").Instances[5].Status)
	assert.Equal(t, "UP", both.Instances[5].Status)
	register(t, r, "cart1", "0")
	first, second = find(t, r, "web", "cart", "1"), find(t, r, "web", "cart", "1.0")
	assert.Same(t, &first.Instances[0], &second.Instances[0], "cached anew after a change")
}

func TestTheRevisionSaysQuestionAndContentAndNothingElse(t *testing.T) {
	r := versions(t)
	seen := map[string]string{}
	note := func(what string, found registry.Found) {
		t.Helper()
		assert.Empty(t, seen[found.Revision], "%s has the revision of another answer", what)
		seen[found.Revision] = what
	}
	first := find(t, r, "web", "cart", "1")
	note("cart 1", first)
	note("cart 1-2, the same instances", find(t, r, "web", "cart", "1-2"))
	note("web, no instance", find(t, r, "web", "web", "1"))
	note("web 1+, no instance", find(t, r, "web", "web", "1+"))

	_, err := r.Update(registry.Instance{ID: "a", ServiceID: "cart1", Status: "DOWN"})
	require.NoError(t, err)
	note("another status", find(t, r, "web", "cart", "1"))
	_, err = r.Update(registry.Instance{ID: "a", ServiceID: "cart1"})
	require.NoError(t, err)
	register(t, r, "cart1", "0")
	note("one more", find(t, r, "web", "cart", "1"))
	_, err = r.Deregister("cart1", "0")
	require.NoError(t, err)
	assert.Equal(t, first.Revision, find(t, r, "web", "cart", "1").Revision, "there and back")
	assert.Equal(t, first, find(t, versions(t), "cart2", "cart", "1"), "whoever asks, and wherever")

	all := find(t, r, "web", "cart", "1+")
	require.NoError(t, done(r.PutService(registry.Service{ID: "cart4", Key: key("cart", "4")})))
	assert.Equal(t, all, find(t, r, "web", "cart", "1+"), "a version without instances")
}

// Two finds of any history are equal in content exactly when their revisions are.
func TestRevisionsAreEqualExactlyWhenContentsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := registry.New()
		put := func(v string) {
			require.NoError(t, done(r.PutService(registry.Service{ID: "p" + v, Key: key("p", v)})))
		}
		put("1")
		put("2")
		contents := map[string]string{} // by revision
		revisions := map[string]string{}
		version := rapid.SampledFrom([]string{"1", "2"})
		props := rapid.SampledFrom([]map[string]string{nil, {"a": "b"}, {"a": "b", "c": "d"}})
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				_, err := r.Register(registry.Instance{ServiceID: "p" + version.Draw(t, "version"),
					ID: instances.Draw(t, "id"), Properties: props.Draw(t, "properties")})
				require.NoError(t, err)
			},
			"deregister": func(t *rapid.T) {
				_, _ = r.Deregister("p"+version.Draw(t, "version"), instances.Draw(t, "id"))
			},
			"again": func(t *rapid.T) {
				v := version.Draw(t, "version")
				_, err := r.DeleteService("p" + v)
				require.NoError(t, err)
				put(v)
			},
			"": func(t *rapid.T) {
				for _, rule := range []string{"1", "2", "1+", "latest"} {
					found, err := r.Find("", key("p", ""), ruleOf(t, rule))
					require.NoError(t, err)
					require.True(t, slices.IsSorted(idsOf(found.Instances)))
					content := rule
					for _, in := range found.Instances {
						content += fmt.Sprintf("%+v", *in)
					}
					if old, ok := contents[found.Revision]; ok {
						require.Equal(t, old, content)
					}
					if old, ok := revisions[content]; ok {
						require.Equal(t, old, found.Revision)
					}
					contents[found.Revision], revisions[content] = content, found.Revision
				}
			},
		})
	})
}

// However many changes lie between two finds, and whichever they are, the answer is that of a
// registry that never answered before.
func TestAnAnswerThatCaughtUpIsOneFromScratch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, fresh := registry.New(), registry.New()
		for _, each := range []*registry.Registry{r, fresh} {
			require.NoError(t, done(each.PutService(registry.Service{ID: "p", Key: key("p", "1")})))
		}
		id := rapid.Map(rapid.IntRange(0, 30), func(i int) string { return fmt.Sprint(i) })
		status := rapid.SampledFrom([]string{"UP", "DOWN"})
		for range rapid.IntRange(0, 6).Draw(t, "finds") {
			for range rapid.IntRange(0, 40).Draw(t, "changes") {
				if id := id.Draw(t, "id"); rapid.Bool().Draw(t, "comes") {
					_, err := r.Register(registry.Instance{ID: id, ServiceID: "p",
						Status: status.Draw(t, "status")})
					require.NoError(t, err)
				} else {
					_, _ = r.Deregister("p", id)
				}
			}
			got, err := r.Find("", key("p", ""), ruleOf(t, "1"))
			require.NoError(t, err)
			require.Len(t, got.Instances, r.CountInstances("p"))
			for _, in := range got.Instances {
				require.Same(t, r.Instance("p", in.ID), in)
			}
		}
		for _, in := range r.Instances("p") {
			_, err := fresh.Register(*in)
			require.NoError(t, err)
		}
		got, err := r.Find("", key("p", ""), ruleOf(t, "1"))
		require.NoError(t, err)
		want, err := fresh.Find("", key("p", ""), ruleOf(t, "1"))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// What changes while a listing is made must not be missed by the next one, also where there were so
// many changes that listing began anew.
func TestAListingThatIsLateLosesNoChange(t *testing.T) {
	for _, n := range [][2]int{{1, 1}, {1, 100}, {100, 1}, {100, 100}} {
		r := versions(t)
		current := map[string]string{}
		change := func(id string, times int) {
			for range times {
				c, err := r.Update(registry.Instance{ID: id, ServiceID: "cart1",
					Status: fmt.Sprint("at ", r.Revision())})
				require.NoError(t, err)
				current[id] = c.Instance.Status
			}
		}
		right := func() {
			t.Helper()
			found := map[string]string{}
			for _, in := range find(t, r, "web", "cart", "1").Instances {
				found[in.ID] = in.Status
			}
			assert.Equal(t, current, found, n)
		}
		change("b", 1)
		for range 2 { // without a listing at first, and then with one
			first := r.Cut("cart1")
			change("a", n[0])
			second := r.Cut("cart1")
			change("b", n[1])
			first()
			right()
			second()
			right()
		}
		older := r.Cut("cart1")
		change("a", n[0])
		younger := r.Cut("cart1")
		change("b", n[1])
		younger()
		older()
		right()
	}
}

// Each goroutine changes instances of its own, and must find them as it left them, whatever the
// others made of the listing meanwhile.
func TestFindMayRunBesideChanges(t *testing.T) {
	r := versions(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 400 {
				id := fmt.Sprint(w, "-", i%3)
				_, err := r.Register(registry.Instance{ID: id, ServiceID: "cart1",
					Status: fmt.Sprint(i)})
				assert.NoError(t, err)
				if i%4 > w { // so that there are also several changes between two finds
					continue
				}
				found := find(t, r, "web", "cart", "0+").Instances
				at := slices.IndexFunc(found, func(in *registry.Instance) bool {
					return in.ID == id
				})
				if assert.GreaterOrEqual(t, at, 0) {
					assert.Equal(t, fmt.Sprint(i), found[at].Status)
				}
			}
		})
	}
	wg.Wait()
	fresh := versions(t)
	for _, in := range r.Instances("cart1") {
		_, err := fresh.Register(*in)
		require.NoError(t, err)
	}
	assert.Equal(t, find(t, fresh, "web", "cart", "0+"), find(t, r, "web", "cart", "0+"))
}

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

// told says what a call returned: action, service and instance, and who must hear.
func told(changes []registry.Change) (lines []string) {
	for _, c := range changes {
		id := ""
		if c.Instance != nil {
			id = "/" + c.Instance.ID
		}
		lines = append(lines, fmt.Sprint(c.Action, " ", c.Service.ID, id, " ", c.Consumers))
	}
	return lines
}

func TestWhatBecomesVisibleOrInvisibleIsTold(t *testing.T) {
	type calls = func(*registry.Registry) ([]registry.Change, error)
	web := key("web", "1.0.0")
	set := func(providers ...registry.Key) calls {
		return func(r *registry.Registry) ([]registry.Change, error) {
			return r.SetDependencies(web, providers)
		}
	}
	add := func(providers ...registry.Key) calls {
		return func(r *registry.Registry) ([]registry.Change, error) {
			return r.AddDependencies(web, providers)
		}
	}
	version := func(v string) calls {
		return func(r *registry.Registry) ([]registry.Change, error) {
			return r.PutService(registry.Service{ID: "cart" + v, Key: key("cart", v)})
		}
	}
	remove := func(id string) calls {
		return func(r *registry.Registry) ([]registry.Change, error) { return r.DeleteService(id) }
	}
	all := registry.Key{Env: "production", Name: "*"}
	for name, c := range map[string]struct {
		before []calls
		call   calls
		want   []string
	}{
		"a rule": {nil, set(key("cart", "2")),
			[]string{"UPDATE cart2/a [web]", "UPDATE cart2/b [web]"}},
		"a rule that takes two": {nil, set(key("cart", "1-3")),
			[]string{"UPDATE cart1/a [web]", "UPDATE cart1/b [web]", "UPDATE cart2/a [web]",
				"UPDATE cart2/b [web]"}},
		"two rules that take the same": {nil, set(key("cart", "latest"), key("cart", "3")),
			[]string{"UPDATE cart3/a [web]", "UPDATE cart3/b [web]"}},
		"the same rules again":      {[]calls{set(key("cart", "2"))}, set(key("cart", "2")), nil},
		"another rule for the same": {[]calls{set(key("cart", "3"))}, set(key("cart", "3+")), nil},
		"another provider": {[]calls{set(key("cart", "2"))}, set(key("cart", "1")),
			[]string{"EXPIRE cart2 [web]", "UPDATE cart1/a [web]", "UPDATE cart1/b [web]"}},
		"one that has no instances": {nil, set(key("empty", "0+")), nil},
		"one that isn't there":      {nil, set(key("nowhere", "0+")), nil},
		"no rule any more": {[]calls{set(key("cart", "2+"))}, set(),
			[]string{"EXPIRE cart2 [web]", "EXPIRE cart3 [web]"}},
		"one more rule": {[]calls{set(key("cart", "2"))}, add(key("cart", "1-3"), key("cart", "1")),
			[]string{"UPDATE cart1/a [web]", "UPDATE cart1/b [web]"}},
		"a rule it has": {[]calls{set(key("cart", "2"))}, add(key("cart", "2")), nil},
		"no rule more":  {[]calls{set(key("cart", "2"))}, add(), nil},
		"the first, added": {nil, add(key("cart", "3")),
			[]string{"UPDATE cart3/a [web]", "UPDATE cart3/b [web]"}},
		"a higher version": {[]calls{set(key("cart", "latest"))}, version("4"),
			[]string{"EXPIRE cart3 [web]"}},
		"a higher version than two equal ones": {
			[]calls{set(key("cart", "latest")), version("3.0")}, version("4"),
			[]string{"EXPIRE cart3 [web]", "EXPIRE cart3.0 [web]"}},
		"an equal version": {[]calls{set(key("cart", "latest"))}, version("3.0"), nil},
		"a lower version":  {[]calls{set(key("cart", "latest"))}, version("2.1"), nil},
		"a higher version for who takes the old one too": {
			[]calls{set(key("cart", "latest"), key("cart", "3"))}, version("4"), nil},
		"a higher version for who takes ranges": {
			[]calls{set(key("cart", "2+"))}, version("4"), nil},
		"a higher version for who takes everything": {[]calls{set(all)}, version("4"), nil},
		"the highest goes": {[]calls{set(key("cart", "latest")), version("4")}, remove("cart4"),
			[]string{"UPDATE cart3/a [web]", "UPDATE cart3/b [web]"}},
		"one of the highest goes": {[]calls{set(key("cart", "latest")), version("3.0")},
			remove("cart3"), []string{"DELETE cart3/a [web]", "DELETE cart3/b [web]"}},
		"the last goes with its own rules": {
			[]calls{set(key("cart", "latest"), key("web", "latest"))}, remove("web"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := versions(t)
			put(t, r, "empty")
			for _, call := range c.before {
				require.NoError(t, done(call(r)))
			}
			before := r.Revision()
			changes, err := c.call(r)
			require.NoError(t, err)
			assert.Equal(t, c.want, told(changes))
			for _, c := range changes {
				assert.Greater(t, c.Revision, before, "each has a revision of its own")
				before = c.Revision
			}
			assert.LessOrEqual(t, before, r.Revision())
		})
	}
}

func TestRulesThatAreAllThereAlreadyChangeNothing(t *testing.T) {
	r := versions(t)
	depend(t, r, "web", key("cart", "2"), registry.Key{Env: "production", Name: "*"})
	before := r.Revision()
	require.NoError(t, done(r.AddDependencies(key("web", "1.0.0"),
		[]registry.Key{{Env: "production", App: "ignored", Name: "*"}, key("cart", "2")})))
	assert.Equal(t, before, r.Revision())
}

func TestWhoIsNotRegisteredYetIsToldNothingAndSeesEverythingWhenItComes(t *testing.T) {
	r := versions(t)
	changes, err := r.SetDependencies(key("late", "1.0.0"), []registry.Key{key("cart", "latest")})
	require.NoError(t, err)
	assert.Empty(t, changes)
	changes, err = r.PutService(registry.Service{ID: "late", Key: key("late", "1.0.0")})
	require.NoError(t, err)
	assert.Empty(t, changes, "nobody watches as it")
	assert.Equal(t, []string{"cart3"}, r.Providers("late"))
}

func TestWhatIsKeptFromAConsumerIsNotReplayedToIt(t *testing.T) {
	r := versions(t)
	show(t, r, "cart2", black("serviceName", "web"))
	changes, err := r.SetDependencies(key("web", "1.0.0"), []registry.Key{key("cart", "2+")})
	require.NoError(t, err)
	assert.Equal(t, []string{"UPDATE cart3/a [web]", "UPDATE cart3/b [web]"}, told(changes))
}

// watched is what each service would know that listed when it came and then applied what it was
// told: an EXPIRE has it ask for that provider again.
type watched map[string]map[string]*registry.Instance // service, provider "/" instance

func (w watched) list(t *rapid.T, r *registry.Registry, consumer, only string) {
	known := w[consumer]
	for at, in := range known {
		if in.ServiceID == only {
			delete(known, at)
		}
	}
	v, err := r.View(consumer)
	require.NoError(t, err)
	for _, s := range v.Services {
		for _, in := range s.Instances {
			if only == "" || s.Service.ID == only {
				known[s.Service.ID+"/"+in.ID] = in
			}
		}
	}
}

func (w watched) apply(t *rapid.T, r *registry.Registry, changes []registry.Change) {
	for _, c := range changes {
		require.True(t, slices.IsSorted(c.Consumers))
		for _, id := range c.Consumers {
			known := w[id]
			if known == nil {
				continue // it has just gone
			}
			switch c.Action {
			case registry.Create, registry.Update:
				known[c.Service.ID+"/"+c.Instance.ID] = c.Instance
			case registry.Delete:
				delete(known, c.Service.ID+"/"+c.Instance.ID)
			case registry.Expire:
				w.list(t, r, id, c.Service.ID)
			}
		}
	}
}

// Whatever happens, who lists once and then does as it is told knows exactly what it may see.
func TestWhoAppliesWhatItIsToldHasTheViewOfTheRegistry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, known := registry.New(), watched{}
		tell := func(changes []registry.Change, err error) {
			if err == nil {
				known.apply(t, r, changes)
			}
		}
		one := func(c registry.Change, err error) { tell([]registry.Change{c}, err) }
		// Few names, so that rules match often.
		keyOf := func(t *rapid.T) registry.Key {
			return registry.Key{Tenant: tenant, App: "x",
				Name:    rapid.SampledFrom([]string{"p", "q"}).Draw(t, "name"),
				Version: rapid.SampledFrom([]string{"1", "2", "3", "3.0"}).Draw(t, "version")}
		}
		wants := func(t *rapid.T) (providers []registry.Key) {
			for range rapid.IntRange(0, 2).Draw(t, "rules") {
				k := keyOf(t)
				k.Version = rapid.SampledFrom([]string{"1", "2+", "1-3", "latest", "latest"}).
					Draw(t, "rule")
				if rapid.IntRange(0, 9).Draw(t, "star") == 0 {
					k.Name = "*"
				}
				providers = append(providers, k)
			}
			return providers
		}
		service := rapid.Map(rapid.IntRange(0, 5), func(i int) string { return fmt.Sprint("s", i) })
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id := service.Draw(t, "id")
				changes, err := r.PutService(registry.Service{ID: id, Key: keyOf(t)})
				if err == nil && known[id] == nil {
					known[id] = map[string]*registry.Instance{}
					known.list(t, r, id, "")
				}
				tell(changes, err)
			},
			"delete": func(t *rapid.T) {
				id := service.Draw(t, "id")
				changes, err := r.DeleteService(id)
				delete(known, id)
				tell(changes, err)
			},
			"set": func(t *rapid.T) { tell(r.SetDependencies(keyOf(t), wants(t))) },
			"add": func(t *rapid.T) { tell(r.AddDependencies(keyOf(t), wants(t))) },
			"register": func(t *rapid.T) {
				one(r.Register(registry.Instance{ServiceID: service.Draw(t, "service"),
					ID: instances.Draw(t, "id")}))
			},
			"deregister": func(t *rapid.T) {
				one(r.Deregister(service.Draw(t, "service"), instances.Draw(t, "id")))
			},
			"show": func(t *rapid.T) {
				rules := rapid.SliceOfN(rapid.SampledFrom([]registry.Visibility{
					black("serviceId", "s[1-3]"), black("tag_color", "red")}), 0, 1)
				one(r.SetVisibility(service.Draw(t, "service"), rules.Draw(t, "rules")))
			},
			"tag": func(t *rapid.T) {
				color := rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color")
				tell(r.SetTags(service.Draw(t, "service"), map[string]string{"color": color}))
			},
			"": func(t *rapid.T) {
				for id, have := range known {
					fresh := watched{id: {}}
					fresh.list(t, r, id, "")
					require.Equal(t, fresh[id], have, "what %s knows", id)
				}
			},
		})
	})
}

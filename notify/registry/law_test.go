package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
)

// model is the registry as the package documentation reads, without any index: it looks at every
// service and every rule for every question.
type model struct {
	services  map[string]registry.Key // by id
	rules     map[registry.Key][]registry.Key
	instances map[string]map[string]string // service id, instance id, status
}

func (m *model) consumers(provider string) []string {
	var ids []string
	for id := range m.services {
		if slices.Contains(m.providers(id), provider) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *model) providers(consumer string) []string {
	var ids []string
	c := m.services[consumer]
	for id, p := range m.services {
		wants := func(rule registry.Key) bool { return m.matches(c, rule, p) }
		if slices.ContainsFunc(m.rules[c], wants) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *model) matches(consumer, rule, p registry.Key) bool {
	if p.Tenant != consumer.Tenant || p.Env != rule.Env {
		return false
	}
	if rule.Name == "*" {
		return true
	}
	if p.App != rule.App || p.Name != rule.Name {
		return false
	}
	// All versions of the model have one digit, so that strings compare as versions do.
	start, end, isRange := strings.Cut(rule.Version, "-")
	switch from, isFrom := strings.CutSuffix(rule.Version, "+"); {
	case rule.Version == "latest":
		for _, other := range m.services {
			q := other
			q.Version = p.Version
			if q == p && other.Version > p.Version {
				return false
			}
		}
		return true
	case isFrom:
		return p.Version >= from
	case isRange:
		return start <= p.Version && p.Version < end
	}
	return p.Version == rule.Version
}

var (
	keys = rapid.Custom(func(t *rapid.T) registry.Key {
		return registry.Key{
			Tenant:  rapid.SampledFrom([]string{"a/a", "b/b"}).Draw(t, "tenant"),
			Env:     rapid.SampledFrom([]string{"", "prod"}).Draw(t, "env"),
			App:     rapid.SampledFrom([]string{"x", "y"}).Draw(t, "app"),
			Name:    rapid.SampledFrom([]string{"p", "q", "r"}).Draw(t, "name"),
			Version: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "version"),
		}
	})
	ruleKeys = rapid.Custom(func(t *rapid.T) registry.Key {
		k := keys.Draw(t, "key")
		k.Tenant = ""
		k.Version = rapid.SampledFrom([]string{"1", "2", "3", "1+", "2+", "1-2", "1-3", "2-4",
			"latest"}).Draw(t, "rule")
		if rapid.IntRange(0, 9).Draw(t, "star") == 0 {
			k.Name = "*"
		}
		return k
	})
	ids       = rapid.Map(rapid.IntRange(0, 11), func(i int) string { return fmt.Sprint("s", i) })
	instances = rapid.Map(rapid.IntRange(0, 4), func(i int) string { return fmt.Sprint("i", i) })
)

// Whatever happens, in whatever order, the index answers as the model does.
func TestTheIndexAnswersAsLookingAtEverythingDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{map[string]registry.Key{}, map[registry.Key][]registry.Key{},
			map[string]map[string]string{}}
		r := registry.New()
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id, k := ids.Draw(t, "id"), keys.Draw(t, "key")
				taken := false
				for other, have := range m.services {
					taken = taken || (other == id) != (have == k)
				}
				k.Alias = rapid.SampledFrom([]string{"", "alias"}).Draw(t, "alias")
				err := done(r.PutService(registry.Service{ID: id, Key: k}))
				if taken {
					require.ErrorIs(t, err, registry.ErrConflict)
					return
				}
				require.NoError(t, err)
				k.Alias = ""
				m.services[id] = k
			},
			"delete": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				changes, err := r.DeleteService(id)
				k, known := m.services[id]
				if !known {
					require.ErrorIs(t, err, registry.ErrUnknownService)
					return
				}
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(changes), len(m.instances[id]))
				for i, c := range changes { // the rest is of versions that are the latest now
					require.Equal(t, i < len(m.instances[id]), c.Action == registry.Delete)
				}
				delete(m.services, id)
				delete(m.rules, k)
				delete(m.instances, id)
			},
			"rules": func(t *rapid.T) {
				consumer := keys.Draw(t, "consumer")
				m.rules[consumer] = rapid.SliceOfN(ruleKeys, 0, 4).Draw(t, "providers")
				require.NoError(t, done(r.SetDependencies(consumer, m.rules[consumer])))
			},
			"add": func(t *rapid.T) {
				consumer := keys.Draw(t, "consumer")
				added := rapid.SliceOfN(ruleKeys, 0, 3).Draw(t, "providers")
				m.rules[consumer] = append(m.rules[consumer], added...)
				require.NoError(t, done(r.AddDependencies(consumer, added)))
			},
			"register": func(t *rapid.T) {
				m.change(t, r, ids.Draw(t, "service"), instances.Draw(t, "instance"))
			},
			"deregister": func(t *rapid.T) {
				service, id := ids.Draw(t, "service"), instances.Draw(t, "instance")
				c, err := r.Deregister(service, id)
				if _, known := m.instances[service][id]; !known {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, m.consumers(service), c.Consumers)
				delete(m.instances[service], id)
			},
			"": func(t *rapid.T) { m.compare(t, r) },
		})
	})
}

func (m *model) change(t *rapid.T, r *registry.Registry, service, id string) {
	status := rapid.SampledFrom([]string{"UP", "DOWN"}).Draw(t, "status")
	before := r.Revision()
	c, err := r.Register(registry.Instance{ID: id, ServiceID: service, Status: status})
	if _, known := m.services[service]; !known {
		require.ErrorIs(t, err, registry.ErrUnknownService)
		return
	}
	require.NoError(t, err)
	want := registry.Create
	if _, known := m.instances[service][id]; known {
		want = registry.Update
	}
	require.Equal(t, want, c.Action)
	require.Equal(t, before+1, c.Revision)
	require.Equal(t, m.consumers(service), c.Consumers)
	if m.instances[service] == nil {
		m.instances[service] = map[string]string{}
	}
	m.instances[service][id] = status
}

func (m *model) compare(t *rapid.T, r *registry.Registry) {
	for id, k := range m.services {
		require.Equal(t, id, r.ServiceByKey(k).ID)
		require.Equal(t, len(m.instances[id]), r.CountInstances(id))
		for _, rule := range m.rules[k] {
			require.True(t, r.Depends(id, rule), "%s on %s", id, rule)
		}
		require.Equal(t, m.consumers(id), r.Consumers(id), "Consumers(%q)", id)
		require.Equal(t, m.providers(id), r.Providers(id), "Providers(%q)", id)
		got := map[string]string{}
		for _, in := range r.Instances(id) {
			got[in.ID] = in.Status
		}
		require.Len(t, r.Instances(id), len(got))
		require.Len(t, got, len(m.instances[id]))
		for in, status := range m.instances[id] {
			require.Equal(t, status, got[in])
			require.Equal(t, status, r.Instance(id, in).Status)
		}
	}
	require.Len(t, r.Services(), len(m.services))
	require.Equal(t, len(m.services), r.CountServices())
	var dependents []registry.Key
	for consumer, rules := range m.rules {
		require.Equal(t, asKept(consumer, rules), r.Dependencies(consumer), "of %s", consumer)
		if len(rules) > 0 {
			dependents = append(dependents, consumer)
		}
	}
	require.ElementsMatch(t, dependents, r.Dependents())
}

// asKept is each rule once, in the order they came, and of "*" only what takes part in matching.
func asKept(consumer registry.Key, rules []registry.Key) (kept []registry.Key) {
	for _, rule := range rules {
		rule.Tenant = consumer.Tenant
		if rule.Name == "*" {
			rule.App, rule.Version = "", ""
		}
		if !slices.Contains(kept, rule) {
			kept = append(kept, rule)
		}
	}
	return kept
}

// done is the error of a call whose changes don't matter here.
func done(_ []registry.Change, err error) error { return err }

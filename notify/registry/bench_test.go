package registry_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

// A change must cost the same in a small world and in a large one.
func BenchmarkChange(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprintf("instances=%d", size), func(b *testing.B) {
			r := registry.New()
			put(b, r, "p")
			for i := range 100 {
				name := fmt.Sprint("c", i)
				put(b, r, name)
				require.NoError(b, done(r.SetDependencies(key(name, "1.0.0"),
					[]registry.Key{key("p", "0+")})))
			}
			ids := make([]string, size)
			for i := range ids {
				ids[i] = fmt.Sprint("i", i)
				_, err := r.Register(registry.Instance{ID: ids[i], ServiceID: "p"})
				require.NoError(b, err)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				c, err := r.Register(registry.Instance{ID: ids[n%size], ServiceID: "p"})
				if err != nil || len(c.Consumers) != 100 {
					b.Fatal(err, len(c.Consumers))
				}
				c.Event(time.Time{})
			}
		})
	}
}

// Services and rules that are added one by one, with all consumers naming the same providers, must
// not get dearer with every one; nor may those that come and go leave anything behind.
func TestIndexGrowsLinearlyAndReturnsToNothing(t *testing.T) {
	const n = 20_000
	r := registry.New()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	round := func() {
		for i := range n {
			name := fmt.Sprint("s", i)
			require.NoError(t, done(r.SetDependencies(key(name, "1.0.0"), []registry.Key{
				key("s0", "0+"), key("s1", "latest"), {Env: "production", Name: "*"}})))
			put(t, r, name)
		}
		require.Len(t, r.Consumers("s0"), n)
		for i := range n {
			_, err := r.DeleteService(fmt.Sprint("s", i))
			require.NoError(t, err)
		}
		require.Empty(t, r.Services())
	}
	round()
	before := heap()
	for range 3 {
		round()
	}
	// What is left is the room that maps keep for their old size: the same after every round.
	require.Less(t, float64(heap()), 1.2*float64(before)+1e6)
	runtime.KeepAlive(r)
}

// The first find after changes of a service: it must cost what changed, and little for the rest.
func BenchmarkFind(b *testing.B) {
	for _, size := range []int{3, 10_000} {
		for _, changes := range []int{0, 1, 100} {
			b.Run(fmt.Sprintf("instances=%d/changes=%d", size, changes), func(b *testing.B) {
				r := registry.New()
				put(b, r, "p")
				ids := make([]string, size)
				for i := range ids {
					ids[i] = fmt.Sprint(i)
					_, err := r.Register(registry.Instance{ID: ids[i], ServiceID: "p"})
					require.NoError(b, err)
				}
				rule, next := ruleOf(b, "0+"), 0
				b.ReportAllocs()
				for b.Loop() {
					for range changes {
						next++
						_, _ = r.Update(registry.Instance{ID: ids[next%size], ServiceID: "p"})
					}
					if _, err := r.Find("p", key("p", ""), rule); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// findWorld is a hub over 10 000 providers of three instances each, two versions of every tenth,
// and as many queries as consumers ask every one of them for.
func findWorld(b *testing.B) (*registry.Hub, []registry.Query) {
	const services = 10_000
	r := registry.New()
	put(b, r, "web")
	rule := ruleOf(b, "0+")
	var queries []registry.Query
	for i := range services {
		name := fmt.Sprint("s", i)
		for v := range 1 + (10-i%10)/10 {
			id := fmt.Sprint(name, "-", v)
			require.NoError(b, done(r.PutService(registry.Service{ID: id,
				Key: key(name, fmt.Sprint(v))})))
			for n := range 3 {
				_, err := r.Register(registry.Instance{ID: fmt.Sprint(n), ServiceID: id})
				require.NoError(b, err)
			}
		}
		queries = append(queries, registry.Query{ConsumerID: "web", Provider: key(name, ""),
			Rule: rule})
	}
	h := newHub(b, r, newEngine(b, notify.TypeConfig{}), registry.HubConfig{})
	for _, q := range queries {
		ask(b, h, q)
	}
	return h, queries
}

// What the cache saves: the same queries to the registry, and to the hub; and to the hub while one
// instance of another service changes with every churn-th query.
func BenchmarkHubFind(b *testing.B) {
	h, queries := findWorld(b)
	r := h.Registry()
	b.Run("by=registry", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			q := &queries[i%len(queries)]
			if _, err := r.Find(q.ConsumerID, q.Provider, q.Rule); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, churn := range []int{0, 10, 1} {
		b.Run(fmt.Sprintf("by=hub/churn=%d", churn), func(b *testing.B) {
			before := h.Stats()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if churn > 0 && i%churn == 0 {
					id := fmt.Sprint("s", i*7919%len(queries), "-0")
					_, err := r.Register(registry.Instance{ID: "0", ServiceID: id})
					if err != nil {
						b.Fatal(err)
					}
				}
				if _, err := h.Find(queries[i%len(queries)]); err != nil {
					b.Fatal(err)
				}
			}
			after := h.Stats()
			hits := float64(after.FindHits - before.FindHits)
			b.ReportMetric(hits/(hits+float64(after.FindMisses-before.FindMisses)), "hits/find")
		})
	}
	b.Run("by=registry/parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				q := &queries[i%len(queries)]
				_, _ = r.Find(q.ConsumerID, q.Provider, q.Rule)
			}
		})
	})
	b.Run("by=hub/parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				_, _ = h.Find(queries[i%len(queries)])
			}
		})
	})
}

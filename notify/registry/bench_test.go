package registry_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
				require.NoError(b, r.SetDependencies(key(name, "1.0.0"),
					[]registry.Key{key("p", "0+")}))
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
			require.NoError(t, r.SetDependencies(key(name, "1.0.0"), []registry.Key{
				key("s0", "0+"), key("s1", "latest"), {Env: "production", Name: "*"}}))
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

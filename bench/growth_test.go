package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/notifylab/notifylab/bench/internal/measure"
)

// BenchmarkGrowth measures the same modes as the other benchmarks of the engine over a wide range
// of one size at a time, the key that by names; command bench/plot draws it. With -cpu 1,2 every
// point is measured with one and with two CPUs. Unless they are what grows, the shards are as many
// as the CPUs; beyond that a shard costs its publishers and its worker, and does nothing for it.
//
// Bursts to more than 10 000 subscribers, and whatever has 1 000 000, are measured only with
// BENCH_PLANET=1 in the environment.
func BenchmarkGrowth(b *testing.B) {
	cpus := runtime.GOMAXPROCS(0)
	for _, subs := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		for _, mode := range fanoutModes {
			growth{by: "subs", subs: subs, groups: 1, shards: cpus, mode: mode}.run(b)
		}
		growth{by: "subs", subs: subs, groups: 1, shards: cpus, mode: "idle"}.run(b)
	}
	for _, groups := range []int{1, 10, 100, 1_000, 10_000} {
		growth{by: "groups", subs: groups, groups: groups, shards: cpus, mode: "unicast"}.run(b)
	}
	for _, shards := range []int{1, 2, 4, 8, 16, 32, 64} {
		for _, mode := range fanoutModes {
			growth{by: "shards", subs: 10_000, groups: 1, shards: shards, mode: mode}.run(b)
		}
	}
}

// growth is one point of BenchmarkGrowth.
type growth struct {
	by                   string
	subs, groups, shards int
	mode                 measure.Mode
}

func (g growth) run(b *testing.B) {
	name := fmt.Sprintf("by=%s/subs=%d/groups=%d/shards=%d/mode=%s",
		g.by, g.subs, g.groups, g.shards, g.mode)
	b.Run(name, func(b *testing.B) {
		planet := g.subs > 100_000 || g.subs > 10_000 && g.mode == measure.Burst
		if planet && os.Getenv(planetEnv) == "" {
			b.Skip("want " + planetEnv + "=1")
		}
		switch g.mode {
		case "idle":
			idleMemory(b, g.subs, g.groups, g.shards)
		case "unicast":
			newRigOf(b, g.shards).unicast(g.groups)
		default:
			r := newRigOf(b, g.shards)
			for range g.subs {
				r.subscribe("")
			}
			r.fanout(g.mode)
		}
	})
}

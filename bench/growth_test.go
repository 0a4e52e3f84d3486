package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/notifylab/notifylab/bench/internal/floor"
	"github.com/notifylab/notifylab/bench/internal/measure"
)

// BenchmarkGrowth measures the same modes as the other benchmarks of the engine over a wide range
// of one size at a time, the key that by names; command bench/plot draws it. With -cpu 1,2 every
// point is measured with one and with two CPUs. Unless they are what grows, the shards are as many
// as the CPUs at the start, for the points of any -cpu; beyond that a shard costs its publishers
// and its worker, and does nothing for it.
//
// Whatever goes to more subscribers or groups also takes longer per delivery when they don't fit
// into a cache any more, with any algorithm. So each such point of the engine, engine=notify, is
// followed at once by the ring of package floor at the same size, engine=ring: that has no
// algorithm to blame. One goroutine does all of it, so -cpu makes no difference, except that each
// of its points is beside one of the engine's.
//
// Bursts to more than 10 000 subscribers, and whatever has 1 000 000, are measured only with
// BENCH_PLANET=1 in the environment.
func BenchmarkGrowth(b *testing.B) {
	cpus := runtime.GOMAXPROCS(0)
	for _, subs := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		for _, mode := range fanoutModes {
			growth{by: "subs", subs: subs, groups: 1, shards: cpus, mode: mode}.besideFloor(b)
		}
		growth{by: "subs", subs: subs, groups: 1, shards: cpus, mode: "idle"}.run(b, "notify")
	}
	for _, groups := range []int{1, 10, 100, 1_000, 10_000} {
		g := growth{by: "groups", subs: groups, groups: groups, shards: cpus, mode: "unicast"}
		g.besideFloor(b)
	}
	for _, shards := range []int{1, 2, 4, 8, 16, 32, 64} {
		for _, mode := range fanoutModes {
			g := growth{by: "shards", subs: 10_000, groups: 1, shards: shards, mode: mode}
			g.run(b, "notify")
		}
	}
}

// growth is one point of BenchmarkGrowth.
type growth struct {
	by                   string
	subs, groups, shards int
	mode                 measure.Mode
}

// besideFloor measures the engine, and right after it the floor.
func (g growth) besideFloor(b *testing.B) {
	g.run(b, "notify")
	g.run(b, "ring")
}

func (g growth) run(b *testing.B, engine string) {
	name := fmt.Sprintf("by=%s/subs=%d/groups=%d/shards=%d/mode=%s/engine=%s",
		g.by, g.subs, g.groups, g.shards, g.mode, engine)
	b.Run(name, func(b *testing.B) {
		planet := g.subs > 100_000 || g.subs > 10_000 && g.mode == measure.Burst
		if planet && os.Getenv(planetEnv) == "" {
			b.Skip("want " + planetEnv + "=1")
		}
		if engine == "ring" {
			g.floor(b)
		} else {
			g.engine(b)
		}
	})
}

func (g growth) engine(b *testing.B) {
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
}

func (g growth) floor(b *testing.B) {
	if g.mode == "unicast" {
		floor.RingUnicast(b, g.groups)
		return
	}
	floor.RingFanout(b, g.subs, g.mode)
}

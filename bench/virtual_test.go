package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// planetEnv has BenchmarkVirtual also run a million consumers, which takes a minute and 6 GB.
const planetEnv = "BENCH_PLANET"

// BenchmarkVirtual measures how fast the virtual clock gets through events, on one goroutine. The
// world is the workload planet, scaled: a change reaches 118 watchers on average, however many
// there are in all, so what grows from one size to the next is only what has to be kept.
//
// An event is one of these, each counted from the result, in its series of one point per second:
//
//   - a dispatch: a change published (Point.Published), once, though each shard routes it;
//   - a delivery (Point.Delivered);
//   - a timer: each delivery sets one, when the consumer will have handled it. Nobody is stuck,
//     comes or goes, so no timer is without a delivery. Those of the generator are not counted.
//
// The time is that from the first point of the series to the last, so the making of the world and
// the connecting of the consumers, which setup-s is about, and the first second, are not in it; nor
// are their events, nor the collection of their garbage. Events/s and ns/event are the one divided
// by the other.
//
// A million consumers are measured only with BENCH_PLANET=1 in the environment.
func BenchmarkVirtual(b *testing.B) {
	for _, consumers := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("consumers=%d", consumers), func(b *testing.B) {
			if consumers > 100_000 && os.Getenv(planetEnv) == "" {
				b.Skip("want " + planetEnv + "=1")
			}
			s, topology := scaledPlanet(b, consumers)
			var events uint64
			var setup, took time.Duration
			for b.Loop() {
				var marks []time.Time // one per point, but for the last of the series
				began := time.Now()
				run, err := sim.RunVirtual(b.Context(), s, topology,
					sim.Config{Engine: "notifylab", Shards: 2}, sim.DefaultCost(),
					func(sim.Progress) {
						if len(marks) == 0 {
							setup += time.Since(began)
							runtime.GC() // what the set-up has left behind is not the events' work
						}
						marks = append(marks, time.Now())
					})
				if err != nil {
					b.Fatal(err)
				}
				if run.Verdict != sim.Passed || run.Books.Conflated+run.Books.DroppedTotal() > 0 {
					b.Fatalf("%s %q, %+v; want each delivery made", run.Verdict, run.Reasons,
						run.Books)
				}
				last := len(marks) - 1
				for _, p := range run.Series[1 : last+1] {
					events += p.Published + 2*p.Delivered
				}
				took += marks[last].Sub(marks[0])
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(setup.Seconds()/float64(b.N), "setup-s")
			b.ReportMetric(float64(events)/took.Seconds(), "events/s")
			b.ReportMetric(float64(took.Nanoseconds())/float64(events), "ns/event")
		})
	}
}

// scaledPlanet is the workload planet with that many consumers, and 2000 changes a second.
func scaledPlanet(b *testing.B, consumers int) (sim.Scenario, *sim.Topology) {
	b.Helper()
	w, err := sim.FindWorkload("planet")
	if err != nil {
		b.Fatal(err)
	}
	scale := float64(consumers) / float64(w.Consumers)
	w.Services = int(float64(w.Services) * scale)
	w.Instances = int(float64(w.Instances) * scale)
	topology, err := sim.Generate(w, 1)
	if err != nil {
		b.Fatal(err)
	}
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Rate = w.Name, consumers, 2000
	s.Warmup, s.Duration = 0, 4*time.Second
	s.Storm, s.Slow, s.Stuck, s.ConsumerChurn, s.Pull = 0, 0, 0, 0, 0
	return s, topology
}

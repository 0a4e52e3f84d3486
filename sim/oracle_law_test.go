package sim_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// Laws that hold for every queue, on random scenarios. A failure shrinks and prints the scenario.

// lawWorlds draw from one provider for one group, and a few of both.
func lawWorlds(t testing.TB) func(*rapid.T) *sim.Topology {
	few := generated(t, sim.Workload{
		Name: "few", Shape: sim.ShapeMesh, Services: 4, Instances: 8, MeanInDegree: 2,
	}, 1)
	worlds := []*sim.Topology{oneService(t, 1), oneService(t, 3), few}
	return func(t *rapid.T) *sim.Topology {
		return worlds[rapid.IntRange(0, len(worlds)-1).Draw(t, "world")]
	}
}

// drawLoad draws a load for consumers that take their time but neither fail nor leave.
func drawLoad(t *rapid.T, consumersMax int) sim.Scenario {
	s := quiet(rapid.IntRange(1, consumersMax).Draw(t, "consumers"))
	s.Seed = rapid.Uint64Range(0, 1e6).Draw(t, "seed")
	s.Rate = rapid.Float64Range(10, 2000).Draw(t, "rate")
	s.Arrivals = rapid.SampledFrom([]string{"poisson", "constant"}).Draw(t, "arrivals")
	s.Batch = rapid.IntRange(1, 10).Draw(t, "batch")
	s.Handling = time.Duration(rapid.Int64Range(1000, 5*ms).Draw(t, "handling"))
	s.Spread = rapid.SampledFrom([]string{"constant", "exponential", "log-normal"}).
		Draw(t, "spread")
	s.Warmup, s.Heal = 0, 10*time.Second
	s.Duration = time.Duration(rapid.Float64Range(1, 200).Draw(t, "changes") / s.Rate * 1e9)
	return s
}

// tailDrop is a configuration that loses events only as they arrive, and never lists again.
func tailDrop(t *rapid.T) sim.Config {
	return sim.Config{
		Engine: "notifylab", Policy: "drop-newest", NoResync: true,
		WatcherQueue: rapid.IntRange(1, 12).Draw(t, "queue"),
		Shards:       rapid.IntRange(1, 3).Draw(t, "shards"),
	}
}

// watched runs a scenario that a failure will print.
func watched(t *rapid.T, s sim.Scenario, w *sim.Topology, c sim.Config, cost sim.CostModel,
	lanes int) *sim.Watched {
	reproduce, err := json.Marshal(map[string]any{
		"topology": w.Name, "instances": w.TotalInstances(), "lanes": lanes,
		"scenario": s, "configuration": c, "cost": cost,
	})
	require.NoError(t, err)
	t.Logf("run: %s", reproduce)
	run, err := sim.RunWatched(s, w, c, cost, lanes)
	require.NoError(t, err)
	require.Empty(t, run.Faults)
	for _, reason := range run.Reasons {
		require.NotContains(t, reason, "check failed")
	}
	return run
}

// runJSON is a run as bytes.
func runJSON(t require.TestingT, run *sim.Run) string {
	data, err := json.Marshal(run)
	require.NoError(t, err)
	return string(data)
}

// The books balance at every instant, every consumer takes its events in order, and the same seed
// gives the same bytes, watched or not, with whatever policy, faults and costs.
func TestLaw_BooksOrderAndBytes(t *testing.T) {
	t.Parallel()
	world := lawWorlds(t)
	presets := rapid.SampledFrom([]string{"notifylab", "sc-1.x", "sc-2.x"})
	rapid.Check(t, func(t *rapid.T) {
		w, s := world(t), drawLoad(t, 12)
		s.Handling = time.Duration(rapid.Int64Range(0, 20*ms).Draw(t, "handling"))
		s.Warmup = s.Duration / time.Duration(rapid.IntRange(1, 9).Draw(t, "warm-up"))
		s.Churn = rapid.Float64Range(0, 1).Draw(t, "churn")
		s.Storm = rapid.IntRange(0, 60).Draw(t, "storm")
		s.StormLength = s.Duration / 2
		s.Slow = rapid.Float64Range(0, 0.5).Draw(t, "slow")
		s.Stuck = rapid.Float64Range(0, 0.5).Draw(t, "stuck")
		s.ConsumerChurn = rapid.SampledFrom([]float64{0, 0.1, 1}).Draw(t, "consumer churn")
		s.ListTime = time.Duration(rapid.Int64Range(0, 50*ms).Draw(t, "list time"))
		s.Heal = time.Second
		c := sim.Config{
			Engine:       presets.Draw(t, "engine"),
			Policy:       rapid.SampledFrom(notify.OverflowNames()).Draw(t, "policy"),
			QueueSize:    rapid.IntRange(1, 50).Draw(t, "task queue"),
			WatcherQueue: rapid.IntRange(1, 12).Draw(t, "queue"),
			NoResync:     rapid.Bool().Draw(t, "no resync"),
		}
		cost := sim.ZeroCost()
		if rapid.Bool().Draw(t, "costs") {
			cost.Route, cost.Deliver, cost.Queue, cost.Wake = 1e6, 2e5, 1e5, 3e5
		}
		run := watched(t, s, w, c, cost, 1)
		again, err := sim.RunVirtual(t.Context(), s, w, c, cost, nil)
		require.NoError(t, err)
		require.Equal(t, runJSON(t, again), runJSON(t, run.Run))
	})
}

// Little: the time that events spend with the consumers, added up by the engine's books from one
// instant to the next, is that which the run has recorded per event. And what is used of the
// consumers is throughput × E[S].
func TestLaw_LittleAndUtilisation(t *testing.T) {
	t.Parallel()
	world := lawWorlds(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawLoad(t, 6)
		run := watched(t, s, world(t), tailDrop(t), sim.ZeroCost(), 1)
		require.Zero(t, run.Books.InFlight)
		require.EqualValues(t, run.Books.Delivered, run.Propagation.Count)
		require.EqualValues(t, run.Books.Offered, run.Books.Delivered+run.Books.DroppedTotal())
		h, err := run.Propagation.Decode()
		require.NoError(t, err)
		spent := h.Mean() * float64(run.Books.Delivered)
		require.InDelta(t, spent, float64(run.Whole.Held), 0.001*spent+1) // its buckets' width
		if s.Spread == "constant" {
			require.Equal(t, int64(run.Books.Delivered)*int64(s.Handling), run.Whole.Busy)
		}
	})
}

// More room never loses more: with the same arrivals, and services drawn in the order in which
// they begin, this holds not only on average.
func TestLaw_TailDropLosesLessWithMoreRoom(t *testing.T) {
	t.Parallel()
	world := lawWorlds(t)
	rapid.Check(t, func(t *rapid.T) {
		w, s, c := world(t), drawLoad(t, 6), tailDrop(t)
		less := watched(t, s, w, c, sim.ZeroCost(), 1)
		c.WatcherQueue += rapid.IntRange(1, 4).Draw(t, "more room")
		more := watched(t, s, w, c, sim.ZeroCost(), 1)
		require.Equal(t, less.Books.Published, more.Books.Published)
		require.LessOrEqual(t, more.Books.DroppedTotal(), less.Books.DroppedTotal())
	})
}

// Whatever the arrivals, constant service makes nobody wait longer than exponential service does
// on average. Many consumers hear the same arrivals, so little is left to chance.
func TestLaw_ConstantServiceWaitsLess(t *testing.T) {
	t.Parallel()
	w := oneService(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		s := drawLoad(t, 1)
		s.Consumers, s.Handling = 200, time.Millisecond
		s.Rate = 1000 * rapid.Float64Range(0.3, 0.95).Draw(t, "load")
		s.Duration = time.Duration(100 / s.Rate * 1e9)
		c := sim.Config{Engine: "notifylab", WatcherQueue: boundless, Policy: "drop-newest"}
		mean := make(map[string]float64)
		for _, s.Spread = range []string{"constant", "exponential"} {
			run, err := sim.RunVirtual(t.Context(), s, w, c, sim.ZeroCost(), nil)
			require.NoError(t, err)
			require.Zero(t, run.Books.DroppedTotal())
			if run.Propagation.Count == 0 {
				t.Skip("nothing arrived")
			}
			h, err := run.Propagation.Decode()
			require.NoError(t, err)
			mean[s.Spread] = h.Mean()
		}
		t.Logf("%+v: %v", s, mean)
		require.LessOrEqual(t, mean["constant"], 1.05*mean["exponential"]) // that much is chance
	})
}

// What several lanes record is what one would.
func TestLaw_MergedHistogramsAreThatOfTheUnion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Int64Range(0, 1000), rapid.Int64Range(0, 2*3600*sec))
		parts := rapid.SliceOfN(rapid.SliceOf(value), 1, 5).Draw(t, "parts")
		merged, err := sim.MergedSummaryOf(parts...)
		require.NoError(t, err)
		whole, err := sim.SummaryOf(slices.Concat(parts...)...)
		require.NoError(t, err)
		require.Equal(t, whole, merged)
	})
	world := lawWorlds(t)
	rapid.Check(t, func(t *rapid.T) {
		w, s, c := world(t), drawLoad(t, 6), tailDrop(t)
		one := watched(t, s, w, c, sim.ZeroCost(), 1)
		several := watched(t, s, w, c, sim.ZeroCost(), rapid.IntRange(2, 7).Draw(t, "lanes"))
		require.Equal(t, runJSON(t, one.Run), runJSON(t, several.Run))
	})
}

// A shard that waits AddTimeout for each of n full watchers dispatches no more than one event in
// that time, and it does come near that.
func TestLaw_BlockDispatchesOneEventPerWaits(t *testing.T) {
	t.Parallel()
	w := oneService(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		stuck := rapid.IntRange(1, 4).Draw(t, "stuck")
		all := stuck + rapid.IntRange(0, 4).Draw(t, "healthy")
		s := quiet(all)
		s.Seed = rapid.Uint64Range(0, 1e6).Draw(t, "seed")
		s.Stuck = float64(stuck) / float64(all)
		s.Rate = rapid.Float64Range(20, 100).Draw(t, "rate")
		s.Warmup, s.Heal = 10*time.Second, 0
		s.Duration = time.Duration(rapid.IntRange(20, 60).Draw(t, "seconds")) * time.Second
		c := sim.Config{
			Engine: "sc-1.x", QueueSize: rapid.IntRange(1, 50).Draw(t, "task queue"),
			WatcherQueue: rapid.IntRange(1, 4).Draw(t, "queue"),
		}
		cost := sim.ZeroCost()
		cost.Route = rapid.Float64Range(0, 1e7).Draw(t, "route")
		run := watched(t, s, w, c, cost, 1)
		dispatched := float64(run.Until.Offered-run.From.Offered) / float64(all)
		most := s.Duration.Seconds() / (cost.Route/1e9 + float64(stuck)*
			notify.DefaultAddTimeout.Seconds())
		require.LessOrEqual(t, dispatched, most+1, "one was under way")
		assert.GreaterOrEqual(t, dispatched, 0.95*most-1)
	})
}

package sim_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// Laws that hold for every queue, on random scenarios.

// lawWorld is one by its name: one provider for one group, or a few of both.
func lawWorld(t testing.TB, name string) *sim.Topology {
	switch name {
	case "one":
		return oneService(t, 1)
	case "three":
		return oneService(t, 3)
	}
	return generated(t, sim.Workload{
		Name: "few", Shape: sim.ShapeMesh, Services: 4, Instances: 8, MeanInDegree: 2,
	}, 1)
}

// attempt is one run of a law, as a file that reproduces it.
type attempt struct {
	World    string        `json:"world"` // of lawWorld
	Lanes    int           `json:"lanes"`
	Scenario sim.Scenario  `json:"scenario"`
	Config   sim.Config    `json:"config"`
	Cost     sim.CostModel `json:"cost"`
}

var replay = flag.String("replay", "", "scenario file of a law that failed, to run again")

// law checks a property of random runs, each of which is an attempt. The one that fails, made as
// small as can be, is left in a file.
func law(t *testing.T, check func(r *rapid.T, run func(attempt) *sim.Watched)) {
	t.Helper()
	var last []byte
	t.Cleanup(func() {
		if !t.Failed() || last == nil {
			return
		}
		path := filepath.Join(os.TempDir(), "notifylab-"+t.Name()+".json")
		if assert.NoError(t, os.WriteFile(path, last, 0o644)) {
			t.Logf("to run it again: go test ./sim -run TestReplay -v -replay %s", path)
		}
	})
	rapid.Check(t, func(r *rapid.T) {
		check(r, func(a attempt) *sim.Watched {
			data, err := json.MarshalIndent(a, "", " ")
			require.NoError(r, err)
			last = data
			return a.run(t, r)
		})
	})
}

// drawWorld draws one by its name.
func drawWorld(t *rapid.T) string {
	return rapid.SampledFrom([]string{"one", "three", "few"}).Draw(t, "world")
}

// run runs an attempt under watch, and checks what holds for every run.
func (a *attempt) run(outer testing.TB, t require.TestingT) *sim.Watched {
	run, err := sim.RunWatched(a.Scenario, lawWorld(outer, a.World), a.Config, a.Cost, a.Lanes)
	require.NoError(t, err)
	require.Empty(t, run.Faults)
	for _, reason := range run.Reasons {
		require.NotContains(t, reason, "check failed")
	}
	return run
}

// again runs it without a watch.
func (a *attempt) again(outer testing.TB, t require.TestingT) *sim.Run {
	world := lawWorld(outer, a.World)
	run, err := sim.RunVirtual(outer.Context(), a.Scenario, world, a.Config, a.Cost, nil)
	require.NoError(t, err)
	return run
}

// TestReplay runs what a law has left behind.
func TestReplay(t *testing.T) {
	if *replay == "" {
		t.Skip("want -replay FILE")
	}
	data, err := os.ReadFile(*replay)
	require.NoError(t, err)
	var a attempt
	require.NoError(t, json.Unmarshal(data, &a))
	run := a.run(t, t)
	t.Log(asJSON(t, run.Run))
	assert.Equal(t, runJSON(t, a.again(t, t)), runJSON(t, run.Run), "watched or not")
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
	presets := rapid.SampledFrom([]string{"notifylab", "sc-1.x", "sc-2.x"})
	outer := t
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		w, s := drawWorld(t), drawLoad(t, 12)
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
		a := attempt{w, 1, s, c, cost}
		require.Equal(t, runJSON(t, a.again(outer, t)), runJSON(t, run(a).Run))
	})
}

// Little: the time that events spend with the consumers, added up by the engine's books from one
// instant to the next, is that which the run has recorded per event. And what is used of the
// consumers is throughput × E[S].
func TestLaw_LittleAndUtilisation(t *testing.T) {
	t.Parallel()
	law(t, func(t *rapid.T, try func(attempt) *sim.Watched) {
		s := drawLoad(t, 6)
		run := try(attempt{drawWorld(t), 1, s, tailDrop(t), sim.ZeroCost()})
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
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		w, s, c := drawWorld(t), drawLoad(t, 6), tailDrop(t)
		less := run(attempt{w, 1, s, c, sim.ZeroCost()})
		c.WatcherQueue += rapid.IntRange(1, 4).Draw(t, "more room")
		more := run(attempt{w, 1, s, c, sim.ZeroCost()})
		require.Equal(t, less.Books.Published, more.Books.Published)
		require.LessOrEqual(t, more.Books.DroppedTotal(), less.Books.DroppedTotal())
	})
}

// Whatever the arrivals, constant service makes nobody wait longer than exponential service does
// on average. Many consumers hear the same arrivals, so little is left to chance.
func TestLaw_ConstantServiceWaitsLess(t *testing.T) {
	t.Parallel()
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		s := drawLoad(t, 1)
		s.Consumers, s.Handling = 200, time.Millisecond
		s.Rate = 1000 * rapid.Float64Range(0.3, 0.95).Draw(t, "load")
		s.Duration = time.Duration(100 / s.Rate * 1e9)
		c := sim.Config{Engine: "notifylab", WatcherQueue: boundless, Policy: "drop-newest"}
		mean := make(map[string]float64)
		for _, s.Spread = range []string{"constant", "exponential"} {
			run := run(attempt{"one", 1, s, c, sim.ZeroCost()})
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
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		a := attempt{drawWorld(t), 1, drawLoad(t, 6), tailDrop(t), sim.ZeroCost()}
		one := run(a)
		a.Lanes = rapid.IntRange(2, 7).Draw(t, "lanes")
		several := run(a)
		require.Equal(t, runJSON(t, one.Run), runJSON(t, several.Run))
	})
}

// A shard that waits AddTimeout for each of n full watchers dispatches no more than one event in
// that time, and it does come near that.
func TestLaw_BlockDispatchesOneEventPerWaits(t *testing.T) {
	t.Parallel()
	law(t, func(t *rapid.T, try func(attempt) *sim.Watched) {
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
		run := try(attempt{"one", 1, s, c, cost})
		dispatched := float64(run.Until.Offered-run.From.Offered) / float64(all)
		most := s.Duration.Seconds() / (cost.Route/1e9 + float64(stuck)*
			notify.DefaultAddTimeout.Seconds())
		require.LessOrEqual(t, dispatched, most+1, "one was under way")
		assert.GreaterOrEqual(t, dispatched, 0.95*most-1)
	})
}

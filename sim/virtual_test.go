package sim_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

// virtual runs a scenario in virtual time; what every such run has to keep to is checked.
func virtual(t testing.TB, s sim.Scenario, topology *sim.Topology, c sim.Config,
	cost sim.CostModel) *sim.Run {
	t.Helper()
	run, err := sim.RunVirtual(t.Context(), s, topology, c, cost, nil)
	require.NoError(t, err)
	requireBalance(t, &run.Books)
	for name, summary := range summaries(run) {
		requireDecodes(t, summary)
		assert.Zero(t, summary.Beyond, name)
	}
	for _, reason := range run.Reasons {
		assert.NotContains(t, reason, "check failed")
	}
	assert.Zero(t, run.ConsumerLag.Max, "nobody is served late")
	assert.Zero(t, run.GeneratorLag.Max)
	assert.Zero(t, run.CPUSeconds)
	assert.Zero(t, run.PeakRSS)
	assert.Zero(t, run.BytesPerWatcher)
	return run
}

func asJSON(t testing.TB, run *sim.Run) string {
	t.Helper()
	data, err := json.MarshalIndent(run, "", " ")
	require.NoError(t, err)
	return string(data)
}

// busy is a scenario with everything in it.
func busy(consumers int) sim.Scenario {
	s := brief(consumers)
	s.Duration, s.Rate, s.Heal = time.Second, 200, 2*time.Second
	s.ConsumerChurn, s.Batch = 0.2, 3
	return s
}

// engines are configurations that have a hard time with busy.
func engines() []sim.Config {
	return []sim.Config{
		{Engine: "notifylab", QueueSize: 50, WatcherQueue: 4},
		{Engine: "notifylab", QueueSize: 50, WatcherQueue: 4, Policy: "drop-oldest", Shards: 3},
		{Engine: "sc-1.x", QueueSize: 50, WatcherQueue: 4},
		{Engine: "sc-2.x", QueueSize: 50, WatcherQueue: 4},
	}
}

// The same bytes, one run after another, with one processor and with two, and several at once.
func TestTheSameScenarioAndSeedGiveTheSameBytes(t *testing.T) {
	topology, s := generated(t, builtIn(t, "small"), 1), busy(300)
	for _, c := range engines() {
		t.Run(c.Engine+c.Policy, func(t *testing.T) {
			first := virtual(t, s, topology, c, sim.DefaultCost())
			want := asJSON(t, first)
			assert.Positive(t, first.Books.Delivered)
			assert.Positive(t, first.Connects)
			assert.Positive(t, first.Pulls)
			if c.Engine != "notifylab" || c.Policy != "" { // it loses nothing, it conflates
				assert.Positive(t, first.Books.DroppedTotal())
			}

			before := runtime.GOMAXPROCS(0)
			defer runtime.GOMAXPROCS(before)
			for _, procs := range []int{1, 2} {
				runtime.GOMAXPROCS(procs)
				again := virtual(t, s, topology, c, sim.DefaultCost())
				require.Equal(t, want, asJSON(t, again), "GOMAXPROCS %d", procs)
			}
			var at [3]*sim.Run
			var all sync.WaitGroup
			for i := range at {
				all.Go(func() {
					at[i], _ = sim.RunVirtual(t.Context(), s, topology, c, sim.DefaultCost(), nil)
				})
			}
			all.Wait()
			for _, run := range at {
				require.Equal(t, want, asJSON(t, run), "beside others")
			}
			other := s
			other.Seed++
			assert.NotEqual(t, want, asJSON(t, virtual(t, other, topology, c, sim.DefaultCost())))
		})
	}
}

// goldenRun is what is kept of a run: all of it, but for the histograms, of which a checksum is
// kept. Their encoding is compressed by the standard library, whose output may change.
func goldenRun(t *testing.T, run *sim.Run) string {
	for _, s := range summaries(run) {
		h, err := s.Decode()
		require.NoError(t, err)
		sum := fnv.New64a()
		for _, bar := range h.Distribution() {
			if bar.Count > 0 {
				fmt.Fprintln(sum, bar.From, bar.Count)
			}
		}
		s.HDR = fmt.Sprintf("fnv %016x", sum.Sum64())
	}
	return asJSON(t, run) + "\n"
}

// The golden runs don't depend on the architecture: arrivals are constant, handling times are
// constant and lists take none, so that neither math.Exp nor math.Log is used, which differ in
// their last bit; and costs are whole numbers of ns, which add up without rounding.
func TestARunIsTheOneThatIsKept(t *testing.T) {
	topology, s := generated(t, builtIn(t, "small"), 1), busy(200)
	s.Arrivals, s.Spread, s.ListTime = "constant", "constant", 0
	cost := sim.CostModel{Machine: "golden", Route: 300, Deliver: 250, Queue: 100, Wake: 5000}
	for _, c := range engines() {
		if c.Policy == "" {
			requireKept(t, c.Engine, s, topology, c, cost)
		}
	}
	s = streamed(s) // the network needs neither, with constant delays and nothing lost
	s.LinkDelay, s.LinkSpread = 3*time.Millisecond, "constant"
	s.Partition, s.PartitionLength = 0.3, 400*time.Millisecond
	cost.Encode, cost.Write = 2000, 9000
	requireKept(t, "session", s, topology, engines()[0], cost)
}

// requireKept runs a scenario and compares all of its result with the one in testdata.
func requireKept(t *testing.T, name string, s sim.Scenario, topology *sim.Topology, c sim.Config,
	cost sim.CostModel) {
	t.Run(name, func(t *testing.T) {
		file := "testdata/golden-" + name + ".json"
		got := goldenRun(t, virtual(t, s, topology, c, cost))
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), got, "if that is right: go test ./sim -update")
	})
}

func TestEveryEngineRunsInVirtualTime(t *testing.T) {
	for _, p := range watch.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			s := busy(300)
			s.Heal = 10 * time.Minute
			run := virtual(t, s, trainTicket(t), sim.Config{Engine: p.Name}, sim.DefaultCost())
			assert.Equal(t, p.Baseline, run.Baseline)
			assert.Contains(t, run.World, "300 consumers")
			assert.Positive(t, run.Books.Delivered)
			assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
			assert.Zero(t, run.Books.InFlight)
			assert.EqualValues(t, 300, run.Drops.Count)
		})
	}
}

func TestAVirtualRunThatIsInterruptedIsInvalid(t *testing.T) {
	topology := oneService(t, 10)
	c, full := sim.Config{Engine: "notifylab"}, sim.Config{
		Engine: "notifylab", Policy: "block", QueueSize: 1, WatcherQueue: 1,
	}
	for _, c := range []sim.Config{c, full} {
		s := brief(20)
		s.Duration, s.Stuck, s.Storm = time.Minute, 0.5, 0
		over, cancel := context.WithCancel(t.Context())
		var told int
		run, err := sim.RunVirtual(over, s, topology, c, sim.ZeroCost(), func(p sim.Progress) {
			if told++; told == 3 {
				cancel()
			}
		})
		require.NoError(t, err)
		assert.Equal(t, sim.Invalid, run.Verdict)
		assert.Equal(t, []string{"interrupted"}, run.Reasons)
		assert.EqualValues(t, -1, run.HealNS)
		assert.Len(t, run.Series, 4, "three seconds and what is left")
		requireBalance(t, &run.Books)

		run, err = sim.RunVirtual(over, s, topology, c, sim.ZeroCost(), nil)
		require.NoError(t, err)
		assert.Contains(t, run.Reasons, "interrupted")
		assert.Zero(t, run.Changes, "before it began")
	}
}

func TestWhatCannotRunInVirtualTimeIsAnError(t *testing.T) {
	topology := oneService(t, 10)
	fails := func(s sim.Scenario, c sim.Config) error {
		run, err := sim.RunVirtual(t.Context(), s, topology, c, sim.ZeroCost(), nil)
		assert.Nil(t, run)
		return err
	}
	bad := brief(10)
	bad.Duration = 0
	assert.Equal(t, "duration", mistakes(t, fails(bad, sim.Config{Engine: "sc-1.x"}))[0].Field)
	assert.Equal(t, "engine", mistakes(t, fails(brief(1), sim.Config{Engine: "x"}))[0].Field)
	bad = brief(10)
	bad.Providers = 1 << 30
	assert.ErrorIs(t, fails(bad, sim.Config{Engine: "notifylab"}), sim.ErrWorld)
}

func TestWithoutCostsNoPublishWaits(t *testing.T) {
	for _, engine := range []string{"notifylab", "sc-2.x"} {
		c := sim.Config{Engine: engine, QueueSize: 1, WatcherQueue: 4}
		run := virtual(t, busy(200), mesh(t), c, sim.ZeroCost())
		assert.Positive(t, run.PublishWait.Count)
		assert.Zero(t, run.PublishWait.Max)
		assert.Equal(t, 1, run.QueueHigh)
	}
}

func TestAVirtualPublishThatStillWaitsAtTheEndIsGivenUp(t *testing.T) {
	s := together(5, 60)
	s.Handling, s.Heal = time.Hour, time.Second
	c := sim.Config{Engine: "sc-1.x", QueueSize: 1, WatcherQueue: 1} // a second per watcher
	run := virtual(t, s, oneService(t, 5), c, sim.ZeroCost())
	assert.EqualValues(t, 1, run.Books.Rejected)
	assert.EqualValues(t, run.Changes, run.PublishWait.Count, "it counts, too")
	assert.Equal(t, run.Changes, int64(run.Books.Published)+1)
	assert.Less(t, run.Changes, int64(60))
}

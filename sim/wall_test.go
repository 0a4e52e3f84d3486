package sim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

// brief is a scenario with everything in it, and short. However slow the machine is: whoever needs
// time to heal has it, and nobody is too late.
func brief(consumers int) sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers = "small", consumers
	s.Warmup, s.Duration = 20*time.Millisecond, 200*time.Millisecond
	s.Heal, s.LagBound = time.Minute, time.Hour
	s.Rate, s.Storm, s.StormLength, s.StormWave = 300, 100, 50*time.Millisecond, 20
	s.Slow, s.SlowFactor, s.Stuck, s.ConsumerChurn = 0.05, 20, 0.02, 0.5
	s.Backoff, s.ListTime = 5*time.Millisecond, 2*time.Millisecond
	s.Pull = 500 * time.Millisecond
	return s
}

// runWall runs a scenario in real time and leaves nothing behind.
func runWall(t *testing.T, s sim.Scenario, topology *sim.Topology, c sim.Config) *sim.Run {
	t.Helper()
	run, err := sim.RunWall(t.Context(), s, topology, c, nil)
	require.NoError(t, err)
	goleak.VerifyNone(t)
	requireBalance(t, &run.Books)
	for name, summary := range summaries(run) {
		requireDecodes(t, summary)
		assert.Zero(t, summary.Beyond, name)
	}
	for _, reason := range run.Reasons {
		assert.NotContains(t, reason, "check failed")
	}
	return run
}

func TestEveryPolicyHealsInRealTime(t *testing.T) {
	topology := generated(t, builtIn(t, "small"), 1)
	for _, policy := range notify.OverflowNames() {
		t.Run(policy, func(t *testing.T) {
			c := sim.Config{Engine: "notifylab", Policy: policy, WatcherQueue: 4, Shards: 2}
			run := runWall(t, brief(300), topology, c)
			assert.Equal(t, sim.Passed, run.Verdict)
			assert.Empty(t, run.Reasons)
			assert.GreaterOrEqual(t, run.HealNS, int64(0))
			assert.Zero(t, run.Books.InFlight)
			assert.Zero(t, run.Books.Queued)
		})
	}
}

func TestEveryEngineRunsInRealTime(t *testing.T) {
	topology := trainTicket(t)
	for _, p := range watch.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			s := brief(300)
			s.Topology = "train-ticket"
			if p.PollInterval > 0 {
				s.Heal = 100 * time.Millisecond // it would be minutes
			}
			run := runWall(t, s, topology, sim.Config{Engine: p.Name})
			assert.Equal(t, p.Baseline, run.Baseline)
			assert.Equal(t, 5000, run.Config.QueueSize)
			assert.Contains(t, run.World, "43 services, 127 instances, 133 dependency edges")
			assert.Contains(t, run.World, "300 consumers")
			assert.Positive(t, run.Changes)
			assert.Positive(t, run.QueueHigh)
			assert.NotEmpty(t, run.Series)
			assert.EqualValues(t, 300, run.Drops.Count)
			assert.Positive(t, run.PublishWait.Count)
			assert.Positive(t, run.GeneratorLag.Count)
			if p.PollInterval == 0 {
				assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
				assert.Positive(t, run.Books.Delivered)
				assert.Positive(t, run.Propagation.Count)
				assert.Positive(t, run.Staleness.Count)
			}
		})
	}
}

// atOnce is a scenario in which all consumers get so many changes at one instant.
func atOnce(consumers, changes int) sim.Scenario {
	s := brief(consumers)
	s.Rate, s.Slow, s.Stuck, s.ConsumerChurn, s.Pull = 1e-9, 0, 0, 0, 0
	s.Storm, s.StormWave = changes, changes
	return s
}

func TestDropNewestLosesAndListsAgain(t *testing.T) {
	s := atOnce(50, 60)
	s.Handling = 20 * time.Millisecond
	c := sim.Config{Engine: "notifylab", Policy: "drop-newest", WatcherQueue: 2}
	run := runWall(t, s, oneService(t, 50), c)
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	assert.Positive(t, run.Books.Dropped["newest"])
	assert.Len(t, run.Books.Dropped, 1)
	assert.Positive(t, run.Resyncs)
	assert.Positive(t, run.Drops.Max)
	assert.Positive(t, run.GapLength.Count)
}

func TestServiceCenter2FlushesAndStaysSilent(t *testing.T) {
	s := atOnce(50, 60)
	s.Handling, s.Heal = 10*time.Second, 50*time.Millisecond
	run := runWall(t, s, oneService(t, 50), sim.Config{Engine: "sc-2.x", WatcherQueue: 4})
	assert.Positive(t, run.Books.Dropped["flushed"])
	assert.Zero(t, run.Resyncs, "nobody is told to list again")
	assert.Equal(t, sim.Failed, run.Verdict)
	require.Len(t, run.Reasons, 1)
	assert.Contains(t, run.Reasons[0], "50 of 50 views still wrong")
	assert.EqualValues(t, 50, run.OpenEnds)
}

// It is a count of events over the time that there was, not a time.
func TestServiceCenter1DeliversTwoEventsPerSecond(t *testing.T) {
	s := atOnce(50, 60)
	s.Handling, s.Heal = 0, 2200*time.Millisecond
	var told []sim.Progress
	c := sim.Config{Engine: "sc-1.x"}
	run, err := sim.RunWall(t.Context(), s, oneService(t, 50), c, func(p sim.Progress) {
		told = append(told, p)
	})
	require.NoError(t, err)
	goleak.VerifyNone(t)
	assert.LessOrEqual(t, run.WatcherRateMax, 2.5)
	assert.Positive(t, run.WatcherRateMax)
	require.Len(t, run.Reasons, 1)
	assert.Contains(t, run.Reasons[0], "at one event per 500ms the furthest behind")
	assert.Equal(t, sim.Failed, run.Verdict)

	require.GreaterOrEqual(t, len(told), 2, "one a second")
	assert.Len(t, run.Series, len(told)+1, "and what is left")
	for i, p := range told {
		assert.Contains(t, []string{"warm-up", "measure", "heal"}, p.Phase)
		assert.Equal(t, s.Warmup+s.Duration+s.Heal, p.Total)
		assert.InDelta(t, p.Elapsed.Seconds(), run.Series[i].At, 1e-9)
	}
	var delivered uint64
	for _, p := range run.Series {
		delivered += p.Delivered
	}
	assert.Equal(t, run.Books.Delivered, delivered, "the series adds up")
}

func TestAPublishThatStillWaitsAtTheEndIsGivenUp(t *testing.T) {
	s := atOnce(50, 60)
	s.Handling, s.Heal = time.Hour, 50*time.Millisecond
	c := sim.Config{Engine: "sc-1.x", QueueSize: 1, WatcherQueue: 1} // a second per watcher
	run := runWall(t, s, oneService(t, 10), c)
	assert.EqualValues(t, 1, run.Books.Rejected)
	assert.Less(t, run.Changes, int64(60))
}

func TestAnInterruptedRunIsInvalidAndLeavesNothingBehind(t *testing.T) {
	waits := sim.Config{Engine: "notifylab", QueueSize: 1, WatcherQueue: 1, Policy: "block"}
	for name, c := range map[string]struct {
		config sim.Config
		after  time.Duration
	}{
		"before it began":    {sim.Config{Engine: "notifylab"}, 0},
		"while it begins":    {sim.Config{Engine: "sc-2.x"}, 0},
		"midway":             {sim.Config{Engine: "notifylab"}, 150 * time.Millisecond},
		"with streams":       {sim.Config{Engine: "sc-2.x"}, 150 * time.Millisecond},
		"polled":             {sim.Config{Engine: "sc-1.x"}, 150 * time.Millisecond},
		"while Publish wait": {waits, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := brief(200)
			s.Duration, s.Stuck = time.Minute, 0.5
			s.Storm, s.StormWave = 0, 1
			ctx, cancel := context.WithTimeout(t.Context(), c.after)
			defer cancel()
			run, err := sim.RunWall(ctx, s, generated(t, builtIn(t, "small"), 1), c.config, nil)
			require.NoError(t, err)
			goleak.VerifyNone(t)
			assert.Equal(t, sim.Invalid, run.Verdict)
			assert.Contains(t, run.Reasons, "interrupted")
			assert.NotContains(t, strings.Join(run.Reasons, "\n"), "check failed")
			requireBalance(t, &run.Books)
		})
	}
}

func TestAConsumerCostsLessThanTwoKilobytes(t *testing.T) {
	s := brief(10_000)
	s.Warmup, s.Duration, s.Rate, s.Storm = 0, 20*time.Millisecond, 1, 0
	run := runWall(t, s, trainTicket(t), sim.Config{Engine: "notifylab"})
	assert.Less(t, run.BytesPerWatcher, int64(2048))
	assert.Positive(t, run.BytesPerWatcher)
	t.Logf("%d bytes per consumer", run.BytesPerWatcher)
}

func TestWhatCannotRunIsAnErrorBeforeItBegins(t *testing.T) {
	s := brief(10)
	topology := oneService(t, 10)
	run := func(s sim.Scenario, c sim.Config) error {
		r, err := sim.RunWall(t.Context(), s, topology, c, nil)
		assert.Nil(t, r)
		return err
	}
	bad := s
	bad.Duration = 0
	assert.Equal(t, "duration", mistakes(t, run(bad, sim.Config{Engine: "notifylab"}))[0].Field)
	assert.Equal(t, "engine", mistakes(t, run(s, sim.Config{Engine: "sc-3.x"}))[0].Field)
	s.Providers = 1 << 30
	assert.ErrorIs(t, run(s, sim.Config{Engine: "notifylab"}), sim.ErrWorld)
}

func TestARunWithoutConsumersHasTooFewSamples(t *testing.T) {
	s := brief(0)
	run := runWall(t, s, oneService(t, 10), sim.Config{Engine: "notifylab"})
	assert.Equal(t, sim.Invalid, run.Verdict)
	assert.Equal(t, []string{"no change reached a consumer: too few samples"}, run.Reasons)
}

package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

func TestAPullRepairsWhatNobodyWasToldOf(t *testing.T) {
	s := quiet(20)
	s.Pull = 10 * time.Second
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	_, err := r.Change(0, true)
	require.NoError(t, err)
	after(r, 5*sec)
	assert.InDelta(t, 10, r.Wrong(), 1, "half of them have had their turn")
	after(r, 5*sec)
	assert.Zero(t, r.Wrong())
	_, _, _, _, pulls := r.Totals()
	assert.EqualValues(t, 20, pulls, "each once in a period")

	run := conclude(t, r)
	assert.EqualValues(t, 20, run.Staleness.Count)
	assert.InEpsilon(t, 10*sec, run.Staleness.Max, 0.001)
	assert.InEpsilon(t, 5*sec, run.Staleness.P50, 0.11)
	assert.Empty(t, r.Reasons(), "what is repaired before the next event is no gap")
	assert.Zero(t, run.OpenEnds)
}

// Else those who are late would vanish from the figures just because they are late.
func TestAnEventWhoseNewsAPullHasBroughtIsHandledAllTheSame(t *testing.T) {
	s := quiet(10)
	s.Pull, s.Handling, s.Slow, s.SlowFactor = time.Second, 10*time.Millisecond, 0.5, 1000
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	after(r, 2*sec)
	assert.Zero(t, conflicts(r), "all have pulled")
	after(r, 100*sec)
	run := conclude(t, r)
	assert.EqualValues(t, 10, run.Propagation.Count)
	assert.Greater(t, run.Propagation.Max, 2*sec)
	assert.LessOrEqual(t, run.Staleness.Max, sec+sec/1000)
	_, handled, _, _, _ := r.Totals()
	assert.EqualValues(t, 5, handled, "the others changed no view")
	assert.Empty(t, run.Reasons)
}

// conflicts are the views that are wrong, of consumers at work, too.
func conflicts(r *sim.Rig) (n int) {
	for i := range r.Consumers() {
		if !r.Consumer(i).View().Right() {
			n++
		}
	}
	return n
}

func TestWhoIsDeadDoesNotPull(t *testing.T) {
	s := quiet(1)
	s.Pull, s.Backoff = time.Second, 10*time.Second
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	r.Ask("crash", 0)
	after(r, 3*sec)
	assert.False(t, r.Consumer(0).Alive())
	_, _, _, _, pulls := r.Totals()
	assert.Zero(t, pulls)
}

// Streams of service-center 1.x are polled twice a second, and take one event each time.
func TestAPolledConsumerGetsOneEventPerTick(t *testing.T) {
	s := quiet(3)
	s.Handling = time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{Engine: "sc-1.x"}))
	interval := int64(watch.Presets()[1].PollInterval)
	require.Equal(t, 500*ms, interval)
	for n := range 6 {
		change(t, r, n)
	}
	for tick := range int64(6) {
		after(r, interval-1)
		assert.Equal(t, tick, r.Consumer(0).Got())
		after(r, 1)
		for i := range r.Consumers() {
			assert.Equal(t, tick+1, r.Consumer(i).Got())
		}
	}
	after(r, 20*ms)
	assert.Zero(t, r.Wrong())
	change(t, r, 0) // to idle consumers
	after(r, 400*ms)
	assert.Equal(t, 3, r.Wrong(), "it waits for the next tick all the same")
	after(r, 100*ms)
	assert.Zero(t, r.Wrong())
	assert.Empty(t, conclude(t, r).Reasons)
}

func TestAConsumerThatLostEventsListsAgain(t *testing.T) {
	s := quiet(4)
	s.Handling = 10 * time.Millisecond
	p := preset(t, sim.Config{Policy: "drop-newest", WatcherQueue: 3})
	r := newRig(t, s, oneService(t, 10), p)
	r.SetListTime(5 * time.Millisecond)
	for n := range 10 {
		change(t, r, n)
	}
	r.Settle()
	for i := range r.Consumers() {
		assert.EqualValues(t, 6, r.Consumer(i).Lost(), "one in hand, three wait")
	}
	after(r, 10*sec)
	assert.Zero(t, r.Wrong())
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.EqualValues(t, 4, run.Resyncs)
	assert.Equal(t, map[string]uint64{"newest": 24}, run.Books.Dropped)
	assert.EqualValues(t, 12, run.Books.Stale, "what waited is in the list")
	assert.EqualValues(t, 4, run.GapLength.Count)
	assert.EqualValues(t, 6, run.GapLength.Max)
	assert.EqualValues(t, 4, run.Drops.Count, "one figure per consumer")
	assert.EqualValues(t, 6, run.Drops.P50)
}

// What is flushed while the first list is under way is no untold gap, though that list is older
// and nobody lists again.
func TestALossDuringTheFirstListIsNoUntoldGap(t *testing.T) {
	s := quiet(1)
	s.Pull = 5 * time.Second
	p := preset(t, sim.Config{Policy: "flush", WatcherQueue: 3})
	p.Watch.Resync = false
	r := newRig(t, s, oneService(t, 10), p)
	r.SetListTime(100 * time.Millisecond)
	r.Ask("leave", 0)
	r.RunTo(r.Settle()) // it is read…
	for n := range 5 {
		change(t, r, n)
	}
	r.RunTo(r.Settle()) // …and arrives
	assert.EqualValues(t, 2, r.Consumer(0).Got(), "the first three were flushed")
	assert.Len(t, r.Consumer(0).View().Missing(), 3)
	assert.Empty(t, r.Reasons())
	after(r, 10*sec)
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.EqualValues(t, 3, run.GapLength.Max)
}

// Whatever an engine is configured to be, and whatever its consumers do, it keeps its promises.
func TestNoConfigurationBreaksAPromise(t *testing.T) {
	times := rapid.Map(rapid.IntRange(0, 20), func(n int) time.Duration {
		return time.Duration(n*n) * time.Millisecond / 4
	})
	churn := rapid.SampledFrom([]float64{0, 0.05, 0.5})
	topology := generated(t, sim.Workload{
		Name: "few", Shape: sim.ShapeMesh, Services: 6, Instances: 20, MeanInDegree: 2,
	}, 1)
	rapid.Check(t, func(t *rapid.T) {
		engines := []string{"notifylab", "notifylab", "notifylab", "sc-1.x"}
		c := sim.Config{
			Engine:       rapid.SampledFrom(engines).Draw(t, "engine"),
			Policy:       rapid.SampledFrom(notify.OverflowNames()).Draw(t, "policy"),
			WatcherQueue: rapid.IntRange(1, 8).Draw(t, "watcher queue"),
			Shards:       rapid.IntRange(1, 3).Draw(t, "shards"),
			QueueSize:    50_000, // so that no Publish waits
		}
		p, _, err := c.Resolve()
		require.NoError(t, err)
		s := quiet(30)
		s.Seed = rapid.Uint64().Draw(t, "seed")
		s.Rate, s.Churn, s.ConsumerChurn = 100, 0.4, churn.Draw(t, "churn")
		s.Storm, s.StormWave, s.StormLength = 60, 20, 200*time.Millisecond
		s.Slow, s.Stuck, s.SlowFactor = 0.2, 0.1, 20
		s.Handling, s.ListTime = times.Draw(t, "handling"), times.Draw(t, "list")
		s.Pull, s.Heal = 7*time.Second, time.Hour
		require.NoError(t, s.Validate())
		r, err := sim.NewRig(s, topology, p, rapid.IntRange(1, 3).Draw(t, "lanes"))
		require.NoError(t, err)
		r.Open()
		load := r.Load(0, 2*sec)
		for load.Next() < sim.Never {
			r.RunTo(load.Next())
			r.CheckBooks(r.Engine().Stats())
		}
		r.Calm()
		run, err := r.Conclude()
		require.NoError(t, err)
		require.Empty(t, run.Reasons)
		require.Equal(t, sim.Passed, run.Verdict)
		requireBalance(t, &run.Books)
		received, handled, _, _, _ := r.Totals()
		require.EqualValues(t, run.Books.Delivered, received)
		require.LessOrEqual(t, handled, received)
		if s.ConsumerChurn == 0 {
			require.EqualValues(t, received, run.Propagation.Count)
		}
		if run.GapLength.Count > 0 {
			require.NotZero(t, run.Books.DroppedTotal())
		}
	})
}

func requireBalance(t require.TestingT, b *sim.Books) {
	outcomes := []uint64{b.Delivered, b.DroppedTotal(), b.Stale, b.Conflated, b.InFlight}
	slices.Sort(outcomes)
	var sum uint64
	for _, n := range outcomes {
		sum += n
	}
	require.Equal(t, b.Offered, sum, "%+v", b)
}

// The same seed makes the same run.
func TestARunInATimeOfItsOwnIsAFunctionOfTheSeed(t *testing.T) {
	run := func(seed uint64) *sim.Run {
		s := sim.DefaultScenario()
		s.Workload, s.Seed, s.Consumers, s.Storm, s.ConsumerChurn = "small", seed, 200, 300, 0.2
		p := preset(t, sim.Config{Policy: "drop-oldest", WatcherQueue: 4})
		r := newRig(t, s, generated(t, builtIn(t, "small"), 1), p)
		r.Load(0, 3*sec)
		r.RunTo(3 * sec)
		r.Calm()
		return conclude(t, r)
	}
	first := run(1)
	assert.Empty(t, first.Reasons)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first.Books, run(2).Books)
}

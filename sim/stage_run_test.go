package sim_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// thirds is busy in three stages that fill the recorded time, with nothing due before it.
func thirds(consumers int) sim.Scenario {
	s := busy(consumers)
	s.Warmup, s.Duration, s.ConsumerChurn = 0, 1200*time.Millisecond, 0
	s.Stages = []sim.Stage{
		{Name: "calm", Length: 400 * time.Millisecond, From: 50, To: 50},
		{Name: "peak", Length: 400 * time.Millisecond, From: 50, To: 900, Burst: 40},
		{Length: 400 * time.Millisecond},
	}
	return s
}

// requireSums asserts that the stages of a run that they fill add up to it.
func requireSums(t require.TestingT, s *sim.Scenario, run *sim.Run) {
	var sum sim.StageRun
	require.Len(t, run.Stages, len(s.Stages))
	at := 0.0
	for i, g := range run.Stages {
		require.Equal(t, s.Stages[i].Name, g.Name)
		require.InDelta(t, at, g.From, 1e-9)
		at += s.Stages[i].Length.Seconds()
		require.InDelta(t, at, g.To, 1e-9)
		requireDecodes(t, &g.Propagation)
		requireDecodes(t, &g.Staleness)
		require.LessOrEqual(t, g.Dropped, g.Offered)
		require.LessOrEqual(t, g.Propagation.Max, run.Propagation.Max)
		sum.Changes += g.Changes
		sum.Offered += g.Offered
		sum.Dropped += g.Dropped
		sum.Propagation.Count += g.Propagation.Count
		sum.Staleness.Count += g.Staleness.Count
	}
	require.Equal(t, run.Changes, sum.Changes)
	require.Equal(t, run.Books.DroppedTotal(), sum.Dropped)
	require.Equal(t, run.Propagation.Count, sum.Propagation.Count)
	require.Equal(t, run.Staleness.Count, sum.Staleness.Count)
	switch {
	case run.Books.Queued > 0: // the engine hasn't looked yet to whom it owes these
		require.Greater(t, sum.Offered, run.Books.Offered)
	case s.ConsumerChurn > 0: // some come or go between publishing and routing
		require.InEpsilon(t, run.Books.Offered, sum.Offered, 0.01)
	default:
		require.Equal(t, run.Books.Offered, sum.Offered)
	}
}

func TestTheStagesOfARunAddUpToIt(t *testing.T) {
	topology := generated(t, builtIn(t, "small"), 1)
	for _, transport := range []sim.Transport{sim.InProc, sim.Session} {
		for _, c := range engines() {
			if transport == sim.Session && c.Engine != "notifylab" {
				continue // a baseline has streams of its own
			}
			t.Run(fmt.Sprint(transport, c.Engine, c.Policy), func(t *testing.T) {
				s := thirds(200)
				s.Transport = transport
				for _, s.ConsumerChurn = range []float64{0, 0.2} {
					run := virtual(t, s, topology, c, sim.DefaultCost())
					requireSums(t, &s, run)
					if run.Books.Queued == 0 { // else Publish still waits for room
						assert.Positive(t, run.Stages[1].Propagation.Count)
					}
					assert.Zero(t, run.Stages[2].Changes)
					assert.Zero(t, run.Stages[1].Memory, "it is no machine's")
				}
			})
		}
	}
}

func TestTheStagesOfARunInRealTimeAddUpToIt(t *testing.T) {
	s := thirds(100)
	run := runWall(t, s, generated(t, builtIn(t, "small"), 1),
		sim.Config{Engine: "notifylab", Policy: "drop-newest", WatcherQueue: 4})
	require.Equal(t, int64(0), run.OpenEnds, "it has healed: nothing is under way")
	requireSums(t, &s, run)
	last := int64(0)
	for i, g := range run.Stages {
		assert.Positive(t, g.Memory, "stage %d", i)
		assert.GreaterOrEqual(t, g.Memory, last, "a high-water mark")
		last = g.Memory
	}
	assert.LessOrEqual(t, last, run.PeakRSS)
}

// Consumers take 100 ms for an event, so what is due at the end of the burst's stage arrives in
// the next one.
func TestAChangeCountsInTheStageInWhichItWasDue(t *testing.T) {
	s := staged(3, sim.Stage{Length: time.Second},
		sim.Stage{Length: 100 * time.Millisecond, Burst: 5}, sim.Stage{Length: time.Second})
	s.Duration, s.Heal = 3*time.Second, 3*time.Second
	s.Handling, s.Spread = 100*time.Millisecond, "constant"
	run := virtual(t, s, oneService(t, 20), notifylabAlone, sim.ZeroCost())
	var got []int64
	for _, g := range run.Stages {
		got = append(got, g.Changes, int64(g.Offered), g.Propagation.Count, g.Staleness.Count)
	}
	assert.Equal(t, []int64{0, 0, 0, 0, 5, 15, 15, 3, 0, 0, 0, 0}, got)
	assert.InEpsilon(t, int64(500*time.Millisecond), run.Stages[1].Propagation.Max, 0.001)
}

func TestTheSecondsOfARunAddUpToIt(t *testing.T) {
	topology := generated(t, builtIn(t, "small"), 1)
	for _, c := range engines() {
		s := busy(200)
		s.Warmup, s.Duration = 0, 3*time.Second
		run := virtual(t, s, topology, c, sim.DefaultCost())
		dropped, spread, seconds := make(map[string]uint64), uint64(0), 0.0
		for _, p := range run.Series {
			sum := uint64(0)
			for cause, n := range p.DroppedBy {
				dropped[cause] += n
				sum += n
			}
			require.Equal(t, p.Dropped, sum)
			seconds += p.Seconds
			require.InDelta(t, p.At, seconds, 1e-6, "no time is left out")
			require.Equal(t, p.Spread == nil, p.P99 == 0)
			if p.Spread != nil {
				require.NotZero(t, p.Spread.Counts[0])
				require.NotZero(t, p.Spread.Counts[len(p.Spread.Counts)-1])
				for _, n := range p.Spread.Counts {
					spread += n
				}
			}
		}
		assert.Equal(t, run.Books.Dropped, dropped)
		assert.EqualValues(t, run.Propagation.Count, spread)
	}
}

// A change every 2 s that takes 10 ms: its staleness is in the second in which it ended, though
// nobody knows before the next one that the interval was over.
func TestStalenessIsInTheSecondInWhichItEnded(t *testing.T) {
	s := quiet(4)
	s.Warmup, s.Arrivals, s.Rate = 0, "constant", 0.5
	s.Duration, s.Handling, s.Spread = 5*time.Second, 10*time.Millisecond, "constant"
	run := virtual(t, s, oneService(t, 10), notifylabAlone, sim.ZeroCost())
	var at []int
	for i, p := range run.Series {
		if p.StaleP50 > 0 {
			at = append(at, i)
			assert.InEpsilon(t, int64(10*time.Millisecond), p.StaleP50, 0.001)
			assert.InEpsilon(t, int64(10*time.Millisecond), p.StaleP99, 0.001)
		}
	}
	assert.Equal(t, []int{2, 4}, at, "%+v", run.Series)
}

func TestASpreadHasATimeBetweenTheEdgesOfItsBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ns")
		b := sim.SpreadOf(ns)
		require.Equal(t, []uint64{1}, b.Counts)
		v := math.Log2(float64(max(ns, 1)))
		require.LessOrEqual(t, float64(b.From)/2, v+1e-9)
		require.Greater(t, float64(b.From+1)/2, v-1e-9)
	})
	assert.Nil(t, sim.SpreadOf())
	assert.Equal(t, &sim.Buckets{From: 0, Counts: []uint64{2, 0, 1, 1}}, sim.SpreadOf(0, 1, 2, 3))
}

// What still waits when the run ends was not lost.
func TestWhatStillWaitsAtTheEndIsNotDropped(t *testing.T) {
	s := atOnce(20, 30)
	s.Handling, s.Heal = 10*time.Second, 50*time.Millisecond
	run := runWall(t, s, oneService(t, 50),
		sim.Config{Engine: "notifylab", Policy: "drop-newest", WatcherQueue: 1000})
	assert.Positive(t, run.Books.InFlight)
	assert.Zero(t, run.Books.DroppedTotal())
	assert.EqualValues(t, 20, run.Drops.Count)
	assert.Zero(t, run.Drops.Max)
	assert.Zero(t, run.GapLength.Count)
}

func TestThereAreAtMost64Stages(t *testing.T) {
	s := sim.DefaultScenario()
	s.Stages = make([]sim.Stage, 64)
	for i := range s.Stages {
		s.Stages[i].Length = time.Millisecond
	}
	require.NoError(t, s.Validate())
	s.Stages = append(s.Stages, s.Stages[0])
	assert.Equal(t, sim.Mistakes{
		{Field: "stages", Got: "65 stages", Want: "at most 64 stages"},
	}, mistakes(t, s.Validate()))
}

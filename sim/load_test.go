package sim_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// loadStep is one thing that the generator did.
type loadStep struct {
	due      int64
	action   registry.Action
	instance string
	ask      sim.Ask
}

// trace is what a generator does within two seconds, with all that it can do.
func trace(t *testing.T, seed uint64) (steps []loadStep) {
	s := quiet(50)
	s.Seed, s.Rate, s.Churn, s.ConsumerChurn = seed, 500, 0.4, 1
	s.Storm, s.StormLength, s.StormWave = 100, 100*time.Millisecond, 10
	topology := generated(t, sim.Workload{
		Name: "all", Shape: sim.ShapeEverything, Services: 20, Instances: 100, MeanInDegree: 1,
	}, 1)
	r := newRig(t, s, topology, preset(t, sim.Config{}))
	heard, load := listen(t, r, 0), r.Load(sec, 2*sec)
	for load.Next() < sim.Never {
		step := loadStep{due: load.Next()}
		require.GreaterOrEqual(t, step.due, r.Now)
		r.Now = step.due
		n := len(heard.events)
		require.NoError(t, load.Act())
		if asked := r.Asked(); len(asked) > 0 {
			step.ask = asked[0]
		}
		r.Settle()
		if len(heard.events) > n {
			c := changeOf(heard.events[n])
			step.action, step.instance = c.Action, c.Instance.ID
			require.Equal(t, time.Unix(1e9, step.due).UTC(), heard.events[n].Due.UTC())
		}
		steps = append(steps, step)
	}
	assert.EqualValues(t, len(heard.events), load.Changes())
	return steps
}

func TestTheLoadIsAFunctionOfTheSeed(t *testing.T) {
	first := trace(t, 1)
	assert.Equal(t, first, trace(t, 1))
	assert.NotEqual(t, first, trace(t, 2))

	kinds := make(map[string]int)
	for _, s := range first {
		kinds[string(s.action)+s.ask.Kind]++
	}
	for _, kind := range []string{"CREATE", "UPDATE", "DELETE", "leave", "crash", "cut"} {
		assert.NotZero(t, kinds[kind], kind)
	}
}

// dues runs a generator of nothing but updates for a time and lists when they were due.
func dues(t *testing.T, s sim.Scenario, until int64) (out []int64) {
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	r.Load(0, until)
	r.RunTo(until)
	log := r.Log(0)
	for i := range log.Len() {
		_, due, _, _ := log.Entry(i)
		out = append(out, due)
	}
	return out
}

func TestConstantArrivalsAreExact(t *testing.T) {
	s := quiet(0)
	s.Rate, s.Arrivals = 1000, "constant"
	var want []int64
	for at := ms; at < sec; at += ms {
		want = append(want, at)
	}
	assert.Equal(t, want, dues(t, s, sec))
}

func TestPoissonArrivalsHaveExponentialGaps(t *testing.T) {
	s := quiet(0)
	s.Rate = 10_000
	at := dues(t, s, 4*sec)
	n := float64(len(at))
	assert.InDelta(t, 40_000, n, 5*math.Sqrt(40_000), "arrivals")
	var sum, squares float64
	for i := 1; i < len(at); i++ {
		gap := float64(at[i]-at[i-1]) * s.Rate / float64(sec) // in means
		sum, squares = sum+gap, squares+gap*gap
	}
	mean := sum / (n - 1)
	assert.InDelta(t, 1, mean, 5/math.Sqrt(n), "mean")
	assert.InDelta(t, 1, squares/(n-1)-mean*mean, 5*math.Sqrt(8/n), "variance")
}

// A rate so low that the next arrival is beyond the range of time means that there is none.
func TestTheLowestRatesAreNotAFlood(t *testing.T) {
	for _, arrivals := range []string{"poisson", "constant"} {
		s := quiet(10)
		s.Rate, s.ConsumerChurn, s.Arrivals = math.SmallestNonzeroFloat64, 1e-300, arrivals
		r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
		assert.EqualValues(t, sim.Never, r.Load(0, 3600*sec).Next(), arrivals)
	}
}

func TestTheStormComesInWaves(t *testing.T) {
	s := quiet(1000)
	s.Storm, s.StormLength, s.StormWave = 100, 400*time.Millisecond, 30
	r := newRig(t, s, generated(t, builtIn(t, "small"), 1), preset(t, sim.Config{}))
	load := r.Load(2*sec, 6*sec)
	id, watchers := load.StormService()
	group := slices.IndexFunc(r.World().Groups, func(g sim.Group) bool {
		return slices.Contains(r.World().Registry.Consumers(id), g.ServiceID)
	})
	heard := listen(t, r, group)
	r.RunTo(6 * sec)

	assert.EqualValues(t, 100, load.Changes())
	waves := make(map[time.Duration]int)
	for _, ev := range heard.events {
		c := changeOf(ev)
		require.Equal(t, registry.Update, c.Action)
		require.Equal(t, id, c.Service.ID)
		waves[ev.Due.Sub(time.Unix(1e9, 0))]++
	}
	assert.Equal(t, map[time.Duration]int{
		3000 * time.Millisecond: 30, 3100 * time.Millisecond: 30,
		3200 * time.Millisecond: 30, 3300 * time.Millisecond: 10,
	}, waves)
	assert.EqualValues(t, 100*watchers, r.Engine().Stats().Offered-100, "less the listener's own")
}

func TestTheStormIsAboutTheServiceWhoseAudienceIsNearestToTwoPerCent(t *testing.T) {
	s := quiet(1000)
	s.Storm = 1
	r := newRig(t, s, generated(t, builtIn(t, "small"), 1), preset(t, sim.Config{}))
	w := r.World()
	watchers := make(map[string]int)
	for _, g := range w.Groups {
		watchers[g.ServiceID] = g.Watchers
	}
	distance := func(id string) (n int, d float64) {
		for _, consumer := range w.Registry.Consumers(id) {
			n += watchers[consumer]
		}
		return n, math.Abs(float64(n) - 20)
	}
	chosen, audience := r.Load(0, sec).StormService()
	n, best := distance(chosen)
	assert.Equal(t, n, audience)
	for _, p := range w.Providers {
		_, d := distance(p.ServiceID)
		assert.GreaterOrEqual(t, d, best, p.ServiceID)
	}
}

func TestALoadWithoutAnythingToDoIsDone(t *testing.T) {
	s := quiet(0)
	s.Storm = 10
	topology := &sim.Topology{Name: "empty"}
	r := newRig(t, s, topology, preset(t, sim.Config{}))
	assert.EqualValues(t, sim.Never, r.Load(0, sec).Next())
}

func TestWhatTheQueueRefusesNobodyIsToldOf(t *testing.T) {
	s := quiet(10)
	s.Storm, s.StormWave, s.Pull = 5, 5, time.Minute
	p := preset(t, sim.Config{QueueSize: 2})
	p.Type.WhenFull = notify.Reject
	r := newRig(t, s, oneService(t, 10), p)
	load := r.Load(0, 4*sec)
	r.Now = load.Next()
	for range 5 { // and the engine isn't stepped meanwhile
		require.NoError(t, load.Act())
	}
	assert.EqualValues(t, 3, load.Rejected())
	var unsent []bool
	for i := range 5 {
		_, _, _, no := r.Log(0).Entry(i)
		unsent = append(unsent, no)
	}
	assert.Equal(t, []bool{false, false, true, true, true}, unsent)
	r.Settle()
	assert.Equal(t, 10, r.Wrong(), "views that don't know the truth")
	change(t, r, 0)
	r.Settle()
	assert.Empty(t, r.Reasons(), "three were passed over, which is nobody's fault")
	after(r, 2*int64(s.Pull))
	assert.Zero(t, r.Wrong(), "all have pulled")
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.EqualValues(t, 3, run.Books.Rejected)
}

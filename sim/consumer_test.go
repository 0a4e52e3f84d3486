package sim_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

func TestTimesAreLogNormalAroundTheirMean(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 1), preset(t, sim.Config{}))
	const n = 40_000
	var sum float64
	var list []int64
	for range n {
		d := r.Consumer(0).Draw(1e9)
		require.Positive(t, d)
		sum, list = sum+float64(d)/1e9, append(list, d)
	}
	deviation := math.Sqrt(math.Exp(0.25) - 1)
	assert.InDelta(t, 1, sum/n, 5*deviation/math.Sqrt(n), "mean")
	slices.Sort(list)
	assert.InEpsilon(t, 2.82e9, list[n*99/100], 0.05, "p99")
	assert.InEpsilon(t, math.Exp(-0.125)*1e9, list[n/2], 0.02, "median")
}

// A slow factor of infinity makes a time that doesn't end, not one that is over before it began.
func TestNoTimeIsBeyondTheRangeOfTime(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 1), preset(t, sim.Config{}))
	for _, mean := range []float64{1e30, math.Inf(1)} {
		assert.Greater(t, r.Consumer(0).Draw(mean), int64(1e18), "mean %g", mean)
	}
}

func TestAConsumerHandlesOneEventAtATimeAndRefusesOthers(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	c := r.Consumer(0)
	for n := range 5 {
		change(t, r, n)
	}
	var took []int64
	for n := range 5 {
		next := r.Settle()
		assert.True(t, c.Busy())
		assert.EqualValues(t, n+1, c.Got())
		assert.Equal(t, n, c.View().Position(), "it has handled so many")
		assert.EqualValues(t, 4-n, r.Engine().Stats().InFlight)
		assert.Greater(t, next, r.Now, "it takes time")
		took = append(took, next-r.Now)
		r.RunTo(next)
	}
	assert.False(t, c.Busy())
	assert.True(t, c.View().Right())
	assert.Len(t, slices.Compact(took), 5, "each a time of its own")
	assert.Zero(t, r.Lag())

	run := conclude(t, r)
	assert.EqualValues(t, 5, run.Propagation.Count)
	assert.InEpsilon(t, r.Now, run.Propagation.Max, 0.001, "all were due at the beginning")
	assert.EqualValues(t, 1, run.Staleness.Count, "without a break")
	assert.InEpsilon(t, r.Now, run.Staleness.Max, 0.001)
	assert.Empty(t, run.Reasons)
}

func TestHandlingThatTakesNoTimeIsDoneWithinTheDelivery(t *testing.T) {
	r := newRig(t, quiet(3), oneService(t, 10), preset(t, sim.Config{}))
	for n := range 10 {
		change(t, r, n)
	}
	r.Settle()
	assert.Zero(t, r.Wrong())
	run := conclude(t, r)
	assert.EqualValues(t, 30, run.Propagation.Count)
	assert.Zero(t, run.Propagation.Max)
	assert.Zero(t, run.Staleness.Count, "no time passed")
}

func TestSlowConsumersAreSlowUntilFaultsAreOff(t *testing.T) {
	s := quiet(20)
	s.Handling, s.Slow, s.SlowFactor = time.Millisecond, 0.5, 1000
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	after(r, 20*ms)
	assert.Equal(t, 10, r.Wrong())
	for i := range r.Consumers() {
		assert.Equal(t, r.Consumer(i).Slow(), r.Consumer(i).Busy())
	}
	after(r, 10*sec)
	assert.Zero(t, r.Wrong(), "slow ones handle events, too")

	r.Calm()
	change(t, r, 1)
	after(r, 20*ms)
	assert.Zero(t, r.Wrong(), "nobody is slow any more")
}

func TestStuckConsumersStopAtAnEventUntilFaultsAreOff(t *testing.T) {
	s := quiet(20)
	s.Handling, s.Stuck = time.Millisecond, 0.25
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	for n := range 5 {
		change(t, r, n)
	}
	after(r, 3600*sec)
	assert.Equal(t, 5, r.Wrong())
	for i := range r.Consumers() {
		c := r.Consumer(i)
		assert.Equal(t, c.Stuck(), c.Busy())
		if c.Stuck() {
			assert.EqualValues(t, 1, c.Got(), "one in hand, and the others wait")
		}
	}
	r.Calm()
	after(r, 40*ms)
	assert.Zero(t, r.Wrong())
	change(t, r, 9)
	after(r, 20*ms)
	assert.Zero(t, r.Wrong(), "and they stay well")
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.InEpsilon(t, 3600*sec, run.Propagation.Max, 0.001)
}

func TestRolesAreGivenOutByLot(t *testing.T) {
	for _, c := range []struct {
		consumers         int
		slow, stuck       float64
		wantSlow, wantAll int
	}{
		{1000, 0.01, 0.002, 10, 12},
		{1000, 0, 0, 0, 0},
		{10, 0.04, 0.25, 0, 3},
		{10, 0.5, 0.5, 5, 10},
		{3, 0.5, 0.5, 2, 3}, // 1.5 each: nobody is both
		{0, 0.5, 0.5, 0, 0},
	} {
		s := quiet(c.consumers)
		s.Slow, s.Stuck = c.slow, c.stuck
		var who [3][]int
		for seed := range who {
			s.Seed = uint64(seed)
			r := newRig(t, s, oneService(t, 1), preset(t, sim.Config{}))
			slow := 0
			for i := range r.Consumers() {
				switch x := r.Consumer(i); {
				case x.Slow():
					require.False(t, x.Stuck())
					slow++
					who[seed] = append(who[seed], i)
				case x.Stuck():
					who[seed] = append(who[seed], i)
				}
			}
			assert.Equal(t, c.wantSlow, slow, "slow, of %+v", c)
			assert.Len(t, who[seed], c.wantAll, "slow or stuck, of %+v", c)
		}
		if c.consumers == 1000 && c.wantAll > 0 {
			assert.NotEqual(t, who[0], who[1], "the seed decides")
		}
	}
}

// That a lane is served late is the simulator's fault and changes nothing for its consumers; it is
// shown as their lag.
func TestALateLaneIsNotTheConsumersDelay(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	for n := range 3 {
		change(t, r, n)
	}
	next := r.Settle()
	r.Now = next + 5*sec // all three could have been handled by now
	r.Settle()
	assert.Equal(t, 3, r.Consumer(0).View().Position())
	assert.InDelta(t, 5*sec, r.Lag(), float64(5*ms))
	run := conclude(t, r)
	assert.EqualValues(t, 3, run.Propagation.Count)
	assert.Less(t, run.Propagation.Max, 200*ms, "what it takes when all are on time")
	assert.InDelta(t, 5*sec, run.ConsumerLag.Max, float64(5*ms))
	assert.Equal(t, sim.Invalid, run.Verdict)
}

// What arrives while the lane is late can't be begun before it was there.
func TestALateLaneDoesNotLetAConsumerHandleWhatIsNotDueYet(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	next := r.Settle()
	r.Now = next + 5*sec
	change(t, r, 1)
	r.Route() // before the lane knows that the first one is done
	r.Settle()
	after(r, sec)
	run := conclude(t, r)
	require.EqualValues(t, 2, run.Propagation.Count)
	h, err := run.Propagation.Decode()
	require.NoError(t, err)
	assert.Greater(t, h.Min(), ms, "handling takes its time")
	assert.EqualValues(t, 2, run.Staleness.Count)
}

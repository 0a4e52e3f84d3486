package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// networked gives the scenario a network with everything in it.
func networked(s sim.Scenario) sim.Scenario {
	s.LinkDelay, s.LinkLoss = 3*time.Millisecond, 0.02
	s.Partition, s.PartitionLength = 0.3, s.Duration/4
	return s
}

func TestNetwork_AnEventTakesTheDelayToItsConsumer(t *testing.T) {
	s := quiet(20)
	s.Rate, s.Arrivals, s.Warmup = 100, "constant", 0
	s.LinkDelay, s.LinkSpread = 10*time.Millisecond, "constant"
	run := virtual(t, s, oneService(t, 3), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	require.NotZero(t, run.Propagation.Count)
	assert.Equal(t, run.Propagation.P50, run.Propagation.Max)
	assert.InEpsilon(t, 10*ms, run.Propagation.P50, 0.001)

	s.Handling, s.Spread = 2*time.Millisecond, "constant"
	run = virtual(t, s, oneService(t, 3), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	assert.InEpsilon(t, 12*ms, run.Propagation.Max, 0.001)
	assert.Equal(t, sim.Passed, run.Verdict)
}

// A frame is lost with probability p; the nth repeat comes 200 ms × 2ⁿ⁻¹ after the one before, so
// the mean is 200 ms × p/(1−2p). Frames that are far apart don't wait for one another.
func TestNetwork_LostFramesAreSentAgain(t *testing.T) {
	s := quiet(2000)
	s.Rate, s.Arrivals, s.Warmup = 0.1, "constant", 0
	s.Duration, s.Heal = 200*time.Second, 10*time.Minute
	s.LinkLoss = 0.1
	run := virtual(t, s, oneService(t, 3), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	h, err := run.Propagation.Decode()
	require.NoError(t, err)
	assert.InEpsilon(t, 200e6*0.1/0.8, h.Mean(), 0.05)
	assert.Zero(t, run.Propagation.P50, "nine of ten arrive at once")
	assert.InEpsilon(t, 200*ms, h.ValueAtQuantile(95), 0.01)
	assert.Equal(t, sim.Passed, run.Verdict)
}

// Who is cut off gets everything when that is over; the others notice nothing.
func TestNetwork_APartitionDelaysWhomItCutsOff(t *testing.T) {
	s := quiet(100)
	s.Rate, s.Arrivals, s.Warmup = 10, "constant", 0
	s.Duration = 8 * time.Second
	s.LinkDelay, s.LinkSpread = time.Millisecond, "constant"
	s.Partition, s.PartitionLength = 0.25, 2*time.Second
	run := virtual(t, s, oneService(t, 3), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	h, err := run.Propagation.Decode()
	require.NoError(t, err)
	late := 0
	for _, bar := range h.Distribution() {
		if bar.From > 2*ms {
			late += int(bar.Count)
		}
	}
	assert.Equal(t, 25*20, late, "a quarter of the consumers, for 2 s with 10 changes each")
	assert.InEpsilon(t, 2001*ms, run.Propagation.Max, 0.001)
	assert.Zero(t, run.Books.DroppedTotal())
	assert.Equal(t, sim.Passed, run.Verdict)
}

// A connection that is cut during a partition comes back only after it.
func TestNetwork_NobodyConnectsPullsOrListsAcrossAPartition(t *testing.T) {
	s := quiet(400)
	s.Rate, s.Warmup, s.Duration = 20, 0, 8*time.Second
	s.Heal, s.Pull = 0, 100*time.Millisecond
	s.ConsumerChurn, s.Backoff, s.ListTime = 0.2, 10*time.Millisecond, 5*time.Millisecond
	s.Partition, s.PartitionLength = 1, 3*time.Second
	for _, engine := range []string{"notifylab", "sc-1.x", "sc-2.x"} {
		run := virtual(t, s, oneService(t, 3), sim.Config{Engine: engine}, sim.ZeroCost())
		var during uint64
		for _, p := range run.Series {
			if p.At > 5 && p.At < 6.5 { // the partition is from 4 to 7 s
				during += uint64(p.P99)
			}
		}
		assert.Zero(t, during, "%s: nothing is handled", engine)
		assert.InEpsilon(t, 3*sec, run.Staleness.Max, 0.1, engine)
		assert.InEpsilon(t, 50*400, run.Pulls, 0.1, "%s: 10/s for 5 of 8 s", engine)
		assert.NotZero(t, run.OnWire, "%s: what was under way on connections that were cut", engine)
	}
}

// A consumer that stops reading leaves its connection full; only then does its mailbox fill.
func TestNetwork_AConnectionHoldsAWindowOfFrames(t *testing.T) {
	s := quiet(1)
	s.Rate, s.Warmup, s.Duration, s.Heal = 100, 0, 2*time.Second, 0
	s.Stuck, s.LinkDelay, s.LinkSpread = 1, time.Millisecond, "constant"
	run := virtual(t, s, oneService(t, 3), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	before := run.Series[1] // once it thaws, all of it goes through
	assert.EqualValues(t, 64+1, run.Series[0].Delivered+before.Delivered)
	assert.Equal(t, run.Series[0].Published+before.Published-65, before.InFlight)
}

// Books, order, gaps and bytes hold whatever the network does.
func TestNetwork_TheSameBytesAndNoGapOverAnyNetwork(t *testing.T) {
	t.Parallel()
	presets := rapid.SampledFrom([]string{"notifylab", "sc-1.x", "sc-2.x"})
	outer := t
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		w, s := drawWorld(t), drawLoad(t, 12)
		s.LinkDelay = time.Duration(rapid.Int64Range(0, 50*ms).Draw(t, "delay"))
		s.LinkSpread = rapid.SampledFrom([]string{"constant", "exponential", "log-normal"}).
			Draw(t, "link spread")
		s.LinkLoss = rapid.SampledFrom([]float64{0, 0.01, 0.3}).Draw(t, "loss")
		s.Partition = rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "partition")
		if s.Partition > 0 {
			s.PartitionLength = s.Duration / time.Duration(rapid.IntRange(1, 4).Draw(t, "length"))
		}
		s.Slow = rapid.Float64Range(0, 0.5).Draw(t, "slow")
		s.Stuck = rapid.Float64Range(0, 0.5).Draw(t, "stuck")
		s.ConsumerChurn = rapid.SampledFrom([]float64{0, 0.1, 1}).Draw(t, "consumer churn")
		s.ListTime, s.Heal = 5*time.Millisecond, time.Second
		c := sim.Config{
			Engine:       presets.Draw(t, "engine"),
			WatcherQueue: rapid.IntRange(1, 12).Draw(t, "queue"),
			Policy:       rapid.SampledFrom(notify.OverflowNames()).Draw(t, "policy"),
			NoResync:     rapid.Bool().Draw(t, "no resync"),
		}
		a := attempt{w, 1, s, c, sim.ZeroCost()}
		require.Equal(t, runJSON(t, a.again(outer, t)), runJSON(t, run(a).Run))
	})
}

// Both clocks: the network is the lanes', not the driver's.
func TestNetwork_OnTheWallClock(t *testing.T) {
	for _, engine := range []string{"notifylab", "sc-2.x"} {
		s := networked(brief(200))
		run := runWall(t, s, generated(t, builtIn(t, "small"), 1), sim.Config{Engine: engine})
		assert.Equal(t, sim.Passed, run.Verdict, "%s: %v", engine, run.Reasons)
		assert.Greater(t, run.Propagation.P50, ms, engine)
	}
}

package sim_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

// ticking is faulty with an update each second, at 1 s, 2 s and so on up to 9 s.
func ticking(consumers int, faults ...sim.Fault) sim.Scenario {
	s := faulty(consumers, faults...)
	s.Arrivals, s.Rate = "constant", 1
	return s
}

// runOf runs a scenario of one service without costs and wants it to pass.
func runOf(t *testing.T, s sim.Scenario) *sim.Run {
	t.Helper()
	run := virtual(t, s, oneService(t, 5), notifylabAlone, sim.ZeroCost())
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	return run
}

// values are a propagation that so many deliveries have each.
func values(times map[int64]int) (out []int64) {
	for v, n := range times {
		for range n {
			out = append(out, v)
		}
	}
	return out
}

func TestFault_ARegistryRestartHasEveryWatcherListAgainExactlyOnce(t *testing.T) {
	for _, down := range []time.Duration{0, 3 * time.Second} {
		s := ticking(500, sim.Fault{Kind: "registry-restart", Start: 2500 * time.Millisecond,
			Length: down})
		s.Backoff, s.ListTime = 100*time.Millisecond, 10*time.Millisecond
		run := runOf(t, s)
		assert.EqualValues(t, 500, run.Connects, "down for %v", down)
		assert.Zero(t, run.Resyncs)
		if down == 0 {
			assert.EqualValues(t, 9*500, run.Books.Delivered, "all are back before the next change")
			assert.Zero(t, run.Staleness.Count)
			continue
		}
		// The changes at 3, 4 and 5 s are in the new list. Five backoffs can be over within the
		// 3 s, so the one that the end falls in is at most 0.1 s × 2⁵ × 1.5.
		assert.LessOrEqual(t, run.Books.Delivered, uint64(6*500))
		assert.GreaterOrEqual(t, run.Staleness.Count, int64(1))
		assert.LessOrEqual(t, run.Staleness.Max, 8*sec)
		assert.GreaterOrEqual(t, run.Staleness.P50, 2500*ms, "from 3 s until 5.5 s and the backoff")
	}
}

// The first attempt comes after the backoff, with jitter from half to one and a half of it.
func TestFault_TheReconnectStormIsSpreadByBackoffAndJitter(t *testing.T) {
	s := faulty(300, sim.Fault{Kind: "registry-restart"})
	s.Backoff = 100 * time.Millisecond
	r := newRig(t, s, oneService(t, 5), preset(t, sim.Config{}))
	r.Load(0, 10*sec)
	away := func() (n int) {
		for i := range r.Consumers() {
			if r.Consumer(i).Away() {
				n++
			}
		}
		return n
	}
	r.RunTo(0)
	assert.Equal(t, 300, away())
	r.RunTo(50*ms - 1)
	assert.Equal(t, 300, away())
	r.RunTo(100 * ms)
	assert.InDelta(t, 150, away(), 5*math.Sqrt(75))
	r.RunTo(150 * ms)
	assert.Zero(t, away())
}

func TestFault_ACrashLoopCrashesItsShareOncePerPeriod(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "crash-loop", Start: time.Second, Length: 6 * time.Second,
		Share: 0.25, Period: 2 * time.Second})
	s.Backoff = 10 * time.Millisecond
	assert.EqualValues(t, 10*3, runOf(t, s).Connects)
}

func TestFault_ConsumerChurnComesAtItsRateWhileItLasts(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "consumer-churn", Start: time.Second, Length: 6 * time.Second,
		Share: 0.05})
	s.Backoff = 10 * time.Millisecond
	assert.EqualValues(t, 11, runOf(t, s).Connects, "each half second, at neither end")
}

func TestFault_SlowConsumersTakeTheirFactorWhileItLasts(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "slow-consumers", Start: 2500 * time.Millisecond,
		Length: 4 * time.Second, Share: 0.25, Factor: 50})
	s.Handling, s.Spread = time.Millisecond, "constant"
	requireValues(t, values(map[int64]int{50 * ms: 4 * 10, ms: 9*40 - 40}), runOf(t, s).Propagation,
		"the changes at 3, 4, 5 and 6 s")

	s.Faults[0].Factor = 5000
	run := runOf(t, s)
	assert.Equal(t, 3500*ms, exact(run.Propagation.Max), "what is in hand is over with the fault")
}

// exact undoes the rounding of a histogram of three digits, to whole milliseconds.
func exact(v int64) int64 { return (v + ms/2) / ms * ms }

func TestFault_StuckConsumersGoOnWhenItIsOver(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "stuck-consumers", Start: 2500 * time.Millisecond,
		Length: 3 * time.Second, Share: 0.25})
	run := runOf(t, s)
	requireValues(t, values(map[int64]int{
		0: 9*40 - 30, 2500 * ms: 10, 1500 * ms: 10, 500 * ms: 10,
	}), run.Propagation, "the changes at 3, 4 and 5 s")
	requireValues(t, values(map[int64]int{2500 * ms: 10}), run.Staleness, "staleness")
}

func TestFault_TwoBlocksOfStuckConsumersHoldWhoIsInBoth(t *testing.T) {
	s := ticking(1,
		sim.Fault{Kind: "stuck-consumers", Start: 2 * time.Second, Length: 4500 * time.Millisecond,
			Share: 1},
		sim.Fault{Kind: "stuck-consumers", Start: 1500 * time.Millisecond, Length: time.Second,
			Share: 1})
	assert.Equal(t, 4500*ms, exact(runOf(t, s).Propagation.Max), "the change at 2 s")
}

func TestFault_LinkDelayIsOnTopOfTheUsualWhileItLasts(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "link-delay", Start: 2500 * time.Millisecond,
		Length: 4 * time.Second, Share: 0.5, Delay: 200 * time.Millisecond})
	s.LinkDelay, s.LinkSpread = 3*time.Millisecond, "constant"
	requireValues(t, values(map[int64]int{203 * ms: 4 * 20, 3 * ms: 9*40 - 80}),
		runOf(t, s).Propagation, "the changes at 3, 4, 5 and 6 s")
}

func TestFault_LinkLossIsThatOfItsFramesWhileItLasts(t *testing.T) {
	s := ticking(1000, sim.Fault{Kind: "link-loss", Start: 2500 * time.Millisecond,
		Length: time.Second, Share: 0.8, Loss: 0.25})
	h, err := runOf(t, s).Propagation.Decode()
	require.NoError(t, err)
	late := 0
	for _, bar := range h.Distribution() {
		if bar.From > 0 {
			late += int(bar.Count)
		}
	}
	assert.InDelta(t, 800*0.25, late, 5*math.Sqrt(800*0.25*0.75), "of the change at 3 s")
}

func TestFault_APartitionHoldsWhatIsSentToItsShare(t *testing.T) {
	s := ticking(40, sim.Fault{Kind: "partition", Start: 2500 * time.Millisecond,
		Length: 3 * time.Second, Share: 0.25})
	requireValues(t, values(map[int64]int{
		0: 9*40 - 30, 2500 * ms: 10, 1500 * ms: 10, 500 * ms: 10,
	}), runOf(t, s).Propagation, "the changes at 3, 4 and 5 s")
}

func TestFault_AScenariosPartitionIsShortForOneHalfWay(t *testing.T) {
	s := busy(50)
	s.Partition, s.PartitionLength = 1, 300*time.Millisecond
	short := virtual(t, s, mesh(t), notifylabAlone, sim.DefaultCost())
	s.Partition, s.PartitionLength = 0, 0
	s.Faults = []sim.Fault{{Kind: "partition", Start: s.Duration / 2, Share: 1,
		Length: 300 * time.Millisecond}}
	assert.Equal(t, asJSON(t, short),
		asJSON(t, virtual(t, s, mesh(t), notifylabAlone, sim.DefaultCost())))
}

// Everybody is cut at 1.5 s, and misses the change at 2 s if the list takes until then.
func TestFault_ALongListKeepsViewsStaleThatHaveToList(t *testing.T) {
	stale := make(map[bool]sim.Summary)
	for _, long := range []bool{false, true} {
		s := ticking(100, sim.Fault{Kind: "registry-restart", Start: 1900 * time.Millisecond})
		s.Backoff = 20 * time.Millisecond
		if long {
			s.Faults = append(s.Faults, sim.Fault{Kind: "long-list", Start: time.Second,
				Length: 3 * time.Second, Delay: time.Second})
		}
		stale[long] = runOf(t, s).Staleness
	}
	assert.Zero(t, stale[false].Count)
	assert.GreaterOrEqual(t, stale[true].Count, int64(90), "of the 100 consumers")
	assert.Greater(t, stale[true].P50, 400*ms)
	assert.Less(t, stale[true].P50, 2*sec)
}

package sim_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

// tally is a virtual run with what became of each consumer.
func tally(t require.TestingT, s sim.Scenario, topology *sim.Topology, c sim.Config,
	cost sim.CostModel, m sim.Meddling) (*sim.Run, []sim.Tally) {
	run, all, err := sim.TallyVirtual(context.Background(), s, topology, c, cost, m)
	require.NoError(t, err)
	requireBalance(t, &run.Books)
	return run, all
}

// events is the part of the tallies that says which events each consumer got.
func events(all []sim.Tally) []sim.Tally {
	out := slices.Clone(all)
	for i := range out {
		out[i].Drawn = 0 // times may differ, and lists with them
	}
	return out
}

// mesh is a small world with many groups.
func mesh(t testing.TB) *sim.Topology {
	return generated(t, sim.Workload{
		Name: "mesh", Shape: sim.ShapeMesh, Services: 10, Instances: 60, MeanInDegree: 4,
	}, 1)
}

// lossless draws a scenario in which nothing need be lost: nobody is stuck, comes or goes.
func lossless(t *rapid.T) sim.Scenario {
	s := brief(rapid.IntRange(1, 60).Draw(t, "consumers"))
	s.Warmup = 0 // or what is under way at its end would count in one run and not in the other
	s.Seed = rapid.Uint64Range(0, 1000).Draw(t, "seed")
	s.Rate = rapid.Float64Range(10, 2000).Draw(t, "rate")
	s.Arrivals = rapid.SampledFrom([]string{"poisson", "constant"}).Draw(t, "arrivals")
	s.Batch = rapid.IntRange(1, 20).Draw(t, "batch")
	s.Churn = rapid.Float64Range(0, 1).Draw(t, "churn")
	s.Storm = rapid.IntRange(0, 100).Draw(t, "storm")
	s.Handling = time.Duration(rapid.Int64Range(0, 5*ms).Draw(t, "handling"))
	spreads := []string{"constant", "exponential", "log-normal"}
	s.Spread = rapid.SampledFrom(spreads).Draw(t, "spread")
	s.Slow, s.Stuck, s.ConsumerChurn, s.Pull = 0.2, 0, 0, 0
	return s
}

// roomy is a configuration in which nobody's backlog ever is full.
func roomy(engine string) sim.Config { return sim.Config{Engine: engine, WatcherQueue: 1 << 10} }

// The order in which the consumers are made and connected changes nothing: without costs it makes
// no difference either who is served first.
func TestTheOrderOfTheConsumersChangesNothing(t *testing.T) {
	topology := mesh(t)
	rapid.Check(t, func(t *rapid.T) {
		s := lossless(t)
		s.Slow, s.Stuck, s.Pull = 0.2, 0.1, 100*time.Millisecond
		c := rapid.SampledFrom(engines()).Draw(t, "configuration")
		c.QueueSize = 0
		if c.Engine == "sc-1.x" {
			c.WatcherQueue = 0 // or it would wait for one after the other
		}
		want, wantAll := tally(t, s, topology, c, sim.ZeroCost(), sim.Meddling{})
		m := sim.Meddling{Shuffle: rapid.Uint64Min(1).Draw(t, "shuffle")}
		got, gotAll := tally(t, s, topology, c, sim.ZeroCost(), m)
		require.Equal(t, wantAll, gotAll)
		require.Equal(t, want, got)
	})
}

// variant is an engine that is to deliver the same as one shard of notifylab without costs.
type variant struct {
	c     sim.Config
	cost  sim.CostModel
	batch int // 0: the engine's own
}

var variants = []variant{
	{c: sim.Config{Engine: "notifylab", Shards: 2}},
	{c: sim.Config{Engine: "notifylab", Shards: 1, QueueSize: 1}},
	{c: sim.Config{Engine: "notifylab", Shards: 1}, batch: 1},
	{c: sim.Config{Engine: "notifylab", Shards: 1}, batch: 2,
		cost: sim.CostModel{Route: 0.3, Deliver: 0.2, Queue: 0.1, Wake: 0.7}},
	{c: sim.Config{Engine: "notifylab", Shards: 3, QueueSize: 3},
		cost: sim.CostModel{Route: 3e5, Deliver: 2e4, Queue: 1e3, Wake: 1e5}},
	{c: sim.Config{Engine: "sc-1.x"}},
	{c: sim.Config{Engine: "sc-2.x"}},
}

// Whoever loses nothing gets the same events, whatever the engine is like inside and whatever its
// work takes.
func TestWhoLosesNothingGetsTheSameWhateverTheEngineIsLike(t *testing.T) {
	topology := mesh(t)
	rapid.Check(t, func(t *rapid.T) {
		s := lossless(t)
		s.Heal = 10 * time.Minute
		c := roomy("notifylab")
		c.Shards = 1
		run, want := tally(t, s, topology, c, sim.ZeroCost(), sim.Meddling{})
		require.Zero(t, run.Books.DroppedTotal()+run.Books.Conflated)
		require.Equal(t, run.Books.Offered, run.Books.Delivered)
		x := rapid.SampledFrom(variants).Draw(t, "variant")
		if x.c.Engine == "sc-1.x" && s.Rate > 200 {
			t.Skip("at two events a second it would be hours")
		}
		x.c.WatcherQueue = c.WatcherQueue
		other, got := tally(t, s, topology, x.c, x.cost, sim.Meddling{
			Preset: func(p *watch.Preset) { p.Type.Batch = cmp.Or(x.batch, p.Type.Batch) },
		})
		require.Equal(t, events(want), events(got))
		require.Equal(t, run.Changes, other.Changes)
		require.Equal(t, run.Books.Delivered, other.Books.Delivered)
		require.Equal(t, run.Propagation.Count, other.Propagation.Count)
	})
}

// The two clocks deliver the same events to the same consumers.
func TestTheClocksDeliverTheSame(t *testing.T) {
	topology := mesh(t)
	for _, engine := range []string{"notifylab", "sc-2.x"} {
		s := brief(40)
		s.Rate, s.Handling, s.Stuck, s.ConsumerChurn, s.Pull = 500, time.Millisecond, 0, 0, 0
		wall, want, err := sim.TallyWall(t.Context(), s, topology, roomy(engine))
		require.NoError(t, err)
		require.Equal(t, sim.Passed, wall.Verdict, "%q", wall.Reasons)
		run, got := tally(t, s, topology, roomy(engine), sim.DefaultCost(), sim.Meddling{})
		assert.Equal(t, wall.Changes, run.Changes)
		assert.Equal(t, wall.Propagation.Count, run.Propagation.Count)
		assert.Equal(t, want, got, "%s: with the same random numbers drawn", engine)
		assert.Positive(t, run.Propagation.Count)
	}
}

// Each consumer has random numbers of its own, and so has the generator.
func TestMoreConsumersChangeNothingForTheOthers(t *testing.T) {
	topology := oneService(t, 20)
	rapid.Check(t, func(t *rapid.T) {
		s := lossless(t)
		s.Slow = 0 // who is slow is drawn from all
		few, want := tally(t, s, topology, roomy("notifylab"), sim.ZeroCost(), sim.Meddling{})
		s.Consumers += rapid.IntRange(1, 50).Draw(t, "more")
		many, got := tally(t, s, topology, roomy("notifylab"), sim.ZeroCost(), sim.Meddling{})
		require.Equal(t, want, got[:len(want)])
		require.Equal(t, few.Changes, many.Changes)
		require.Equal(t, few.Books.Published, many.Books.Published)
		if s.Handling > 0 && s.Spread != "constant" && many.Changes > 0 {
			drawn := make(map[string]bool)
			for _, c := range got {
				drawn[fmt.Sprint(c.Drawn)] = true
			}
			require.Len(t, drawn, len(got), "no two draw the same")
		}
	})
}

// requireValues wants a summary to be that of exactly these values, the whole histogram of it.
func requireValues(t require.TestingT, want []int64, got sim.Summary, what string) {
	summary, err := sim.SummaryOf(want...)
	require.NoError(t, err)
	require.Equal(t, summary, got, what)
}

// together is a scenario in which all consumers get so many changes 70 ms after a tick, and
// nothing else happens for half a minute.
func together(consumers, changes int) sim.Scenario {
	s := quiet(consumers)
	s.Warmup, s.Duration, s.Heal = 70*time.Millisecond, 40*time.Second, 10*time.Minute
	s.Storm, s.StormWave = changes, changes
	return s
}

func TestServiceCenter1PollsExactlyEvery500ms(t *testing.T) {
	run := virtual(t, together(3, 60), oneService(t, 5), sim.Config{Engine: "sc-1.x"},
		sim.ZeroCost())
	var want []int64
	for n := range int64(60) {
		at := 500*ms*(n+1) - 70*ms // the first one with the next tick
		want = append(want, at, at, at)
	}
	requireValues(t, want, run.Propagation, "propagation")
	assert.Equal(t, 1.5, run.WatcherRateMax, "60 events in 40 s")
	assert.Equal(t, sim.Passed, run.Verdict)
}

// Two watchers with room for one event, one of them stuck over the first event, get four. The
// fourth comes to the other one when both waits for the stuck one are over, or at the next tick.
func TestServiceCenter1WaitsExactlyOneSecondForAFullWatcher(t *testing.T) {
	want := map[bool][]int64{ // when the other one gets them, by whether the stuck one is first
		false: {430 * ms, 930 * ms, 1430 * ms, 2430 * ms},
		true:  {430 * ms, 930 * ms, 1930 * ms, 2930 * ms},
	}
	for seed := uint64(1); len(want) > 0; seed++ {
		s := together(2, 4)
		s.Seed, s.Stuck = seed, 0.5
		c := sim.Config{Engine: "sc-1.x", WatcherQueue: 1}
		run, all := tally(t, s, oneService(t, 5), c, sim.ZeroCost(), sim.Meddling{})
		if want[all[0].Stuck] == nil {
			continue
		}
		// Once it is thawed, 30 s later, the stuck one handles what it has and what waits.
		requireValues(t, append(want[all[0].Stuck], 30*sec, 30*sec), run.Propagation, "propagation")
		assert.Equal(t, map[string]uint64{"timed_out": 2}, run.Books.Dropped)
		delete(want, all[0].Stuck)
	}
}

// A consumer has one event in hand, and beyond queue others all that wait are lost at once.
func TestServiceCenter2FlushesExactly(t *testing.T) {
	topology := oneService(t, 5)
	rapid.Check(t, func(t *rapid.T) {
		consumers := rapid.IntRange(1, 5).Draw(t, "consumers")
		changes := rapid.IntRange(2, 50).Draw(t, "changes")
		queue := rapid.IntRange(1, 9).Draw(t, "queue")
		s := together(consumers, changes)
		s.Duration, s.Handling, s.Spread = 2*time.Second, 10*time.Millisecond, "constant"
		c := sim.Config{Engine: "sc-2.x", WatcherQueue: queue}
		run, _ := tally(t, s, topology, c, sim.ZeroCost(), sim.Meddling{})
		flushed := (changes - 2) / queue * queue
		require.EqualValues(t, consumers*flushed, run.Books.Dropped["flushed"])
		require.EqualValues(t, consumers*(changes-flushed), run.Books.Delivered)
		require.EqualValues(t, flushed, run.Drops.P50)
		require.EqualValues(t, flushed, run.Drops.Max)
		var want []int64
		for n := range changes - flushed {
			want = append(want, slices.Repeat([]int64{int64(n+1) * 10 * ms}, consumers)...)
		}
		requireValues(t, want, run.Propagation, "propagation")
	})
}

// Each event beyond those that find room waits until the shard takes one, a millisecond.
func TestAFullTaskQueueMakesTheGeneratorWaitAndLosesNothing(t *testing.T) {
	topology := oneService(t, 5)
	for _, queue := range []int{1, 2, 7, 19, 20, 100} {
		c := sim.Config{Engine: "sc-2.x", QueueSize: queue}
		run := virtual(t, together(3, 20), topology, c, sim.CostModel{Route: 1e6})
		var waits, want []int64
		for n := range int64(20) {
			want = append(want, (n+1)*ms, (n+1)*ms, (n+1)*ms)
			if n <= int64(queue) {
				waits = append(waits, 0)
			} else {
				waits = append(waits, ms)
			}
		}
		requireValues(t, waits, run.PublishWait, "publish wait")
		requireValues(t, want, run.Propagation, "propagation")
		assert.Equal(t, min(queue, 19), run.QueueHigh)
		assert.Zero(t, run.Books.Rejected)
		assert.Equal(t, sim.Passed, run.Verdict)
	}
}

// A shard is a server with a queue: Lindley's recursion says when it begins with an event.
func TestAShardIsAServer(t *testing.T) {
	topology := oneService(t, 5)
	rapid.Check(t, func(t *rapid.T) {
		s := quiet(rapid.IntRange(1, 5).Draw(t, "consumers"))
		s.Rate = rapid.SampledFrom([]float64{100, 250, 1000, 2000}).Draw(t, "rate")
		s.Arrivals, s.Warmup, s.Duration, s.Heal = "constant", 0, 100*time.Millisecond, time.Minute
		cost := func(name string) float64 {
			return float64(rapid.Int64Range(0, 2*ms).Draw(t, name))
		}
		m := sim.CostModel{Route: cost("route"), Deliver: cost("deliver"), Wake: cost("wake")}
		run, _ := tally(t, s, topology, sim.Config{Engine: "sc-2.x"}, m, sim.Meddling{})
		var want []int64
		gap, free := int64(1e9/s.Rate), int64(0)
		for due := gap; due < int64(s.Duration); due += gap {
			at := max(due, free)
			if free < at {
				at += int64(m.Wake)
			}
			at += int64(m.Route)
			for range s.Consumers {
				at += int64(m.Deliver)
				want = append(want, at-due)
			}
			free = at
		}
		requireValues(t, want, run.Propagation, "propagation")
	})
}

package sim_test

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/sim"
)

// streamed gives the scenario sessions, with times that fit into a short run.
func streamed(s sim.Scenario) sim.Scenario {
	s.Transport = sim.Session
	s.Heartbeat, s.WriteTimeout = 100*time.Millisecond, 200*time.Millisecond
	s.ReadTimeout = 300 * time.Millisecond
	return s
}

var notifylab = sim.Config{Engine: "notifylab"}

func TestSession_APartitionLongerThanTheReadTimeoutEndsThoseItCutsOff(t *testing.T) {
	s := streamed(quiet(100))
	s.Rate = 10
	s.Warmup, s.Duration, s.Heal = 0, 4*time.Second, 10*time.Second
	s.LinkDelay, s.LinkSpread = time.Millisecond, "constant"
	s.Partition, s.PartitionLength = 0.25, time.Second
	run := virtual(t, s, oneService(t, 3), notifylab, sim.ZeroCost())
	assert.Equal(t, map[string]int64{sim.EndedByRead: 25}, run.Stream.Ended)
	assert.EqualValues(t, 125, run.Stream.Opened)
	assert.EqualValues(t, 25, run.Connects)
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)

	s.PartitionLength = 150 * time.Millisecond
	run = virtual(t, s, oneService(t, 3), notifylab, sim.ZeroCost())
	assert.Empty(t, run.Stream.Ended, "a shorter one ends nobody")
	assert.EqualValues(t, 100, run.Stream.Opened)
}

// The first event is in hand, 64 fill the wire, and the next one is what the deadline is about.
func TestSession_AStuckConsumerEndsAtTheWriteDeadlineExactly(t *testing.T) {
	s := quiet(1)
	s.Transport, s.Stuck = sim.Session, 1
	r := newRig(t, s, oneService(t, 3), preset(t, sim.Config{}))
	c := r.Consumer(0)
	for range 1 + 64 {
		change(t, r, 0)
		after(r, ms)
	}
	after(r, 20*sec)
	require.False(t, c.Away(), "nobody waits for what is on its way")
	change(t, r, 0)
	begins := r.Now
	for range 3 {
		after(r, sec)
		change(t, r, 0) // more of it doesn't change the deadline
	}
	deadline := begins + int64(stream.DefaultWriteTimeout)
	r.RunTo(deadline - 1)
	assert.False(t, c.Away())
	r.RunTo(deadline)
	assert.True(t, c.Away())
	run := conclude(t, r)
	assert.EqualValues(t, 1, run.Stream.Ended[sim.EndedByWrite])
	assert.EqualValues(t, 4, run.Stream.Unsent)
	assert.Empty(t, r.Reasons())
}

func TestSession_AConsumerThatReadsAgainInTimeGoesOn(t *testing.T) {
	s := quiet(1)
	s.Transport, s.Stuck = sim.Session, 1
	r := newRig(t, s, oneService(t, 3), preset(t, sim.Config{}))
	for range 70 {
		change(t, r, 0)
	}
	after(r, int64(stream.DefaultWriteTimeout)-1)
	r.Calm()
	after(r, sec)
	assert.True(t, r.Consumer(0).View().Right())
	run := conclude(t, r)
	assert.Empty(t, run.Stream.Ended)
	assert.Zero(t, run.Stream.Unsent)
	assert.EqualValues(t, 70, run.Stream.Encoded)
	assert.EqualValues(t, 1+70, run.Stream.Frames, "the list is one")
}

// A consumer that is stuck over its only event reads no ping either.
func TestSession_AStuckConsumerThatGetsLittleEndsAtTheReadDeadline(t *testing.T) {
	s := quiet(1)
	s.Transport, s.Stuck = sim.Session, 1
	s.Heartbeat, s.ReadTimeout = 10*time.Second, 25*time.Second
	r := newRig(t, s, oneService(t, 3), preset(t, sim.Config{}))
	r.RunTo(r.Now + 15*sec) // the pong to the ping at 10 s is the last
	change(t, r, 0)
	r.RunTo(35*sec - 1)
	assert.False(t, r.Consumer(0).Away())
	r.RunTo(35 * sec)
	assert.True(t, r.Consumer(0).Away())
	assert.EqualValues(t, 1, conclude(t, r).Stream.Ended[sim.EndedByRead])
}

func TestSession_APingIsSentEveryHeartbeatAndAnswered(t *testing.T) {
	s := quiet(7)
	s.Transport, s.Heartbeat, s.ReadTimeout = sim.Session, time.Second, 1500*time.Millisecond
	s.Warmup, s.Duration = 0, 10*time.Second
	s.LinkDelay, s.LinkSpread = 200*time.Millisecond, "constant"
	run := virtual(t, s, oneService(t, 3), notifylab, sim.ZeroCost())
	assert.EqualValues(t, 7*10, run.Stream.Heartbeats)
	assert.Empty(t, run.Stream.Ended, "each pong is back 1.4 s after the one before was sent")
	s.LinkDelay = 300 * time.Millisecond
	run = virtual(t, s, oneService(t, 3), notifylab, sim.ZeroCost())
	assert.Positive(t, run.Stream.Ended[sim.EndedByRead], "this one is too late")
}

// One shard has one writer: it encodes an event once and writes one frame after the other.
func TestSession_EncodingAndWritingTakeTheirTime(t *testing.T) {
	s := quiet(20)
	s.Transport, s.Rate, s.Arrivals, s.Warmup = sim.Session, 10, "constant", 0
	cost := sim.CostModel{Machine: "m", Encode: 1e6, Write: 2e5}
	c := sim.Config{Engine: "notifylab", Shards: 1}
	run := virtual(t, s, oneService(t, 3), c, cost)
	var want []int64
	for range run.Changes {
		for k := range int64(s.Consumers) {
			want = append(want, 1e6+(k+1)*2e5)
		}
	}
	requireValues(t, want, run.Propagation, "propagation")
	assert.Equal(t, run.Changes, run.Stream.Encoded)
	assert.Equal(t, int64(s.Consumers)*(run.Changes+1), run.Stream.Frames)
}

func TestSession_AnEndHasItsReason(t *testing.T) {
	p := preset(t, sim.Config{WatcherQueue: 1, Policy: "evict"})
	p.Watch.ListTimeout = 50 * time.Millisecond
	s := quiet(6)
	s.Transport, s.Backoff = sim.Session, time.Minute
	r := newRig(t, s, oneService(t, 3), p)
	r.Ask("leave", 0)
	r.Ask("cut", 1)
	r.Ask("crash", 2)
	after(r, ms)
	r.SetListTime(time.Hour)
	r.Ask("leave", 3)
	after(r, sec)
	r.SetListTime(0)
	r.SetHandling(time.Hour)
	for range 1 + 3*64 + 2 { // in hand; on the wire, being written, taken ahead; one too many
		change(t, r, 0)
		after(r, ms)
	}
	after(r, sec)
	ended := r.Stream().Ended
	assert.EqualValues(t, 2, ended["left"])
	assert.EqualValues(t, 2, ended["vanished"])
	assert.EqualValues(t, 1, ended["list timeout"])
	after(r, 10*sec)
	assert.EqualValues(t, 3, r.Stream().Ended["slow"], "that is told once their write is over: %v",
		r.Stream().Ended)
}

// The same bytes at any number of processors, as in process.
func TestSession_TheSameScenarioAndSeedGiveTheSameBytes(t *testing.T) {
	topology, s := generated(t, builtIn(t, "small"), 1), networked(streamed(busy(300)))
	cost := sim.DefaultCost()
	cost.Encode, cost.Write = 2000.5, 9000.5
	c := sim.Config{Engine: "notifylab", QueueSize: 50, WatcherQueue: 4, Policy: "drop-oldest"}
	first := virtual(t, s, topology, c, cost)
	for _, reason := range []string{sim.EndedByRead, "left", "vanished"} {
		assert.Positive(t, first.Stream.Ended[reason], reason)
	}
	assert.Positive(t, first.Stream.Heartbeats)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, procs := range []int{1, 2} {
		runtime.GOMAXPROCS(procs)
		require.Equal(t, asJSON(t, first), asJSON(t, virtual(t, s, topology, c, cost)))
	}
}

// Books, order, gaps and bytes hold whatever network the sessions have.
func TestSession_TheSameBytesAndNoGapOverAnyNetwork(t *testing.T) {
	t.Parallel()
	outer := t
	law(t, func(t *rapid.T, run func(attempt) *sim.Watched) {
		w, s := drawWorld(t), drawLoad(t, 12)
		s.Transport = sim.Session
		for _, x := range []*time.Duration{&s.Heartbeat, &s.WriteTimeout, &s.ReadTimeout} {
			*x = time.Duration(rapid.Int64Range(ms, 100*ms).Draw(t, "time"))
		}
		s.LinkDelay = time.Duration(rapid.Int64Range(0, 50*ms).Draw(t, "delay"))
		s.LinkLoss = rapid.SampledFrom([]float64{0, 0.01, 0.3}).Draw(t, "loss")
		s.Partition = rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "partition")
		if s.Partition > 0 {
			s.PartitionLength = s.Duration / time.Duration(rapid.IntRange(1, 4).Draw(t, "length"))
		}
		s.Stuck = rapid.Float64Range(0, 0.5).Draw(t, "stuck")
		s.ConsumerChurn = rapid.SampledFrom([]float64{0, 0.1, 1}).Draw(t, "consumer churn")
		s.ListTime, s.Heal = 5*time.Millisecond, time.Second
		c := sim.Config{
			Engine:       "notifylab",
			WatcherQueue: rapid.IntRange(1, 12).Draw(t, "queue"),
			Policy:       rapid.SampledFrom(notify.OverflowNames()).Draw(t, "policy"),
			NoResync:     rapid.Bool().Draw(t, "no resync"),
		}
		cost := sim.CostModel{
			Encode: rapid.Float64Range(0, 1e6).Draw(t, "encode"),
			Write:  rapid.Float64Range(0, 1e6).Draw(t, "write"),
		}
		a := attempt{w, 1, s, c, cost}
		require.Equal(t, runJSON(t, a.again(outer, t)), runJSON(t, run(a).Run))
	})
}

// Without a network, a cost or a client that doesn't read, a session makes no difference to what
// a consumer gets and when.
func TestSession_WithoutCostsConsumersGetTheSameAsInProcess(t *testing.T) {
	topology := mesh(t)
	rapid.Check(t, func(t *rapid.T) {
		s := lossless(t)
		run, want := tally(t, s, topology, roomy("notifylab"), sim.ZeroCost(), sim.Meddling{})
		s.Transport = sim.Session
		other, got := tally(t, s, topology, roomy("notifylab"), sim.ZeroCost(), sim.Meddling{})
		require.Equal(t, want, got)
		require.Equal(t, run.Propagation, other.Propagation)
		require.Equal(t, run.Staleness, other.Staleness)
	})
}

// Both clocks: sessions are the lanes', not the driver's.
func TestSession_OnTheWallClock(t *testing.T) {
	s := networked(brief(200))
	s.Transport = sim.Session
	s.Heartbeat = 20 * time.Millisecond
	run := runWall(t, s, generated(t, builtIn(t, "small"), 1), notifylab)
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	assert.Greater(t, run.Propagation.P50, ms)
	assert.Positive(t, run.Stream.Heartbeats)
	assert.Positive(t, run.Stream.Frames)
}

func TestTransport_InProcessLeavesNoTraceInADocument(t *testing.T) {
	for _, transport := range []sim.Transport{"", sim.InProc} {
		s := quiet(3)
		s.Transport = transport
		run := virtual(t, s, oneService(t, 3), notifylab, sim.ZeroCost())
		data, err := json.Marshal(sim.Document{Scenario: s, Runs: []*sim.Run{run}})
		require.NoError(t, err)
		for _, field := range []string{"transport", "heartbeat", "timeout", "stream"} {
			assert.NotContains(t, string(data), field)
		}
	}
}

func TestTransport_WhatDoesNotFitIsAMistake(t *testing.T) {
	topology := oneService(t, 3)
	fails := func(clock string, c sim.Config, set func(*sim.Scenario)) sim.Mistakes {
		s := brief(10)
		set(&s)
		var err error
		if clock == sim.WallClock {
			_, err = sim.RunWall(t.Context(), s, topology, c, nil)
		} else {
			_, err = sim.RunVirtual(t.Context(), s, topology, c, sim.ZeroCost(), nil)
		}
		return mistakes(t, err)
	}
	for _, x := range []struct {
		clock, field, want string
		engine             string
		set                func(*sim.Scenario)
	}{
		{sim.VirtualClock, "transport", "session with the virtual clock; real connections need " +
			"the wall clock", "notifylab", func(s *sim.Scenario) { s.Transport = sim.WebSocket }},
		{sim.WallClock, "consumers", "ulimit -n 2000000256 before", "notifylab",
			func(s *sim.Scenario) { s.Transport, s.Consumers = sim.WebSocket, 1_000_000_000 }},
		{sim.WallClock, "link_delay", "0 with transport ws", "notifylab",
			func(s *sim.Scenario) { s.Transport, s.LinkDelay = sim.WebSocket, 1 }},
		{sim.WallClock, "link_loss", "0 with transport ws", "notifylab",
			func(s *sim.Scenario) { s.Transport, s.LinkLoss = sim.WebSocket, 0.1 }},
		{sim.WallClock, "partition", "0 with transport ws", "notifylab", func(s *sim.Scenario) {
			s.Transport, s.Partition, s.PartitionLength = sim.WebSocket, 0.1, 1
		}},
		{sim.VirtualClock, "engine", "notifylab with transport session; a baseline has streams " +
			"of its own", "sc-1.x", func(s *sim.Scenario) { s.Transport = sim.Session }},
		{sim.WallClock, "engine", "notifylab with transport ws", "sc-2.x",
			func(s *sim.Scenario) { s.Transport = sim.WebSocket }},
		{sim.WallClock, "transport", "one of inproc, session, ws, grpc", "notifylab",
			func(s *sim.Scenario) { s.Transport = "pigeon" }},
		{sim.WallClock, "heartbeat", "it with transport session, ws or grpc only", "notifylab",
			func(s *sim.Scenario) { s.Heartbeat = 1 }},
		{sim.WallClock, "heartbeat", "a duration, 0s (30s) or more", "notifylab",
			func(s *sim.Scenario) { s.Heartbeat = -1 }},
		{sim.WallClock, "write_timeout", "a duration, 0s (5s) or more", "notifylab",
			func(s *sim.Scenario) { s.WriteTimeout = -1 }},
		{sim.WallClock, "read_timeout", "a duration, 0s (4 heartbeats) or more", "notifylab",
			func(s *sim.Scenario) { s.ReadTimeout = -1 }},
		{sim.WallClock, "read_timeout", "0s with transport grpc, whose clients don't answer",
			"notifylab", func(s *sim.Scenario) { s.Transport, s.ReadTimeout = sim.GRPC, 1 }},
		{sim.VirtualClock, "transport", "session with the virtual clock", "notifylab",
			func(s *sim.Scenario) { s.Transport = sim.GRPC }},
	} {
		got := fails(x.clock, sim.Config{Engine: x.engine}, x.set)
		require.Len(t, got, 1, x.field)
		assert.Equal(t, x.field, got[0].Field)
		assert.Contains(t, got[0].Want, x.want)
	}
}

func TestTransport_TheTimesOfASessionHaveDefaults(t *testing.T) {
	s := sim.DefaultScenario()
	heartbeat, write, read := s.StreamTimes()
	assert.Equal(t, []time.Duration{30 * time.Second, 5 * time.Second, 2 * time.Minute},
		[]time.Duration{heartbeat, write, read})
	s.Heartbeat = time.Second
	_, _, read = s.StreamTimes()
	assert.Equal(t, 4*time.Second, read)
}

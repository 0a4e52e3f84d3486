package sim_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// traced is a quiet scenario that replays these lines.
func traced(t testing.TB, consumers int, lines ...string) sim.Scenario {
	t.Helper()
	s := quiet(consumers)
	s.Warmup = 100 * time.Millisecond
	require.NoError(t, s.ReadTrace("my.ndjson", strings.NewReader(strings.Join(lines, "\n"))))
	s.Duration = max(s.TraceLength(), time.Millisecond)
	return s
}

// happened is a line of a trace of the one service.
func happened(at float64, action, instance string) string {
	return fmt.Sprintf(`{"t":%g,"action":%q,"service":"one/service-0","instance":%q}`, at, action,
		instance)
}

// replayed is one event that a replay made.
type replayed struct {
	due      int64
	action   registry.Action
	instance string
}

// replayOf runs the generator alone, from 1 s on, and lists what its consumer would hear.
func replayOf(t *testing.T, s sim.Scenario, topology *sim.Topology) (list []replayed, r *sim.Rig) {
	t.Helper()
	r = newRig(t, s, topology, preset(t, sim.Config{}))
	heard := listen(t, r, 0)
	r.Load(sec, sec+int64(s.Duration))
	r.RunTo(10 * sec)
	for _, ev := range heard.events {
		x := replayed{due: ev.Due.UnixNano() - time.Unix(1e9, 0).UnixNano()}
		c := changeOf(ev)
		if x.action = c.Action; c.Instance != nil {
			x.instance = c.Instance.ID
		}
		list = append(list, x)
	}
	return list, r
}

// theirs are the names of the instances of the one provider.
func theirs(t *testing.T, topology *sim.Topology) []string {
	t.Helper()
	w, err := topology.Build(0, 0)
	require.NoError(t, err)
	return w.Providers[0].Instances
}

func TestAReplayMakesTheChangesOfTheTraceWhenTheyAreDue(t *testing.T) {
	topology := oneService(t, 3)
	own := theirs(t, topology)
	s := traced(t, 1, happened(0.25, "update", own[1]), happened(0.5, "create", "new"),
		happened(1, "update", "new"), happened(1.5, "delete", "new"),
		happened(1.5, "delete", own[0]), happened(2, "create", own[0]),
		`{"t":2.25,"action":"expire","service":"one/service-0"}`)
	s.Rate, s.Storm, s.Stages = 1000, 500, []sim.Stage{{Length: time.Second, From: 9, To: 9,
		Burst: 50}}
	got, r := replayOf(t, s, topology)
	require.Len(t, got, 7, "and nothing else")
	made := got[1].instance
	assert.NotContains(t, own, made)
	assert.Equal(t, []replayed{
		{sec + sec/4, registry.Update, own[1]}, {sec + sec/2, registry.Create, made},
		{2 * sec, registry.Update, made}, {2*sec + sec/2, registry.Delete, made},
		{2*sec + sec/2, registry.Delete, own[0]}, {3 * sec, registry.Create, own[0]},
		{3*sec + sec/4, registry.Expire, ""},
	}, got)
	assert.Equal(t, &sim.TraceRun{Changes: 7, Applied: 7}, conclude(t, r).Trace)

	s.TraceSpeed = 4
	faster, _ := replayOf(t, s, topology)
	require.Len(t, faster, 7)
	for i := range got {
		assert.Equal(t, (got[i].due-sec)/4, faster[i].due-sec)
	}
}

// What was there before the recording began has other names in another world.
func TestUnknownInstancesAreStoodInForByThoseOfTheService(t *testing.T) {
	topology := oneService(t, 2)
	own := theirs(t, topology)
	s := traced(t, 1, happened(0.1, "update", "a"), happened(0.2, "update", own[1]),
		happened(0.3, "update", "a"), happened(0.4, "delete", "b"), happened(0.5, "delete", "a"),
		happened(0.6, "update", "c"), happened(0.7, "delete", "a"))
	got, r := replayOf(t, s, topology)
	require.Len(t, got, 5)
	made := got[4].instance
	assert.NotContains(t, own, made)
	assert.Equal(t, []replayed{
		{sec + 100*ms, registry.Update, own[0]}, {sec + 200*ms, registry.Update, own[1]},
		{sec + 300*ms, registry.Update, own[0]}, {sec + 500*ms, registry.Delete, own[0]},
		{sec + 600*ms, registry.Create, made},
	}, got)
	assert.Equal(t, &sim.TraceRun{Changes: 7, Applied: 5, StandIns: 1,
		Refused: map[string]int64{"instance unknown": 1, "already gone": 1}}, conclude(t, r).Trace)
}

func TestAReplayTakesWhatTheTraceSaysOfAnInstance(t *testing.T) {
	topology := oneService(t, 1)
	own := theirs(t, topology)[0]
	s := traced(t, 1, strings.Replace(happened(0, "update", own), "}",
		`,"status":"DOWN","endpoints":["rest://x:1"],"properties":{"zone":"b"}}`, 1),
		happened(0.1, "update", own))
	_, r := replayOf(t, s, topology)
	in := r.World().Registry.Instance(r.World().Providers[0].ServiceID, own)
	assert.Equal(t, "DOWN", in.Status)
	assert.Equal(t, []string{"rest://x:1"}, in.Endpoints)
	assert.Equal(t, map[string]string{"zone": "b"}, in.Properties)
}

// twoServices is a trace of two services of the recorded world.
func twoServices(a, b string) []string {
	var lines []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf(
			`{"t":%d,"action":"update","service":%q,"instance":"x"}`, i, []string{a, b}[i%2]))
	}
	return lines
}

func TestServicesAreMatchedByName(t *testing.T) {
	topology := trainTicket(t)
	for _, x := range []struct {
		a, b, about string
		applied     int64
	}{
		{"train-ticket/ts-order-service", "ts-user-service",
			"10 changes of 2 services within 9s", 10},
		{"train-ticket/ts-order-service", "shop/cart", "10 changes of 2 services within 9s; " +
			"this world lacks 1 of them, whose changes are left out (shop/cart)", 5},
		{"shop/cart", "shop/order", "10 changes of 2 services within 9s; this world has none of " +
			"them: its own providers take their parts, in the order in which they come", 10},
	} {
		s := traced(t, 50, twoServices(x.a, x.b)...)
		s.Workload, s.Topology = "", topology.Name
		assert.Equal(t, x.about, s.DescribeTrace(topology))
		run := virtual(t, s, topology, sim.Config{Engine: "notifylab"}, sim.DefaultCost())
		assert.Equal(t, x.applied, run.Trace.Applied)
		assert.Equal(t, x.applied, run.Changes)
		assert.Equal(t, 10-x.applied, run.Trace.Refused["service unknown"])
	}
}

// burst is a trace with n updates of one instance each, half of them at once.
func burst(n int) []string {
	var lines []string
	for i := range n {
		at := 0.5
		if i%2 == 0 {
			at = float64(i+1) / float64(n)
		}
		lines = append(lines, happened(at, "update", fmt.Sprint(i%5)))
	}
	return lines
}

func TestAReplayIsRepeatableAndEveryConsumerHearsOfEveryChange(t *testing.T) {
	topology := oneService(t, 5)
	s := traced(t, 20, burst(200)...)
	c := sim.Config{Engine: "notifylab"}
	first := virtual(t, s, topology, c, sim.DefaultCost())
	assert.Equal(t, sim.Passed, first.Verdict, first.Reasons)
	assert.EqualValues(t, 200, first.Changes)
	assert.EqualValues(t, 200*20, first.Books.Offered)
	assert.EqualValues(t, 200*20, first.Propagation.Count)
	assert.Equal(t, first, virtual(t, s, topology, c, sim.DefaultCost()))

	s.Faults = []sim.Fault{{Kind: "zone-loss", Length: 200 * time.Millisecond}}
	s.Transport = sim.Session
	faulty := virtual(t, s, topology, c, sim.DefaultCost())
	assert.Equal(t, sim.Passed, faulty.Verdict, faulty.Reasons)
	assert.EqualValues(t, 200, faulty.Trace.Applied)
	assert.Greater(t, faulty.Changes, int64(200), "and those of the fault")
}

func TestAReplayRunsInRealTime(t *testing.T) {
	s := traced(t, 20, burst(100)...)
	s.LagBound = time.Minute
	run, err := sim.RunWall(t.Context(), s, oneService(t, 5), sim.Config{Engine: "notifylab"}, nil)
	require.NoError(t, err)
	assert.Equal(t, sim.Passed, run.Verdict, run.Reasons)
	assert.Equal(t, &sim.TraceRun{Changes: 100, Applied: 100, StandIns: 5}, run.Trace)
	assert.EqualValues(t, 100*20, run.Propagation.Count)
}

func TestWhatIsDueAfterTheRecordedTimeDoesNotHappen(t *testing.T) {
	s := traced(t, 1, burst(100)...)
	assert.Equal(t, time.Second, s.Duration, "the length of the trace, and its last change")
	s.Duration = 400 * time.Millisecond
	run := virtual(t, s, oneService(t, 5), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	assert.Equal(t, &sim.TraceRun{Changes: 100, Applied: 20, StandIns: 5}, run.Trace)

	s.TraceSpeed = 1e6
	assert.Equal(t, 100*time.Millisecond, s.TraceLength())
	none := quiet(1)
	assert.Zero(t, none.TraceLength())
	assert.Empty(t, none.DescribeTrace(oneService(t, 1)))
}

func TestAnotherTraceOfTheSameNameIsAnotherScenario(t *testing.T) {
	identity := func(lines ...string) string {
		id, err := sim.Identify(traced(t, 1, lines...), "w")
		require.NoError(t, err)
		return id.Hash
	}
	a, b := happened(1, "update", "a"), happened(1, "update", "b")
	assert.Equal(t, identity(a), identity(a))
	assert.NotEqual(t, identity(a), identity(b))
	text, err := json.Marshal(traced(t, 1, a))
	require.NoError(t, err)
	assert.Regexp(t, `"trace":"my.ndjson@[0-9a-f]{12}"`, string(text))
}

func TestAGzippedTraceIsTheSameToRead(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(happened(1, "update", "a")))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	s := quiet(1)
	require.NoError(t, s.ReadTrace("x.gz", &b))
	assert.Equal(t, 1100*time.Millisecond, s.TraceLength())
}

func TestATraceThatCannotBeReadChangesNothing(t *testing.T) {
	s := quiet(1)
	before := s
	err := s.ReadTrace("my.ndjson", strings.NewReader(`{"t":1}`))
	assert.ErrorContains(t, err, `my.ndjson:1: action "": want create`)
	assert.Equal(t, before, s)

	s.Trace = "my.ndjson" // but nobody read it
	_, err = sim.RunVirtual(t.Context(), s, oneService(t, 1), sim.Config{Engine: "notifylab"},
		sim.ZeroCost(), nil)
	assert.Equal(t, sim.Mistakes{{Field: "trace", Got: `"my.ndjson"`,
		Want: "a trace that ReadTrace has read"}}, mistakes(t, err))
	s = quiet(1)
	for _, speed := range []float64{-1, 1e6 + 1, math.NaN()} {
		s.TraceSpeed = speed
		assert.Equal(t, "trace_speed", mistakes(t, s.Validate())[0].Field)
	}
}

package compare_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

func keptResult(t *testing.T) *sim.Document {
	data, err := os.ReadFile("../report/testdata/medium.json")
	require.NoError(t, err)
	d := new(sim.Document)
	require.NoError(t, json.Unmarshal(data, d))
	return d
}

// In virtual time with the same seeds the least difference is one, better or worse by its metric.
func TestCompare_VirtualIsExact(t *testing.T) {
	a, b := document(sim.VirtualClock, 1, 2), document(sim.VirtualClock, 1, 2)
	b.Runs[0].Propagation.P99++
	b.Runs[0].Resyncs--
	b.Runs[0].Books.Delivered++
	r := compared(t, one(t, "a", a), one(t, "b", b))
	for metric, want := range map[string]compare.Outcome{
		"propagation_p99_ns": compare.Worse, "resyncs": compare.Better,
		"delivered": compare.Changed, "propagation_p50_ns": compare.Equal,
	} {
		f := figure(t, r, metric)
		assert.Equal(t, want, f.Outcome, metric)
		assert.Nil(t, f.Low, "%s is exact and has no interval", metric)
	}
	assert.Zero(t, r.Tests)
	assert.True(t, strings.HasPrefix(r.Headline, "1 of 2 configurations changed: notifylab "+
		"conflate 100/16, 2 shards (propagation_p99_ns +5e-06% worse"), r.Headline)
	assert.False(t, r.Configurations[1].Changed)
}

// Differences that cancel out over the seeds are differences all the same.
func TestCompare_VirtualComparesSeedBySeed(t *testing.T) {
	with := func(seed, resyncs uint64) *sim.Document {
		d := document(sim.VirtualClock, seed, 1)
		d.Runs[0].Resyncs = int64(resyncs)
		return d
	}
	a := []*compare.Document{read(t, "a1", with(1, 5)), read(t, "a2", with(2, 7))}
	b := []*compare.Document{read(t, "b1", with(2, 5)), read(t, "b2", with(1, 7))}
	assert.Equal(t, compare.Changed, figure(t, compared(t, a, b), "resyncs").Outcome)
	same := []*compare.Document{read(t, "b1", with(2, 7)), read(t, "b2", with(1, 5))}
	assert.Equal(t, compare.Equal, figure(t, compared(t, a, same), "resyncs").Outcome)
}

// Sides that aren't samples of the same are refused with what differs; Force warns instead.
func TestCompare_RefusesWhatIsNotTheSame(t *testing.T) {
	a := document(sim.VirtualClock, 1, 1)
	for _, x := range []struct {
		name, want string
		change     func(*sim.Document)
	}{
		{"rate", "rate: 100 and 200", func(d *sim.Document) { d.Scenario.Rate = 200 }},
		{"world", `world: "a world" and "b world"`,
			func(d *sim.Document) { d.Runs[0].World = "b world" }},
		{"clock", "clock of a and b: virtual and wall",
			func(d *sim.Document) { d.Environment.Clock = sim.WallClock }},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := document(sim.VirtualClock, 1, 1)
			x.change(b)
			one, other := one(t, "a", a), one(t, "b", b)
			_, err := compare.Compare(one, other, compare.Options{})
			require.ErrorIs(t, err, compare.ErrRefused)
			assert.ErrorContains(t, err, x.want)
			r, err := compare.Compare(one, other, compare.Options{Force: true})
			require.NoError(t, err)
			require.NotEmpty(t, r.Warnings)
			assert.Contains(t, r.Warnings[0], x.want)
		})
	}
}

// One sample counts once: neither a document nor a seed in virtual time stands for two.
func TestCompare_RefusesASampleTwice(t *testing.T) {
	v := read(t, "v", document(sim.VirtualClock, 1, 1))
	again := read(t, "again", document(sim.VirtualClock, 1, 1))
	_, err := compare.Compare([]*compare.Document{v, again}, []*compare.Document{v},
		compare.Options{})
	require.ErrorIs(t, err, compare.ErrRefused)
	assert.ErrorContains(t, err, "seed 1 in both v and again")
	w := read(t, "w", document(sim.WallClock, 1, 1))
	_, err = compare.Compare([]*compare.Document{w}, []*compare.Document{w, w}, compare.Options{})
	require.ErrorIs(t, err, compare.ErrRefused)
	assert.ErrorContains(t, err, "w is given twice on one side")
}

// Other seeds are other samples: they are compared, with a warning.
func TestCompare_OtherSeedsAreOtherSamples(t *testing.T) {
	r := compared(t, one(t, "a", document(sim.VirtualClock, 1, 1)),
		one(t, "b", document(sim.VirtualClock, 2, 1)))
	assert.Equal(t, compare.Unclear, figure(t, r, "delivered").Outcome)
	require.Len(t, r.Warnings, 1)
	assert.Contains(t, r.Warnings[0], "seeds differ: [1] and [2]")
}

// A configuration of one side is listed, after those of A, and in the headline.
func TestCompare_ListsWhatIsOnOneSideOnly(t *testing.T) {
	a, b := document(sim.WallClock, 1, 2), document(sim.WallClock, 1, 3)
	b.Runs = b.Runs[1:]
	r := compared(t, one(t, "a", a), one(t, "b", b))
	var only []string
	for _, c := range r.Configurations {
		only = append(only, c.Only)
	}
	assert.Equal(t, []string{"A", "", "B"}, only)
	assert.Contains(t, r.Headline, "0 of 1 configurations changed")
	assert.Contains(t, r.Headline, "notifylab conflate 100/16, 2 shards only in A")
	assert.Contains(t, r.Headline, "notifylab conflate 400/16, 2 shards only in B")
	r = compared(t, one(t, "a", a), one(t, "b", &sim.Document{Schema: b.Schema, Seed: 1,
		Scenario: b.Scenario, Environment: b.Environment, Runs: b.Runs[1:]}))
	assert.Contains(t, r.Headline, "no configuration is in both A and B")
}

// A figure that isn't there says on which side, and why.
func TestCompare_SaysWhatIsMissing(t *testing.T) {
	a, b := document(sim.WallClock, 1, 1), document(sim.WallClock, 1, 1)
	a.Runs[0].CPUSeconds, b.Runs[0].CPUSeconds = 0, 0
	b.Runs[0].HealNS = -1
	b.Runs[0].Staleness = sim.Summary{}
	data, err := json.Marshal(a)
	require.NoError(t, err)
	data = bytes.ReplaceAll(data, []byte(`"resyncs"`), []byte(`"renamed"`))
	older, err := compare.Read("older", bytes.NewReader(data))
	require.NoError(t, err)
	r := compared(t, []*compare.Document{older}, one(t, "b", b))
	for metric, note := range map[string]string{
		"heal_ns": "B: never healed", "staleness_p99_ns": "B: no samples",
		"cpu_seconds": "A and B: not measured", "resyncs": "A: resyncs isn't in older",
	} {
		f := figure(t, r, metric)
		assert.Equal(t, compare.Missing, f.Outcome, metric)
		assert.Equal(t, note, f.Note, metric)
	}
	assert.NotNil(t, figure(t, r, "heal_ns").A)
	assert.Nil(t, figure(t, r, "heal_ns").B)
}

// Where there are too few samples nothing is said to have changed, and the note says what is
// wanted.
func TestCompare_DoesNotTestTooFew(t *testing.T) {
	short, twice := document(sim.WallClock, 1, 1), document(sim.WallClock, 1, 1)
	withSeries(short, 9, 1, 0.1, 0, 1)
	withSeries(twice, 9, 1, 0.1, 0, 2)
	r := compared(t, one(t, "a", short), one(t, "b", twice))
	assert.Equal(t, "9 s: want 10, or 3 runs of each",
		figure(t, r, "delivered_per_second").Note)
	assert.Equal(t, "1+1 runs: want 3 of each", figure(t, r, "delivered").Note)
	assert.Contains(t, r.Headline, "no figure could be tested")
	assert.Empty(t, changedFigures(r))
	r = compared(t, side(t, "a", 2, 1, 1, 0.001, 1), side(t, "b", 3, 1, 2, 0.001, 9))
	assert.Equal(t, "2+3 runs: want 3 of each", figure(t, r, "delivered").Note)
	assert.Empty(t, changedFigures(r))
}

// An invalid run in real time is left out of the samples, and it is said.
func TestCompare_LeavesInvalidRunsOut(t *testing.T) {
	a, b := side(t, "a", 3, 1, 1, 0.01, 1), side(t, "b", 3, 1, 2, 0.01, 1)
	busy := document(sim.WallClock, 1, 1)
	busy.Runs[0].Verdict, busy.Runs[0].Reasons = sim.Invalid, []string{"the machine was busy"}
	noisy(busy, 9, 0.1, 1000)
	r := compared(t, a, append(b, read(t, "busy", busy)))
	assert.Equal(t, "3+3 runs", figure(t, r, "delivered").Samples)
	assert.Empty(t, changedFigures(r))
	assert.Equal(t, []string{"the run of B in busy is invalid and isn't tested: " +
		"the machine was busy"}, r.Configurations[0].Notes)
	assert.Equal(t, "3 passed, 1 invalid", r.Configurations[0].VerdictB)
	withSeries(busy, 30, 2, 0.01, 0, 5)
	calm := document(sim.WallClock, 1, 1)
	withSeries(calm, 30, 1, 0.01, 0, 1)
	r = compared(t, one(t, "calm", calm), one(t, "busy", busy))
	assert.Equal(t, "invalid run", figure(t, r, "delivered_per_second").Note)
	assert.Empty(t, changedFigures(r))
}

// A verdict has changed if no run of one side has a verdict of the other.
func TestCompare_JudgesVerdicts(t *testing.T) {
	sideOf := func(name string, verdicts ...string) (side []*compare.Document) {
		for i, v := range verdicts {
			d := document(sim.WallClock, 1, 1)
			d.Runs[0].Verdict = v
			side = append(side, read(t, name+string(rune('1'+i)), d))
		}
		return side
	}
	p, f, i := sim.Passed, sim.Failed, sim.Invalid
	for _, x := range []struct {
		a, b []string
		want compare.Outcome
	}{
		{[]string{p}, []string{f}, compare.Worse},
		{[]string{f, f}, []string{p, p, p}, compare.Better},
		{[]string{p, f}, []string{f, f}, compare.Unclear},
		{[]string{p}, []string{i}, compare.Unclear},
		{[]string{i, p}, []string{f, i}, compare.Worse},
		{[]string{p}, []string{p}, compare.Unclear},
	} {
		r := compared(t, sideOf("a", x.a...), sideOf("b", x.b...))
		assert.Equal(t, x.want, r.Configurations[0].Verdict, "%v to %v", x.a, x.b)
		assert.Equal(t, x.want != compare.Unclear, r.Configurations[0].Changed)
	}
}

// A wrong metric is refused with those that there are; no document on a side, too.
func TestCompare_RefusesBadOptions(t *testing.T) {
	d := one(t, "d", document(sim.WallClock, 1, 1))
	_, err := compare.Compare(d, d, compare.Options{Metrics: []string{"speed"}})
	require.ErrorIs(t, err, compare.ErrOption)
	assert.ErrorContains(t, err, `metric "speed": want one of propagation_p50_ns`)
	_, err = compare.Compare(d, nil, compare.Options{})
	require.ErrorIs(t, err, compare.ErrOption)
}

// What neither side can have, for their scenario has no such thing, isn't shown; what one has is
// missing on the other.
func TestCompare_LeavesOutWhatNeitherHas(t *testing.T) {
	a, b := document(sim.VirtualClock, 1, 1), document(sim.VirtualClock, 1, 1)
	a.Runs[0].Finds, b.Runs[0].Finds = nil, nil
	b.Runs[0].Stream = nil
	r := compared(t, one(t, "a", a), one(t, "b", b))
	for _, f := range r.Configurations[0].Figures {
		assert.NotContains(t, []string{"pulls_per_second", "find_hit_rate"}, f.Metric)
	}
	f := figure(t, r, "streams_timed_out")
	assert.Equal(t, compare.Missing, f.Outcome)
	assert.Equal(t, 5.0, *f.A)
	assert.Equal(t, "B: stream.ended isn't in b", f.Note)
}

// What became of an objective is compared as verdicts are, and each is in every form.
func TestCompare_JudgesObjectives(t *testing.T) {
	slo := func(text string) (o sim.SLO) {
		require.NoError(t, o.UnmarshalText([]byte(text)))
		return o
	}
	a, b := document(sim.WallClock, 1, 1), document(sim.WallClock, 1, 1)
	a.Runs[0].SLOs = []sim.SLOResult{
		{SLO: slo("propagation_p99 < 500ms"), Verdict: sim.Passed},
		{SLO: slo("dropped < 1%"), Verdict: sim.Passed},
	}
	b.Runs[0].SLOs = []sim.SLOResult{
		{SLO: slo("propagation_p99 < 500ms"), Verdict: sim.Failed},
		{SLO: slo("staleness_p99 < 1s"), Verdict: sim.Passed},
	}
	r := compared(t, one(t, "a", a), one(t, "b", b))
	assert.Equal(t, []*compare.Objective{
		{SLO: "propagation_p99 < 500ms", A: sim.Passed, B: sim.Failed, Outcome: compare.Worse},
		{SLO: "dropped < 1%", A: sim.Passed, Outcome: compare.Missing},
		{SLO: "staleness_p99 < 1s", B: sim.Passed, Outcome: compare.Missing},
	}, r.Configurations[0].Objectives)
	assert.True(t, r.Configurations[0].Changed)
	assert.Contains(t, r.Headline, "objective propagation_p99 < 500ms failed, was passed")
	var text, markdown bytes.Buffer
	require.NoError(t, compare.Text(&text, r))
	require.NoError(t, compare.Markdown(&markdown, r))
	assert.Regexp(t, `(?m)^  propagation_p99 < 500ms +passed +failed .* worse$`, text.String())
	assert.Contains(t, markdown.String(), `| propagation\_p99 \< 500ms | passed | failed |`)
	assert.Regexp(t, `(?s)<tr class="worse"><th scope="row" class="words">propagation_p99 &lt; `+
		`500ms</th>.{0,200}<strong>worse</strong>`, htmlOf(t, r))
}

package compare_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

// Each stage of a configuration has figures of its own, in every form.
func TestCompare_ComparesStages(t *testing.T) {
	a, b := document(sim.VirtualClock, 1, 1), document(sim.VirtualClock, 1, 1)
	for _, d := range []*sim.Document{a, b} {
		calm := d.Runs[0].Stages[0]
		calm.Name, calm.From, calm.To = "", 1, 2
		d.Runs[0].Stages = append(d.Runs[0].Stages, calm)
	}
	b.Runs[0].Stages[0].Propagation.P99 *= 2
	b.Runs[0].Stages[1].Dropped = 0
	b.Runs[0].Stages[1].Staleness = sim.Summary{}
	r := compared(t, one(t, "a", a), one(t, "b", b))
	assert.Equal(t, compare.Worse, figure(t, r, "peak: propagation_p99_ns").Outcome)
	assert.Equal(t, compare.Equal, figure(t, r, "stage 2: propagation_p99_ns").Outcome)
	assert.Equal(t, compare.Equal, figure(t, r, "peak: dropped_share").Outcome)
	share := figure(t, r, "stage 2: dropped_share")
	assert.Equal(t, compare.Better, share.Outcome)
	assert.Equal(t, []float64{0.01, 0}, []float64{*share.A, *share.B})
	gone := figure(t, r, "stage 2: staleness_p99_ns")
	assert.Equal(t, compare.Missing, gone.Outcome)
	assert.Equal(t, "B: no samples", gone.Note)
	for _, out := range forms(t, r) {
		assert.Contains(t, out, "peak: propagation")
	}
	r = compared(t, one(t, "a", a), one(t, "b", b), "stage_dropped_share")
	assert.Len(t, r.Configurations[0].Figures, 2)
}

// Stages of other lengths are others, which is said; so is nothing where neither side has any.
func TestCompare_ComparesOnlyTheSameStages(t *testing.T) {
	a, b := document(sim.VirtualClock, 1, 1), document(sim.VirtualClock, 1, 1)
	b.Runs[0].Stages[0].To = 3
	r := compared(t, one(t, "a", a), one(t, "b", b))
	assert.Equal(t, []string{"the stages differ, so they aren't compared"},
		r.Configurations[0].Notes)
	a.Runs[0].Stages, b.Runs[0].Stages = nil, nil
	assert.Empty(t, compared(t, one(t, "a", a), one(t, "b", b)).Configurations[0].Notes)
}

// swept is a sweep of two rates with these seeds; the propagation of the second one is times
// factor.
func swept(factor int64, seeds ...uint64) *sim.Document {
	d := document(sim.VirtualClock, 1, 1)
	first := *d.Runs[0]
	d.Runs, d.Sweep = nil, &sim.Sweep{Seeds: seeds,
		Knobs: []sim.Knob{{Path: "rate", Values: []string{"50", "100"}}}}
	for i, rate := range d.Sweep.Knobs[0].Values {
		for _, seed := range seeds {
			r := first
			r.Seed = seed
			r.Settings = []sim.Setting{{Path: "rate", Value: rate}}
			r.Propagation.P99 += int64(seed) * 1e5
			if i == 1 {
				r.Propagation.P99 *= factor
			}
			d.Runs = append(d.Runs, &r)
		}
	}
	return d
}

// The runs of a sweep are matched by configuration and settings; its seeds are the samples of each.
func TestCompare_MatchesTheRunsOfSweeps(t *testing.T) {
	exact := compared(t, one(t, "a", swept(1, 1, 2, 3)), one(t, "b", swept(2, 1, 2, 3)))
	require.Len(t, exact.Configurations, 2)
	assert.Zero(t, exact.Tests)
	assert.False(t, exact.Configurations[0].Changed)
	assert.Contains(t, exact.Headline,
		"1 of 2 configurations changed: notifylab conflate 100/16, 2 shards rate=100")
	for _, out := range forms(t, exact) {
		assert.Contains(t, out, "rate=100")
	}

	others := compared(t, one(t, "a", swept(1, 1, 2, 3, 4)), one(t, "b", swept(2, 5, 6, 7, 8)),
		"propagation_p99_ns")
	require.Len(t, others.Configurations, 2)
	f := others.Configurations[1].Figures[0]
	assert.Equal(t, "4+4 runs", f.Samples)
	assert.Equal(t, compare.Worse, f.Outcome)
	assert.NotNil(t, f.Low)
	assert.Contains(t, others.Warnings[0], "seeds differ: [1 2 3 4] and [5 6 7 8]")

	// A combination that one side lacks is said so.
	less := swept(1, 1, 2, 3)
	less.Runs = less.Runs[:3]
	r := compared(t, one(t, "a", swept(1, 1, 2, 3)), one(t, "b", less))
	assert.Equal(t, "A", r.Configurations[1].Only)
}

// Several sweeps of a side are more seeds, if they are other ones.
func TestCompare_TakesSeveralSweepsOfASide(t *testing.T) {
	side := []*compare.Document{read(t, "a1", swept(1, 1, 2)), read(t, "a2", swept(1, 3, 4))}
	r := compared(t, side, one(t, "b", swept(1, 1, 2, 3, 4)))
	assert.Equal(t, compare.Equal, figure(t, r, "propagation_p99_ns").Outcome)
	again := []*compare.Document{read(t, "a1", swept(1, 1, 2)), read(t, "a2", swept(1, 2, 3))}
	_, err := compare.Compare(again, one(t, "b", swept(1, 1)), compare.Options{})
	assert.ErrorContains(t, err, "seed 2 in both a1 and a2")
}

// loaded found a limit; the load of its only run is of its own.
func loaded(limit, low, high float64) *sim.Document {
	d := document(sim.VirtualClock, 1, 1)
	d.Runs[0].Settings = []sim.Setting{{Path: "rate", Value: "7"}}
	d.Capacity = &sim.Capacity{Find: "rate", Config: d.Runs[0].Config, Limit: limit, Low: low,
		High: high}
	return d
}

// Limits have changed if their intervals have no load in common, and that comes first.
func TestCompare_ComparesLimits(t *testing.T) {
	objective := []sim.SLO{{Metric: "heal", Below: 1e9}}
	for _, x := range []struct {
		name    string
		a, b    *sim.Document
		outcome compare.Outcome
		want    string
	}{
		{"better", loaded(100, 90, 110), loaded(200, 180, 220), compare.Better,
			"went from 100 (95%: 90–110) to 200 (95%: 180–220): better"},
		{"worse", loaded(100, 90, 110), loaded(50, 45, 55), compare.Worse, "55): worse"},
		{"in common", loaded(100, 90, 110), loaded(109, 100, 120), compare.Unclear,
			"which can't be told apart"},
		{"equal", loaded(100, 90, 110), loaded(100, 90, 110), compare.Equal,
			"the limit of changes per second is equal: 100"},
		{"open above", loaded(100, 90, 0), loaded(500, 400, 600), compare.Unclear,
			"from 100 (95%: 90 or more) to"},
		{"open above and less", loaded(500, 400, 0), loaded(100, 90, 110), compare.Worse, "worse"},
		{"none any more", loaded(100, 90, 110), loaded(0, 0, 0), compare.Worse, "to none: worse"},
		{"one side", loaded(100, 90, 110), document(sim.VirtualClock, 1, 1), compare.Missing,
			"B didn't search for it"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r, err := compare.Compare(one(t, "a", x.a), one(t, "b", x.b),
				compare.Options{Force: true})
			require.NoError(t, err)
			require.Len(t, r.Limits, 1)
			assert.Equal(t, x.outcome, r.Limits[0].Outcome)
			assert.Contains(t, r.Headline, x.want)
			for _, out := range forms(t, r) {
				assert.Contains(t, out, "Limits")
			}
		})
	}
	other := loaded(200, 180, 220)
	other.Scenario.SLOs = objective
	r := compared(t, one(t, "a", loaded(100, 90, 110)), one(t, "b", other))
	assert.Equal(t, compare.Missing, r.Limits[0].Outcome)
	assert.Contains(t, r.Headline, "the objectives differ")
}

// The steps of two searches that differ aren't news; those that both made are compared.
func TestCompare_LeavesOutTheStepsOfOneSearch(t *testing.T) {
	a, b := loaded(100, 90, 110), loaded(100, 90, 110)
	more := *b.Runs[0]
	more.Settings = []sim.Setting{{Path: "rate", Value: "9"}}
	more.World = "another world"
	b.Runs = append(b.Runs, &more, b.Runs[0]) // which it made again to confirm it
	r := compared(t, one(t, "a", a), one(t, "b", b))
	require.Len(t, r.Configurations, 1)
	assert.Empty(t, r.Configurations[0].Only)
	assert.False(t, r.Configurations[0].Changed)
}

// forms are a result as text, Markdown and HTML.
func forms(t *testing.T, r *compare.Result) []string {
	t.Helper()
	var text, markdown bytes.Buffer
	require.NoError(t, compare.Text(&text, r))
	require.NoError(t, compare.Markdown(&markdown, r))
	return []string{text.String(), markdown.String(), htmlOf(t, r)}
}

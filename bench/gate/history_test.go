package gate_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

// levels makes a series with noise, so many values at each level.
func levels(each int, spread float64, at ...float64) (x []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, level := range at {
		for range each {
			x = append(x, level*(1+spread*rng.NormFloat64()))
		}
	}
	return x
}

func TestChangePoints(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float64
		want []int
	}{
		{"none", nil, nil},
		{"too short", []float64{1, 1, 2, 2, 2}, nil},
		{"counts", []float64{1, 1, 1, 2, 2, 2}, []int{3}},
		{"the same", levels(30, 0, 5), nil},
		{"noise", levels(100, 0.1, 5), nil},
		{"one step", levels(20, 0.03, 100, 120), []int{20}},
		{"three steps", levels(15, 0.02, 100, 130, 100, 80), []int{15, 30, 45}},
		{"an outlier", slices.Concat(levels(15, 0.02, 100), []float64{300}, levels(15, 0.02, 100)),
			nil},
	} {
		assert.Equal(t, c.want, gate.ChangePoints(c.x), c.name)
		assert.Equal(t, gate.ChangePoints(c.x), gate.ChangePoints(c.x), c.name)
	}
}

// kept writes a history whose figure steps up at the sixth of twelve commits, and reads it.
func kept(t *testing.T) []gate.Record {
	t.Helper()
	file := filepath.Join(t.TempDir(), "history.ndjson")
	for i := range 12 {
		r := &gate.Report{Commit: fmt.Sprintf("%040d", i), Machine: "m", Tiers: []gate.Tier{
			{Lines: []gate.Line{{Name: "no figure"},
				{Name: "a,b", Metric: "ns", Head: number(100 + float64(i/6*50+i%2))}}}}}
		rec, err := gate.NewRecord(r, time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		require.NoError(t, rec.Append(file))
	}
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	all, err := gate.ReadHistory(f)
	require.NoError(t, err)
	require.Len(t, all, 12)
	return all
}

func TestHistory_MarksChangePoints(t *testing.T) {
	series := gate.AllSeries(kept(t))
	require.Len(t, series, 1)
	assert.Equal(t, []int{6}, series[0].Changes)
	text := written(t, func(w *strings.Builder) error { return gate.HistoryText(w, series) })
	assert.Equal(t, "1 change point in 1 figure of 12 runs\n"+
		"  a,b ns: 2026-01-07 at 000000000000: 150.5, before 100.5 (+49.8%)\n\n"+
		"m: 12 runs, 2026-01-01 to 2026-01-12\n"+
		"figure  last  least  most  course\n"+
		"a,b ns  151   100    151   ▁▁▁▁▁▁██████\n", text)
	page := written(t, func(w *strings.Builder) error { return gate.HistoryHTML(w, series) })
	assert.Equal(t, 12, strings.Count(page, "<circle"))
	assert.Equal(t, 1, strings.Count(page, `<circle cx="218.1`))
	assert.Contains(t, page, "<h1>1 change point in 1 figure of 12 runs</h1>")
	assert.NotContains(t, page, "ZgotmplZ")
	assert.NotContains(t, page, "://", "nothing is fetched")
}

// Noise of a few per cent looks small, and a constant isn't drawn.
func TestHistory_DrawsNoMountainsOfNoise(t *testing.T) {
	all := kept(t)
	for i := range all {
		all[i].Metrics = gate.Figures{"noise ns": 100 + float64(i%2), "same B": 7, "nothing B": 0}
	}
	series := gate.AllSeries(all)
	text := written(t, func(w *strings.Builder) error { return gate.HistoryText(w, series) })
	assert.Contains(t, text, "No change point in 3 figures of 12 runs\n")
	assert.Regexp(t, `(?m)^noise ns +101 +100 +101 +[▄▅]{12}$`, text)
	assert.Regexp(t, `(?m)^nothing B +0 +0 +0 *$`, text)
	page := written(t, func(w *strings.Builder) error { return gate.HistoryHTML(w, series) })
	assert.Equal(t, 12, strings.Count(page, "<circle"))
	assert.Contains(t, page, `<th scope="row">same</th><td>7 B</td>`)

	first := written(t, func(w *strings.Builder) error {
		return gate.HistoryText(w, gate.AllSeries(all[:1]))
	})
	assert.Contains(t, first,
		"No change point yet in 3 figures of 1 run: it takes 6 of one machine\n")
}

// A machine that got slower is no commit's fault.
func TestHistory_KeepsMachinesApart(t *testing.T) {
	all := kept(t)
	for i := range all[6:] {
		all[6+i].Machine = "another"
	}
	series := gate.AllSeries(all)
	require.Len(t, series, 2)
	assert.Empty(t, series[0].Changes)
	assert.Empty(t, series[1].Changes)
}

func TestHistory_AsCSV(t *testing.T) {
	all := kept(t)
	all[1].Metrics = gate.Figures{"c ns": 7}
	text := written(t, func(w *strings.Builder) error { return gate.WriteCSV(w, all[:2]) })
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, [][]string{
		{"time", "commit", "machine", "a,b ns", "c ns"},
		{"2026-01-01T00:00:00Z", all[0].Commit, "m", "100", ""},
		{"2026-01-02T00:00:00Z", all[1].Commit, "m", "", "7"},
	}, rows)
}

func TestHistory_RefusesWhatItDoesNotKnow(t *testing.T) {
	_, err := gate.ReadHistory(strings.NewReader("\n{\"schema\":\"notifylab.history/2\"}\n"))
	assert.ErrorIs(t, err, gate.ErrHistory)
	assert.ErrorContains(t, err, "line 2")
	_, err = gate.ReadHistory(strings.NewReader("no\n"))
	assert.ErrorIs(t, err, gate.ErrHistory)
	_, err = gate.NewRecord(&gate.Report{}, time.Time{})
	assert.ErrorIs(t, err, gate.ErrHistory, "a line without a figure")
}

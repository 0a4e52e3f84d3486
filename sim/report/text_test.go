package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "if that is right: go test ./sim/report -update")
}

// summary is that of values, each so many times.
func summary(t *testing.T, values map[int64]int64) sim.Summary {
	t.Helper()
	h := hdrhistogram.New(1, 3600e9, 3)
	for v, n := range values {
		require.NoError(t, h.RecordValues(v, n))
	}
	hdr, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	require.NoError(t, err)
	return sim.Summary{
		Count: h.TotalCount(), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90),
		P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(), HDR: string(hdr),
	}
}

// document has a run that passed, a baseline that did harm, and one that says nothing.
func document(t *testing.T) *sim.Document {
	return &sim.Document{Schema: sim.Schema, Seed: 1, Runs: []*sim.Run{
		{
			Config: sim.Config{Engine: "notifylab", QueueSize: 5000, WatcherQueue: 256,
				Policy: "conflate", Shards: 2},
			Books: sim.Books{Offered: 1_234_567, Delivered: 1_200_000, Conflated: 34_000,
				Stale: 567, Dropped: map[string]uint64{}},
			Propagation: summary(t, map[int64]int64{1e6: 9000, 4e6: 900, 15e6: 99, 7e9: 1}),
			Staleness:   summary(t, map[int64]int64{2e6: 99, 30e6: 1}),
			PublishWait: summary(t, map[int64]int64{800: 10, 45e3: 1}),
			Drops:       summary(t, map[int64]int64{0: 300}),
			QueueHigh:   4321, HealNS: 20e6, WatcherRateMax: 123.44, CPUSeconds: 1.237,
			PeakRSS: 150 << 20, BytesPerWatcher: 485,
			Verdict: sim.Passed, Reasons: []string{},
		},
		{
			Config: sim.Config{Engine: "sc-2.x", QueueSize: 5000, WatcherQueue: 16,
				Policy: "flush", Shards: 1},
			Baseline: true,
			Books: sim.Books{Offered: 20_000, Delivered: 9_000, InFlight: 7,
				Dropped: map[string]uint64{"flushed": 10_988, "closed": 5}},
			Resyncs: 3, HealNS: -1,
			Propagation: summary(t, map[int64]int64{2e6: 1, 60e6: 1, 3e9: 2}),
			Drops:       summary(t, map[int64]int64{0: 200, 1: 30, 2: 20, 99: 9, 5000: 1}),
			Verdict:     sim.Failed,
			Reasons:     []string{"12 of 300 views still wrong", "and one more thing"},
		},
		{
			Config:      sim.Config{Engine: "notifylab", QueueSize: 1, WatcherQueue: 1},
			Propagation: summary(t, nil), Drops: summary(t, nil),
			Verdict: sim.Invalid, Reasons: []string{"interrupted"},
		},
	}}
}

func text(t *testing.T, d *sim.Document) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, report.Text(&b, d))
	return b.String()
}

func TestTextShowsTheDocument(t *testing.T) { golden(t, "text.golden", text(t, document(t))) }

// A run over streams has a table of its sessions; runs in process have no line there.
func TestTextShowsTheSessions(t *testing.T) {
	d := document(t)
	d.Scenario.Transport = sim.Session
	d.Runs[0].Stream = &sim.Streams{
		Opened: 12_345, Heartbeats: 4_000, Encoded: 300, Frames: 1_200_000, Unsent: 17,
		Refused: 3, Ended: map[string]int64{
			sim.EndedByWrite: 5, sim.EndedByRead: 67, "left": 89, "vanished": 2,
		},
	}
	d.Runs[2].Stream = &sim.Streams{Ended: map[string]int64{}}
	golden(t, "sessions.golden", text(t, d))
}

// A run with pulls has a line about the find cache, also where its consumers ask nothing.
func TestTextShowsThePulls(t *testing.T) {
	d := document(t)
	d.Runs[0].Pulls = 1_234
	d.Runs[0].Finds = &sim.Finds{PullRate: 333.33, SharedPulls: 617, Finds: 91_933,
		Hits: 91_647, HitRate: 0.9969, NotModified: 77_173, Evicted: 12}
	d.Runs[2].Pulls, d.Runs[2].Finds = 7, &sim.Finds{PullRate: 0.04}
	golden(t, "pulls.golden", text(t, d))
}

// asked gives a document stages and objectives, with one of each verdict.
func asked(t *testing.T, d *sim.Document) *sim.Document {
	require.NoError(t, d.Scenario.Set("stages", "name=up,length=2s,rate=5 length=1500ms,rate=9"))
	require.NoError(t, d.Scenario.Set("slos", "propagation_p99 < 5ms; up: dropped < 0.1%; "+
		"heal < 1s; staleness_p999 < 2s"))
	for i, r := range d.Runs[:2] {
		r.Stages = []sim.StageRun{
			{Name: "up", From: 0, To: 2, Changes: 10, Offered: 1000, Dropped: uint64(7 * i),
				Propagation: r.Propagation, Staleness: r.Staleness, Memory: 99 << 20},
			{From: 2, To: 3.5, Changes: 12_345, Offered: 200_000},
		}
		o := d.Scenario.SLOs
		r.SLOs = []sim.SLOResult{
			{SLO: o[0], Value: float64(r.Propagation.P99), Samples: r.Propagation.Count,
				Needed: 1000, Verdict: []string{sim.Passed, sim.Failed}[i]},
			{SLO: o[1], Value: 0.007 * float64(i), Samples: 1000, Needed: 1,
				Verdict: []string{sim.Passed, sim.Failed}[i]},
			{SLO: o[2], Value: 20e6, Verdict: sim.Passed},
			{SLO: o[3], Value: 30e6, Samples: 100, Needed: 10_000, Verdict: sim.Invalid,
				Reason: "needs 10000 samples, has 100"},
		}
	}
	d.Runs[1].SLOs[2] = sim.SLOResult{SLO: d.Scenario.SLOs[2], Value: 3e9, Verdict: sim.Failed,
		Reason: "not all views were right within 3s"}
	return d
}

// Runs with stages or objectives have a line for each of them; the others have none.
func TestTextShowsStagesAndObjectives(t *testing.T) {
	d := asked(t, document(t))
	golden(t, "objectives.golden", text(t, d))
	d.Environment.Clock = sim.VirtualClock
	assert.NotContains(t, text(t, d), "peak mem", "nobody measured it")
}

// Runs that differ in what was set for them alone are told apart in every table.
func TestTextNamesWhatWasSetForARunAlone(t *testing.T) {
	d := asked(t, document(t))
	d.Runs[0].Settings = []sim.Setting{{Path: "rate", Value: "500"}, {Path: "policy", Value: "x"}}
	d.Runs[0].Seed = 7
	got := text(t, d)
	assert.Equal(t, 4+2+4, strings.Count(got, "notifylab conflate     5000   256  rate=500 seed 7"))
	assert.NotContains(t, got, "policy=x", "the configuration says it")
}

func TestTextOfADocumentWithoutRuns(t *testing.T) {
	golden(t, "empty.golden", text(t, &sim.Document{}))
}

// A document that was read back makes the same text: it measures nothing and knows nothing else.
func TestEveryFigureIsInTheDocument(t *testing.T) {
	want := text(t, document(t))
	data, err := json.Marshal(document(t))
	require.NoError(t, err)
	var again sim.Document
	require.NoError(t, json.Unmarshal(data, &again))
	assert.Equal(t, want, text(t, &again))

	for name, change := range map[string]func(*sim.Run){
		"offered":     func(r *sim.Run) { r.Books.Offered = 7_654_321 },
		"delivered":   func(r *sim.Run) { r.Books.Delivered = 1 },
		"conflated":   func(r *sim.Run) { r.Books.Conflated = 1 },
		"stale":       func(r *sim.Run) { r.Books.Stale = 1 },
		"in flight":   func(r *sim.Run) { r.Books.InFlight = 1 },
		"dropped":     func(r *sim.Run) { r.Books.Dropped["newest"] = 1 },
		"resyncs":     func(r *sim.Run) { r.Resyncs = 77 },
		"verdict":     func(r *sim.Run) { r.Verdict = sim.Failed },
		"baseline":    func(r *sim.Run) { r.Verdict, r.Baseline = sim.Failed, true },
		"reasons":     func(r *sim.Run) { r.Reasons = []string{"because"} },
		"p50":         func(r *sim.Run) { r.Propagation.P50 = 77 },
		"p99":         func(r *sim.Run) { r.Propagation.P99 = 77 },
		"p99.9":       func(r *sim.Run) { r.Propagation.P999 = 77 },
		"max":         func(r *sim.Run) { r.Propagation.Max = 77 },
		"hdr":         func(r *sim.Run) { r.Propagation = summary(t, map[int64]int64{60e6: 1}) },
		"staleness":   func(r *sim.Run) { r.Staleness.P99 = 77 },
		"wait":        func(r *sim.Run) { r.PublishWait.Max = 77 },
		"queue high":  func(r *sim.Run) { r.QueueHigh = 77 },
		"rate":        func(r *sim.Run) { r.WatcherRateMax = 77 },
		"heal":        func(r *sim.Run) { r.HealNS = 77 },
		"CPU":         func(r *sim.Run) { r.CPUSeconds = 77 },
		"memory":      func(r *sim.Run) { r.PeakRSS = 77 },
		"B/consumer":  func(r *sim.Run) { r.BytesPerWatcher = 77 },
		"drops":       func(r *sim.Run) { r.Drops = summary(t, map[int64]int64{60: 1}) },
		"engine":      func(r *sim.Run) { r.Config.Engine = "sc-1.x" },
		"policy":      func(r *sim.Run) { r.Config.Policy = "block" },
		"queue size":  func(r *sim.Run) { r.Config.QueueSize = 77 },
		"watch queue": func(r *sim.Run) { r.Config.WatcherQueue = 77 },
	} {
		d := document(t)
		change(d.Runs[0])
		assert.NotEqual(t, want, text(t, d), name)
	}
}

func TestAHistogramThatCannotBeReadIsNamed(t *testing.T) {
	for field, pick := range map[string]func(*sim.Run) *sim.Summary{
		"runs[1].propagation_ns.hdr":     func(r *sim.Run) *sim.Summary { return &r.Propagation },
		"runs[1].drops_per_consumer.hdr": func(r *sim.Run) *sim.Summary { return &r.Drops },
	} {
		for _, hdr := range []string{"", "not base64", "AAAA"} {
			d := document(t)
			pick(d.Runs[1]).HDR = hdr
			var b strings.Builder
			err := report.Text(&b, d)
			assert.ErrorContains(t, err, field+": want a base64 V2 HdrHistogram", "%q", hdr)
			assert.Empty(t, b.String(), "all or nothing")
		}
	}
}

func TestVerdictOfABaseline(t *testing.T) {
	for _, c := range []struct {
		verdict  string
		baseline bool
		want     string
	}{
		{sim.Passed, false, "passed"}, {sim.Passed, true, "passed"},
		{sim.Failed, false, "failed"}, {sim.Failed, true, "harmed"},
		{sim.Invalid, false, "invalid"}, {sim.Invalid, true, "invalid"},
	} {
		got := report.Verdict(&sim.Run{Verdict: c.verdict, Baseline: c.baseline})
		assert.Equal(t, c.want, got)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestTextReturnsTheErrorOfItsWriter(t *testing.T) {
	assert.ErrorContains(t, report.Text(broken{}, document(t)), "no room")
}

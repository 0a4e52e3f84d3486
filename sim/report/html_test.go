package report_test

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

var (
	svgs  = regexp.MustCompile(`(?s)<svg class="plot" id="([^"]*)".*?</svg>`)
	lines = regexp.MustCompile(`<polyline class="(?:line|values)[^"]*" points="([^"]*)" ` +
		`data-run="(\d+)" data-says="([^"]*)"/>`)
	headings = regexp.MustCompile(`<h[23][^>]*>([^<]*)</h[23]>`)
)

// drawings are those of a page, by their id.
func drawings(page string) map[string]string {
	out := make(map[string]string)
	for _, m := range svgs.FindAllStringSubmatch(page, -1) {
		out[m[1]] = m[0]
	}
	return out
}

func sections(page string) []string {
	var out []string
	for _, m := range headings.FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

// The verdict comes first, then the advice, then everything else.
func TestPageHasItsSectionsInOrder(t *testing.T) {
	page := write(t, "html", kept(t, "train-ticket"))
	assert.Equal(t, []string{
		"Use a task queue of 1000 and a watcher queue of 128 with policy conflate.",
		"Configurations", "Propagation by percentile", "Staleness by percentile",
		"Propagation over time", "Drops over time", "Backlog over time",
		"Queue sizes and loss", "Queue sizes and latency", "Queue sizes and staleness",
		"Drops by cause",
		"Drops per consumer", "How to see it again", "Environment", "Load",
	}, sections(page))
	verdict := strings.Index(page, "All 6 configurations passed")
	assert.Positive(t, verdict)
	assert.Less(t, verdict, strings.Index(page, "Use a task queue of 1000"))
}

// A section whose data isn't there isn't either.
func TestPageShowsNoSectionWithoutData(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sim.Document)
		gone   []string
	}{
		"series": {func(d *sim.Document) {
			for _, r := range d.Runs {
				r.Series = nil
			}
		}, []string{"Propagation over time", "Drops over time", "Backlog over time"}},
		"drops": {func(d *sim.Document) {
			d.Runs = d.Runs[:1]
			d.Runs[0].Books.Dropped = nil
		}, []string{"Drops by cause", "Drops per consumer"}},
		"sizes": {func(d *sim.Document) { d.Runs = d.Runs[:1] },
			[]string{"Queue sizes and loss", "Queue sizes and latency",
				"Queue sizes and staleness"}},
		"propagation": {func(d *sim.Document) {
			for _, r := range d.Runs {
				r.Propagation = sim.Summary{}
			}
		}, []string{"Propagation by percentile", "Queue sizes and latency"}},
		"staleness": {func(d *sim.Document) {
			for _, r := range d.Runs {
				r.Staleness = sim.Summary{}
			}
		}, []string{"Staleness by percentile", "Queue sizes and staleness"}},
	} {
		r := kept(t, "medium")
		all := sections(write(t, "html", r))
		c.change(r[0].Document)
		left := sections(write(t, "html", r))
		for _, gone := range c.gone {
			assert.Contains(t, all, gone)
			assert.NotContains(t, left, gone, name)
		}
	}
	empty := write(t, "html", []report.Result{{Name: "empty", Document: &sim.Document{}}})
	assert.Empty(t, drawings(empty))
	assert.NotContains(t, empty, "<figure")
}

// What only some runs have is shown for these.
func TestPageHasTablesOfPullsAndSessionsWhereThereWereAny(t *testing.T) {
	r := made(t)
	d := r[0].Document
	before := sections(write(t, "html", r))
	assert.NotContains(t, before, "Sessions")
	assert.NotContains(t, before, "Pulls")
	d.Runs[1].Stream = &sim.Streams{Opened: 4321, Frames: 987, Ended: map[string]int64{
		sim.EndedByWrite: 31, sim.EndedByRead: 32, "left": 33, "vanished": 34,
	}}
	d.Runs[1].Pulls = 40
	d.Runs[1].Finds = &sim.Finds{
		PullRate: 66.6, SharedPulls: 10, Finds: 200, Hits: 50, NotModified: 20,
	}
	page := write(t, "html", r)
	assert.Subset(t, sections(page), []string{"Pulls", "Sessions"})
	head := `<th scope="row">2</th><td class="words">sc-2.x flush 5000/16</td>`
	assert.Contains(t, page, head+"<td>4321</td><td>0</td><td>0</td><td>987</td><td>0</td>"+
		"<td>0</td><td>31</td><td>32</td><td>67</td></tr>")
	assert.Contains(t, page, head+"<td>40</td><td>66.6</td><td>25.0%</td><td>200</td>"+
		"<td>25.0%</td><td>10.0%</td><td>0</td></tr>")
}

// It is one file: nothing in it is fetched, and the browser is told to fetch nothing.
func TestPageNeedsNothingElse(t *testing.T) {
	page := write(t, "html", kept(t, "medium", "train-ticket"))
	for _, m := range regexp.MustCompile(`\b(?:src|href|action|srcset|data)="([^"]*)"`).
		FindAllStringSubmatch(page, -1) {
		assert.Regexp(t, `^(#|data:,$)`, m[1])
	}
	assert.NotContains(t, page, "://")
	assert.NotContains(t, page, "@import")
	assert.NotContains(t, page, "url(")
	assert.Contains(t, page, `content="default-src 'none';`)
}

func TestPageIsBelowOneMegabyte(t *testing.T) {
	r := kept(t, "medium")
	d := r[0].Document
	d.Runs = append(d.Runs, d.Runs[3], d.Runs[4])
	for i, run := range d.Runs {
		again := *run
		again.Series = nil
		for s := range 600 { // ten minutes, and no two seconds are alike
			p := run.Series[s%len(run.Series)]
			p.At = float64(s + 1)
			p.Dropped, p.InFlight = uint64(s*s*7919%100_003), uint64(s*s*104_729%1_000_003)
			p.P99 = int64(1e6 * math.Pow(10, 3*float64(s*7919%601)/600))
			p.StaleP99, p.StaleP50 = p.P99*3, p.P99/7
			p.DroppedBy = map[string]uint64{"newest": p.Dropped / 3,
				"flushed": p.Dropped / 2, "closed": uint64(s % 7)}
			p.Spread = &sim.Buckets{From: 36 + s%3}
			for b := range 26 { // three orders of magnitude
				p.Spread.Counts = append(p.Spread.Counts, uint64(s*b*31%40_000))
			}
			again.Series = append(again.Series, p)
		}
		d.Runs[i] = &again
	}
	require.Len(t, d.Runs, 10)
	page := write(t, "html", r)
	t.Logf("%d bytes", len(page))
	assert.Less(t, len(page), 1_000_000)
}

// Names and reasons come from files: they are text, never markup.
func TestPageEscapesWhatTheDocumentSays(t *testing.T) {
	const bad = `</title><script>alert(1)</script>"'&`
	r := made(t)
	d := r[0].Document
	r[0].Name, d.Environment.GoVersion, d.Environment.Revision = bad, bad, bad
	d.Scenario.Workload = bad
	d.Runs[1].World, d.Runs[1].Reasons = bad, []string{bad}
	d.Runs[0].Config.Policy, d.Runs[0].Config.Engine = bad, bad
	page := write(t, "html", append(r, r...))
	assert.NotContains(t, page, "<script>alert")
	assert.Contains(t, page, "&lt;script&gt;alert(1)")
}

func TestIDsAreUnique(t *testing.T) {
	page := write(t, "html", kept(t, "medium", "train-ticket"))
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\bid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		assert.False(t, seen[m[1]], m[1])
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:aria-labelledby|href)="#?([^"]*)"`).
		FindAllStringSubmatch(page, -1) {
		for _, id := range strings.Fields(m[1]) {
			assert.True(t, seen[id] || id == "data:,", id)
		}
	}
}

// A cell's colour is a step for each power of ten of its share.
func TestCellsAreTintedByTheirShare(t *testing.T) {
	r := made(t)
	r[0].Runs[0].Books = sim.Books{Offered: 1_000_000, Dropped: map[string]uint64{
		"oldest": 100, "newest": 101, "flushed": 1001, "evicted": 10_001, "timed_out": 500_000,
	}}
	assert.Contains(t, write(t, "html", r), `<td class="t1">100</td><td class="t2">101</td>`+
		`<td class="t3">1001</td><td class="t4">10.0k</td><td class="t5">500k</td>`)
}

func TestPageHasTheEnvironmentTheSeedAndTheLoad(t *testing.T) {
	r := made(t)
	d := r[0].Document
	d.Seed, d.Environment.Revision = 424_242, "abcdef123"
	d.Environment.CPUs, d.Scenario.LinkDelay = 96, 17*time.Millisecond
	page := write(t, "html", r)
	for _, want := range []string{
		"424242", "abcdef123", "linux/amd64, 96 CPUs, GOMAXPROCS 2", "go1.26",
		"<dt>link delay</dt><dd>17ms</dd>", "--link-delay 17ms",
	} {
		assert.Contains(t, page, want)
	}
}

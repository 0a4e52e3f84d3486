package report_test

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/report"
)

var (
	polylines = regexp.MustCompile(`<polyline [^>]*points="([^"]*)" data-run="(\d+)"` +
		`(?: data-name="([^"]*)")? data-says="([^"]*)"/>`)
	dots      = regexp.MustCompile(`<circle class="dot[^"]*"[^>]*><title>([^<]*)</title>`)
	runGroups = regexp.MustCompile(`(?s)<g class="run r(\d+)">.*?(<g class="map".*?</g>)`)
	mapCells  = regexp.MustCompile(`<path class="s(\d)" d="([^"]*)"/>`)
	oneCell   = regexp.MustCompile(`M(\d+) (\d+)h1`)
)

// saidBy is what the lines of a drawing say, by their run (from 1; 0: none) and name. The pieces of
// a line with gaps are put together, and so is a point that was drawn twice to be seen.
func saidBy(svg string) map[string][]string {
	out := make(map[string][]string)
	for _, m := range polylines.FindAllStringSubmatch(svg, -1) {
		key := m[2] + " " + html.UnescapeString(m[3])
		says := strings.Split(html.UnescapeString(m[4]), "|")
		if points := strings.Fields(m[1]); len(points) == 2 && points[0] == points[1] {
			says = says[:1]
		}
		out[key] = append(out[key], says...)
	}
	return out
}

func dotsOf(svg string) (out []string) {
	for _, m := range dots.FindAllStringSubmatch(svg, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	sort.Strings(out)
	return out
}

// checkDrawing makes what a drawing says again.
func checkDrawing(t *testing.T, doc node, id, svg string, left []string) {
	t.Helper()
	want := make(map[string][]string)
	perRun := func(name string, make func(r node) []string) {
		for i, r := range doc.all("runs") {
			if says := make(r); len(says) > 0 {
				want[fmt.Sprintf("%d %s", i+1, name)] = says
			}
		}
	}
	overTime := func(name string, value func(p node) string) {
		perRun(name, func(r node) (says []string) {
			for _, p := range r.all("series") {
				if text := value(p); text != "" {
					says = append(says, fmt.Sprintf("%s at %.4g s", text, p.f("at_s")))
				}
			}
			return says
		})
	}
	switch id {
	case "propagation", "staleness":
		perRun("", func(r node) []string { return percentilesOf(t, r.at(id+"_ns")) })
	case "heat":
		overTime("", func(p node) string {
			if p.f("propagation_p99_ns") == 0 {
				return "nothing"
			}
			return "p50 " + duration(p.f("propagation_p50_ns")) + ", p99 " +
				duration(p.f("propagation_p99_ns"))
		})
		checkCells(t, doc, svg)
	case "drops":
		overTime("", dropsOf)
	case "backlog":
		overTime("", func(p node) string { return count(p.f("in_flight")) })
	case "stale-time":
		for _, q := range []string{"p50", "p99"} {
			overTime(q, func(p node) string {
				if p.f("staleness_p99_ns") == 0 {
					return ""
				}
				return duration(p.f("staleness_" + q + "_ns"))
			})
		}
	case "size-loss", "size-latency", "size-staleness":
		var dots []string
		for _, r := range doc.all("runs") {
			dots = append(dots, runName(r, left...)+": "+measureOf(t, id, []node{r}))
		}
		sort.Strings(dots)
		assert.Equal(t, dots, dotsOf(svg), id)
	case "sweep-loss", "sweep-latency", "sweep-staleness", "knee-loss", "knee-latency", "memory":
		want = checkCurves(t, doc, id, svg)
	default:
		t.Errorf("nobody knows the drawing %q", id)
	}
	got := saidBy(svg)
	if strings.HasPrefix(id, "sweep") || strings.HasPrefix(id, "knee") || id == "memory" {
		for key := range got { // a curve of one point has a dot and no line
			assert.Equal(t, want[key], got[key], id)
		}
		return
	}
	assert.Equal(t, want, got, id)
}

func measureOf(t *testing.T, id string, runs []node) string {
	loss, latency, stale := measures(t, runs)
	switch {
	case strings.HasSuffix(id, "loss"):
		return spread(loss, percent)
	case strings.HasSuffix(id, "latency"):
		return spread(latency, duration)
	}
	return spread(stale, duration)
}

// checkCurves checks the dots of curves, and gives what their lines have to say.
func checkCurves(t *testing.T, doc node, id, svg string) map[string][]string {
	want := make(map[string][]string)
	var dots []string
	add := func(name, text, at string) {
		want["0 "+name] = append(want["0 "+name], text+" at "+at)
		dots = append(dots, name+": "+text+" at "+at)
	}
	switch {
	case strings.HasPrefix(id, "sweep"):
		seeds, runs := len(doc.all("sweep", "seeds")), doc.all("runs")
		for i := 0; i < len(runs); i += seeds {
			set := runs[i].all("settings")
			add("policy "+set[0].s("value"), measureOf(t, id, runs[i:i+seeds]),
				"watcher_queue "+set[1].s("value"))
		}
	case strings.HasPrefix(id, "knee"):
		for _, k := range doc.all("capacity", "knee") {
			r := []node{doc.at("runs", int(k.f("run")))}
			at := fmt.Sprintf("%s of the limit, %s changes per second",
				percent(100*k.f("fraction")), load(k.f("load")))
			if id == "knee-loss" {
				add("lost, of what was owed", measureOf(t, id, r), at)
				continue
			}
			add("propagation p99", measureOf(t, "latency", r), at)
			add("staleness p99", measureOf(t, "staleness", r), at)
		}
	case id == "memory":
		for _, o := range doc.all("recommendation", "options") {
			add(o.s("config", "engine")+" "+o.s("config", "policy"),
				duration(o.f("staleness_p99_ns")), report.Bytes(int64(o.f("memory_bytes"))))
		}
	}
	sort.Strings(dots)
	assert.Equal(t, dots, dotsOf(svg), id)
	return want
}

// percentilesOf are ten for every further nine, and the largest value.
func percentilesOf(t *testing.T, s node) (says []string) {
	bars, total := s.bars(t)
	if total == 0 {
		return nil
	}
	for i := 0; ; i++ {
		x := math.Pow(10, float64(i)/10)
		if x >= float64(total) {
			digits := max(0, int(math.Ceil(math.Log10(float64(total))-1e-9))-2)
			return append(says, fmt.Sprintf("%s at %.*f%%", duration(float64(bars[len(bars)-1].To)),
				digits, 100*(1-1/float64(total))))
		}
		digits := max(0, (i+9)/10-2)
		says = append(says, fmt.Sprintf("%s at %.*f%%", s.time(t, 1-1/x), digits, 100*(1-1/x)))
	}
}

// dropsOf lists the causes of a second, the largest first.
func dropsOf(p node) string {
	if p.f("dropped") == 0 {
		return "none"
	}
	causes := p.keys("dropped_by")
	slices.SortFunc(causes, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.f("dropped_by", b), p.f("dropped_by", a)), cmp.Compare(a, b))
	})
	for i, c := range causes {
		causes[i] = c + " " + count(p.f("dropped_by", c))
	}
	return strings.Join(causes, ", ")
}

// checkCells compares the cells of the heat map with the histograms of the seconds: the column is
// the second, the row counts from the largest time of all runs, and the colour is a step per digit.
func checkCells(t *testing.T, doc node, svg string) {
	low, high := math.MaxInt, math.MinInt
	for _, r := range doc.all("runs") {
		for _, p := range r.all("series") {
			if s := p.at("propagation_spread"); s.v != nil {
				from := int(s.f("from"))
				low, high = min(low, from), max(high, from+len(s.all("counts")))
			}
		}
	}
	require.Less(t, low, high)
	want, got := make(map[string]bool), make(map[string]bool)
	for i, r := range doc.all("runs") {
		for column, p := range r.all("series") {
			s := p.at("propagation_spread")
			for b, n := range s.all("counts") {
				if v := n.v.(float64); v > 0 {
					row := high - 1 - (int(s.f("from")) + b)
					want[fmt.Sprintf("run %d: %d,%d is %d", i+1, column, row,
						len(fmt.Sprintf("%.0f", v))-1)] = true
				}
			}
		}
	}
	for _, g := range runGroups.FindAllStringSubmatch(svg, -1) {
		for _, p := range mapCells.FindAllStringSubmatch(g[2], -1) {
			assert.Empty(t, oneCell.ReplaceAllString(p[2], ""), "only cells are drawn")
			for _, c := range oneCell.FindAllStringSubmatch(p[2], -1) {
				got[fmt.Sprintf("run %s: %s,%s is %s", g[1], c[1], c[2], p[1])] = true
			}
		}
	}
	assert.Equal(t, want, got)
}

package report_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim/report"
)

// spread is a median with its range, as text; values below 0 are none.
func spread(values []float64, label func(float64) string) string {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v < 0 })
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	mid := label(values[(len(values)-1)/2])
	if low, high := label(values[0]), label(values[len(values)-1]); low != high {
		return mid + " (" + low + "–" + high + ")"
	}
	return mid
}

func duration(v float64) string { return report.Duration(int64(v)) }

// p99 is that of a summary of the run, -1 if it is empty.
func p99(t *testing.T, r node, summary string) float64 {
	if r.f(summary, "count") == 0 {
		return -1
	}
	return float64(r.at(summary).quantile(t, 0.99))
}

// measures are the three figures that configurations are weighed by.
func measures(t *testing.T, runs []node) (loss, latency, stale []float64) {
	for _, r := range runs {
		loss = append(loss, lossShare(r))
		latency = append(latency, p99(t, r, "propagation_ns"))
		stale = append(stale, p99(t, r, "staleness_ns"))
	}
	return loss, latency, stale
}

func combinations(t *testing.T, doc node, _ []string) (out [][]string) {
	seeds, runs := len(doc.all("sweep", "seeds")), doc.all("runs")
	for i := 0; i < len(runs); i += seeds {
		var row []string
		for _, s := range runs[i].all("settings") {
			row = append(row, s.s("value"))
		}
		passed := 0
		for _, r := range runs[i : i+seeds] {
			if r.s("verdict") == "passed" {
				passed++
			}
		}
		loss, latency, stale := measures(t, runs[i:i+seeds])
		out = append(out, append(row, fmt.Sprintf("%d of %d", passed, seeds),
			spread(loss, percent), spread(latency, duration), spread(stale, duration)))
	}
	return out
}

func figuresOf(t *testing.T, r node) []string {
	loss, latency, stale := measures(t, []node{r})
	return []string{spread(loss, percent), spread(latency, duration), spread(stale, duration)}
}

func load(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.0f\u00a0%03.0f", math.Floor(v/1000), math.Mod(v, 1000))
}

func trials(t *testing.T, doc node, _ []string) (out [][]string) {
	for _, tr := range doc.all("capacity", "trials") {
		r := doc.at("runs", int(tr.f("run")))
		met, fails := "yes", ""
		if tr.at("meets").v != true {
			met, fails = "no", tr.s("fails", 0)
		}
		out = append(out, append([]string{tr.s("phase"), load(tr.f("load")),
			fmt.Sprint(r.f("seed")), met, fails}, figuresOf(t, r)...))
	}
	return out
}

func knee(t *testing.T, doc node, _ []string) (out [][]string) {
	for _, k := range doc.all("capacity", "knee") {
		r := doc.at("runs", int(k.f("run")))
		out = append(out, append([]string{percent(100 * k.f("fraction")), load(k.f("load")),
			r.s("verdict")}, figuresOf(t, r)...))
	}
	return out
}

func options(t *testing.T, doc node, _ []string) (out [][]string) {
	for _, o := range doc.all("recommendation", "options") {
		c, fails := o.at("config"), ""
		if len(o.all("fails")) > 0 {
			fails = o.s("fails", 0)
		}
		r := doc.at("runs", int(o.f("runs", 0)))
		assert.Equal(t, o.f("staleness_p99_ns"), p99(t, r, "staleness_ns"))
		out = append(out, []string{c.s("engine"), c.s("policy"), fmt.Sprint(c.f("queue_size")),
			fmt.Sprint(c.f("watcher_queue")), report.Bytes(int64(o.f("memory_bytes"))),
			fmt.Sprintf("%g of %d", o.f("meets"), len(o.all("runs"))), fails,
			percent(100 * o.f("loss")), duration(o.f("propagation_p99_ns")),
			duration(o.f("staleness_p99_ns"))})
	}
	return out
}

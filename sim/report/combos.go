package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// combo is one combination of the values of a sweep: the runs with it, one per seed.
type combo struct {
	values []string // one per knob
	runs   []int
}

// combos are those that were run, in the order of the runs.
func combos(d *sim.Document) []combo {
	at := make(map[string]int)
	var out []combo
	for i, r := range d.Runs {
		values := make([]string, len(d.Sweep.Knobs))
		for k, knob := range d.Sweep.Knobs {
			values[k] = setting(r, knob.Path)
		}
		key := strings.Join(values, "\x00")
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, combo{values: values})
		}
		out[at[key]].runs = append(out[at[key]].runs, i)
	}
	return out
}

// setting is the value that was set for a run at a path; "–" if there is none.
func setting(r *sim.Run, path string) string {
	for _, s := range r.Settings {
		if s.Path == path {
			return s.Value
		}
	}
	return "–"
}

// passed counts the runs that did.
func (c *combo) passed(d *sim.Document) (n int) {
	for _, i := range c.runs {
		if d.Runs[i].Verdict == sim.Passed {
			n++
		}
	}
	return n
}

// middle is the median of a figure over runs, and its range. n is 0 where no run has the figure.
type middle struct {
	low, mid, high float64
	n              int
}

// middleOf gives that of the runs; values below 0 are none. Of an even number of values the median
// is the lower one of the two in the middle, so that it is a value that some run had.
func middleOf(d *sim.Document, runs []int, value func(*sim.Run) float64) middle {
	var all []float64
	for _, i := range runs {
		if v := value(d.Runs[i]); v >= 0 {
			all = append(all, v)
		}
	}
	n := len(all)
	if n == 0 {
		return middle{mid: -1}
	}
	slices.Sort(all)
	return middle{all[0], all[(n-1)/2], all[n-1], n}
}

// measure is a figure of a run that is weighed against others.
type measure struct {
	name  string
	value func(*sim.Run) float64 // below 0: it has none
	label func(float64) string
	tick  func(float64) string
	least float64 // what lies below is drawn on the foot of the axis
}

// The measures: what is lost, in per cent of what was owed, and two times in ns.
var (
	lossMeasure = measure{"lost, of what was owed", lossOf, percentText, percentTick, 0.01}
	propagated  = measure{"propagation p99", func(r *sim.Run) float64 {
		return ifAny(&r.Propagation)
	}, durationText, tickDuration, 1}
	staleFor = measure{"staleness p99", func(r *sim.Run) float64 { return ifAny(&r.Staleness) },
		durationText, tickDuration, 1}
)

func lossOf(r *sim.Run) float64 {
	if r.Books.Offered == 0 {
		return -1
	}
	return 100 * float64(Lost(&r.Books)) / float64(r.Books.Offered)
}

func ifAny(s *sim.Summary) float64 {
	if s.Count == 0 {
		return -1
	}
	return float64(s.P99)
}

func durationText(ns float64) string {
	if ns < 0 {
		return "–"
	}
	return Duration(int64(math.Round(ns)))
}

// text is the median with its range, where there is one.
func (m *middle) text(label func(float64) string) string {
	switch {
	case m.n == 0:
		return "–"
	case label(m.low) == label(m.high):
		return label(m.mid)
	}
	return label(m.mid) + " (" + label(m.low) + "–" + label(m.high) + ")"
}

// bestCombo is the combination to use, as Recommend has it: of those that passed with every seed,
// the ones that kept views out of date for about the shortest time, and of these the one with the
// smallest queues. It is -1 when none passed with every seed.
func bestCombo(d *sim.Document, all []combo) int {
	stale := func(i int) float64 { return middleOf(d, all[i].runs, staleFor.value).mid }
	var good []int
	lowest := math.Inf(1)
	for i := range all {
		every := max(len(all[i].runs), len(d.Sweep.Seeds)) // some are missing after an interrupt
		if all[i].passed(d) == every && stale(i) >= 0 {
			good, lowest = append(good, i), min(lowest, stale(i))
		}
	}
	good = slices.DeleteFunc(good, func(i int) bool { return stale(i) > asGood*lowest })
	if len(good) == 0 {
		return -1
	}
	return slices.MinFunc(good, func(a, b int) int {
		x, y := &d.Runs[all[a].runs[0]].Config, &d.Runs[all[b].runs[0]].Config
		return cmp.Or(cmp.Compare(x.WatcherQueue, y.WatcherQueue),
			cmp.Compare(x.QueueSize, y.QueueSize), cmp.Compare(stale(a), stale(b)))
	})
}

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

func sweepPart(id string, d *sim.Document) answer {
	p := answer{ID: id + "-sweep", Title: "What the sweep found"}
	charts, left := sweepCharts(id, d)
	p.Text = "Dots are medians over the seeds, with their ranges. An empty dot: not all of its " +
		"runs passed."
	if left != "" {
		p.Text += " " + left
	}
	for i := range charts {
		p.add(&charts[i], "")
	}
	p.Grids = append(p.Grids, combosGrid(id, d))
	return p
}

// combosGrid has a row per combination.
func combosGrid(id string, d *sim.Document) grid {
	g := grid{ID: id + "-combinations", Title: "All combinations", Left: len(d.Sweep.Knobs),
		Text: "The median over the seeds, with the range where they differ."}
	for _, k := range d.Sweep.Knobs {
		g.Head = append(g.Head, words(k.Path))
	}
	g.Head = append(g.Head, "passed", "lost", "propagation p99", "staleness p99")
	all := combos(d)
	best := bestCombo(d, all)
	for i := range all {
		var cells []cell
		for _, v := range all[i].values {
			cells = append(cells, cell{Text: v, Left: true})
		}
		n, of := all[i].passed(d), len(all[i].runs)
		passed := cell{Text: fmt.Sprintf("%d of %d", n, of)}
		if n < of {
			passed.Word = sim.Failed
		}
		cells = append(cells, passed)
		for _, m := range []*measure{&lossMeasure, &propagated, &staleFor} {
			mid := middleOf(d, all[i].runs, m.value)
			cells = append(cells, cell{Text: mid.text(m.label)})
		}
		g.Rows = append(g.Rows, gridRow{Cells: cells, Best: i == best})
	}
	g.fold("combinations")
	return g
}

// lossMetrics are those whose limits are drawn with lossMeasure. With dropped ones, those for
// consumers that had left count too.
var lossMetrics = []string{"lost", "dropped"}

// sweepCharts draw a sweep: to the right the first knob that has numbers, a line for each
// combination of the others.
func sweepCharts(id string, d *sim.Document) (charts []chart, left string) {
	all := combos(d)
	if len(all) < 2 {
		return nil, ""
	}
	main := mainKnob(d.Sweep)
	knob := d.Sweep.Knobs[main]
	best := bestCombo(d, all)
	x := category(words(knob.Path), knob.Values)
	for _, c := range []struct {
		key, title string
		m          *measure
		metrics    []string
	}{
		{"loss", "loss", &lossMeasure, lossMetrics},
		{"latency", "latency", &propagated, []string{"propagation_p99"}},
		{"staleness", "staleness", &staleFor, []string{"staleness_p99"}},
	} {
		ch := chart{id: id + "-sweep-" + c.key, x: x,
			title:  capital(words(knob.Path)) + " and " + c.title,
			yTitle: c.m.name, measure: c.m, limits: limitsOf(&d.Scenario, c.metrics...),
			about: "A dot is the median over the seeds, with its range.",
			at: func(x float64) string {
				return knob.Path + " " + knob.Values[int(math.Round(x))]
			}}
		ch.curves, left = sweepCurves(d, all, main, best, c.m)
		charts = append(charts, ch)
	}
	return charts, left
}

// mainKnob is the first one whose values are numbers, so that a line through them means something;
// or else the first.
func mainKnob(s *sim.Sweep) int {
	i := slices.IndexFunc(s.Knobs, func(k sim.Knob) bool {
		return len(k.Values) > 1 && !slices.ContainsFunc(k.Values, func(v string) bool {
			return v == "" || v[0] < '0' || v[0] > '9'
		})
	})
	return max(i, 0)
}

// sweepCurves are at most drawnMax, with the best among them; left says what that leaves out.
func sweepCurves(d *sim.Document, all []combo, main, best int, m *measure) ([]curve, string) {
	values := d.Sweep.Knobs[main].Values
	var out []curve
	at := make(map[string]int)
	mine := -1
	for i := range all {
		var name []string
		for k, v := range all[i].values {
			if k != main {
				name = append(name, words(d.Sweep.Knobs[k].Path)+" "+v)
			}
		}
		key := strings.Join(name, ", ")
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, curve{name: key})
		}
		c := &out[at[key]]
		if i == best {
			mine = at[key]
		}
		c.points = append(c.points, ranged{
			x: float64(slices.Index(values, all[i].values[main])), best: i == best,
			m: middleOf(d, all[i].runs, m.value), bad: all[i].passed(d) < len(all[i].runs),
		})
	}
	if len(out) == 1 && out[0].name == "" {
		out[0].name = m.name
	}
	if len(out) <= drawnMax {
		return out, ""
	}
	left := fmt.Sprintf("The drawings of the sweep show %d of %d lines; all combinations are in "+
		"the table.", drawnMax, len(out))
	if mine >= drawnMax {
		out[drawnMax-1] = out[mine]
	}
	return out[:drawnMax], left
}

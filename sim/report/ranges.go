package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
)

// curve is a line through medians, with their ranges.
type curve struct {
	name   string
	points []ranged
}

type limit struct {
	name string
	at   float64
}

type ranged struct {
	x    float64
	m    middle
	best bool
	bad  bool // it failed
}

// chart is a drawing of curves.
type chart struct {
	id, title string
	x         axis
	yTitle    string
	measure   *measure
	limits    []limit // to stay below, as lines
	about     string
	curves    []curve
	at        func(x float64) string // a place on the lower axis, in words
	upright   float64                // a line at this x; 0: none
	says      string                 // its label
}

// draw draws the curves; it is empty when all of them are.
func (c *chart) draw() template.HTML {
	lowest, highest := math.Inf(1), 0.0
	for _, cv := range c.curves {
		for _, p := range cv.points {
			if p.m.n > 0 {
				lowest = min(lowest, max(p.m.low, c.measure.least))
				highest = max(highest, p.m.high)
			}
		}
	}
	if highest <= 0 {
		return ""
	}
	for _, l := range c.limits {
		lowest, highest = min(lowest, l.at), max(highest, l.at)
	}
	y := logAxis(c.yTitle, lowest, max(highest, lowest), c.measure.tick)
	if lowest == c.measure.least {
		y.ticks[0].label = "≤" + y.ticks[0].label
	}
	d := newDrawing(frame{id: c.id, title: c.title, about: c.about, height: svgHeight}, c.x, y)
	d.limitLines(c)
	for k := range c.curves {
		d.curve(c, k)
	}
	return d.end()
}

// limitLines draws what must not be passed.
func (d *drawing) limitLines(c *chart) {
	for _, l := range c.limits {
		y := d.y.at(l.at)
		fmt.Fprintf(&d.b, `<path class="limit" d="M%s %sH%s"/>`, num(d.x.from), num(y),
			num(d.x.to))
		d.text(d.x.from+6, y-5, "start", l.name+" < "+c.measure.label(l.at))
	}
	if c.upright > 0 {
		x := d.x.at(c.upright)
		fmt.Fprintf(&d.b, `<path class="limit" d="M%s %sV%s"/>`, num(x), num(d.y.from),
			num(d.y.to))
		d.text(x-6, d.y.to+11, "end", c.says)
	}
}

// curve draws the k-th: whiskers from the least to the most, dots on the medians, and a line.
func (d *drawing) curve(c *chart, k int) {
	cv := &c.curves[k]
	var line []point
	for _, p := range cv.points {
		if p.m.n == 0 {
			continue
		}
		says := fmt.Sprintf("%s at %s", p.m.text(c.measure.label), c.at(p.x))
		line = append(line, point{p.x, max(p.m.mid, c.measure.least), says})
	}
	if len(line) == 0 {
		return
	}
	d.b.WriteString(`<g>`)
	if len(line) > 1 {
		d.values("line "+look(k), -1, cv.name, line)
	}
	for _, p := range cv.points {
		if p.m.n == 0 {
			continue
		}
		x, y := d.x.at(p.x), d.y.at(p.m.mid)
		if p.m.high > p.m.low {
			fmt.Fprintf(&d.b, `<path class="whisker c%d" d="M%s %sV%s"/>`, k%7, num(x),
				num(d.y.at(p.m.low)), num(d.y.at(p.m.high)))
		}
		class := "dot"
		if p.bad {
			class = "dot hollow"
		}
		fmt.Fprintf(&d.b, `<circle class="%s %s" cx="%s" cy="%s" r="4.5"><title>%s</title>`+
			`</circle>`, class, look(k), num(x), num(y), html.EscapeString(fmt.Sprintf(
			"%s: %s at %s", cv.name, p.m.text(c.measure.label), c.at(p.x))))
		if p.best {
			d.ring(x, y)
		}
	}
	d.b.WriteString(`</g>`)
}

// key is the legend of the curves, where there are several.
func (c *chart) key() []keyItem {
	if len(c.curves) < 2 {
		return nil
	}
	var out []keyItem
	for k, cv := range c.curves {
		out = append(out, keyItem{look(k), cv.name})
	}
	return out
}

// category is an axis of names, of which only so many are written as have room.
func category(title string, names []string) axis {
	x := axis{title: title, min: -0.5, max: float64(len(names)) - 0.5}
	longest := 1
	for _, n := range names {
		longest = max(longest, utf8.RuneCountInString(n))
	}
	const width = svgWidth - leftMargin - rightMargin
	room := max(1, int(width/(letter*float64(longest)+14)))
	each := (len(names) + room - 1) / room
	for i, n := range names {
		if i%each == 0 {
			x.ticks = append(x.ticks, tick{float64(i), n})
		}
	}
	return x
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

func words(path string) string {
	return strings.ReplaceAll(path, "_", " ")
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// limitsOf are those of the objectives for the whole time, in the unit of the measure.
func limitsOf(s *sim.Scenario, metrics ...string) []limit {
	var out []limit
	for _, o := range s.SLOs {
		if o.Stage != "" || !slices.Contains(metrics, o.Metric) {
			continue
		}
		l := limit{o.Metric, o.Below}
		if unitOf(o.Metric) == sim.ShareUnit {
			l.at *= 100
		}
		out = append(out, l)
	}
	return out
}

package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
)

// curve is a line through medians, with their ranges.
type curve struct {
	name   string
	points []ranged
}

type limit struct {
	name string // as the objective has it
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
		d.text(d.x.from+6, y-5, "start", l.name)
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

// limitsOf are those of the objectives for the whole time, in the unit of the measure.
func limitsOf(s *sim.Scenario, metrics ...string) []limit {
	var out []limit
	for _, o := range s.SLOs {
		if o.Stage != "" || !slices.Contains(metrics, o.Metric) {
			continue
		}
		l := limit{o.String(), o.Below}
		if unitOf(o.Metric) == sim.ShareUnit {
			l.at *= 100
		}
		out = append(out, l)
	}
	return out
}

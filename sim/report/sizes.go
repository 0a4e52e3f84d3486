package report

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// size is the sizes of both queues of a configuration.
type size struct{ queue, watcher int }

func sizeOf(c *sim.Config) size { return size{c.QueueSize, c.WatcherQueue} }

// sizesOf are the different sizes of the runs, the smallest first.
func sizesOf(p *picked) []size {
	var out []size
	for _, i := range p.shown {
		out = append(out, sizeOf(&p.Runs[i].Config))
	}
	slices.SortFunc(out, func(a, b size) int {
		return cmp.Or(cmp.Compare(a.queue, b.queue), cmp.Compare(a.watcher, b.watcher))
	})
	return slices.Compact(out)
}

// bySize draws a figure against the sizes of the queues: a dot per run, and a line through those of
// one engine and policy. The recommended run has a ring. It is empty when all runs have one size or
// no run has the figure, which is so when it is negative.
func bySize(id, title, yTitle string, p *picked, least float64,
	value func(*sim.Run) float64, label, tickLabel func(float64) string) template.HTML {
	sizes := sizesOf(p)
	highest, lowest := 0.0, math.Inf(1)
	for _, i := range p.shown {
		if v := value(p.Runs[i]); v >= 0 {
			highest, lowest = max(highest, v), min(lowest, max(v, least))
		}
	}
	if len(sizes) < 2 || highest <= 0 {
		return ""
	}
	x := axis{title: "task queue / watcher queue", min: -0.5, max: float64(len(sizes)) - 0.5}
	for i, s := range sizes {
		x.ticks = append(x.ticks, tick{float64(i), fmt.Sprintf("%d / %d", s.queue, s.watcher)})
	}
	y := logAxis(yTitle, lowest, max(highest, lowest), tickLabel)
	if lowest == least {
		y.ticks[0].label = "≤" + y.ticks[0].label
	}
	d := newDrawing(frame{id: id, title: title, height: svgHeight,
		about: aboutSizes(p, value, label)}, x, y)
	d.paths(p, sizes, value)
	d.dots(p, sizes, value, label)
	return d.end()
}

func aboutSizes(p *picked, value func(*sim.Run) float64, label func(float64) string) string {
	about := "A dot per configuration, numbered as in the table."
	if p.best >= 0 {
		about += fmt.Sprintf(" The recommended one, %s, is at %s.", p.name(p.best),
			label(value(p.Runs[p.best])))
	}
	return about
}

// place is where the dots of run i stand, beside those of other runs of this size: dots with equal
// values would hide each other.
func place(p *picked, sizes []size, i int) float64 {
	const besides = 0.09
	mine := sizeOf(&p.Runs[i].Config)
	rank, n := 0, 0
	for _, j := range p.shown {
		if sizeOf(&p.Runs[j].Config) != mine {
			continue
		}
		if j < i {
			rank++
		}
		n++
	}
	return float64(slices.Index(sizes, mine)) + besides*(float64(rank)-float64(n-1)/2)
}

// paths draws the lines through the dots of one engine and policy.
func (d *drawing) paths(p *picked, sizes []size, value func(*sim.Run) float64) {
	families := make(map[string][]int)
	var order []string
	for _, i := range p.shown {
		r := p.Runs[i]
		family := r.Config.Engine + " " + r.Config.Policy
		if families[family] == nil {
			order = append(order, family)
		}
		if value(r) >= 0 {
			families[family] = append(families[family], i)
		}
	}
	d.b.WriteString(`<g class="paths">`)
	for _, family := range order {
		runs := families[family]
		slices.SortFunc(runs, func(a, b int) int {
			return cmp.Compare(place(p, sizes, a), place(p, sizes, b))
		})
		for i := 1; i < len(runs); i++ {
			a, b := runs[i-1], runs[i]
			d.line(d.x.at(place(p, sizes, a)), d.y.at(value(p.Runs[a])),
				d.x.at(place(p, sizes, b)), d.y.at(value(p.Runs[b])))
		}
	}
	d.b.WriteString(`</g>`)
}

// dots draws the runs, each with its number.
func (d *drawing) dots(p *picked, sizes []size, value func(*sim.Run) float64,
	label func(float64) string) {
	for slot, i := range p.shown {
		v := value(p.Runs[i])
		if v < 0 {
			continue
		}
		x, y := d.x.at(place(p, sizes, i)), d.y.at(v)
		says := fmt.Sprintf("%s: %s", p.name(i), label(v))
		fmt.Fprintf(&d.b, `<g class="run r%d"><circle class="dot %s" cx="%s" cy="%s" r="5">`+
			`<title>%s</title></circle>`, i+1, look(slot), num(x), num(y), html.EscapeString(says))
		fmt.Fprintf(&d.b, `<text class="end" x="%s" y="%s" text-anchor="middle">%d</text>`,
			num(x), num(y-8), i+1)
		if i == p.best {
			d.ring(x, y)
		}
		d.b.WriteString(`</g>`)
	}
}

// ring marks what is recommended.
func (d *drawing) ring(x, y float64) {
	fmt.Fprintf(&d.b, `<circle class="best" cx="%s" cy="%s" r="10"/>`, num(x), num(y))
	fmt.Fprintf(&d.b, `<text class="end" x="%s" y="%s" text-anchor="middle">recommended</text>`,
		num(x), num(y-21))
}

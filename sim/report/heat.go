package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// heatEdges are the upper ends of the colours of the heat map but the last, where a second has no
// more than its p99.
var heatEdges = []float64{1e6, 3e6, 10e6, 30e6, 100e6, 300e6, 1e9, 3e9}

// heat draws the propagation's p99 of every second as a map: a row per run, a column per second.
// It is empty when no second of any run has a delivery.
func (o *over) heat(id, title string) template.HTML {
	const rowHeight = 26
	rows := len(o.p.shown)
	y := axis{title: "configuration", min: 0, max: float64(max(rows, 1))}
	highest := 0.0
	var all [][]sample
	for _, i := range o.p.shown {
		samples := thin(o.p.Runs[i], func(p *sim.Point) float64 { return float64(p.P99) })
		for _, s := range samples {
			highest = max(highest, s.value)
		}
		all = append(all, samples)
	}
	if highest <= 0 {
		return ""
	}
	d := newDrawing(frame{id: id, title: title, marks: o.marks,
		height: float64(topMargin + lowMargin + rowHeight*rows),
		about: fmt.Sprintf("A row per configuration, a column per second; the colour is how "+
			"long 99%% of the events of that second took. The longest is %s.",
			Duration(int64(highest)))}, o.axis(), y)
	for slot, samples := range all {
		top := d.y.to + float64(slot)*rowHeight
		run := o.p.shown[slot]
		fmt.Fprintf(&d.b, `<g class="run r%d">`, run+1)
		d.text(leftMargin-7, top+rowHeight/2+4, "end", fmt.Sprint(run+1))
		d.cells(samples, top+1, rowHeight-2)
		d.values("values", run, "", says99(samples, float64(rows)-float64(slot)-0.5))
		d.b.WriteString(`</g>`)
	}
	return d.end()
}

// cells draws one row; cells of one colour that touch are one rectangle.
func (d *drawing) cells(samples []sample, top, height float64) {
	flush := func(from, to float64, level int) {
		if level >= 0 && to > from {
			fmt.Fprintf(&d.b, `<rect class="h%d" x="%s" y="%s" width="%s" height="%s"/>`, level,
				num(d.x.at(from)), num(top), num(d.x.at(to)-d.x.at(from)), num(height))
		}
	}
	from, to, level := 0.0, 0.0, -1
	for _, s := range samples {
		next := heatLevel(s.value)
		if next != level {
			flush(from, to, level)
			from, level = s.from, next
		}
		to = s.to
	}
	flush(from, to, level)
}

// says99 are the values of a row for the script, in an invisible line at y.
func says99(samples []sample, y float64) []point {
	var out []point
	for _, s := range samples {
		value := "nothing"
		if s.value > 0 {
			value = fmt.Sprintf("p50 %s, p99 %s", Duration(s.worst.P50), Duration(s.worst.P99))
		}
		out = append(out, point{(s.from + s.to) / 2, y, fmt.Sprintf("%s at %.4g s", value, s.to)})
	}
	return out
}

// heatLevel is the colour of a value, from 0 for the shortest; -1 is none, for seconds in which
// nothing arrived.
func heatLevel(ns float64) int {
	if ns <= 0 {
		return -1
	}
	for i, edge := range heatEdges {
		if ns <= edge {
			return i
		}
	}
	return len(heatEdges)
}

// heatKey is the legend of heat.
func heatKey() []keyItem {
	var out []keyItem
	for i, e := range heatEdges {
		out = append(out, keyItem{fmt.Sprintf("h%d", i), "≤" + tickDuration(e)})
	}
	return append(out, keyItem{fmt.Sprintf("h%d", len(heatEdges)), "more"})
}

// The panels of drawings with one per run, below each other.
const (
	panelHeight = 54
	panelName   = 18 // above it
	levelMax    = 8  // of the colours of spread, a power of ten each
)

// panelTop is where the panel of a slot begins, below its name.
func (d *drawing) panelTop(slot int) float64 {
	return d.y.to + float64(slot)*(panelHeight+panelName) + panelName
}

// panels begins a drawing with one panel for each of the rows.
func (o *over) panels(id, title, about, yTitle string) *drawing {
	rows := len(o.p.shown)
	height := float64(topMargin + lowMargin + rows*(panelHeight+panelName))
	return newDrawing(frame{id: id, title: title, about: about, height: height, marks: o.marks},
		o.axis(), axis{title: yTitle, max: float64(rows)})
}

// name writes that of a panel's run above it.
func (d *drawing) name(slot, run int, name string) {
	top := d.panelTop(slot)
	fmt.Fprintf(&d.b, `<text class="panel" x="%d" y="%s"><tspan>%d</tspan> %s</text>`, leftMargin,
		num(top-5), run+1, template.HTMLEscapeString(name))
	fmt.Fprintf(&d.b, `<path class="foot" d="M%d %sH%d"/>`, leftMargin, num(top+panelHeight),
		svgWidth-rightMargin)
}

// spread draws the histograms of every second: a panel per run, time to the right, how long it took
// upwards, and as the colour how many events took so long. It is empty when no second has one.
func (o *over) spread(id, title string) template.HTML {
	low, high := math.MaxInt, math.MinInt
	longest := 0
	for _, i := range o.p.shown {
		longest = max(longest, len(o.p.Runs[i].Series))
		for k := range o.p.Runs[i].Series {
			if s := o.p.Runs[i].Series[k].Spread; s != nil && len(s.Counts) > 0 {
				low, high = min(low, s.From), max(high, s.From+len(s.Counts))
			}
		}
	}
	if low >= high {
		return ""
	}
	d := o.panels(id, title, fmt.Sprintf("A panel per configuration: to the right the time, "+
		"upwards from %s to %s how long events took that arrived then. The colour says how many.",
		Duration(int64(halfPower(low))), Duration(int64(halfPower(high)))), "propagation")
	each := max(1, (longest+columnsMax-1)/columnsMax)
	for slot, i := range o.p.shown {
		fmt.Fprintf(&d.b, `<g class="run r%d">`, i+1)
		d.name(slot, i, o.p.name(i))
		d.scale(slot, low, high)
		o.level = max(o.level, d.density(slot, o.p.Runs[i], each, low, high))
		y := float64(len(o.p.shown)) // on the top of the panel: only its x is used
		d.values("values", i, "", says99(thin(o.p.Runs[i],
			func(p *sim.Point) float64 { return float64(p.P99) }), y))
		d.b.WriteString(`</g>`)
	}
	return d.end()
}

func halfPower(i int) float64 { return math.Pow(2, float64(i)/2) }

// scale writes the powers of ten beside a panel, as many as have room.
func (d *drawing) scale(slot, low, high int) {
	bottom, top := halfPower(low), halfPower(high)
	at := func(v float64) float64 {
		return d.panelTop(slot) + panelHeight*(1-math.Log(v/bottom)/math.Log(top/bottom))
	}
	step := 1.0
	for (at(1)-at(10))*step < 14 {
		step++
	}
	for e := math.Ceil(math.Log10(bottom)); e <= math.Log10(top); e += step {
		d.tick(at(math.Pow(10, e)), tickDuration(math.Pow(10, e)))
	}
}

// tick writes a label beside the left axis.
func (d *drawing) tick(y float64, label string) {
	fmt.Fprintf(&d.b, `<text class="tick" x="%d" y="%s" text-anchor="end">%s</text>`, leftMargin-7,
		num(y+4), label)
}

// density draws the cells of one panel, those of one colour as one path in units of cells, for
// there are thousands. A column is so many seconds together. It returns the strongest colour.
func (d *drawing) density(slot int, r *sim.Run, each, low, high int) (strongest int) {
	var paths [levelMax + 1]strings.Builder
	columns := (len(r.Series) + each - 1) / each
	for c := range columns {
		counts := make([]uint64, high-low)
		for k := c * each; k < min((c+1)*each, len(r.Series)); k++ {
			if s := r.Series[k].Spread; s != nil {
				for b, n := range s.Counts {
					counts[s.From-low+b] += n
				}
			}
		}
		for b, n := range counts {
			if n > 0 {
				fmt.Fprintf(&paths[spreadLevel(n)], "M%d %dh1", c, high-low-1-b)
			}
		}
	}
	if len(r.Series) == 0 {
		return 0
	}
	last := r.Series[len(r.Series)-1].At
	fmt.Fprintf(&d.b, `<g class="map" transform="translate(%s %s) scale(%.5g %.5g)">`,
		num(d.x.at(0)), num(d.panelTop(slot)+panelHeight/float64(high-low)/2),
		(d.x.at(last)-d.x.at(0))/float64(columns), panelHeight/float64(high-low))
	for level := range paths {
		if paths[level].Len() > 0 {
			fmt.Fprintf(&d.b, `<path class="s%d" d="%s"/>`, level, paths[level].String())
			strongest = level
		}
	}
	d.b.WriteString(`</g>`)
	return strongest
}

// spreadLevel is the colour of a number of events: 0 for one to nine, and a step per digit more.
func spreadLevel(n uint64) int {
	level := 0
	for ; n >= 10 && level < levelMax; n /= 10 {
		level++
	}
	return level
}

// spreadKey is the legend of spread, up to the largest number that it drew.
func (o *over) spreadKey() []keyItem {
	var out []keyItem
	for level := range o.level + 1 {
		from := tickCount(math.Pow(10, float64(level)))
		out = append(out, keyItem{fmt.Sprintf("h%d", min(level+1, levelMax)), from + " or more"})
	}
	return out
}

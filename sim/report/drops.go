package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// droppedBy reports whether a point says why it dropped.
func droppedBy(p *sim.Point) bool { return len(p.DroppedBy) > 0 }

// drops draws what each second dropped, by cause, the causes above each other: a panel per run with
// a scale of its own. It is empty when no run dropped anything.
func (o *over) drops(id, title string) template.HTML {
	if !o.some(droppedBy) {
		return ""
	}
	d := o.panels(id, title, "A panel per configuration, each with its own scale: the events "+
		"dropped per second, one area per cause.", "dropped per second")
	for slot, i := range o.p.shown {
		samples := thin(o.p.Runs[i], func(p *sim.Point) float64 { return float64(p.Dropped) })
		fmt.Fprintf(&d.b, `<g class="run r%d">`, i+1)
		d.name(slot, i, o.p.name(i))
		d.stack(slot, samples)
		d.values("values", i, "", saysDrops(samples, float64(len(o.p.shown))))
		d.b.WriteString(`</g>`)
	}
	return d.end()
}

// stack draws the areas of one panel.
func (d *drawing) stack(slot int, samples []sample) {
	highest := 0.0
	for _, s := range samples {
		highest = max(highest, s.value)
	}
	foot := d.panelTop(slot) + panelHeight
	d.tick(foot, "0")
	if highest <= 0 {
		return
	}
	d.tick(foot-panelHeight+4, Count(uint64(highest)))
	below := make([]float64, len(samples))
	for k, cause := range notify.Causes() {
		var up, down strings.Builder
		some := false
		for i, s := range samples {
			n := float64(s.worst.DroppedBy[cause.String()])
			some = some || n > 0
			from, to := num(d.x.at(s.from)), num(d.x.at(s.to))
			y := func(v float64) string { return num(foot - panelHeight*v/highest) }
			fmt.Fprintf(&up, "L%s %sH%s", from, y(below[i]+n), to)
			old := down.String()
			down.Reset()
			fmt.Fprintf(&down, "L%s %sH%s%s", to, y(below[i]), from, old)
			below[i] += n
		}
		if some {
			fmt.Fprintf(&d.b, `<path class="area %s" d="M%s%sZ"/>`, causeLook(k),
				up.String()[1:], down.String())
		}
	}
}

// causeLook is the colour of a cause, the same in every report.
func causeLook(k int) string { return fmt.Sprintf("c%d", k%7) }

// saysDrops are the values of a panel for the script.
func saysDrops(samples []sample, y float64) []point {
	var out []point
	for _, s := range samples {
		says := "none"
		if s.value > 0 {
			says = causes(s.worst.DroppedBy)
		}
		out = append(out, point{(s.from + s.to) / 2, y, fmt.Sprintf("%s at %.4g s", says, s.to)})
	}
	return out
}

// dropsKey is the legend of drops: the causes that there are.
func (o *over) dropsKey() []keyItem {
	var out []keyItem
	for k, c := range notify.Causes() {
		if o.some(func(p *sim.Point) bool { return p.DroppedBy[c.String()] > 0 }) {
			out = append(out, keyItem{causeLook(k), strings.ReplaceAll(c.String(), "_", " ")})
		}
	}
	return out
}

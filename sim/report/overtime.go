package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// columnsMax is how many columns or points a drawing over time has at most. A longer series is
// thinned by taking the largest of several seconds, so that a spike stays.
const columnsMax = 150

// sample is the largest value of some seconds of a run.
type sample struct{ from, to, value float64 }

// thin gives the series of a run with at most columnsMax samples. Values below 0 are none.
func thin(r *sim.Run, value func(*sim.Point) float64) []sample {
	each := (len(r.Series) + columnsMax - 1) / columnsMax
	var out []sample
	began := 0.0
	for i := range r.Series {
		p := &r.Series[i]
		if i%max(each, 1) == 0 {
			out = append(out, sample{from: began, value: -1})
		}
		s := &out[len(out)-1]
		s.to, s.value = p.At, max(s.value, value(p))
		began = p.At
	}
	return out
}

// over holds what the drawings over time of a document share.
type over struct {
	r   *Result
	end float64 // of the longest series, in s
}

func newOver(r *Result) *over {
	o := &over{r: r}
	for _, run := range r.Runs {
		if n := len(run.Series); n > 0 {
			o.end = max(o.end, run.Series[n-1].At)
		}
	}
	return o
}

func (o *over) axis() axis {
	a := linearAxis("time since the begin of the warm-up (s)", o.end, plain)
	a.max = o.end // nothing comes after it
	for len(a.ticks) > 0 && a.ticks[len(a.ticks)-1].at > a.max {
		a.ticks = a.ticks[:len(a.ticks)-1]
	}
	return a
}

// lines draws a figure of every second, a line per run; it is empty when the figure is never above
// 0. The axis is logarithmic from 1 on, and what is below lies on its foot.
func (o *over) lines(id, title, yTitle string, value func(*sim.Point) float64) template.HTML {
	var all []series
	highest := 0.0
	for i, run := range o.r.Runs {
		s := series{run: i}
		for _, x := range thin(run, value) {
			highest = max(highest, x.value)
			says := fmt.Sprintf("%s at %.3g s", Count(uint64(max(x.value, 0))), x.to)
			s.points = append(s.points, point{x.to, max(x.value, 1), says})
		}
		all = append(all, s)
	}
	if highest <= 0 {
		return ""
	}
	y := logAxis(yTitle, 1, highest, func(v float64) string { return tickCount(v) })
	y.ticks[0].label = "≤1"
	d := newDrawing(id, title, fmt.Sprintf("A line per configuration, a point per second. "+
		"The largest value is %s.", Count(uint64(highest))), svgHeight, o.axis(), y)
	d.lines(all)
	return d.end()
}

// heatEdges are the upper ends of the colours of the heat map but the last.
var heatEdges = []float64{1e6, 3e6, 10e6, 30e6, 100e6, 300e6, 1e9, 3e9}

// heat draws the propagation's p99 of every second as a map: a row per run, a column per second.
// It is empty when no second of any run has a delivery.
func (o *over) heat(id, title string) template.HTML {
	const rowHeight = 26
	rows := len(o.r.Runs)
	y := axis{title: "configuration", min: 0, max: float64(max(rows, 1))}
	height := float64(topMargin + lowMargin + rowHeight*rows)
	highest := 0.0
	var all [][]sample
	for _, run := range o.r.Runs {
		samples := thin(run, func(p *sim.Point) float64 { return float64(p.P99) })
		for _, s := range samples {
			highest = max(highest, s.value)
		}
		all = append(all, samples)
	}
	if highest <= 0 {
		return ""
	}
	d := newDrawing(id, title, fmt.Sprintf("A row per configuration, a column per second; the "+
		"colour is how long 99%% of the events of that second took. The longest is %s.",
		Duration(int64(highest))), height, o.axis(), y)
	for i, samples := range all {
		top := topMargin + float64(i)*rowHeight
		fmt.Fprintf(&d.b, `<g class="run r%d">`, i+1)
		d.text(leftMargin-7, top+rowHeight/2+4, "end", fmt.Sprint(i+1))
		d.cells(samples, top+1, rowHeight-2, i)
		d.b.WriteString(`</g>`)
	}
	return d.end()
}

// cells draws one row; cells of one colour that touch are one rectangle. The script finds the
// values in an invisible line through the row.
func (d *drawing) cells(samples []sample, top, height float64, run int) {
	var path, says strings.Builder
	flush := func(from, to float64, level int) {
		if level >= 0 && to > from {
			fmt.Fprintf(&d.b, `<rect class="h%d" x="%s" y="%s" width="%s" height="%s"/>`, level,
				num(d.x.at(from)), num(top), num(d.x.at(to)-d.x.at(from)), num(height))
		}
	}
	from, to, level := 0.0, 0.0, -1
	for i, s := range samples {
		next := heatLevel(s.value)
		if next != level {
			flush(from, to, level)
			from, level = s.from, next
		}
		to = s.to
		if i > 0 {
			path.WriteByte(' ')
			says.WriteByte('|')
		}
		path.WriteString(num(d.x.at((s.from+s.to)/2)) + "," + num(top+height/2))
		value := "nothing"
		if s.value > 0 {
			value = Duration(int64(s.value))
		}
		fmt.Fprintf(&says, "%s at %.3g s", value, s.to)
	}
	flush(from, to, level)
	fmt.Fprintf(&d.b, `<polyline class="values" points="%s" data-run="%d" data-says="%s"/>`,
		path.String(), run+1, html.EscapeString(says.String()))
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

// heatKey is the legend of the heat map.
func heatKey() []string {
	var out []string
	for _, e := range heatEdges {
		out = append(out, "≤"+tickDuration(e))
	}
	return append(out, "more")
}

func plain(v float64) string { return fmt.Sprintf("%g", math.Round(v*1e9)/1e9) }

// tickCount is a round Count: 10k instead of 10.0k.
func tickCount(v float64) string {
	for _, u := range []struct {
		n    float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.n {
			return fmt.Sprintf("%g%s", v/u.n, u.name)
		}
	}
	return fmt.Sprintf("%g", v)
}

package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/notifylab/notifylab/sim"
)

// columnsMax is how many columns or points a drawing over time has at most. A longer series is
// thinned by taking the worst of several seconds, so that a spike stays.
const columnsMax = 150

// sample is the worst second of some of a run: the one with the largest value.
type sample struct {
	from, to float64
	value    float64
	worst    *sim.Point
}

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
		if v := value(p); s.worst == nil || v > s.value {
			s.value, s.worst = v, p
		}
		s.to = p.At
		began = p.At
	}
	return out
}

// over holds what the drawings over time of a document share.
type over struct {
	p     *picked
	end   float64 // of the longest series, in s
	marks marks
	level int // the strongest colour of the spread, once it is drawn
}

func newOver(p *picked) *over {
	o := &over{p: p}
	for _, i := range p.shown {
		if n := len(p.Runs[i].Series); n > 0 {
			o.end = max(o.end, p.Runs[i].Series[n-1].At)
		}
	}
	if o.end > 0 {
		o.marks = newMarks(&p.Scenario, o.end)
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

// some reports whether a point of a run that is drawn has what ok asks for.
func (o *over) some(ok func(*sim.Point) bool) bool {
	for _, i := range o.p.shown {
		for k := range o.p.Runs[i].Series {
			if ok(&o.p.Runs[i].Series[k]) {
				return true
			}
		}
	}
	return false
}

// counts draws a number of every second, a line per run; it is empty when it is never above 0. The
// axis is logarithmic from 1 on, and what is below lies on its foot.
func (o *over) counts(id, title, yTitle string, value func(*sim.Point) float64) template.HTML {
	var all []series
	highest := 0.0
	for slot, i := range o.p.shown {
		var piece []point
		for _, x := range thin(o.p.Runs[i], value) {
			highest = max(highest, x.value)
			says := fmt.Sprintf("%s at %.4g s", Count(uint64(max(x.value, 0))), x.to)
			piece = append(piece, point{x.to, max(x.value, 1), says})
		}
		all = append(all, newSeries(i, slot, piece))
	}
	if highest <= 0 {
		return ""
	}
	y := logAxis(yTitle, 1, highest, func(v float64) string { return tickCount(v) })
	y.ticks[0].label = "≤1"
	d := newDrawing(frame{id: id, title: title, height: svgHeight, marks: o.marks,
		about: fmt.Sprintf("A line per configuration, a point per second. The largest value is %s.",
			Count(uint64(highest)))}, o.axis(), y)
	d.lines(all)
	return d.end()
}

func newSeries(run, look int, pieces ...[]point) series {
	s := series{run: run, look: look}
	for _, piece := range pieces {
		if len(piece) > 0 {
			s.pieces = append(s.pieces, piece)
		}
	}
	return s
}

// times draws two quantiles of every second, a strong and a faint line per run; where nothing was
// recorded there is a gap. It is empty when nothing ever was.
func (o *over) times(id, title, yTitle string, p50, p99 func(*sim.Point) int64) template.HTML {
	var all []series
	lowest, highest := math.Inf(1), 0.0
	for slot, i := range o.p.shown {
		strong, faint := newSeries(i, slot), newSeries(i, slot)
		strong.name, faint.name, faint.faint = "p99", "p50", true
		gap := true
		for _, x := range thin(o.p.Runs[i], func(p *sim.Point) float64 { return float64(p99(p)) }) {
			if x.value <= 0 {
				gap = true
				continue
			}
			if gap {
				strong.pieces, faint.pieces = append(strong.pieces, nil), append(faint.pieces, nil)
				gap = false
			}
			low := float64(max(p50(x.worst), 1))
			lowest, highest = min(lowest, low), max(highest, x.value)
			last := len(strong.pieces) - 1
			strong.pieces[last] = append(strong.pieces[last], timed(x.value, x.to))
			faint.pieces[last] = append(faint.pieces[last], timed(low, x.to))
		}
		all = append(all, faint, strong)
	}
	if highest <= 0 {
		return ""
	}
	d := newDrawing(frame{id: id, title: title, height: svgHeight, marks: o.marks,
		about: fmt.Sprintf("Two lines per configuration, the p99 and fainter the p50 of every "+
			"second. Values from %s to %s.", Duration(int64(lowest)), Duration(int64(highest)))},
		o.axis(), logAxis(yTitle, lowest, highest, tickDuration))
	d.lines(all)
	return d.end()
}

func timed(ns, at float64) point {
	return point{at, ns, fmt.Sprintf("%s at %.4g s", Duration(int64(ns)), at)}
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

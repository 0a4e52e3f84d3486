package compare

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

// The size of a drawing of a change, in pixels.
const (
	plotWidth  = 242.0
	plotHeight = 20.0
	plotEdge   = 6.0 // room for an arrow at either end
)

// scale is that of the drawings of a configuration: it goes as far up as down, so that all lines of
// no change are one. It is that of square roots, on which both 1 % and 50 % can be seen; a
// logarithm has no place for no change.
type scale struct {
	max float64 // a share
}

// newScale takes the smallest round scale that nine of ten changes fit in: one that is far away
// must not make dots of all others. Changes in a unit have no common scale; nil means that there
// is nothing else to draw.
func newScale(figures []*Figure) *scale {
	var reach []float64
	for _, f := range figures {
		if f.Relative && f.Change != nil && furthest(f) > 0 {
			reach = append(reach, furthest(f))
		}
	}
	if len(reach) == 0 {
		return nil
	}
	slices.Sort(reach)
	needed := reach[(len(reach)*9+9)/10-1]
	for _, m := range []float64{.01, .02, .05, .1, .2, .5} {
		if needed <= m {
			return &scale{m}
		}
	}
	return &scale{1} // less than nothing there is none
}

// furthest is the end of a change that is the furthest from none.
func furthest(f *Figure) float64 {
	far := math.Abs(*f.Change)
	if f.Low != nil && f.High != nil {
		far = max(far, math.Abs(*f.Low), math.Abs(*f.High))
	}
	return far
}

// ticks are the values that have a line: the ends, the middle, and half-way between these.
func (s *scale) ticks() []float64 {
	quarter := s.max / 4 // whose root is a half
	return []float64{-s.max, -quarter, 0, quarter, s.max}
}

// Axis is the head of a column of drawings.
func (s *scale) Axis() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g">`, plotWidth, plotHeight)
	for i, tick := range s.ticks() {
		x, anchor := s.at(tick), "middle"
		switch i {
		case 0:
			x, anchor = 0, "start"
		case len(s.ticks()) - 1:
			x, anchor = plotWidth, "end"
		}
		text := fmt.Sprintf("%+g%%", 100*tick)
		if tick == 0 {
			text = "0"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">%s</text>`, x, plotHeight-4,
			anchor, text)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // numbers only
}

func (s *scale) at(v float64) float64 {
	share := math.Copysign(math.Sqrt(min(math.Abs(v)/s.max, 1)), v)
	return plotWidth/2 + share*(plotWidth/2-plotEdge)
}

// draw draws the change of a figure with its interval, if it has them. The words for it are in the
// table, so it has none.
func (s *scale) draw(f *Figure) template.HTML {
	if s == nil || !f.Relative || f.Change == nil || f.Outcome == Missing {
		return ""
	}
	var b strings.Builder
	const middle = plotHeight / 2
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" aria-hidden="true">`, plotWidth, plotHeight)
	for _, tick := range s.ticks() {
		kind := "grid"
		if tick == 0 {
			kind = "middle"
		}
		fmt.Fprintf(&b, `<path class="%s" d="M%.1f 0V%g"/>`, kind, s.at(tick), plotHeight)
	}
	low, high := *f.Change, *f.Change
	if f.Low != nil && f.High != nil {
		low, high = *f.Low, *f.High
		fmt.Fprintf(&b, `<path class="bar" d="M%.1f %gH%.1f"/>`, s.at(low), middle, s.at(high))
	}
	if low < -s.max {
		fmt.Fprintf(&b, `<path class="tip" d="M0 %gl%g -5v10z"/>`, middle, plotEdge+1)
	}
	if high > s.max {
		fmt.Fprintf(&b, `<path class="tip" d="M%g %gl-%g -5v10z"/>`, plotWidth, middle, plotEdge+1)
	}
	if math.Abs(*f.Change) <= s.max {
		fmt.Fprintf(&b, `<circle class="dot" cx="%.1f" cy="%g" r="4"/>`, s.at(*f.Change), middle)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // numbers only
}

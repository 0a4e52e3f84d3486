package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

const (
	// steepMin is the factor from which on a step is steep: when the figure per delivery of a point
	// is more than so many times that of the point before. Two runs of the same benchmark differ by
	// less.
	steepMin = 1.5
	// openMax bounds what the growth of the floor may leave open of a steep step. It is below
	// steepMin, so a step is put down to memory only where the floor grew, too: by steepMin/openMax
	// or more.
	openMax = 1.25
)

// What a steep step is called.
const (
	faster = "faster than linear"
	memory = "memory"
	dearer = "dearer" // where the deliveries are the same
)

// mark is what the step to point i is called, or "" if it isn't steep. The time of an event is that
// of a delivery times the deliveries, so it grows by more than steepMin times the factor of the
// deliveries exactly when the time of a delivery grows by more than steepMin.
func (s *series) mark(i int) string {
	switch {
	case i == 0 || s.step(i) <= steepMin:
		return ""
	case s.panel.fixed:
		return dearer
	case s.panel.floor && s.asFloor(i):
		return memory
	}
	return faster
}

// step is the figure of point i divided by that of the point before.
func (s *series) step(i int) float64 { return s.points[i].value / s.points[i-1].value }

// floorStep is the same of the floor.
func (s *series) floorStep(i int) float64 { return s.points[i].floor / s.points[i-1].floor }

// ratio is the engine's figure of point i divided by the floor's.
func (s *series) ratio(i int) float64 { return s.points[i].value / s.points[i].floor }

// asFloor reports whether the engine has grown as the floor has, since the smaller size at which
// the engine is cheapest. The step alone would not do: a ring is several times as large as a member
// of the engine, so the rings leave a cache at a smaller size, maybe a step earlier. What is put
// down to memory is never more than openMax times as far from the floor as the cheapest point is.
func (s *series) asFloor(i int) bool {
	cheapest := 0
	for j := range s.points[:i] {
		if s.points[j].value < s.points[cheapest].value {
			cheapest = j
		}
	}
	return s.ratio(i) <= openMax*s.ratio(cheapest)
}

// total is the time of an event for all subscribers or groups, or what all of them take in memory,
// up to a factor that is the same for all points of a series.
func (s *series) total(i int) float64 {
	if s.panel.fixed {
		return s.points[i].value
	}
	return s.points[i].value * float64(s.points[i].x)
}

// exponent is the slope of log total against log x by least squares: 1 is linear, and 0 means that
// x makes no difference.
func (s *series) exponent() float64 {
	n := float64(len(s.points))
	var meanX, meanY, cov, dev float64
	for i, pt := range s.points {
		meanX += math.Log(float64(pt.x)) / n
		meanY += math.Log(s.total(i)) / n
	}
	for i, pt := range s.points {
		dx := math.Log(float64(pt.x)) - meanX
		cov += dx * (math.Log(s.total(i)) - meanY)
		dev += dx * dx
	}
	return cov / dev
}

// steps counts the steps of some series, and the steep ones by what they are called.
type steps struct {
	all   int
	steep map[string][]string
}

func (c *steps) add(s *series) {
	if c.steep == nil {
		c.steep = make(map[string][]string)
	}
	for i := 1; i < len(s.points); i++ {
		c.all++
		if mark := s.mark(i); mark != "" {
			step := fmt.Sprintf("%s: %s %d to %d (%s)",
				mark, s.panel.by, s.points[i-1].x, s.points[i].x, s.name())
			c.steep[mark] = append(c.steep[mark], step)
		}
	}
}

// list prints the steps of some marks.
func (c *steps) list(w io.Writer, marks ...string) {
	for _, mark := range marks {
		for _, step := range c.steep[mark] {
			fmt.Fprintln(w, " ", step)
		}
	}
}

// writeTable prints every series with its steps and its exponent, and the verdict.
func writeTable(out io.Writer, all []series) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var growing, fixed steps
	for i := range all {
		s := &all[i]
		writeSeries(w, s)
		if s.panel.fixed {
			fixed.add(s)
		} else {
			growing.add(s)
		}
	}
	fmt.Fprintf(w, legend, repeatsOf(all), steepMin, openMax)
	fmt.Fprintf(w, "verdict: %d of %d steps grow faster than linearly; "+
		"%d more grow only as the floor does: memory\n",
		len(growing.steep[faster]), growing.all, len(growing.steep[memory]))
	growing.list(w, faster, memory)
	fmt.Fprintf(w, "verdict: %d of %d steps are dearer though the deliveries are the same\n",
		len(fixed.steep[dearer]), fixed.all)
	fixed.list(w, dearer)
	writeLargest(w, all)
	return w.Flush()
}

// legend says what the columns and the marks mean.
const legend = `Each figure is the median of %s. A step is the figure divided by the one
before. The floor is a ring per subscriber, measured beside the engine, and the ratio is the engine
divided by the floor. A step of more than %v is marked: as memory where the ratio is at most %v
times that of the smaller size at which the engine is cheapest, for then the floor has grown, too.
`

// writeLargest prints where the engine is farthest from the floor.
func writeLargest(w io.Writer, all []series) {
	largest, where := 0.0, ""
	for i := range all {
		s := &all[i]
		if !s.panel.floor {
			continue
		}
		for j := range s.points {
			if s.ratio(j) > largest {
				largest, where = s.ratio(j), s.at(j)
			}
		}
	}
	fmt.Fprintf(w, "largest ratio of engine to floor: %s at %s\n", figure(largest), where)
}

// repeatsOf says how many runs the figures are the medians of.
func repeatsOf(all []series) string {
	fewest, most := math.MaxInt, 0
	for _, s := range all {
		for _, pt := range s.points {
			fewest, most = min(fewest, pt.fewest), max(most, pt.most)
		}
	}
	if fewest == most {
		return fmt.Sprintf("%d run(s)", most)
	}
	return fmt.Sprintf("%d to %d runs", fewest, most)
}

func writeSeries(w io.Writer, s *series) {
	of := "ns/op against deliveries"
	switch {
	case s.panel.fixed:
		of = "ns/op against " + s.panel.by
	case s.panel.unit == "B/sub":
		of = "B in all against " + s.panel.by
	}
	fmt.Fprintf(w, "%s (%s): %s; growth exponent of %s: %.2f\n",
		s.panel.title, s.panel.unit, s.name(), of, s.exponent())
	fmt.Fprintf(w, "%s\t%s\tstep\t", s.panel.by, s.panel.unit)
	if s.panel.floor {
		fmt.Fprintf(w, "floor %s\tits step\tratio\t", s.panel.unit)
	}
	fmt.Fprintln(w)
	for i := range s.points {
		writePoint(w, s, i)
	}
	fmt.Fprintln(w)
}

func writePoint(w io.Writer, s *series, i int) {
	step, floorStep := "–", "–"
	if i > 0 {
		step = fmt.Sprintf("%.2f", s.step(i))
		floorStep = fmt.Sprintf("%.2f", s.floorStep(i))
	}
	pt := &s.points[i]
	fmt.Fprintf(w, "%d\t%s\t%s\t", pt.x, figure(pt.value), step)
	if s.panel.floor {
		fmt.Fprintf(w, "%s\t%s\t%.2f\t", figure(pt.floor), floorStep, s.ratio(i))
	}
	if mark := s.mark(i); mark != "" {
		fmt.Fprintf(w, "  %s", mark)
	}
	fmt.Fprintln(w)
}

// figure writes a number with four digits, or more before the point.
func figure(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

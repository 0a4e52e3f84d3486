package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// steepMin is the factor from which on a step counts as one that grows faster than linear: when the
// figure per delivery of a point is more than so many times that of the point before. Two runs of
// the same benchmark differ by less.
const steepMin = 1.5

// steep reports whether the step to point i is one that grows faster than linear. The time of an
// event is that of a delivery times the deliveries, so it grows by more than steepMin times the
// factor of the deliveries exactly when the time of a delivery grows by more than steepMin.
func (s *series) steep(i int) bool { return i > 0 && s.step(i) > steepMin }

// step is the figure of point i divided by that of the point before.
func (s *series) step(i int) float64 { return s.points[i].value / s.points[i-1].value }

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

// steps counts the steps of all series, and the steep ones, with what they are called.
type steps struct {
	all   int
	steep []string
}

func (c *steps) add(s *series) {
	for i := 1; i < len(s.points); i++ {
		c.all++
		if s.steep(i) {
			c.steep = append(c.steep, fmt.Sprintf("%s %d to %d (%s)",
				s.panel.by, s.points[i-1].x, s.points[i].x, s.name()))
		}
	}
}

func (c *steps) print(w io.Writer, what string) {
	fmt.Fprintf(w, "verdict: %s: %d of %d steps", what, len(c.steep), c.all)
	if len(c.steep) > 0 {
		fmt.Fprintf(w, ":\n  %s", strings.Join(c.steep, "\n  "))
	}
	fmt.Fprintln(w)
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
	fmt.Fprintf(w, "Each figure is the median of %s. A step is the figure divided by the one\n"+
		"before; more than %v is marked.\n", repeatsOf(all), steepMin)
	growing.print(w, "faster than linear in deliveries or subscribers")
	fixed.print(w, "dearer though the deliveries are the same")
	return w.Flush()
}

// repeatsOf says how many runs the figures are the medians of.
func repeatsOf(all []series) string {
	fewest, most := math.MaxInt, 0
	for _, s := range all {
		for _, pt := range s.points {
			fewest, most = min(fewest, pt.repeats), max(most, pt.repeats)
		}
	}
	if fewest == most {
		return fmt.Sprintf("%d run(s)", most)
	}
	return fmt.Sprintf("%d to %d runs", fewest, most)
}

func writeSeries(w io.Writer, s *series) {
	of, mark := "ns/op against deliveries", "faster than linear"
	switch {
	case s.panel.fixed:
		of, mark = "ns/op against "+s.panel.by, "dearer"
	case s.panel.unit == "B/sub":
		of = "B in all against " + s.panel.by
	}
	fmt.Fprintf(w, "%s (%s): %s; growth exponent of %s: %.2f\n",
		s.panel.title, s.panel.unit, s.name(), of, s.exponent())
	fmt.Fprintf(w, "%s\t%s\tstep\t\n", s.panel.by, s.panel.unit)
	for i, pt := range s.points {
		fmt.Fprintf(w, "%d\t%s\t", pt.x, figure(pt.value))
		if i > 0 {
			fmt.Fprintf(w, "%.2f\t", s.step(i))
		}
		if s.steep(i) {
			fmt.Fprintf(w, "  %s", mark)
		}
		fmt.Fprintln(w)
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

package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// spectrum draws a latency of all runs by percentile, in the manner of HdrHistogram's plots: the
// axis is the logarithm of 1/(1-percentile), so that every further nine takes the same room. It is
// empty when no run has values.
func spectrum(id, title string, l *latency, p *picked) (template.HTML, error) {
	var all []series
	lowest, highest, nines := math.Inf(1), 0.0, 1.0
	for slot, i := range p.shown {
		h, err := l.decode(p.Result, i)
		if err != nil {
			return "", err
		}
		if h == nil {
			continue
		}
		piece := percentiles(h)
		for _, at := range piece {
			lowest, highest = min(lowest, at.y), max(highest, at.y)
			nines = max(nines, at.x)
		}
		all = append(all, newSeries(i, slot, piece))
	}
	if len(all) == 0 {
		return "", nil
	}
	x := logAxis("percentile", 1, nines, func(v float64) string { return percent(v) })
	y := logAxis(l.name, lowest, highest, func(v float64) string { return tickDuration(v) })
	d := newDrawing(frame{id: id, title: title, height: svgHeight,
		about: fmt.Sprintf("A line per configuration, from the fastest to the slowest. Values "+
			"from %s to %s; the table has the percentiles.", Duration(int64(lowest)),
			Duration(int64(highest)))}, x, y)
	d.lines(all)
	return d.end(), nil
}

// percentiles are the points of one line: x is 1/(1-percentile).
func percentiles(h *hdrhistogram.Histogram) []point {
	const perNine = 10 // points for each further nine
	total := float64(h.TotalCount())
	var points []point
	for i := 0; ; i++ {
		x := math.Pow(10, float64(i)/perNine)
		last := x >= total // nothing lies beyond the largest value
		if last {
			x = max(total, 1)
		}
		v := h.ValueAtQuantile(100 * (1 - 1/x))
		if last {
			v = h.Max()
		}
		v = max(v, 1)
		says := fmt.Sprintf("%s at %s", Duration(v), percent(x))
		points = append(points, point{x, float64(v), says})
		if last {
			return points
		}
	}
}

// percent is the percentile that x = 1/(1-percentile) stands for, with as many digits as it needs.
func percent(x float64) string {
	if x <= 1 {
		return "0%"
	}
	digits := max(0, int(math.Ceil(math.Log10(x)-2+1e-9)))
	if x == math.Pow(10, math.Round(math.Log10(x))) {
		digits = max(0, int(math.Round(math.Log10(x)))-2)
	}
	return fmt.Sprintf("%.*f%%", digits, 100*(1-1/x))
}

// tickDuration is a round Duration: 1ms instead of 1.00ms.
func tickDuration(ns float64) string {
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= u.ns {
			return fmt.Sprintf("%g%s", ns/u.ns, u.name)
		}
	}
	return fmt.Sprintf("%gns", ns)
}

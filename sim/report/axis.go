package report

import "math"

// axis maps values to positions.
type axis struct {
	title    string
	min, max float64
	log      bool
	from, to float64 // positions of min and max
	ticks    []tick
}

type tick struct {
	at    float64 // a value
	label string
}

// at is the position of v; what is outside of the axis is put on its end.
func (a *axis) at(v float64) float64 {
	v = min(max(v, a.min), a.max)
	share := (v - a.min) / (a.max - a.min)
	if a.log {
		share = math.Log(v/a.min) / math.Log(a.max/a.min)
	}
	return a.from + share*(a.to-a.from)
}

// logAxis spans the powers of ten around lowest and highest, both above 0.
func logAxis(title string, lowest, highest float64, label func(float64) string) axis {
	a := axis{title: title, log: true}
	first, last := math.Floor(math.Log10(lowest)), math.Ceil(math.Log10(highest))
	if first == last {
		last++
	}
	a.min, a.max = math.Pow(10, first), math.Pow(10, last)
	for e := first; e <= last; e++ {
		v := math.Pow(10, e)
		a.ticks = append(a.ticks, tick{v, label(v)})
	}
	return a
}

// linearAxis goes from 0 in steps of 1, 2 or 5 times a power of ten.
func linearAxis(title string, highest float64, label func(float64) string) axis {
	if highest <= 0 {
		highest = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(highest/4)))
	for _, m := range []float64{1, 2, 5, 10} {
		if highest/(m*step) <= 6 {
			step *= m
			break
		}
	}
	a := axis{title: title}
	a.max = step * math.Ceil(highest/step-1e-9)
	for i := 0; float64(i)*step <= a.max+step/2; i++ {
		a.ticks = append(a.ticks, tick{float64(i) * step, label(float64(i) * step)})
	}
	return a
}

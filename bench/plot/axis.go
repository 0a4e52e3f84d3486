package main

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// around widens a range so that it begins and ends at a labelled tick and has room for the legend,
// a share of the height.
func around(smallest, largest, legendShare float64) (low, high float64) {
	low, high = smallest, largest
	for _, t := range labelled(smallest/10, largest*10) {
		if t <= smallest {
			low = t
		}
		if t >= largest {
			high = t
			break
		}
	}
	if low == high { // a single value, at a tick: a log axis needs a width
		low, high = low/2, high*2
	}
	return low, low * math.Pow(high/low, 1/(1-legendShare))
}

// labelled are the 1, 2 and 5 times powers of ten within a range.
func labelled(low, high float64) []float64 {
	var ticks []float64
	for exp := int(math.Floor(math.Log10(low))); math.Pow10(exp) <= high; exp++ {
		for _, digit := range []float64{1, 2, 5} {
			if t := digit * math.Pow10(exp); t >= low && t <= high {
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// decimalTicks labels powers of ten, and on an axis that has few of them 2 and 5 times these, too.
type decimalTicks struct{}

func (decimalTicks) Ticks(low, high float64) []plot.Tick {
	wide := high/low >= 1000
	var ticks []plot.Tick
	for _, t := range labelled(low, high) {
		tick := plot.Tick{Value: t}
		if !wide || isPowerOfTen(t) {
			tick.Label = number(t)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

func isPowerOfTen(t float64) bool {
	exp := math.Log10(t)
	return math.Abs(exp-math.Round(exp)) < 1e-9
}

// number writes 10000 as 10k and 1000000 as 1M.
func number(t float64) string {
	switch {
	case t >= 1e6:
		return strconv.FormatFloat(t/1e6, 'g', 4, 64) + "M"
	case t >= 1e3:
		return strconv.FormatFloat(t/1e3, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(t, 'g', 4, 64)
}

// powersOfTwo labels 1, 2, 4, 8 and so on.
type powersOfTwo struct{}

func (powersOfTwo) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for t := math.Exp2(math.Floor(math.Log2(low))); t <= high; t *= 2 {
		if t >= low {
			ticks = append(ticks, plot.Tick{Value: t, Label: number(t)})
		}
	}
	return ticks
}

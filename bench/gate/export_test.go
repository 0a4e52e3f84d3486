package gate

import "math"

// Interval is the 95 % interval that the timed tier has for ratios of head to base.
func Interval(ratios []float64) (low, high float64) {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	low, high = newEstimate("", logs).interval()
	return math.Exp(low), math.Exp(high)
}

// Nth is what finds the ends of an interval.
var Nth = nth

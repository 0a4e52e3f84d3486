package capacity

import "math"

// Interval is the confidence interval for the median of which each of n brackets, limit to beyond,
// holds a sample: from the least limit to the largest beyond, and unbounded (0) above if a bracket
// has no end. Its level is Level(n).
func Interval(limits, beyonds []float64) (low, high float64) {
	low = math.Inf(1)
	for i := range limits {
		low = min(low, limits[i])
		if beyonds[i] == 0 {
			high = math.Inf(1)
		}
		high = max(high, beyonds[i])
	}
	if math.IsInf(high, 1) {
		high = 0
	}
	return low, high
}

// Level is the probability that the median is between the smallest and the largest of n independent
// samples, at least: 1−2^(1−n), whatever their distribution. Source: the package doc.
func Level(n int) float64 { return 1 - math.Pow(2, float64(1-n)) }

// SeedsMin is how many seeds an interval of 95 % needs.
const SeedsMin = 6

// PassLevel is the least probability that another seed passes after n of n did, at 95 % confidence:
// p with p^n = 5 %, which is the lower bound of Clopper and Pearson where nothing failed.
func PassLevel(n int) float64 {
	if n < 1 {
		return 0
	}
	return math.Pow(0.05, 1/float64(n))
}

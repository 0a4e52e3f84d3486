package gate

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

const (
	// segmentMin is the least number of values on each side of a change point.
	segmentMin = 3
	// significance is small, for the split that is tested is the best of many.
	significance = 0.001
)

// ChangePoints finds where a series changes its level, by e-divisive means (Matteson and James,
// "A nonparametric approach for multiple change point analysis", 2014): the split with the largest
// energy distance between its sides, and so on within the sides. Whether a split is one is
// decided by Welch's t-test and not by permutations, so the same series has the same ones. It gives
// the indices of the first value after each, ascending.
func ChangePoints(x []float64) []int {
	found := split(x, 0, nil)
	slices.Sort(found)
	return found
}

func split(x []float64, offset int, found []int) []int {
	at := bestSplit(x)
	if at == 0 || !differ(x[:at], x[at:]) {
		return found
	}
	found = append(found, offset+at)
	found = split(x[:at], offset, found)
	return split(x[at:], offset+at, found)
}

// bestSplit gives the size of the left side with the largest energy distance; 0 if x is too short.
// From one size to the next only the distances of one value change sides.
func bestSplit(x []float64) (best int) {
	n := len(x)
	var between, left, right, largest float64 // sums of distances
	for i := range n {
		for j := range i {
			right += math.Abs(x[i] - x[j])
		}
	}
	for size := 1; size <= n-segmentMin; size++ {
		moved := x[size-1]
		var toLeft, toRight float64
		for _, v := range x[:size-1] {
			toLeft += math.Abs(v - moved)
		}
		for _, v := range x[size:] {
			toRight += math.Abs(v - moved)
		}
		between += toRight - toLeft
		left += toLeft
		right -= toRight
		if size < segmentMin {
			continue
		}
		l, r := float64(size), float64(n-size)
		q := l * r / (l + r) * (2*between/(l*r) - 2*left/(l*(l-1)) - 2*right/(r*(r-1)))
		if q > largest {
			best, largest = size, q
		}
	}
	return best
}

// differ tests whether two sides have different means. Sides without any spread, as counts have,
// can't be put to a t-test and needn't be.
func differ(a, b []float64) bool {
	if constant(a) && constant(b) {
		return a[0] != b[0]
	}
	sample := func(x []float64) *benchmath.Sample { // which sorts what it is given
		return benchmath.NewSample(slices.Clone(x), &benchmath.DefaultThresholds)
	}
	return benchmath.AssumeNormal.Compare(sample(a), sample(b)).P < significance
}

func constant(x []float64) bool { return slices.Min(x) == slices.Max(x) }

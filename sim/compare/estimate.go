package compare

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// The design of the tests; the package doc says why.
const (
	falseAlarms = 0.05 // of a whole comparison, at most
	runsMin     = 3    // a side
	secondsMin  = 10   // of a run
	batchesMax  = 10
	batchLenMin = 2 // seconds
)

// halfMax bounds an interval on the scale of logarithms, where what follows from three runs may be
// more than a number can hold.
var halfMax = math.Log(1e6)

// batchMeans gives half the width of Student's interval for the mean of a series whose neighbours
// are alike: over the means of batches of it, which are less so.
func batchMeans(series []float64, alpha float64) float64 {
	n := len(series)
	batches := min(batchesMax, n/batchLenMin)
	means := make([]float64, batches)
	for i := range means {
		means[i] = mean(series[i*n/batches : (i+1)*n/batches])
	}
	if spread(means) == 0 {
		return 0
	}
	s := benchmath.AssumeNormal.Summary(benchmath.NewSample(means, &benchmath.DefaultThresholds),
		1-alpha)
	return (s.Hi - s.Lo) / 2
}

// welch gives half the width of Welch's interval for the difference of two means. It inverts the
// test: what is in the interval is the differences that the test wouldn't find.
func welch(a, b []float64, alpha float64) float64 {
	widest := max(spread(a), spread(b))
	if widest == 0 {
		return 0
	}
	found := func(difference float64) bool {
		// The test depends on the distance of the means alone, so they are put together first.
		together, apart := slices.Clone(a), slices.Clone(b)
		move(together, -mean(a))
		move(apart, -mean(b)+difference)
		return benchmath.AssumeNormal.Compare(
			benchmath.NewSample(together, &benchmath.DefaultThresholds),
			benchmath.NewSample(apart, &benchmath.DefaultThresholds)).P < alpha
	}
	low, high := 0.0, widest
	for i := 0; i < 64 && !found(high); i++ {
		low, high = high, 2*high
	}
	for range 20 { // to a millionth of it
		if middle := (low + high) / 2; found(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

func move(values []float64, by float64) {
	for i := range values {
		values[i] += by
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func spread(values []float64) float64 { return slices.Max(values) - slices.Min(values) }

func logs(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}

package capacity

import (
	"math"
	"slices"
)

// Interval is the confidence interval for the median of a distribution of which n samples are known
// to be in brackets, from limit to beyond; a beyond of 0 is none. Its level is Level(n), and it is
// from the k-th smallest limit to the k-th largest beyond, where k is the largest rank that gives
// 95 %; that narrows with n. An end of 0 above says that it is unbounded.
func Interval(limits, beyonds []float64) (low, high float64) {
	k, _ := rank(len(limits))
	ends := slices.Clone(beyonds)
	for i := range ends {
		if ends[i] == 0 {
			ends[i] = math.Inf(1)
		}
	}
	slices.Sort(ends)
	if high = ends[len(ends)-k]; math.IsInf(high, 1) {
		high = 0
	}
	return slices.Sorted(slices.Values(limits))[k-1], high
}

// intervalLevel is what an interval has, if there are samples enough.
const intervalLevel = 0.95

// Level is the probability that Interval holds the median, at least, with n samples of whatever
// distribution: 95 % or more from SeedsMin on.
func Level(n int) float64 {
	_, level := rank(n)
	return level
}

// rank is the largest k for which the k-th smallest and the k-th largest of n samples have the
// median between them with 95 %, and that probability; k is 1 if none is enough. The median is
// outside when fewer than k samples are on one side of it, each of which is like tossing n coins:
// 1 − 2·P(heads < k). Source: the package doc.
func rank(n int) (k int, level float64) {
	tail := math.Exp2(-float64(n)) // P(heads < k), with k = 1
	term := tail                   // P(heads = k−1)
	for k = 1; k < n/2; k++ {
		term *= float64(n-k+1) / float64(k)
		if 1-2*(tail+term) < intervalLevel {
			break
		}
		tail += term
	}
	return k, max(1-2*tail, 0)
}

// SeedsMin is how many seeds an interval of 95 % needs.
const SeedsMin = 6

// PassLevel is the least probability that another seed passes after n of n did, at 95 % confidence:
// p with p^n = 5 %, which is the lower bound of Clopper and Pearson where nothing failed. With
// several tries, of which the first to pass all n counts, each has its part of the 5 %, as
// Bonferroni has it.
func PassLevel(n, tries int) float64 {
	if n < 1 {
		return 0
	}
	return math.Pow((1-intervalLevel)/float64(max(tries, 1)), 1/float64(n))
}

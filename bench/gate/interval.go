package gate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

const (
	resamples  = 10000
	alpha      = 0.05 // false alarms of a family of intervals, both ends together
	seedOfBoot = 0x67617465
)

// estimate is the median of log-ratios and its bootstrap distribution.
type estimate struct {
	metric    string
	median    float64
	medians   []weighted // of the resamples, ascending
	low, high float64    // ends of its 95 % interval, or of the wider one that Holm's method asks
}

// weighted is a value and how many of the resamples have it.
type weighted struct {
	value float64
	count int
}

// newEstimate resamples from a fixed seed, so that the same figures give the same interval. There
// must be at least one ratio.
func newEstimate(metric string, ratios []float64) *estimate {
	sorted := slices.Sorted(slices.Values(ratios))
	n := len(sorted)
	e := &estimate{metric: metric, median: (sorted[(n-1)/2] + sorted[n/2]) / 2}
	for at, count := range middles(n) {
		e.medians = append(e.medians, weighted{(sorted[at[0]] + sorted[at[1]]) / 2, count})
	}
	slices.SortFunc(e.medians, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	e.low, e.high = e.interval(alpha)
	return e
}

// middlesOf has what middles made, by n.
var middlesOf sync.Map

// middles resamples n places, and says how many of the resamples have their middle at which two of
// the places (one, twice, if n is odd). Values aren't needed for that: a resample of sorted values
// is sorted by their places.
func middles(n int) map[[2]int]int {
	if m, ok := middlesOf.Load(n); ok {
		return m.(map[[2]int]int)
	}
	rng := rand.New(rand.NewPCG(seedOfBoot, uint64(n)))
	m, places := make(map[[2]int]int), make([]int, n)
	for range resamples {
		for i := range places {
			places[i] = rng.IntN(n)
		}
		slices.Sort(places)
		m[[2]int{places[(n-1)/2], places[n/2]}]++
	}
	middlesOf.Store(n, m)
	return m
}

// interval gives the ends outside which a share of level of the medians lies, half of it at each
// end.
func (e *estimate) interval(level float64) (low, high float64) {
	leave := int(level / 2 * resamples)
	end := func(order func(yield func(int, weighted) bool)) (value float64) {
		seen := 0
		for _, m := range order {
			value = m.value
			if seen += m.count; seen > leave {
				break
			}
		}
		return value
	}
	return end(slices.All(e.medians)), end(slices.Backward(e.medians))
}

// notAbove counts the medians that are not above a bound: few, if e lies beyond it.
func (e *estimate) notAbove(bound float64) (count int) {
	for _, m := range e.medians {
		if m.value <= bound {
			count += m.count
		}
	}
	return count
}

// beyond finds the estimates whose whole interval lies above a bound, by Holm's method: the most
// certain one of m has to at level alpha/m, the next at alpha/(m-1), and so on up to the first that
// doesn't. Each is left with the interval that decided.
func beyond(es []*estimate, bound float64) map[string]bool {
	order := slices.Clone(es)
	slices.SortFunc(order, func(a, b *estimate) int {
		return cmp.Or(cmp.Compare(a.notAbove(bound), b.notAbove(bound)),
			strings.Compare(a.metric, b.metric))
	})
	found := make(map[string]bool)
	for i, e := range order {
		e.low, e.high = e.interval(alpha / float64(len(order)-i))
		if e.low <= bound {
			break
		}
		found[e.metric] = true
	}
	return found
}

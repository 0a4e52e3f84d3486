package sim

import (
	"cmp"
	"math/bits"
	"slices"
)

// apportion divides total in proportion to the weights, by largest remainder: everybody gets the
// whole part of its quota, and what is left goes, one each, to the largest fractions, the earlier
// one first where they are equal. The result adds up to total exactly.
//
// Nobody gets less than floor, for which total must be enough. Those whose quota is smaller get
// the floor, and the others share the rest: so nobody gets more than its quota rounded up, or the
// floor. Weights must not be negative; if all are 0, all count the same.
//
// Integers only, 128 bits between: no rounding, and the same result on every machine.
func apportion(total int, weights []int64, floor int) []int {
	out := make([]int, len(weights))
	if len(weights) == 0 {
		return out
	}
	weight := func(i int) uint64 { return uint64(weights[i]) }
	var sum uint64
	for i := range weights {
		sum += weight(i)
	}
	if sum == 0 {
		sum, weight = uint64(len(weights)), func(int) uint64 { return 1 }
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a, b))
	})
	// The lightest first: granting a floor only lowers the quota of those that follow.
	left := uint64(total)
	for floor > 0 && len(order) > 0 {
		quota, _ := mulDiv(left, weight(order[0]), sum)
		if quota >= uint64(floor) {
			break
		}
		out[order[0]] = floor
		left, sum = left-uint64(floor), sum-weight(order[0])
		order = order[1:]
	}
	rest := left
	fractions := make([]uint64, len(weights))
	for _, i := range order {
		var quota uint64
		quota, fractions[i] = mulDiv(left, weight(i), sum)
		out[i] = int(quota)
		rest -= quota
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(fractions[b], fractions[a]), cmp.Compare(a, b))
	})
	for _, i := range order[:rest] {
		out[i]++
	}
	return out
}

// mulDiv is a*b/c and its remainder, for b not above c.
func mulDiv(a, b, c uint64) (quotient, remainder uint64) {
	hi, lo := bits.Mul64(a, b)
	return bits.Div64(hi, lo, c)
}

package measure

import (
	"slices"
	"time"
)

// Sample keeps the latest times of a run, in bounded memory that is all there from the beginning.
type Sample struct {
	ring []time.Duration
	seen int
}

// NewSample makes one that keeps so many.
func NewSample(kept int) *Sample { return &Sample{ring: make([]time.Duration, kept)} }

// Add adds a time, in the place of the oldest one if there are enough.
func (s *Sample) Add(d time.Duration) {
	s.ring[s.seen%len(s.ring)] = d
	s.seen++
}

// Kept returns the times that are kept, in no order. They are the sample's own.
func (s *Sample) Kept() []time.Duration { return s.ring[:min(s.seen, len(s.ring))] }

// Quantile returns the smallest time that at least the share q of the kept ones don't exceed.
func (s *Sample) Quantile(q float64) time.Duration { return Quantile(s.Kept(), q) }

// Quantile returns the smallest of the values that at least the share q of them don't exceed, or 0
// if there is none.
func Quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(q * float64(len(sorted)))
	if float64(rank) < q*float64(len(sorted)) {
		rank++
	}
	return sorted[min(max(rank, 1), len(sorted))-1]
}

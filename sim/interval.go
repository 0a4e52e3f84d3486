package sim

import (
	"math/bits"
	"slices"
)

// figures are what is recorded of the changes that were due in one stage, or in none.
type figures struct {
	propagation *Histogram
	staleness   *Histogram // of intervals that began with them
	dropped     uint64     // deliveries of them
}

func newFigures() *figures {
	return &figures{propagation: newHistogram(latencyMax), staleness: newHistogram(latencyMax)}
}

func (f *figures) merge(o *figures) {
	f.propagation.merge(o.propagation)
	f.staleness.merge(o.staleness)
	f.dropped += o.dropped
}

func (f *figures) reset() {
	f.propagation.reset()
	f.staleness.reset()
	f.dropped = 0
}

// second is what one lane has recorded since the last Point. It has figures only of those stages of
// which there is something, for they take half a megabyte each; so it doesn't matter how many
// stages a run has.
type second struct {
	parts []*figures // by stage; the first is of what was due in none
	spare []*figures // empty ones
	fresh *Histogram // how long views had been stale that became right

	spread spread // of propagation
}

func newSecond(stages int) *second {
	return &second{parts: make([]*figures, 1+stages), fresh: newHistogram(latencyMax)}
}

func (s *second) part(i int) *figures {
	if s.parts[i] == nil {
		if n := len(s.spare); n > 0 {
			s.parts[i], s.spare = s.spare[n-1], s.spare[:n-1]
		} else {
			s.parts[i] = newFigures()
		}
	}
	return s.parts[i]
}

func (s *second) reset() {
	for i, p := range s.parts {
		if p != nil {
			p.reset()
			s.parts[i], s.spare = nil, append(s.spare, p)
		}
	}
	s.fresh.reset()
	s.spread = spread{}
}

// stageOf is the number of the stage, from 1 on, in which something is due; 0 for none. The edges
// are where the stages begin, and where the last one ends.
func stageOf(edges []int64, due int64) int {
	i, begins := slices.BinarySearch(edges, due)
	if begins {
		i++
	}
	if i >= len(edges) {
		return 0
	}
	return i
}

// collect adds what the lanes have recorded since the last time to the totals, and gives what they
// have together: valid until the next call. A lane goes on with an empty second meanwhile: it isn't
// held up while histograms are added.
func (st *stage) collect() *lately {
	all := &st.lately
	all.propagation.reset()
	all.fresh.reset()
	all.spread = spread{}
	for _, ln := range st.lanes {
		ln.mu.Lock()
		st.spare, ln.rec.second = ln.rec.second, st.spare
		ln.rec.forget()
		ln.mu.Unlock()
		for i, p := range st.spare.parts {
			if p != nil {
				all.propagation.merge(p.propagation)
				st.total.part(i).merge(p)
			}
		}
		all.fresh.merge(st.spare.fresh)
		all.spread.merge(&st.spare.spread)
		st.spare.reset()
	}
	return all
}

// lately is what all lanes have recorded since the last Point.
type lately struct {
	propagation *Histogram
	fresh       *Histogram
	spread      spread
}

// spread is a coarse histogram of times: what a Point can afford to keep.
type spread [128]uint64

// add counts a time in bucket i if 2^(i/2) ≤ ns < 2^((i+1)/2); what is shorter in the first.
func (s *spread) add(ns int64) {
	const root2 = 0xb504f333f9de6484 // √2 of 2^63, rounded down
	v := uint64(max(ns, 1))
	power := bits.Len64(v) - 1
	if v<<(63-power) > root2 {
		s[2*power+1]++
	} else {
		s[2*power]++
	}
}

func (s *spread) merge(o *spread) {
	for i, n := range o {
		s[i] += n
	}
}

// buckets is s without the empty ends; nil if it is empty.
func (s *spread) buckets() *Buckets {
	full := func(n uint64) bool { return n > 0 }
	from := slices.IndexFunc(s[:], full)
	if from < 0 {
		return nil
	}
	end := len(s)
	for s[end-1] == 0 {
		end--
	}
	return &Buckets{From: from, Counts: slices.Clone(s[from:end])}
}

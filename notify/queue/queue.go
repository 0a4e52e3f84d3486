// Package queue has the bounded task queue that stands in front of every shard.
//
// A Queue is first in, first out, holds at most its capacity, and never waits: Offer says whether
// there was room, TakeRun takes what is there. Memory follows need: the ring grows by doubling up
// to the capacity and is reused from then on. All methods are safe for concurrent use, but for
// TakeRun and Ahead, which one goroutine at a time may call.
package queue

import (
	"sync"
	"sync/atomic"
)

// minRing is the size of the first ring; a queue that never holds more stays this small.
const minRing = 16

// claimMax is how many elements the taker gets out of the ring at once, so that it and those who
// offer don't meet at the lock for each.
const claimMax = 64

// Queue is a bounded FIFO of T. Make one with New.
type Queue[T any] struct {
	capacity int

	// Those who offer.
	offered atomic.Uint64 // elements so far; written under mu
	seen    atomic.Uint64 // what taken was once; what it is now is looked at only when it matters
	mu      sync.Mutex
	ring    []T
	head    int
	held    int // elements in the ring
	high    int

	// The taker. It works on other cache lines than those who offer, or each would slow the other
	// down with every element.
	_       [64]byte
	taken   atomic.Uint64 // elements so far
	claimed []T           // out of the ring…
	given   int           // …and so many of them have been taken
	_       [64]byte
}

// New makes a queue for at most capacity elements; a capacity below 1 counts as 1.
func New[T any](capacity int) *Queue[T] {
	return &Queue[T]{capacity: max(capacity, 1)}
}

// Offer appends v and reports true, or reports false when the queue is full.
func (q *Queue[T]) Offer(v T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.lenAtMost(min(q.high, q.capacity))
	if n == q.capacity {
		return false
	}
	if q.held == len(q.ring) {
		q.grow()
	}
	i := q.head + q.held
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = v
	q.held++
	q.high = max(q.high, n+1)
	q.offered.Add(1)
	return true
}

// lenAtMost is the number of elements if that is bound or more, or else something below bound that
// it doesn't exceed.
func (q *Queue[T]) lenAtMost(bound int) int {
	offered := q.offered.Load()
	if n := int(offered - q.seen.Load()); n < bound {
		return n
	}
	taken := q.taken.Load()
	q.seen.Store(taken)
	return int(offered - taken)
}

// TakeRun moves the first elements into buf and says how many: at most len(buf), and only as long
// as same(first, next) holds, so that a run of like elements can be handled as one. A nil same
// takes whatever comes.
func (q *Queue[T]) TakeRun(buf []T, same func(first, next *T) bool) (taken int) {
	var zero T
	for taken < len(buf) {
		if q.given == len(q.claimed) && !q.claim(taken) {
			break
		}
		v := &q.claimed[q.given]
		if taken > 0 && same != nil && !same(&buf[0], v) {
			break
		}
		buf[taken] = *v
		*v = zero // what was taken must not be kept alive here
		q.given++
		taken++
	}
	q.taken.Add(uint64(taken))
	return taken
}

// claim gets the next elements out of the ring, if there are more than the taker has.
func (q *Queue[T]) claim(taken int) bool {
	if q.Len() == taken {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(q.held, claimMax)
	first := q.ring[q.head:min(q.head+n, len(q.ring))]
	second := q.ring[:n-len(first)]
	q.claimed, q.given = append(append(q.claimed[:0], first...), second...), 0
	clear(first)
	clear(second)
	q.held -= n
	if q.head += n; q.head >= len(q.ring) {
		q.head -= len(q.ring)
	}
	return true
}

// Ahead shows elements that TakeRun will give next, as many as are at hand. The slice is valid
// until it is called.
func (q *Queue[T]) Ahead() []T { return q.claimed[q.given:] }

// Len is the number of elements in the queue.
func (q *Queue[T]) Len() int {
	taken := q.taken.Load() // first, so that it isn't the larger one
	return min(int(q.offered.Load()-taken), q.capacity)
}

// Cap is the largest number of elements the queue holds.
func (q *Queue[T]) Cap() int { return q.capacity }

// Full reports whether Offer would refuse. With one producer, room seen is room kept.
func (q *Queue[T]) Full() bool { return q.lenAtMost(q.capacity) == q.capacity }

// HighWater is the largest Len since New or the last ResetHighWater.
func (q *Queue[T]) HighWater() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.high
}

// ResetHighWater starts the high-water mark anew, at the present length.
func (q *Queue[T]) ResetHighWater() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.high = q.Len()
}

// grow doubles the full ring, never beyond the capacity, and straightens it.
func (q *Queue[T]) grow() {
	ring := make([]T, min(max(2*q.held, minRing), q.capacity))
	k := copy(ring, q.ring[q.head:])
	copy(ring[k:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}

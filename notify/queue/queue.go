// Package queue has the bounded task queue that stands in front of every shard.
//
// A Queue is first in, first out, holds at most its capacity, and never waits: Offer says whether
// there was room, TakeRun takes what is there. Memory follows need: the ring grows by doubling up
// to the capacity and is reused from then on. All methods are safe for concurrent use.
package queue

import (
	"sync"
	"sync/atomic"
)

// minRing is the size of the first ring; a queue that never holds more stays this small.
const minRing = 16

// Queue is a bounded FIFO of T. Make one with New.
type Queue[T any] struct {
	capacity int
	n        atomic.Int64 // written under mu, read without it

	mu   sync.Mutex
	ring []T
	head int
	high int
}

// New makes a queue for at most capacity elements; a capacity below 1 counts as 1.
func New[T any](capacity int) *Queue[T] {
	return &Queue[T]{capacity: max(capacity, 1)}
}

// Offer appends v and reports true, or reports false when the queue is full.
func (q *Queue[T]) Offer(v T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := int(q.n.Load())
	if n == q.capacity {
		return false
	}
	if n == len(q.ring) {
		q.grow(n)
	}
	i := q.head + n
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = v
	q.n.Store(int64(n + 1))
	q.high = max(q.high, n+1)
	return true
}

// TakeRun moves the first elements into buf and says how many: at most len(buf), and only as long
// as same(first, next) holds, so that a run of like elements can be handled as one. A nil same
// takes whatever comes.
func (q *Queue[T]) TakeRun(buf []T, same func(first, next *T) bool) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, taken := int(q.n.Load()), 0
	var zero T
	for taken < len(buf) && taken < n {
		v := &q.ring[q.head]
		if taken > 0 && same != nil && !same(&buf[0], v) {
			break
		}
		buf[taken] = *v
		*v = zero // what was taken must not be kept alive by the ring
		taken++
		if q.head++; q.head == len(q.ring) {
			q.head = 0
		}
	}
	q.n.Store(int64(n - taken))
	return taken
}

// Len is the number of elements in the queue.
func (q *Queue[T]) Len() int { return int(q.n.Load()) }

// Cap is the largest number of elements the queue holds.
func (q *Queue[T]) Cap() int { return q.capacity }

// Full reports whether Offer would refuse. With one producer, room seen is room kept.
func (q *Queue[T]) Full() bool { return q.Len() == q.capacity }

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
	q.high = int(q.n.Load())
}

// grow doubles the ring, never beyond the capacity, and straightens it.
func (q *Queue[T]) grow(n int) {
	ring := make([]T, min(max(2*n, minRing), q.capacity))
	k := copy(ring, q.ring[q.head:])
	copy(ring[k:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}

package measure

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// Arrivals lets the publisher wait until the subscribers have taken so much. Add and the waiting
// cost no more than an atomic addition and a comparison, until the last one wakes the waiter.
type Arrivals struct {
	got, want atomic.Int64
	reached   chan struct{} // a token when got may have reached want
	stalled   chan struct{} // closed when nothing arrived for too long
}

// NewArrivals starts at 0 and watches for stalls until the benchmark ends.
func NewArrivals(tb testing.TB, patience time.Duration) *Arrivals {
	a := &Arrivals{reached: make(chan struct{}, 1), stalled: make(chan struct{})}
	done := make(chan struct{})
	tb.Cleanup(func() { close(done) })
	go a.watch(done, patience)
	return a
}

// Got is the number of arrivals counted so far.
func (a *Arrivals) Got() int { return int(a.got.Load()) }

// Add counts n arrivals more. Any goroutine may call it.
func (a *Arrivals) Add(n int) {
	got, want := a.got.Add(int64(n)), a.want.Load()
	if got >= want && got-int64(n) < want {
		select {
		case a.reached <- struct{}{}:
		default:
		}
	}
}

// Wait returns once n arrivals were counted since the beginning, or false when they don't come.
// One goroutine at a time may wait. The waiter states what it wants before it looks at what it got,
// and Add does it the other way round, so one of the two sees the other.
func (a *Arrivals) Wait(n int) bool {
	a.want.Store(int64(n))
	for a.got.Load() < int64(n) {
		select {
		case <-a.reached:
		case <-a.stalled:
			return false
		}
	}
	return true
}

// watch closes stalled when a whole period brought nothing that was waited for.
func (a *Arrivals) watch(done <-chan struct{}, patience time.Duration) {
	timer := clock.Real{}.NewTimer(patience)
	defer timer.Stop()
	gotBefore, wantBefore := int64(-1), int64(-1)
	for {
		select {
		case <-done:
			return
		case <-timer.C():
			timer.Reset(patience)
		}
		got, want := a.got.Load(), a.want.Load()
		if got < want && got == gotBefore && want == wantBefore {
			close(a.stalled)
			return
		}
		gotBefore, wantBefore = got, want
	}
}

// Tally counts the deliveries of one goroutine and belongs to it, so counting costs a subtraction;
// the waiter hears of whole rounds.
type Tally struct {
	All   *Arrivals
	Round int     // what all that the goroutine serves take together in a round
	Left  int     // of it
	Times *Sample // of the deliveries since their Due; nil: not of interest
	_     [64]byte
}

// Add counts n deliveries more.
func (t *Tally) Add(n int) {
	for t.Left -= n; t.Left <= 0; t.Left += t.Round {
		t.All.Add(t.Round)
	}
}

package bench_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// This file is what the floors and the engine's benchmarks share: the events, the receiver at the
// end of every delivery, waiting for the last of them, and the loops and figures of each mode, so
// that the definitions in the package doc are written once.

const (
	burst      = 256              // events of one burst, and distinct events of one run
	stallAfter = 10 * time.Second // a wait in which nothing arrives for so long has lost something
)

// subsCounts are the numbers of subscribers that fan-out is measured with.
var subsCounts = []int{1, 100, 1000, 10000}

// newEvents makes the events of a run: burst of them, with revisions 1, 2, 3 and so on. A run
// publishes them in this order, over and over.
func newEvents(typ notify.Type, subject string) []*notify.Event {
	evs := make([]*notify.Event, burst)
	for i := range evs {
		evs[i] = &notify.Event{Type: typ, Subject: subject, Revision: int64(i) + 1}
	}
	return evs
}

// receiver is the subscriber's end of every delivery. One goroutine at a time may use it.
type receiver struct {
	count uint64 // deliveries
	wrong uint64 // those that weren't the event expected next
}

// take makes a delivery: it counts the event and compares it with the one expected next.
func (r *receiver) take(ev *notify.Event) {
	if ev.Revision != int64(r.count%burst)+1 {
		r.wrong++
	}
	r.count++
}

// verify fails the benchmark unless the receiver took exactly the first want events, in order.
func (r *receiver) verify(b *testing.B, want int) {
	b.Helper()
	if r.count != uint64(want) || r.wrong != 0 {
		b.Fatalf("receiver took %d events, %d of them wrong; want %d", r.count, r.wrong, want)
	}
}

// arrivals lets the publisher wait until the subscribers have taken so much. Add and the waiting
// cost no more than an atomic addition and a comparison, until the last one wakes the waiter.
type arrivals struct {
	got, want atomic.Int64
	reached   chan struct{} // a token when got may have reached want
	stalled   chan struct{} // closed when nothing arrived for too long
}

// newArrivals starts at 0 and watches for stalls until the benchmark ends.
func newArrivals(tb testing.TB, patience time.Duration) *arrivals {
	a := &arrivals{reached: make(chan struct{}, 1), stalled: make(chan struct{})}
	done := make(chan struct{})
	tb.Cleanup(func() { close(done) })
	go a.watch(done, patience)
	return a
}

// add counts n arrivals more. Any goroutine may call it.
func (a *arrivals) add(n int) {
	got, want := a.got.Add(int64(n)), a.want.Load()
	if got >= want && got-int64(n) < want {
		select {
		case a.reached <- struct{}{}:
		default:
		}
	}
}

// wait returns once n arrivals were counted since the beginning, or false when they don't come.
// One goroutine at a time may wait. The waiter states what it wants before it looks at what it got,
// and add does it the other way round, so one of the two sees the other.
func (a *arrivals) wait(n int) bool {
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
func (a *arrivals) watch(done <-chan struct{}, patience time.Duration) {
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	gotBefore, wantBefore := int64(-1), int64(-1)
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		got, want := a.got.Load(), a.want.Load()
		if got < want && got == gotBefore && want == wantBefore {
			close(a.stalled)
			return
		}
		gotBefore, wantBefore = got, want
	}
}

// fanout is one thing to measure: a publisher's way to a fixed set of subscribers.
type fanout struct {
	subs    int
	publish func(ev *notify.Event) // to all subscribers; may return before they have it
	wait    func(events int) bool  // until all have that many since the beginning; false if lost
}

// burst measures mode=burst, reports ns/delivery, and returns how many events it published.
func (f fanout) burst(b *testing.B, evs []*notify.Event) int {
	published := 0
	for b.Loop() {
		for _, ev := range evs {
			f.publish(ev)
		}
		published += len(evs)
		if !f.wait(published) {
			b.Fatalf("lost: the subscribers don't get %d events", published)
		}
	}
	reportDeliveries(b, published*f.subs)
	return published
}

// lockstep measures mode=lockstep, reports ns/delivery and p99-ns, and returns how many events it
// published.
func (f fanout) lockstep(b *testing.B, evs []*notify.Event) int {
	every := 1
	if f.subs < 100 {
		every = 64
	}
	published, times := 0, newSample()
	for b.Loop() {
		var began time.Time
		timed := published%every == 0
		if timed {
			began = time.Now()
		}
		f.publish(evs[published%len(evs)])
		published++
		if !f.wait(published) {
			b.Fatalf("lost: the subscribers don't get %d events", published)
		}
		if timed {
			times.add(time.Since(began))
		}
	}
	reportDeliveries(b, published*f.subs)
	b.ReportMetric(float64(times.quantile(0.99)), "p99-ns")
	return published
}

// unicast is the publisher's way to groups that have one member each.
type unicast struct {
	groups  []string
	publish func(ev *notify.Event, group string) // may return before the member has it
	wait    func(events int) bool                // until each member has that many; false if lost
}

// measure measures mode=unicast, reports ns/delivery, and returns how many events each group got.
// The order of the groups is the same in every run.
func (u unicast) measure(b *testing.B, evs []*notify.Event) int {
	order := slices.Clone(u.groups)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	passes := 0
	for b.Loop() {
		for _, group := range order {
			u.publish(evs[passes%len(evs)], group)
		}
		passes++
		if !u.wait(passes) {
			b.Fatalf("lost: the members don't get %d events each", passes)
		}
	}
	reportDeliveries(b, passes*len(order))
	return passes
}

// groupNames names n groups.
func groupNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("group-%d", i)
	}
	return names
}

// reportDeliveries reports ns/delivery. Call it after the loop, which has stopped the timer.
func reportDeliveries(b *testing.B, deliveries int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(deliveries), "ns/delivery")
}

// sample keeps the latest times of a run, in bounded memory that is all there from the beginning.
type sample struct {
	ring []time.Duration
	seen int
}

func newSample() *sample { return &sample{ring: make([]time.Duration, 1<<16)} }

func (s *sample) add(d time.Duration) {
	s.ring[s.seen%len(s.ring)] = d
	s.seen++
}

// quantile returns the smallest time that at least the share q of the kept ones don't exceed.
func (s *sample) quantile(q float64) time.Duration {
	return quantile(s.ring[:min(s.seen, len(s.ring))], q)
}

// quantile returns the smallest of the values that at least the share q of them don't exceed, or 0
// if there is none.
func quantile(values []time.Duration, q float64) time.Duration {
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

// idle measures mode=idle: build makes subs subscribers and returns what ends them, which must
// return after their last goroutine did. B/sub is the largest of the iterations: the runtime keeps
// what a goroutine is described by for the next one, so later iterations may look cheaper. It
// hides ns/op, which would be about building and measuring.
func idle(b *testing.B, subs int, build func() (end func())) {
	largest := 0.0
	for b.Loop() {
		before := memoryInUse()
		end := build()
		largest = max(largest, (memoryInUse()-before)/float64(subs))
		end()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(largest, "B/sub")
}

// memoryInUse returns the bytes of heap and stacks that are left after a garbage collection. It
// takes two: the first one shrinks stacks and sets free what finalizers and pools still held.
func memoryInUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) + float64(m.StackInuse)
}

package measure

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// Mode is a mode of fan-out, by the definitions of package bench.
type Mode string

const (
	Burst    Mode = "burst"
	Lockstep Mode = "lockstep"
)

// Round is how many events are published between two waits.
func (m Mode) Round() int {
	if m == Burst {
		return EventsPerBurst
	}
	return 1
}

// Fanout is one thing to measure: a publisher's way to a fixed set of subscribers.
type Fanout struct {
	Subs    int
	Publish func(ev *notify.Event) // to all subscribers; may return before they have it
	Wait    func(events int) bool  // until all have that many since the beginning; false if lost
}

// Measure measures one of the modes and returns how many events it published.
func (f Fanout) Measure(b *testing.B, m Mode, evs []*notify.Event) int {
	if m == Burst {
		return f.Burst(b, evs)
	}
	return f.Lockstep(b, evs)
}

// Burst measures mode=burst, reports ns/delivery, and returns how many events it published.
func (f Fanout) Burst(b *testing.B, evs []*notify.Event) int {
	published := 0
	for b.Loop() {
		for _, ev := range evs {
			f.Publish(ev)
		}
		published += len(evs)
		if !f.Wait(published) {
			b.Fatalf("lost: the subscribers don't get %d events", published)
		}
	}
	reportDeliveries(b, published*f.Subs)
	return published
}

// Lockstep measures mode=lockstep, reports ns/delivery and p99-ns, and returns how many events it
// published.
func (f Fanout) Lockstep(b *testing.B, evs []*notify.Event) int {
	every := 1
	if f.Subs < 100 {
		every = 64
	}
	published, times := 0, NewSample(1<<16)
	for b.Loop() {
		var began time.Time
		timed := published%every == 0
		if timed {
			began = clock.Real{}.Now()
		}
		f.Publish(evs[published%len(evs)])
		published++
		if !f.Wait(published) {
			b.Fatalf("lost: the subscribers don't get %d events", published)
		}
		if timed {
			times.Add(clock.Real{}.Now().Sub(began))
		}
	}
	reportDeliveries(b, published*f.Subs)
	b.ReportMetric(float64(times.Quantile(0.99)), "p99-ns")
	return published
}

// Unicast is the publisher's way to groups that have one member each.
type Unicast struct {
	Groups  []string
	Publish func(ev *notify.Event, group string) // may return before the member has it
	Wait    func(events int) bool                // until each member has that many; false if lost
}

// Measure measures mode=unicast, reports ns/delivery, and returns how many events each group got.
// The order of the groups is the same in every run.
func (u Unicast) Measure(b *testing.B, evs []*notify.Event) int {
	order := slices.Clone(u.Groups)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	passes := 0
	for b.Loop() {
		for _, group := range order {
			u.Publish(evs[passes%len(evs)], group)
		}
		passes++
		if !u.Wait(passes) {
			b.Fatalf("lost: the members don't get %d events each", passes)
		}
	}
	reportDeliveries(b, passes*len(order))
	return passes
}

// Idle measures mode=idle: build makes subs subscribers and returns what ends them, which must
// return after their last goroutine did. B/sub is the largest of the iterations: the runtime keeps
// what a goroutine is described by for the next one, so later iterations may look cheaper. It
// hides ns/op, which would be about building and measuring.
func Idle(b *testing.B, subs int, build func() (end func())) {
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

// reportDeliveries reports ns/delivery. Call it after the loop, which has stopped the timer.
func reportDeliveries(b *testing.B, deliveries int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(deliveries), "ns/delivery")
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

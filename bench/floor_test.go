package bench_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/notifylab/notifylab/notify"
)

// The floors, by the definitions of the package doc:
//
//   - kind=ring: a ring of 64 pointers per subscriber. Publishing stores the pointer into the
//     subscribers' rings one after another, and a full ring is drained into its receiver on the
//     spot. The wait drains what is left and looks at every receiver's count. All of it happens on
//     the publisher's goroutine; nobody is woken. So a burst of 256 events has up to 64 in flight
//     per subscriber and four drains, and in lockstep and unicast the wait makes the deliveries.
//   - kind=chan: a channel of 1024 pointers and a goroutine per subscriber, which is woken,
//     receives and counts. A burst fits into the channel, so the publisher doesn't wait within
//     one. The wait is for a shared counter, to which every subscriber adds after the last event
//     of a burst, or after each event in lockstep and unicast.
//
// Unicast looks the target up in a map by the name of its group, as an engine must.
const (
	ringSlots = 64
	chanSlots = 1024
)

func BenchmarkFloor(b *testing.B) {
	const many = 10000
	name := func(kind, key string, n int, mode string) string {
		return fmt.Sprintf("kind=%s/%s=%d/mode=%s", kind, key, n, mode)
	}
	// Idle first: memory is cleanest before other floors have run.
	b.Run(name("ring", "subs", many, "idle"), func(b *testing.B) { ringIdle(b, many) })
	b.Run(name("chan", "subs", many, "idle"), func(b *testing.B) { chanIdle(b, many) })
	for _, n := range subsCounts {
		for _, mode := range []string{"burst", "lockstep"} {
			b.Run(name("ring", "subs", n, mode), func(b *testing.B) { ringFanout(b, n, mode) })
			b.Run(name("chan", "subs", n, mode), func(b *testing.B) { chanFanout(b, n, mode) })
		}
	}
	b.Run(name("ring", "groups", many, "unicast"), func(b *testing.B) { ringUnicast(b, many) })
	b.Run(name("chan", "groups", many, "unicast"), func(b *testing.B) { chanUnicast(b, many) })
}

// ring is one subscriber of kind=ring.
type ring struct {
	slots  [ringSlots]*notify.Event
	stored uint64
	to     receiver // has taken the first to.count of the stored
}

func newRings(n int) []*ring {
	rings := make([]*ring, n)
	for i := range rings {
		rings[i] = new(ring)
	}
	return rings
}

func (r *ring) put(ev *notify.Event) {
	r.slots[r.stored%ringSlots] = ev
	r.stored++
	if r.stored%ringSlots == 0 {
		r.drain()
	}
}

// drain gives the receiver what it hasn't got.
func (r *ring) drain() {
	for r.to.count < r.stored {
		r.to.take(r.slots[r.to.count%ringSlots])
	}
}

// drainAll makes the deliveries that are left and reports whether every receiver has that many.
func drainAll(rings []*ring, events int) bool {
	all := true
	for _, r := range rings {
		r.drain()
		all = all && r.to.count == uint64(events)
	}
	return all
}

// verifyRings fails the benchmark unless every receiver took all the events, in order.
func verifyRings(b *testing.B, rings []*ring, published int) {
	b.Helper()
	for _, r := range rings {
		r.to.verify(b, published)
	}
}

func ringFanout(b *testing.B, n int, mode string) {
	rings := newRings(n)
	f := fanout{
		subs: n,
		publish: func(ev *notify.Event) {
			for _, r := range rings {
				r.put(ev)
			}
		},
		wait: func(events int) bool { return drainAll(rings, events) },
	}
	verifyRings(b, rings, run(b, f, mode))
}

// run measures f in one of the two modes of fan-out and returns how many events it published.
func run(b *testing.B, f fanout, mode string) (published int) {
	evs := newEvents("floor", "floor")
	if mode == "burst" {
		return f.burst(b, evs)
	}
	return f.lockstep(b, evs)
}

func ringUnicast(b *testing.B, groups int) {
	rings, names := newRings(groups), groupNames(groups)
	byName := make(map[string]*ring, groups)
	for i, name := range names {
		byName[name] = rings[i]
	}
	u := unicast{
		groups:  names,
		publish: func(ev *notify.Event, group string) { byName[group].put(ev) },
		wait:    func(events int) bool { return drainAll(rings, events) },
	}
	verifyRings(b, rings, u.measure(b, newEvents("floor", "floor")))
}

func ringIdle(b *testing.B, subs int) {
	idle(b, subs, func() (end func()) {
		rings := newRings(subs)
		return func() { runtime.KeepAlive(rings) }
	})
}

// chanSub is one subscriber of kind=chan.
type chanSub struct {
	ch chan *notify.Event
	to receiver
}

// startChans starts n subscribers, each of which arrives after every round of so many events. End
// closes their channels and returns after their last goroutine did.
func startChans(n, round int, all *arrivals) (subs []*chanSub, end func()) {
	var wg sync.WaitGroup
	for range n {
		s := &chanSub{ch: make(chan *notify.Event, chanSlots)}
		subs = append(subs, s)
		wg.Go(func() { s.receive(uint64(round), all) })
	}
	return subs, func() {
		for _, s := range subs {
			close(s.ch)
		}
		wg.Wait()
	}
}

func (s *chanSub) receive(round uint64, all *arrivals) {
	for ev := range s.ch {
		s.to.take(ev)
		if s.to.count%round == 0 {
			all.add(1)
		}
	}
}

// verifyChans fails the benchmark unless every receiver took all the events, in order.
func verifyChans(b *testing.B, subs []*chanSub, published int) {
	b.Helper()
	for _, s := range subs {
		s.to.verify(b, published)
	}
}

func chanFanout(b *testing.B, n int, mode string) {
	round := 1
	if mode == "burst" {
		round = burst
	}
	all := newArrivals(b, stallAfter)
	subs, end := startChans(n, round, all)
	f := fanout{
		subs: n,
		publish: func(ev *notify.Event) {
			for _, s := range subs {
				s.ch <- ev
			}
		},
		wait: func(events int) bool { return all.wait(events / round * n) },
	}
	published := run(b, f, mode)
	end()
	verifyChans(b, subs, published)
}

func chanUnicast(b *testing.B, groups int) {
	all := newArrivals(b, stallAfter)
	subs, end := startChans(groups, 1, all)
	names := groupNames(groups)
	byName := make(map[string]*chanSub, groups)
	for i, name := range names {
		byName[name] = subs[i]
	}
	u := unicast{
		groups:  names,
		publish: func(ev *notify.Event, group string) { byName[group].ch <- ev },
		wait:    func(events int) bool { return all.wait(events * groups) },
	}
	published := u.measure(b, newEvents("floor", "floor"))
	end()
	verifyChans(b, subs, published)
}

func chanIdle(b *testing.B, subs int) {
	all := newArrivals(b, stallAfter)
	idle(b, subs, func() (end func()) {
		_, end = startChans(subs, 1, all)
		return end
	})
}

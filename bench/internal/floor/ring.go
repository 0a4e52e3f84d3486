package floor

import (
	"runtime"
	"testing"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

const ringSlots = 64

// RingFanout measures a mode of publishing to subs rings.
func RingFanout(b *testing.B, subs int, mode measure.Mode) {
	rings := newRings(subs)
	f := measure.Fanout{
		Subs: subs,
		Publish: func(ev *notify.Event) {
			for _, r := range rings {
				r.put(ev)
			}
		},
		Wait: func(events int) bool { return drainAll(rings, events) },
	}
	verifyRings(b, rings, f.Measure(b, mode, events()))
}

// RingUnicast measures publishing to each of so many groups by name.
func RingUnicast(b *testing.B, groups int) {
	rings, names := newRings(groups), measure.GroupNames(groups)
	byName := make(map[string]*ring, groups)
	for i, name := range names {
		byName[name] = rings[i]
	}
	u := measure.Unicast{
		Groups:  names,
		Publish: func(ev *notify.Event, group string) { byName[group].put(ev) },
		Wait:    func(events int) bool { return drainAll(rings, events) },
	}
	verifyRings(b, rings, u.Measure(b, events()))
}

// RingIdle measures the memory of subs rings.
func RingIdle(b *testing.B, subs int) {
	measure.Idle(b, subs, func() (end func()) {
		rings := newRings(subs)
		return func() { runtime.KeepAlive(rings) }
	})
}

// ring is one subscriber.
type ring struct {
	slots  [ringSlots]*notify.Event
	stored uint64
	to     measure.Receiver // has taken the first to.Count of the stored
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
	for r.to.Count < r.stored {
		r.to.Take(r.slots[r.to.Count%ringSlots])
	}
}

// drainAll makes the deliveries that are left and reports whether every receiver has that many.
func drainAll(rings []*ring, events int) bool {
	all := true
	for _, r := range rings {
		r.drain()
		all = all && r.to.Count == uint64(events)
	}
	return all
}

// verifyRings fails the benchmark unless every receiver took all the events, in order.
func verifyRings(b *testing.B, rings []*ring, published int) {
	b.Helper()
	for _, r := range rings {
		r.to.Verify(b, published)
	}
}

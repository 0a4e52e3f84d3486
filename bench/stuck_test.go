package bench_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/notifylab/notifylab/notify"
)

// What one stuck subscriber costs the others.
const (
	stuckRate     = 250  // events per second
	stuckEvents   = 500  // of one iteration
	stuckWarmup   = 1024 // events before
	refuseBacklog = stuckWarmup
	blockBacklog  = 256
)

// BenchmarkStuck publishes in an open loop: event i is due at a time that was planned before, and
// p50-ns, p99-ns and max-ns are the times from there until a subscriber has it, over all events and
// all subscribers but the stuck one. Lag-p99-ns is the publisher's own part of it. The stuck one
// drops the oldest of its backlog, and dropped is the exact number of these.
//
//   - stuck=refuses: it takes nothing. Its backlog of 1024 is full from the beginning, so each
//     event costs it another one.
//   - stuck=blocks: its Deliver doesn't return from the first event of the loop on. Its backlog of
//     256 overflows within an iteration.
func BenchmarkStuck(b *testing.B) {
	const n = 1000
	for _, stuck := range []string{"no", "refuses", "blocks"} {
		b.Run(fmt.Sprintf("subs=%d/stuck=%s", n, stuck), func(b *testing.B) {
			r := newRig(b)
			r.watched = true
			one, size := newStuckOne(stuck), refuseBacklog
			if stuck == "blocks" {
				size = blockBacklog
			}
			for i := range n {
				if stuck == "no" || i != n/2 {
					r.subscribe("")
					continue
				}
				_, err := r.Subscribe(kind, subject, "", one,
					&notify.Backlog{Size: size, Overflow: notify.DropOldest})
				r.check(err)
			}
			loop := r.timed(stuckWarmup)
			end := loop.end
			loop.end = func(b *testing.B, published int) {
				one.goOn() // or the engine would wait for it
				end(b, published)
			}
			lost := func() uint64 { return r.Stats().Dropped[notify.Oldest] }
			loop.measure(b, stuckRate, stuckEvents)
			want := map[string]int{
				"refuses": loop.published - refuseBacklog,
				"blocks":  loop.published - stuckWarmup - 1 - blockBacklog, // 1 is in its hands
			}
			if lost() != uint64(want[stuck]) {
				b.Fatalf("the stuck one has lost %v, want %d: all but its backlog",
					r.Stats().Dropped, want[stuck])
			}
			b.ReportMetric(float64(lost()), "dropped")
		})
	}
}

// stuckOne takes the event with which the rig is set up. Then it takes none, or blocks in the first
// one that is timed.
type stuckOne struct {
	blocks bool
	began  bool
	free   chan struct{}
	goOn   func() // ends the block
}

func newStuckOne(how string) *stuckOne {
	s := &stuckOne{blocks: how == "blocks", free: make(chan struct{})}
	s.goOn = sync.OnceFunc(func() { close(s.free) })
	return s
}

func (s *stuckOne) Deliver(batch []*notify.Event) (taken int, err error) {
	switch {
	case !s.began:
		s.began = true
	case !s.blocks:
		return 0, nil
	case !batch[0].Due.IsZero():
		<-s.free
	}
	return len(batch), nil
}

package bench_test

import (
	"fmt"
	"testing"

	"github.com/notifylab/notifylab/notify"
)

// What one stuck subscriber costs the others.
const (
	stuckRate    = 250  // events per second
	stuckEvents  = 500  // of one iteration
	stuckBacklog = 1024 // of the stuck one, which drops the oldest
)

// BenchmarkStuck publishes in an open loop: event i is due at a time that was planned before, and
// p50-ns, p99-ns and max-ns are the times from there until a subscriber has it, over all events and
// all subscribers but the stuck one. Lag-p99-ns is the publisher's own part of it. The backlog of
// the stuck subscriber is full from the beginning, so each event costs it another one; dropped is
// the exact number of these.
func BenchmarkStuck(b *testing.B) {
	const n = 1000
	for stuck := range 2 {
		b.Run(fmt.Sprintf("subs=%d/stuck=%d", n, stuck), func(b *testing.B) {
			r := newRig(b)
			for i := range n {
				if stuck == 1 && i == n/2 {
					_, err := r.Subscribe(kind, subject, "", &stuckOne{}, &notify.Backlog{
						Size: stuckBacklog, Overflow: notify.DropOldest,
					})
					r.check(err)
					continue
				}
				r.subscribe("")
			}
			r.openLoop(stuck)
		})
	}
}

// stuckOne takes the event with which the rig is set up, and no other.
type stuckOne struct{ began bool }

func (s *stuckOne) Deliver(batch []*notify.Event) (taken int, err error) {
	if s.began {
		return 0, nil
	}
	s.began = true
	return len(batch), nil
}

// openLoop measures; stuck subscribers, 0 or 1, are there beside those of r.
func (r *rig) openLoop(stuck int) {
	loop := r.timed(stuckBacklog)
	loop.measure(r.b, stuckRate, stuckEvents)
	lost := r.Stats().Dropped
	if want := uint64(stuck * (loop.published - stuckBacklog)); lost[notify.Oldest] != want {
		r.b.Fatalf("the stuck one has lost %v, want %d: all but its backlog", lost, want)
	}
	r.b.ReportMetric(float64(lost[notify.Oldest]), "dropped")
}

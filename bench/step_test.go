package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// BenchmarkStep drives the engine with Step, on the goroutine of the benchmark: no other one has a
// part in its figures, so allocations and units of work come out the same every time. An iteration
// publishes an event to each target, and steps until all is delivered. Its figures are what the
// gate counts: see package gate.
//
//   - kind=fanout: a group of all subscribers. kind=watchers: of list-watchers, listed.
//   - kind=unicast: each subscriber has a group of its own, and an event is for one of them.
//   - units/delivery: what Work counts (routed, delivered, queued), by deliveries.
func BenchmarkStep(b *testing.B) {
	const n = 1000
	groups := measure.GroupNames(n)
	for _, c := range []struct {
		kind   string
		join   func(r *rig, s *stepped, i int) error
		groups []string
	}{
		{"fanout", (*rig).joinAll, []string{""}},
		{"watchers", (*rig).watchAll, []string{""}},
		{"unicast", func(r *rig, s *stepped, i int) error {
			_, err := r.Subscribe(kind, subject, groups[i], s, nil)
			return err
		}, groups},
	} {
		b.Run(fmt.Sprintf("kind=%s/subs=%d", c.kind, n), func(b *testing.B) {
			b.ReportAllocs()
			r := newRigOf(b, 1)
			subs := make([]stepped, n)
			for i := range subs {
				r.check(c.join(r, &subs[i], i))
			}
			var units int
			count := func(w notify.Work) { units += w.Routed + w.Delivered + w.Queued }
			evs := measure.Events(kind, subject)
			rounds := 0
			round := func() {
				for i, g := range c.groups {
					ev := evs[(rounds*len(c.groups)+i)%len(evs)]
					if g == "" {
						r.check(r.Publish(context.Background(), ev))
					} else {
						r.check(r.Publish(context.Background(), ev, g))
					}
					r.settle(count)
				}
				rounds++
			}
			round() // what is made once isn't an event's
			units, rounds = 0, 0
			for b.Loop() {
				round()
			}
			total := rounds * n
			for i := range subs {
				if subs[i].got != rounds+1 {
					b.Fatalf("subscriber %d has %d events, want %d", i, subs[i].got, rounds+1)
				}
			}
			b.ReportMetric(float64(units)/float64(total), "units/delivery")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(total), "ns/delivery")
		})
	}
}

// BenchmarkStepIdle is what a subscription or a watcher costs to which nothing was published:
// B/sub, and goroutines, which is how many there are more than without the engine, whatever the
// number of subscribers.
func BenchmarkStepIdle(b *testing.B) {
	const n = 10_000
	for kind, join := range map[string]func(*rig, *stepped, int) error{
		"subscriptions": (*rig).joinAll, "watchers": (*rig).watchAll,
	} {
		b.Run(fmt.Sprintf("kind=%s/subs=%d", kind, n), func(b *testing.B) {
			most := 0
			measure.Idle(b, n, func() (end func()) {
				before := runtime.NumGoroutine()
				r := newRigOf(b, 2)
				subs := make([]stepped, n)
				for i := range subs {
					r.check(join(r, &subs[i], i))
				}
				r.settle(func(notify.Work) {})
				r.run()
				most = max(most, settledGoroutines()-before)
				return r.stop
			})
			b.ReportMetric(float64(most), "goroutines")
		})
	}
}

// settledGoroutines waits until their number has stayed the same for a while: those of Run begin
// after it was called. It needn't be long, for the most of all iterations counts.
func settledGoroutines() int {
	n, same := runtime.NumGoroutine(), 0
	for same < 5 {
		time.Sleep(time.Millisecond)
		if now := runtime.NumGoroutine(); now != n {
			n, same = now, 0
		} else {
			same++
		}
	}
	return n
}

func (r *rig) joinAll(s *stepped, _ int) error {
	_, err := r.Subscribe(kind, subject, "", s, nil)
	return err
}

func (r *rig) watchAll(s *stepped, _ int) error {
	c := &watch.Config{Backlog: notify.Backlog{Overflow: notify.Conflate}, Resync: true}
	_, err := watch.Open(r.Engine, watch.At{Type: kind, Subject: subject}, s, c)
	return err
}

// stepped counts what it is given, and has nothing to allocate for.
type stepped struct{ got int }

func (s *stepped) Deliver(batch []*notify.Event) (taken int, err error) {
	s.got += len(batch)
	return len(batch), nil
}

func (*stepped) Prompt() bool              { return true }
func (*stepped) NeedList(w *watch.Watcher) { w.Listed(watch.List{}) }
func (*stepped) Init(watch.List) error     { return nil }

package bench_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

// What many subscribers and many groups cost.

// BenchmarkMillion is about 1 000 000 subscriptions in one group, and each in a group of its own:
// subscribe-s is the time to make them, until all are members; B/sub what they take, with the 16
// bytes of the subscriber; gc-ms a full garbage collection with all of them alive; event-ms the
// time from before one event for all is published until the last has it. It runs only with
// BENCH_PLANET=1 in the environment: it takes half a GB.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	for _, groups := range []int{1, n} {
		b.Run(fmt.Sprintf("subs=%d/groups=%d", n, groups), func(b *testing.B) {
			if os.Getenv(planetEnv) == "" {
				b.Skip("want " + planetEnv + "=1")
			}
			names := measure.GroupNames(groups)
			var subscribe, collect, event time.Duration
			measure.Idle(b, n, func() (end func()) {
				r := newRig(b)
				subs := make([]counter, n)
				began := time.Now()
				for i := range subs {
					_, err := r.Subscribe(kind, subject, names[i%groups], &subs[i], nil)
					r.check(err)
				}
				r.settle(func(notify.Work) {})
				subscribe += time.Since(began)
				began = time.Now()
				runtime.GC()
				collect += time.Since(began)
				r.all = measure.NewArrivals(b, measure.StallAfter)
				for i := range subs {
					subs[i].all = r.all
				}
				r.run()
				began = time.Now()
				r.check(r.Publish(r.ctx, &notify.Event{Type: kind, Subject: subject}))
				if !r.all.Wait(n) {
					b.Fatal("the event doesn't reach all")
				}
				event += time.Since(began)
				return r.stop
			})
			report := func(d, unit time.Duration, name string) {
				b.ReportMetric(float64(d)/float64(unit)/float64(b.N), name)
			}
			report(subscribe, time.Second, "subscribe-s")
			report(collect, time.Millisecond, "gc-ms")
			report(event, time.Millisecond, "event-ms")
		})
	}
}

// counter is a subscriber that tells a waiter of each event.
type counter struct {
	all *measure.Arrivals
	_   uint64
}

func (c *counter) Deliver(batch []*notify.Event) (taken int, err error) {
	c.all.Add(len(batch))
	return len(batch), nil
}

func (c *counter) Prompt() bool { return true }

// BenchmarkGroups publishes one event to 1000 groups by name, each of which has one member, and
// waits until all have it: ns/group is that time divided by the groups, the deliveries included.
func BenchmarkGroups(b *testing.B) {
	const n = 1000
	b.Run(fmt.Sprintf("groups=%d/mode=lockstep", n), func(b *testing.B) {
		b.ReportAllocs()
		r := newRig(b)
		names := measure.GroupNames(n)
		for _, name := range names {
			r.subscribe(name)
		}
		f := measure.Fanout{
			Subs:    n,
			Publish: func(ev *notify.Event) { r.check(r.Publish(r.ctx, ev, names...)) },
			Wait:    func(events int) bool { return r.wait(events * n) },
		}
		r.start(1)
		r.verify(f.Lockstep(b, measure.Events(kind, subject)))
	})
}

package bench_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// What one stuck subscriber costs the others.
const (
	stuckRate    = 250  // events per second
	stuckEvents  = 500  // of one iteration
	stuckBacklog = 1024 // of the stuck one, which drops the oldest
	timesKept    = 1 << 20
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

// sleepUntil spends the last part awake, for timers may come a millisecond late.
func sleepUntil(due time.Time) {
	time.Sleep(time.Until(due) - time.Millisecond)
	for time.Now().Before(due) {
		runtime.Gosched()
	}
}

// openLoop measures; stuck subscribers, 0 or 1, are there beside those of r.
func (r *rig) openLoop(stuck int) {
	r.start(1)
	published := 0
	publish := func(due time.Time) {
		ev := &notify.Event{
			Type: kind, Subject: subject, Revision: int64(published%burst) + 1, Due: due,
		}
		published++
		r.check(r.Publish(r.ctx, ev))
	}
	wait := func() {
		r.watchdog.Reset(6 * stallAfter)
		if !r.wait(published * len(r.subs)) {
			r.b.Fatalf("lost: the subscribers don't get %d events", published)
		}
	}
	for range stuckBacklog {
		publish(time.Time{})
	}
	wait()
	for _, t := range r.tallies { // the shards sleep: Publish makes them see this
		t.times = &sample{ring: make([]time.Duration, timesKept)}
	}

	lag := newSample()
	for r.b.Loop() {
		began := time.Now()
		for i := range stuckEvents {
			due := began.Add(time.Duration(i) * time.Second / stuckRate)
			sleepUntil(due)
			lag.add(time.Since(due))
			publish(due)
		}
		wait()
	}

	r.stop()
	for _, sub := range r.subs {
		sub.to.verify(r.b, published)
	}
	lost := r.Stats().Dropped
	if want := uint64(stuck * (published - stuckBacklog)); lost[notify.Oldest] != want {
		r.b.Fatalf("the stuck one has lost %v, want %d: all but its backlog", lost, want)
	}
	var times []time.Duration
	for _, t := range r.tallies {
		times = append(times, t.times.ring[:min(t.times.seen, timesKept)]...)
	}
	r.b.ReportMetric(0, "ns/op")
	r.b.ReportMetric(float64(quantile(times, 0.5)), "p50-ns")
	r.b.ReportMetric(float64(quantile(times, 0.99)), "p99-ns")
	r.b.ReportMetric(float64(quantile(times, 1)), "max-ns")
	r.b.ReportMetric(float64(lag.quantile(0.99)), "lag-p99-ns")
	r.b.ReportMetric(float64(lost[notify.Oldest]), "dropped")
}

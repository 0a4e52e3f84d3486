package peers_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

// What one stuck subscriber does to the others, and to the publisher.
const (
	stuckSubs   = 1000
	stuckEvents = 500
	stuckRate   = 250         // events per second
	stuckGrace  = time.Second // from the last event until the window closes
	stuckGiveUp = time.Second
)

// stuckPlanned is the number of events to be published: fewer with -short, where the figures don't
// matter.
func stuckPlanned() int {
	if testing.Short() {
		return stuckEvents / 10
	}
	return stuckEvents
}

// openLoop is one run of the workload.
type openLoop struct {
	stuck *subscriber
	gate  chan struct{} // closed when the stuck one comes back to life

	others    atomic.Int64 // deliveries to all but the stuck one
	stuckGot  atomic.Int64
	published atomic.Int64
	began     atomic.Pointer[time.Time] // when the first of the planned events was due
	over      atomic.Bool               // the window has closed
	lag       *measure.Sample           // of the publisher
	times     [][]time.Duration         // of the deliveries in the window, by subscriber
}

func newOpenLoop(w world) *openLoop {
	l := &openLoop{
		stuck: w.subs[len(w.subs)/2],
		gate:  make(chan struct{}),
		lag:   measure.NewSample(stuckEvents),
		times: make([][]time.Duration, len(w.subs)),
	}
	for i := range l.times {
		l.times[i] = make([]time.Duration, 0, stuckEvents)
	}
	w.loop = l
	return l
}

// take is that of the subscribers: the stuck one doesn't return.
func (l *openLoop) take(s *subscriber, ev *notify.Event) {
	if s == l.stuck {
		<-l.gate
		s.to.Take(ev)
		l.stuckGot.Add(1)
		return
	}
	s.to.Take(ev)
	if !ev.Due.IsZero() && !l.over.Load() {
		l.times[s.index] = append(l.times[s.index], time.Since(ev.Due))
	}
	l.others.Add(1)
}

// refuses reports whether s is the stuck one of an engine that must not be blocked: there it takes
// nothing, rather than not return.
func (s *subscriber) refuses() bool {
	if s.loop == nil || s != s.loop.stuck {
		return false
	}
	select {
	case <-s.loop.gate:
		return false
	default:
		return true
	}
}

// publish is the publisher's goroutine: it fills the stuck one's queue, never far ahead of the
// others, and then keeps to the plan.
func (l *openLoop) publish(e engine) {
	put := func(due time.Time) {
		i := int(l.published.Load())
		e.publish(&notify.Event{
			Type: kind, Subject: subject, Revision: measure.Revision(i), Due: due,
		}, subject)
		l.published.Add(1)
	}
	for range queue {
		put(time.Time{})
		for l.published.Load()%32 == 0 && !l.caughtUp() && !l.over.Load() {
			time.Sleep(50 * time.Microsecond)
		}
		if l.over.Load() {
			return
		}
	}
	began := time.Now()
	l.began.Store(&began)
	for i := range stuckPlanned() {
		due := began.Add(time.Duration(i) * time.Second / stuckRate)
		sleepUntil(due)
		l.lag.Add(time.Since(due))
		put(due)
		if l.over.Load() {
			return
		}
	}
}

func (l *openLoop) caughtUp() bool {
	return l.others.Load() == l.published.Load()*(stuckSubs-1)
}

// await returns when the window closes: everything was delivered, or its time is over, or nothing
// moved for so long before it that it will not begin.
func (l *openLoop) await() {
	moved, last := time.Now(), int64(-1)
	for l.began.Load() == nil {
		time.Sleep(time.Millisecond)
		if now := l.others.Load() + l.published.Load(); now != last {
			moved, last = time.Now(), now
		} else if time.Since(moved) > stuckGiveUp {
			return
		}
	}
	planned := stuckPlanned()
	end := l.began.Load().Add(time.Duration(planned)*time.Second/stuckRate + stuckGrace)
	for time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		if l.published.Load() == int64(queue+planned) && l.caughtUp() {
			return
		}
	}
}

// settle lets the stuck one take what there is, and the publisher end.
func (l *openLoop) settle(b *testing.B, e engine, done <-chan struct{}) {
	close(l.gate)
	if e.release != nil {
		e.release()
	}
	within(b, "the publisher doesn't return", func() { <-done })
	got, since := int64(-1), time.Now()
	for time.Since(since) < stuckGiveUp/2 && l.stuckGot.Load() < l.published.Load() {
		if now := l.stuckGot.Load(); now != got {
			got, since = now, time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	within(b, "close doesn't return", e.close)
}

// within fails the benchmark if f takes too long; f goes on then.
func within(b *testing.B, what string, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(2 * measure.StallAfter):
		b.Fatal(what)
	}
}

func (p peer) stuck(b *testing.B) {
	var times []time.Duration
	var runs, blocked, lost int
	var lag time.Duration
	planned := stuckPlanned()
	for b.Loop() {
		w := newWorld(stuckSubs, false, 0, nil)
		l := newOpenLoop(w)
		e := p.open(b, w)
		done := make(chan struct{})
		go func() { defer close(done); l.publish(e) }()
		l.await()
		l.over.Store(true)
		if l.published.Load() < int64(queue+planned) {
			blocked++
		}
		l.settle(b, e, done)
		times = append(times, slices.Concat(l.times...)...)
		lost += int(l.published.Load() - l.stuckGot.Load())
		lag = max(lag, l.lag.Quantile(0.99))
		runs++
	}
	each := float64(runs)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(100*float64(len(times))/(each*float64(planned*(stuckSubs-1))),
		"in-time-%")
	b.ReportMetric(float64(lost)/each, "stuck-lost")
	b.ReportMetric(float64(lag), "lag-p99-ns")
	if blocked > 0 {
		b.ReportMetric(1, "blocked")
	}
	if len(times) > 0 {
		b.ReportMetric(float64(measure.Quantile(times, 0.5)), "p50-ns")
		b.ReportMetric(float64(measure.Quantile(times, 0.99)), "p99-ns")
		b.ReportMetric(float64(measure.Quantile(times, 1)), "max-ns")
	}
}

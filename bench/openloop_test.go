package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

const (
	openRate   = 20 // events per second
	openEvents = 10 // of one iteration
	openWarmup = 64 // events before it
	openRounds = 2
	timesKept  = 1 << 20
)

// BenchmarkOpenLoop publishes to 10 000 subscribers in an open loop. What a subscriber does with an
// event is to read the clock, so most of the time is that of the subscribers. Engine=recorder is
// that part alone: at each due time the publisher itself calls them all. Both are measured in
// turns, and the key round tells the turns apart: what else the machine does hits both.
func BenchmarkOpenLoop(b *testing.B) {
	const n = 10000
	for round := range openRounds {
		b.Run(fmt.Sprintf("subs=%d/round=%d/engine=notify", n, round+1), func(b *testing.B) {
			r := newRig(b)
			for range n {
				r.subscribe("")
			}
			r.timed(openWarmup).measure(b, openRate, openEvents)
			if st := r.Stats(); st.Balance() != 0 || st.DroppedTotal() > 0 {
				b.Fatalf("books: %+v; want nothing dropped", st.Books)
			}
		})
		b.Run(fmt.Sprintf("subs=%d/round=%d/engine=recorder", n, round+1), func(b *testing.B) {
			recorder(b, n).measure(b, openRate, openEvents)
		})
	}
}

// openLoop is a publisher whose events are due at planned times, whatever becomes of them.
type openLoop struct {
	publish   func(ev *notify.Event)
	wait      func(b *testing.B, published int) // until all have that many
	end       func(b *testing.B, published int) // and check that all had exactly these
	times     []*measure.Sample                 // from the due times until somebody had the event
	published int
}

// measure publishes so many events per second and iteration, and reports the times, and how late
// the publisher itself was.
func (o *openLoop) measure(b *testing.B, perSecond, events int) {
	lag := measure.NewSample(1 << 16)
	for b.Loop() {
		began := time.Now()
		for i := range events {
			due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			sleepUntil(due)
			lag.Add(time.Since(due))
			o.next(due)
		}
		o.wait(b, o.published)
	}
	o.end(b, o.published)
	var times []time.Duration
	for _, s := range o.times {
		times = append(times, s.Kept()...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(measure.Quantile(times, 0.5)), "p50-ns")
	b.ReportMetric(float64(measure.Quantile(times, 0.99)), "p99-ns")
	b.ReportMetric(float64(measure.Quantile(times, 1)), "max-ns")
	b.ReportMetric(float64(lag.Quantile(0.99)), "lag-p99-ns")
}

func (o *openLoop) next(due time.Time) {
	ev := &notify.Event{
		Type: kind, Subject: subject, Revision: measure.Revision(o.published), Due: due,
	}
	o.published++
	o.publish(ev)
}

// sleepUntil spends the last part awake, for timers may come a millisecond late.
func sleepUntil(due time.Time) {
	time.Sleep(time.Until(due) - time.Millisecond)
	for time.Now().Before(due) {
		runtime.Gosched()
	}
}

// timed starts the engine and makes it the way of an open loop, after so many events that aren't
// timed.
func (r *rig) timed(warmup int) *openLoop {
	r.start(1)
	o := &openLoop{
		publish: func(ev *notify.Event) { r.check(r.Publish(r.ctx, ev)) },
		wait: func(b *testing.B, published int) {
			r.watchdog.Reset(6 * measure.StallAfter)
			if !r.wait(published * len(r.subs)) {
				b.Fatalf("lost: the subscribers don't get %d events", published)
			}
		},
		end: func(b *testing.B, published int) {
			r.stop()
			for _, s := range r.subs {
				s.to.Verify(b, published)
			}
		},
	}
	for range warmup {
		o.next(time.Time{})
	}
	o.wait(r.b, o.published)
	for _, t := range r.tallies { // the shards sleep: Publish makes them see this
		t.Times = measure.NewSample(timesKept)
		o.times = append(o.times, t.Times)
	}
	return o
}

// recorder has the publisher make the deliveries: it calls the subscribers, one after the other.
func recorder(b *testing.B, n int) *openLoop {
	tally := &measure.Tally{
		All: measure.NewArrivals(b, measure.StallAfter), Round: n, Left: n,
		Times: measure.NewSample(timesKept),
	}
	subs, batch := make([]notify.Subscriber, n), make([]*notify.Event, 1)
	for i := range subs {
		subs[i] = &subscriber{tally: tally}
	}
	return &openLoop{
		publish: func(ev *notify.Event) {
			batch[0] = ev
			for _, s := range subs {
				if taken, err := s.Deliver(batch); taken != 1 || err != nil {
					b.Fatalf("a subscriber takes %d events: %v", taken, err)
				}
			}
		},
		wait: func(*testing.B, int) {}, // it has happened
		end: func(b *testing.B, published int) {
			for _, s := range subs {
				s.(*subscriber).to.Verify(b, published)
			}
		},
		times: []*measure.Sample{tally.Times},
	}
}

// BenchmarkPull is about a goroutine per watcher: each calls Next of its own watch.Puller, takes
// what that returns, and arrives as the subscribers of BenchmarkFloor/kind=chan do, after the last
// event of a round. All are listed, and a burst fits into what a Puller takes in.
func BenchmarkPull(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		for _, mode := range fanoutModes {
			b.Run(fmt.Sprintf("subs=%d/mode=%s", n, mode), func(b *testing.B) {
				r := newRig(b)
				r.run()
				pullers, ended := r.pull(n, mode.Round())
				f := measure.Fanout{
					Subs:    n,
					Publish: func(ev *notify.Event) { r.check(r.Publish(r.ctx, ev)) },
					Wait: func(events int) bool { // the lists are arrivals, too
						return r.wait(n + events/mode.Round()*n)
					},
				}
				published := f.Measure(b, mode, measure.Events(kind, subject))
				r.stop()
				ended.Wait()
				for _, p := range pullers {
					p.to.Verify(b, published)
				}
				want := uint64(n * published)
				if st := r.Stats(); st.Delivered != want || st.Balance() != 0 {
					b.Fatalf("books: %+v; want %d delivered", st.Books, want)
				}
			})
		}
	}
}

// pullSlots is the room of a Puller and of its backlog, as large as a channel of the floor.
const pullSlots = 1024

// puller is one watcher with a goroutine.
type puller struct {
	*watch.Puller
	to measure.Receiver
}

// pull starts n of them and returns when all have their list. They end with the engine.
func (r *rig) pull(n, round int) (pullers []*puller, ended *sync.WaitGroup) {
	r.all = measure.NewArrivals(r.b, measure.StallAfter)
	ended = new(sync.WaitGroup)
	list := func(context.Context) (watch.List, error) { return watch.List{}, nil }
	c := &watch.Config{Backlog: notify.Backlog{Size: pullSlots}}
	for range n {
		at := watch.At{Type: kind, Subject: subject}
		inner, err := watch.Pull(r.Engine, at, list, c, watch.PullOptions{Size: pullSlots})
		r.check(err)
		p := &puller{Puller: inner}
		pullers = append(pullers, p)
		ended.Go(func() { p.receive(uint64(round), r.all) })
	}
	if !r.wait(n) {
		r.b.Fatal("lists are missing")
	}
	return pullers, ended
}

func (p *puller) receive(round uint64, all *measure.Arrivals) {
	for {
		u, err := p.Next(context.Background())
		if err != nil {
			return // the engine has ended; the books say whether too early
		}
		if u.List != nil {
			all.Add(1)
		}
		for _, ev := range u.Events {
			p.to.Take(ev)
			if p.to.Count%round == 0 {
				all.Add(1)
			}
		}
	}
}

package bench_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

// BenchmarkBusy is about a host whose cores are taken by goroutines of others: 100 that compute for
// some microseconds, yield, and compute again. One event at a time goes to one subscriber; p50-ns
// and p99-ns are the times until it has it. A worker that yields for a while before it sleeps makes
// unicast twice as fast, and is 1000 times slower here: it waits its turn among the others, instead
// of being woken by the event.
func BenchmarkBusy(b *testing.B) {
	const others = 100
	b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
		r := newRig(b)
		arrived := make(chan time.Duration)
		_, err := r.Subscribe(kind, subject, "", timer(arrived), nil)
		r.check(err)
		r.run()
		var ended atomic.Bool
		var busy sync.WaitGroup
		for range others {
			busy.Go(func() {
				for n := 0; !ended.Load(); n++ {
					if n%20000 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		times := measure.NewSample(1 << 16)
		for b.Loop() {
			time.Sleep(100 * time.Microsecond) // so that the worker sleeps
			r.check(r.Publish(r.ctx, &notify.Event{Type: kind, Subject: subject, Due: time.Now()}))
			times.Add(<-arrived)
			r.watchdog.Reset(6 * measure.StallAfter)
		}
		ended.Store(true)
		busy.Wait()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(times.Quantile(0.5)), "p50-ns")
		b.ReportMetric(float64(times.Quantile(0.99)), "p99-ns")
	})
}

// timer is a subscriber that says how old each event is.
type timer chan time.Duration

func (t timer) Deliver(batch []*notify.Event) (taken int, err error) {
	for _, ev := range batch {
		t <- time.Since(ev.Due)
	}
	return len(batch), nil
}

package peers_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/floor"
	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

const (
	many       = 10000
	stallAfter = measure.StallAfter / 2 // there are many peers to wait for
)

// BenchmarkPeer goes through the workloads, and in each through the floors and the peers, so that
// what is compared was measured within one minute.
func BenchmarkPeer(b *testing.B) {
	// Idle first: memory is cleanest before others have run.
	bench(b, "subs", many, "idle", func(b *testing.B) { floor.RingIdle(b, many) },
		func(b *testing.B) { floor.ChanIdle(b, many) }, peer.idle)
	for _, n := range []int{1000, many} {
		for _, mode := range []measure.Mode{measure.Burst, measure.Lockstep} {
			bench(b, "subs", n, mode, func(b *testing.B) { floor.RingFanout(b, n, mode) },
				func(b *testing.B) { floor.ChanFanout(b, n, mode) },
				func(p peer, b *testing.B) { p.fanout(b, n, mode) })
		}
	}
	bench(b, "groups", many, "unicast", func(b *testing.B) { floor.RingUnicast(b, many) },
		func(b *testing.B) { floor.ChanUnicast(b, many) }, peer.unicast)
	bench(b, "subs", stuckSubs, "stuck", nil,
		func(b *testing.B) { peer{open: openChan}.stuck(b) }, peer.stuck)
}

// bench runs a workload: the ring floor, if it can, the channels and the peers.
func bench(b *testing.B, key string, n int, mode measure.Mode,
	ring, channels func(*testing.B), of func(peer, *testing.B)) {
	run := func(name string, f func(*testing.B)) {
		b.Run(fmt.Sprintf("peer=%s/%s=%d/mode=%s", name, key, n, mode), f)
	}
	if ring != nil {
		run("ring", ring)
	}
	run("chan", channels)
	for _, p := range peers() {
		if mode != "unicast" || !p.noUnicast {
			run(p.name, func(b *testing.B) { of(p, b) })
		}
	}
}

func (p peer) idle(b *testing.B) {
	w := newWorld(many, false, 0, nil)
	measure.Idle(b, many, func() (end func()) { return p.open(b, w).close })
}

func (p peer) fanout(b *testing.B, n int, mode measure.Mode) {
	w := newWorld(n, false, mode.Round(), measure.NewArrivals(b, stallAfter))
	e := p.open(b, w)
	f := measure.Fanout{
		Subs:    n,
		Publish: func(ev *notify.Event) { e.publish(ev, subject) },
		Wait:    w.wait,
	}
	published := f.Measure(b, mode, measure.Events(kind, subject))
	e.close()
	w.report(b, published)
}

func (p peer) unicast(b *testing.B) {
	w := newWorld(many, true, 1, measure.NewArrivals(b, stallAfter))
	e := p.open(b, w)
	u := measure.Unicast{Groups: w.topics, Publish: e.publish, Wait: w.wait}
	published := u.Measure(b, measure.Events(kind, subject))
	e.close()
	w.report(b, published)
}

// wait waits until all have that many events. When these don't come it returns all the same, soon
// from then on, for a peer that loses must not fail the run.
func (w world) wait(events int) bool {
	w.all.Wait(events * len(w.subs))
	return true
}

// report says what was lost, or out of turn.
func (w world) report(b *testing.B, published int) {
	lost, wrong := 0, 0
	for _, s := range w.subs {
		lost += published - int(s.to.Count)
		wrong += int(s.to.Wrong)
	}
	switch {
	case lost != 0:
		b.ReportMetric(float64(lost), "lost")
	case wrong != 0:
		b.ReportMetric(float64(wrong), "reordered")
	}
}

// sleepUntil spends the last part awake, for timers may come a millisecond late.
func sleepUntil(due time.Time) {
	time.Sleep(time.Until(due) - time.Millisecond)
	for time.Now().Before(due) {
		runtime.Gosched()
	}
}

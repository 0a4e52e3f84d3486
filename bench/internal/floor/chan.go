package floor

import (
	"sync"
	"testing"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

const chanSlots = 1024

// ChanFanout measures a mode of publishing to subs channels.
func ChanFanout(b *testing.B, subs int, mode measure.Mode) {
	round := mode.Round()
	all := measure.NewArrivals(b, measure.StallAfter)
	chans, end := startChans(subs, round, all)
	f := measure.Fanout{
		Subs: subs,
		Publish: func(ev *notify.Event) {
			for _, s := range chans {
				s.ch <- ev
			}
		},
		Wait: func(events int) bool { return all.Wait(events / round * subs) },
	}
	published := f.Measure(b, mode, events())
	end()
	verifyChans(b, chans, published)
}

// ChanUnicast measures publishing to each of so many groups by name.
func ChanUnicast(b *testing.B, groups int) {
	all := measure.NewArrivals(b, measure.StallAfter)
	chans, end := startChans(groups, 1, all)
	names := measure.GroupNames(groups)
	byName := make(map[string]*chanSub, groups)
	for i, name := range names {
		byName[name] = chans[i]
	}
	u := measure.Unicast{
		Groups:  names,
		Publish: func(ev *notify.Event, group string) { byName[group].ch <- ev },
		Wait:    func(events int) bool { return all.Wait(events * groups) },
	}
	published := u.Measure(b, events())
	end()
	verifyChans(b, chans, published)
}

// ChanIdle measures the memory of subs channels and goroutines.
func ChanIdle(b *testing.B, subs int) {
	all := measure.NewArrivals(b, measure.StallAfter)
	measure.Idle(b, subs, func() (end func()) {
		_, end = startChans(subs, 1, all)
		return end
	})
}

// chanSub is one subscriber.
type chanSub struct {
	ch chan *notify.Event
	to measure.Receiver
}

// startChans starts n subscribers, each of which arrives after every round of so many events. End
// closes their channels and returns after their last goroutine did.
func startChans(n, round int, all *measure.Arrivals) (chans []*chanSub, end func()) {
	var wg sync.WaitGroup
	for range n {
		s := &chanSub{ch: make(chan *notify.Event, chanSlots)}
		chans = append(chans, s)
		wg.Go(func() { s.receive(uint64(round), all) })
	}
	return chans, func() {
		for _, s := range chans {
			close(s.ch)
		}
		wg.Wait()
	}
}

func (s *chanSub) receive(round uint64, all *measure.Arrivals) {
	for ev := range s.ch {
		s.to.Take(ev)
		if s.to.Count%round == 0 {
			all.Add(1)
		}
	}
}

// verifyChans fails the benchmark unless every receiver took all the events, in order.
func verifyChans(b *testing.B, chans []*chanSub, published int) {
	b.Helper()
	for _, s := range chans {
		s.to.Verify(b, published)
	}
}

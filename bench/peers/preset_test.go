package peers_test

import (
	"context"
	"sync"
	"testing"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// The two release lines of Apache ServiceComb service-center, as this engine's presets reproduce
// them: list-watchers whose list is there at once, and empty. Their queues hold 5000 events, and
// with mode=stuck as many as everybody else's.

// openSC1: one worker calls every watcher. Its streams take one event every 500 ms, which would
// make each subscriber's rate the result; so here they take an event when it is there.
func openSC1(tb testing.TB, w world) engine {
	p := preset(tb, "sc-1.x", w)
	p.Watch.Poll = false
	e := newEngine(tb, p.Type)
	var stuck *watch.Watcher
	for i, s := range w.subs {
		at := watch.At{Type: kind, Subject: subject, Group: w.topics[i]}
		opened, err := watch.Open(e, at, (*sink)(s), &p.Watch)
		check(tb, err)
		if s.refuses() {
			stuck = opened
		}
	}
	w.onOneGoroutine()
	run := runEngine(tb, e)
	if stuck != nil {
		run.release = stuck.Ready
	}
	return run
}

// openSC2: one worker, and a goroutine per watcher that fetches one event at a time.
func openSC2(tb testing.TB, w world) engine {
	p := preset(tb, "sc-2.x", w)
	e := newEngine(tb, p.Type)
	list := func(context.Context) (watch.List, error) { return watch.List{}, nil }
	ctx := context.Background()
	var pullers sync.WaitGroup
	for i, s := range w.subs {
		at := watch.At{Type: kind, Subject: subject, Group: w.topics[i]}
		p, err := watch.Pull(e, at, list, &p.Watch, watch.PullOptions{Size: 1})
		check(tb, err)
		_, err = p.Next(ctx) // the list
		check(tb, err)
		pullers.Go(func() { pull(ctx, p, s) })
	}
	run := runEngine(tb, e)
	end := run.close
	run.close = func() {
		end()
		pullers.Wait()
	}
	return run
}

func pull(ctx context.Context, p *watch.Puller, s *subscriber) {
	for {
		u, err := p.Next(ctx)
		if err != nil {
			return
		}
		for _, ev := range u.Events {
			s.take(ev)
		}
	}
}

// preset is the named one.
func preset(tb testing.TB, name string, w world) watch.Preset {
	p, err := watch.PresetNamed(name)
	check(tb, err)
	if w.loop != nil {
		p.Watch.Backlog.Size = queue
	}
	return p
}

// sink is a taker that is listed.
type sink subscriber

func (s *sink) Deliver(batch []*notify.Event) (taken int, err error) {
	return (*taker)(s).Deliver(batch)
}

func (s *sink) NeedList(w *watch.Watcher) { w.Listed(watch.List{}) }

func (s *sink) Init(watch.List) error { return nil }

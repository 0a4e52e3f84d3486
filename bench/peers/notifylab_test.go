package peers_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

// This engine, with its defaults: a shard per CPU, and callbacks in batches. A stuck subscriber
// takes nothing, as the contract wants it, and its backlog drops the oldest.
func openNotifylab(tb testing.TB, w world) engine {
	return openWith(tb, w, func(s *subscriber) notify.Subscriber { return (*taker)(s) })
}

// openPrompt is the same with subscribers that the engine need not watch.
func openPrompt(tb testing.TB, w world) engine {
	return openWith(tb, w, func(s *subscriber) notify.Subscriber { return (*promptTaker)(s) })
}

func openWith(tb testing.TB, w world, wrap func(*subscriber) notify.Subscriber) engine {
	e := newEngine(tb, notify.TypeConfig{})
	backlog := &notify.Backlog{Size: queue, Overflow: notify.DropOldest}
	var stuck *notify.Subscription
	for i, s := range w.subs {
		sub, err := e.Subscribe(kind, subject, w.topics[i], wrap(s), backlog)
		check(tb, err)
		if s.refuses() {
			stuck = sub
		}
	}
	if w.round > 0 {
		findShards(tb, e, w)
	}
	run := runEngine(tb, e)
	if stuck != nil {
		run.release = stuck.Ready
	}
	return run
}

// taker is a subscriber that is given several events at once.
type taker subscriber

func (t *taker) Deliver(batch []*notify.Event) (taken int, err error) {
	if t.tally == nil {
		return t.deliverUntallied(batch)
	}
	for _, ev := range batch {
		t.to.Take(ev)
	}
	t.tally.Add(len(batch))
	return len(batch), nil
}

func (t *taker) deliverUntallied(batch []*notify.Event) (taken int, err error) {
	s := (*subscriber)(t)
	switch {
	case s.finding != nil:
		*s.finding = append(*s.finding, s)
		return len(batch), nil
	case s.refuses():
		return 0, nil
	}
	for _, ev := range batch {
		s.take(ev)
	}
	return len(batch), nil
}

type promptTaker subscriber

func (t *promptTaker) Deliver(batch []*notify.Event) (int, error) {
	return (*taker)(t).Deliver(batch)
}

func (t *promptTaker) Prompt() bool { return true }

// findShards gives the subscribers of each shard a tally, for these share a goroutine. It takes an
// event that nobody counts to see who is where.
func findShards(tb testing.TB, e *notify.Engine, w world) {
	tallies := map[int]*measure.Tally{}
	var found []*subscriber
	w.finding = &found
	ev := &notify.Event{Type: kind, Subject: subject}
	for _, topic := range slices.Compact(slices.Clone(w.topics)) {
		check(tb, e.Publish(context.Background(), ev, topic))
		settle(tb, e, func(shard int) {
			t := tallies[shard]
			if t == nil {
				t = &measure.Tally{All: w.all}
				tallies[shard] = t
			}
			for _, s := range found {
				s.tally = t
			}
			t.Round += len(found) * int(w.round)
			t.Left = t.Round
			found = found[:0]
		})
	}
	w.finding = nil
	for _, s := range w.subs {
		if s.tally == nil {
			tb.Fatal("an event doesn't reach all subscribers")
		}
	}
}

// settle does all there is to do, before the engine runs.
func settle(tb testing.TB, e *notify.Engine, each func(shard int)) {
	for {
		work, err := e.Step(time.Now())
		check(tb, err)
		if work.Idle {
			return
		}
		each(work.Shard)
	}
}

func newEngine(tb testing.TB, c notify.TypeConfig) *notify.Engine {
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: c}})
	check(tb, err)
	return e
}

// runEngine starts the engine's goroutines, once all subscribers are members; close ends them.
func runEngine(tb testing.TB, e *notify.Engine) engine {
	settle(tb, e, func(int) {})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return engine{
		publish: func(ev *notify.Event, topic string) {
			if err := e.Publish(ctx, ev, topic); err != nil {
				tb.Error(err)
			}
		},
		close: func() {
			cancel()
			if err := <-ended; err != nil {
				tb.Error(err)
			}
		},
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

package watch_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// raceOr is reduced under the race detector, which is slow, and with -short; else full.
func raceOr(reduced, full int) int {
	if underRace || testing.Short() {
		return reduced
	}
	return full
}

// TestAcceptance_NoEventIsLostBetweenListAndSubscribe opens a million watchers while events are
// published without a pause. Each must see its list, and from then on exactly the later events:
// the next revision first, and none left out or repeated. Service-center lost an event in 16 of
// 20 000.
func TestAcceptance_NoEventIsLostBetweenListAndSubscribe(t *testing.T) {
	const openers, batch = 4, 250
	batches := raceOr(50_000, 1_000_000) / openers / batch
	e, ctx := running(t, notify.TypeConfig{QueueSize: 16}, endless)
	tries := &tries{}

	publishing, stop := context.WithCancel(ctx)
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for publishing.Err() == nil {
			ev := &notify.Event{Type: kind, Subject: subject, Revision: tries.rev.Add(1)}
			if err := e.Publish(ctx, ev); err != nil {
				tries.fail("publish: %v", err)
				return
			}
		}
	})

	var wg sync.WaitGroup
	for i := range openers {
		wg.Go(func() {
			for j := range batches {
				// A group of its own for each batch, so that groups come and go meanwhile.
				at := watch.At{Type: kind, Subject: subject, Group: fmt.Sprint(i, "/", j)}
				if !tries.open(ctx, e, at, batch) {
					return
				}
			}
		})
	}
	wg.Wait()
	stop()
	publisher.Wait()

	if wrong := tries.wrong.Load(); wrong != nil {
		t.Error(*wrong)
	}
	assert.EqualValues(t, openers*batch*batches, tries.good.Load(), "tries that got there")
	assert.Zero(t, tries.bad.Load(), "events lost, repeated or swapped")
	st := e.Stats()
	assert.Equal(t, st.Dropped[notify.Closed], st.DroppedTotal(), "lost by closing alone")
	t.Logf("%d tries, %d events, %d deliveries, %d stale",
		tries.good.Load(), st.Published, st.Delivered, st.Stale)
}

// tries is the truth, which is a revision, and what came of the tries so far.
type tries struct {
	rev   atomic.Int64
	good  atomic.Int64
	bad   atomic.Int64
	wrong atomic.Pointer[string]
}

func (tr *tries) fail(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	tr.wrong.CompareAndSwap(nil, &msg)
}

// roomy holds all that can come while a list is read: this is about the splice, not overflow.
var roomy = &watch.Config{Backlog: notify.Backlog{Size: 1 << 20, Overflow: notify.DropNewest}}

// open makes n tries at once. Every other one is listed within Open, the others on another
// goroutine while events come in. It returns when each has got a few events, or false when that
// doesn't happen.
func (tr *tries) open(ctx context.Context, e *notify.Engine, at watch.At, n int) bool {
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	asked := make(chan *watch.Watcher, n)
	var lister sync.WaitGroup
	lister.Go(func() {
		for w := range asked {
			w.Listed(watch.List{Revision: tr.rev.Load()})
		}
	})
	watchers := make([]*watch.Watcher, n)
	for i := range watchers {
		s := &try{tries: tr, left: &left, done: done}
		if i%2 == 0 {
			s.asked = asked
		}
		w, err := watch.Open(e, at, s, roomy)
		if err != nil {
			tr.fail("open: %v", err)
			break
		}
		watchers[i] = w
	}
	close(asked)
	lister.Wait()
	select {
	case <-done:
	case <-ctx.Done():
		tr.fail("%d of %d watchers don't get the events after their list", left.Load(), n)
		return false
	}
	for _, w := range watchers {
		w.Close()
	}
	tr.good.Add(int64(n))
	return true
}

// enough is the number of events after the list that a try waits for.
const enough = 3

// try is one watcher: it checks that each revision is the one after the last.
type try struct {
	*tries
	asked chan<- *watch.Watcher // nil: list within NeedList
	left  *atomic.Int64
	done  chan struct{}

	rev  int64
	seen int
}

func (s *try) NeedList(w *watch.Watcher) {
	if s.asked != nil {
		s.asked <- w
		return
	}
	w.Listed(watch.List{Revision: s.tries.rev.Load()})
}

func (s *try) Init(l watch.List) error {
	if s.rev = l.Revision; s.seen > 0 {
		s.bad.Add(1)
	}
	return nil
}

func (s *try) Deliver(batch []*notify.Event) (taken int, err error) {
	for _, ev := range batch {
		if ev.Revision != s.rev+1 {
			s.bad.Add(1)
			s.fail("event %d after %d", ev.Revision, s.rev)
		}
		s.rev = ev.Revision
		if s.seen++; s.seen == enough && s.left.Add(-1) == 0 {
			close(s.done)
		}
	}
	return len(batch), nil
}

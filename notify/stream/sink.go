package stream

import (
	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// sink is the side of a Session that its watcher sees.
type sink Session

var (
	_ watch.Sink      = (*sink)(nil)
	_ notify.Prompt   = (*sink)(nil)
	_ notify.Observer = (*sink)(nil)
)

func (s *sink) NeedList(w *watch.Watcher) {
	s.mu.Lock()
	if s.w == nil {
		s.w = w
	}
	if s.list == nil {
		s.mu.Unlock()
		w.Listed(watch.List{})
		return
	}
	s.needList = true
	(*Session)(s).signalLocked()
}

// Init always has room for a list: at most one more of them can wait than there are events, for one
// that comes right after another takes its place.
func (s *sink) Init(l watch.List) error {
	if s.c.EncodeList == nil {
		return nil
	}
	s.mu.Lock()
	if last := len(s.outbox) - 1; last >= 0 && s.outbox[last].list != nil {
		s.outbox[last].list = &l
	} else {
		s.outbox = append(s.outbox, item{list: &l})
	}
	(*Session)(s).signalLocked()
	return nil
}

func (s *sink) Deliver(batch []*notify.Event) (taken int, err error) {
	s.mu.Lock()
	if s.reason != nil {
		s.mu.Unlock()
		return 0, nil // it has ended the subscription, too
	}
	taken = min(s.c.outbox()-s.waiting, len(batch))
	for _, ev := range batch[:taken] {
		s.outbox = append(s.outbox, item{event: ev})
	}
	s.waiting += taken
	s.refused = taken < len(batch)
	(*Session)(s).signalLocked()
	return taken, nil
}

// Prompt: Deliver waits for nobody but Next, which gives the lock back at once.
func (s *sink) Prompt() bool { return true }

func (s *sink) Dropped(sub *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	if s.c.Observer != nil {
		s.c.Observer.Dropped(sub, events, cause)
	}
}

func (s *sink) Ended(sub *notify.Subscription, reason error) {
	if s.c.Observer != nil {
		s.c.Observer.Ended(sub, reason)
	}
	s.mu.Lock()
	s.ended = reason
	(*Session)(s).signalLocked()
}

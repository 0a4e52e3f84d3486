package watch

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// ErrListTimeout is the reason of a watcher whose list took longer than Config.ListTimeout.
var ErrListTimeout = errors.New("watch: list timed out")

// DefaultListTimeout is what a zero Config.ListTimeout means.
const DefaultListTimeout = time.Second

// Config is shared by many watchers and must not change once the first was opened. Its zero value
// is ready for use.
type Config struct {
	Backlog     notify.Backlog
	ListTimeout time.Duration // for Pull, and for those who drive a Watcher; 0 means 1 s
	Resync      bool          // list again after a loss
	Poll        bool          // take one event per Tick, as the streams of service-center 1.x do
}

// At is where a watcher listens.
type At struct {
	Type    notify.Type
	Subject string
	Group   string
}

// List is a state to start from.
type List struct {
	Revision int64 // every change up to here is in it, no later one is
	State    any   // the business of those who list and those who watch
}

// Receiver takes what a watcher gets. Deliver is that of notify.Subscriber. Init is called with
// the list, before the first event and again after each resync; its error ends the watcher. A
// Receiver that is a notify.Observer hears of losses and of the end, too.
type Receiver interface {
	notify.Subscriber
	Init(List) error
}

// Sink is a Receiver that has a Watcher driven for it.
type Sink interface {
	Receiver
	// NeedList asks for a call of Listed or Fail. It comes from Open, and after a loss from the
	// shard's goroutine, so it must not block; the answer may be given within it.
	NeedList(*Watcher)
}

// The states of a Watcher.
const (
	listing uint32 = iota
	live
	ended
)

// Watcher is one list-watcher. Make it with Open.
type Watcher struct {
	sink   Sink
	poll   bool
	resync bool
	sub    *notify.Subscription

	state atomic.Uint32
	lost  atomic.Int64 // the largest revision that was lost
	tick  atomic.Bool  // Poll: one event may be taken

	listMu sync.Mutex // one Listed at a time
}

// Open subscribes and asks sink for a list. The errors are those of notify.Engine.Subscribe.
func Open(e *notify.Engine, at At, sink Sink, c *Config) (*Watcher, error) {
	w := &Watcher{sink: sink, poll: c.Poll, resync: c.Resync}
	sub, err := e.Subscribe(at.Type, at.Subject, at.Group, w, &c.Backlog)
	if err != nil {
		return nil, err
	}
	w.sub = sub
	sink.NeedList(w)
	return w, nil
}

// Listed answers NeedList. An answer that nobody waits for is ignored.
func (w *Watcher) Listed(l List) {
	w.listMu.Lock()
	again := w.listed(l)
	w.listMu.Unlock()
	if again {
		w.sink.NeedList(w)
	}
}

// listed delivers l and reports whether another list is needed, because an event later than l was
// lost meanwhile.
func (w *Watcher) listed(l List) (again bool) {
	if w.state.Load() != listing {
		return false
	}
	if err := w.sink.Init(l); err != nil {
		w.sub.End(err)
		return false
	}
	w.sub.StartAfter(l.Revision)
	if !w.state.CompareAndSwap(listing, live) {
		return false
	}
	// Dropped sets lost before it looks at the state, so one of the two sees a late loss.
	if w.resync && w.lost.Load() > l.Revision && w.state.CompareAndSwap(live, listing) {
		return true
	}
	w.sub.Ready()
	return false
}

// Fail answers NeedList when there is no list to be had; reason must not be nil.
func (w *Watcher) Fail(reason error) { w.sub.End(reason) }

// Ready says that the sink can take more after it took less than it was offered.
func (w *Watcher) Ready() { w.sub.Ready() }

// Tick lets a watcher with Config.Poll take one event. It is to be called every Preset.PollInterval.
func (w *Watcher) Tick() {
	w.tick.Store(true)
	w.sub.Ready()
}

// Close ends the watcher with notify.ErrClosed.
func (w *Watcher) Close() { w.sub.Close() }

// Done is closed when the watcher ends.
func (w *Watcher) Done() <-chan struct{} { return w.sub.Done() }

// Err is nil while the watcher lives, then the reason of its end.
func (w *Watcher) Err() error { return w.sub.Err() }

// Deliver is the engine's way in.
func (w *Watcher) Deliver(batch []*notify.Event) (taken int, err error) {
	if w.state.Load() != live {
		return 0, nil
	}
	if !w.poll {
		return w.sink.Deliver(batch)
	}
	if !w.tick.Load() {
		return 0, nil
	}
	if taken, err = w.sink.Deliver(batch[:1]); taken > 0 {
		w.tick.Store(false)
	}
	return taken, err
}

// Dropped is the engine's report of a loss; it begins a resync.
func (w *Watcher) Dropped(s *notify.Subscription, ev *notify.Event, cause notify.Cause) {
	if ob, ok := w.sink.(notify.Observer); ok {
		ob.Dropped(s, ev, cause)
	}
	if !w.resync || cause == notify.Conflated || s.Err() != nil {
		return
	}
	w.lost.Store(max(w.lost.Load(), ev.Revision))
	if w.state.CompareAndSwap(live, listing) {
		w.sink.NeedList(w)
	}
}

// Ended is the engine's last word.
func (w *Watcher) Ended(s *notify.Subscription, reason error) {
	w.state.Store(ended)
	if ob, ok := w.sink.(notify.Observer); ok {
		ob.Ended(s, reason)
	}
}

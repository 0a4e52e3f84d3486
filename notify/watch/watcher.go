package watch

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
)

var (
	// ErrList is what the reason of a watcher wraps that has ended for want of a list.
	ErrList = errors.New("watch: list failed")
	// ErrListTimeout is the ErrList of a watcher whose list took longer than Config.ListTimeout.
	ErrListTimeout = fmt.Errorf("%w: timed out", ErrList)
)

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

// Validate reports everything that is wrong with c; the errors wrap notify.ErrInvalid.
func (c *Config) Validate() error {
	var errs []error
	if err := c.Backlog.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("watch: Backlog: %w", err))
	}
	if c.ListTimeout < 0 {
		errs = append(errs, fmt.Errorf("%w: watch: ListTimeout = %v: want 0 (%v) or more",
			notify.ErrInvalid, c.ListTimeout, DefaultListTimeout))
	}
	return errors.Join(errs...)
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
// Receiver that is a notify.Observer hears of losses and of the end, too; one that is notify.Prompt
// makes its watcher so.
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
	listing  uint32 = iota // waits for Listed
	owing                  // has yet to ask for a list
	starting               // the list is being delivered
	listed                 // it was; no event has come since
	live
	ended
)

// What a Watcher with Config.Poll knows about its backlog.
const (
	nothing uint32 = iota
	waiting        // an event waits for a Tick
	ticked         // it may be taken
)

// Watcher is one list-watcher. Make it with Open.
type Watcher struct {
	sink Sink
	sub  *notify.Subscription

	state  atomic.Uint32 // written under mu, but for listed to live
	polled atomic.Uint32

	mu        sync.Mutex // never held while the sink is called
	since     int64      // the latest list's revision
	lost      int64      // the largest revision that was lost
	unordered bool       // an event without a revision was lost since NeedList

	poll, resync bool // of Config
}

// Open subscribes and asks sink for a list. The errors are those of Config.Validate and
// notify.Engine.Subscribe.
func Open(e *notify.Engine, at At, sink Sink, c *Config) (*Watcher, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
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
	if !w.start() {
		return
	}
	if err := w.sink.Init(l); err != nil {
		w.sub.End(err)
		return
	}
	w.sub.StartAfter(l.Revision)
	if w.started(l.Revision) {
		w.sink.NeedList(w)
		return
	}
	w.sub.Ready()
}

// start reports whether a list is awaited, and takes it that this is the one.
func (w *Watcher) start() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.Load() != listing || w.sub.Err() != nil {
		return false
	}
	w.state.Store(starting)
	return true
}

// started lets events pass, unless one that the list does not have was lost meanwhile: then it
// reports that another list is needed.
func (w *Watcher) started(since int64) (again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.Load() == ended {
		return false
	}
	w.since = since
	if w.unordered || w.lost > since {
		w.unordered = false
		w.state.Store(listing)
		return true
	}
	w.state.Store(listed)
	return false
}

// Fail answers NeedList when there is no list to be had; reason must not be nil.
func (w *Watcher) Fail(reason error) { w.sub.End(reason) }

// Ready says that the sink can take more after it took less than it was offered.
func (w *Watcher) Ready() { w.sub.Ready() }

// Tick lets a watcher with Config.Poll take one event that is waiting. One that comes later waits
// for the next Tick. It is to be called every Preset.PollInterval.
func (w *Watcher) Tick() {
	if w.polled.CompareAndSwap(waiting, ticked) {
		w.sub.Ready()
	}
}

// Close ends the watcher with notify.ErrClosed.
func (w *Watcher) Close() { w.sub.Close() }

// Done is closed when the watcher ends.
func (w *Watcher) Done() <-chan struct{} { return w.sub.Done() }

// Err is nil while the watcher lives, then the reason of its end.
func (w *Watcher) Err() error { return w.sub.Err() }

// Deliver is the engine's way in.
func (w *Watcher) Deliver(batch []*notify.Event) (taken int, err error) {
	switch w.state.Load() {
	case live:
	case listed:
		// The shard may have gone on without this call, and begun a resync.
		if !w.state.CompareAndSwap(listed, live) || w.anyStale(batch) {
			w.sub.Ready()
			return 0, nil
		}
	case owing:
		if w.state.CompareAndSwap(owing, listing) {
			w.sink.NeedList(w)
		}
		return 0, nil
	default:
		return 0, nil
	}
	if !w.poll {
		return w.sink.Deliver(batch)
	}
	if w.polled.Load() != ticked {
		w.polled.CompareAndSwap(nothing, waiting)
		return 0, nil
	}
	if taken, err = w.sink.Deliver(batch[:1]); taken > 0 {
		next := nothing // if there is more, the engine offers it, and it begins to wait
		if len(batch) > 1 {
			next = waiting
		}
		w.polled.Store(next)
	}
	return taken, err
}

// Prompt is the sink's word.
func (w *Watcher) Prompt() bool {
	sink, ok := w.sink.(notify.Prompt)
	return ok && sink.Prompt()
}

// anyStale reports whether the list has one of batch. The engine may have looked for such events
// just before StartAfter told it the list's revision; when it offers them again it skips them.
func (w *Watcher) anyStale(batch []*notify.Event) bool {
	return slices.ContainsFunc(batch, func(ev *notify.Event) bool {
		return ev.Revision != 0 && ev.Revision <= w.since
	})
}

// Dropped is the engine's report of a loss; it begins a resync. As long as a Deliver is under way
// the sink can't take a list: it is asked for by the next one, and there is a next one, for a
// backlog that loses isn't empty.
func (w *Watcher) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	if ob, ok := w.sink.(notify.Observer); ok {
		ob.Dropped(s, events, cause)
	}
	if w.resync && cause != notify.Conflated && s.Err() == nil && w.lose(events, s.Blocked()) {
		w.sink.NeedList(w)
	}
}

// lose notes a loss and reports whether a list is to be asked for now. What the latest list has is
// no loss: it was waiting to be skipped.
func (w *Watcher) lose(events []*notify.Event, blocked bool) (ask bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	begins := false
	for _, ev := range events {
		if ev.Revision != 0 && ev.Revision <= w.since {
			continue
		}
		w.lost = max(w.lost, ev.Revision)
		switch w.state.Load() {
		case listed, live:
			w.state.Store(listing)
			begins = true
		case listing, starting:
			// The list that is asked for now will have what begins the resync.
			w.unordered = w.unordered || ev.Revision == 0 && !begins
		}
	}
	if begins && blocked {
		w.state.Store(owing)
	}
	return begins && !blocked
}

// Ended is the engine's last word.
func (w *Watcher) Ended(s *notify.Subscription, reason error) {
	w.mu.Lock()
	w.state.Store(ended)
	w.mu.Unlock()
	if ob, ok := w.sink.(notify.Observer); ok {
		ob.Ended(s, reason)
	}
}

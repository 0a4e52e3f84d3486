package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/notifylab/notifylab/notify"
)

// Lister reads the state of what At names. It must return when ctx ends.
type Lister func(ctx context.Context) (List, error)

// Update is what Next returns: a list, or events in order.
type Update struct {
	List   *List           // not nil: start again from here
	Events []*notify.Event // valid until the next call of Next
}

// Puller is a watcher for a goroutine of its own. Make it with Pull.
type Puller struct {
	w        *Watcher
	list     Lister
	c        *Config
	size     int
	observer notify.Observer

	mu       sync.Mutex
	wake     sync.Cond       // something below has changed, or the ctx of Next has ended
	done     <-chan struct{} // of the ctx that unwatch is about
	unwatch  func() bool     // stops watching it; nil: nothing to stop
	needList bool
	init     *List
	buf      []*notify.Event
	spare    []*notify.Event
	refused  bool
	reason   error
}

// PullOptions are a Puller's own; the zero value is ready for use.
type PullOptions struct {
	Size     int             // most events taken out of the backlog ahead of Next; 0 means 64
	Observer notify.Observer // hears of losses and of the end; may be nil
}

// Pull subscribes; the first Next lists. The errors are those of Open, and notify.ErrInvalid for o.
func Pull(e *notify.Engine, at At, list Lister, c *Config, o PullOptions) (*Puller, error) {
	if o.Size < 0 {
		return nil, fmt.Errorf("%w: pull: Size = %d: want 0 (64) or more",
			notify.ErrInvalid, o.Size)
	}
	p := &Puller{
		list: list, c: c, observer: o.Observer,
		size: cmp.Or(o.Size, notify.DefaultBatch),
	}
	p.wake.L = &p.mu
	w, err := Open(e, at, (*pullSink)(p), c)
	if err != nil {
		return nil, err
	}
	p.w = w
	return p, nil
}

// Next waits for a list or for events; one goroutine at a time may call it. Its error is that of
// ctx, or the reason for which the watcher has ended; what was received before the end is returned
// first.
func (p *Puller) Next(ctx context.Context) (Update, error) {
	p.mu.Lock()
	for {
		switch {
		case len(p.buf) > 0 || p.init != nil:
			u, refused := p.fetchLocked()
			p.mu.Unlock()
			if refused {
				p.w.Ready()
			}
			return u, nil
		case p.reason != nil:
			p.mu.Unlock()
			return Update{}, p.reason
		case p.needList:
			p.needList = false
			p.mu.Unlock()
			if err := p.relist(ctx); err != nil {
				return Update{}, err
			}
			p.mu.Lock()
			continue
		}
		p.watchLocked(ctx)
		if err := ctx.Err(); err != nil {
			p.mu.Unlock()
			return Update{}, err
		}
		p.wake.Wait()
	}
}

// watchLocked has the end of ctx wake Next. It stays so for the next call with the same ctx: to
// wait for a channel and for ctx together costs as much as all the rest of Next.
func (p *Puller) watchLocked(ctx context.Context) {
	done := ctx.Done()
	if done == p.done {
		return
	}
	p.unwatchLocked()
	if p.done = done; done != nil {
		p.unwatch = context.AfterFunc(ctx, (*pullSink)(p).signal)
	}
}

func (p *Puller) unwatchLocked() {
	if p.unwatch != nil {
		p.unwatch()
	}
	p.done, p.unwatch = nil, nil
}

// fetchLocked takes what is there: events first, for none is taken in behind a list.
func (p *Puller) fetchLocked() (u Update, refused bool) {
	refused, p.refused = p.refused, false
	if len(p.buf) > 0 {
		u.Events = p.buf
		p.buf, p.spare = p.spare[:0], p.buf
		return u, refused
	}
	u.List, p.init = p.init, nil
	return u, refused
}

// relist answers NeedList. When the caller's own ctx ends, the list is still owed.
func (p *Puller) relist(ctx context.Context) error {
	limit := cmp.Or(p.c.ListTimeout, DefaultListTimeout)
	listCtx, cancel := context.WithTimeoutCause(ctx, limit, ErrListTimeout)
	defer cancel()
	l, err := p.list(listCtx)
	switch {
	case err == nil:
		p.w.Listed(l)
		return nil
	case ctx.Err() != nil:
		(*pullSink)(p).NeedList(p.w)
		return ctx.Err()
	case errors.Is(context.Cause(listCtx), ErrListTimeout):
		err = fmt.Errorf("%w after %v: %w", ErrListTimeout, limit, err)
	default:
		err = fmt.Errorf("%w: %w", ErrList, err)
	}
	p.w.Fail(err)
	return p.w.Err() // another reason may have come first
}

// Close ends the watcher with notify.ErrClosed.
func (p *Puller) Close() { p.w.Close() }

// Done is closed when the watcher ends.
func (p *Puller) Done() <-chan struct{} { return p.w.Done() }

// Err is nil while the watcher lives, then the reason of its end.
func (p *Puller) Err() error { return p.w.Err() }

// pullSink is the side of a Puller that the Watcher sees.
type pullSink Puller

// signal wakes Next.
func (p *pullSink) signal() {
	p.mu.Lock() // or Next might be between its look at what there is and its wait
	p.wake.Broadcast()
	p.mu.Unlock()
}

func (p *pullSink) NeedList(*Watcher) {
	p.mu.Lock()
	p.needList = true
	p.mu.Unlock()
	p.wake.Broadcast()
}

func (p *pullSink) Init(l List) error {
	p.mu.Lock()
	p.init = &l
	p.mu.Unlock()
	p.wake.Broadcast()
	return nil
}

func (p *pullSink) Deliver(batch []*notify.Event) (taken int, err error) {
	p.mu.Lock()
	if p.init == nil { // behind a list nothing is taken until that is fetched
		taken = min(p.size-len(p.buf), len(batch))
	}
	p.buf = append(p.buf, batch[:taken]...)
	p.refused = taken < len(batch)
	p.mu.Unlock()
	if taken > 0 {
		p.wake.Broadcast()
	}
	return taken, nil
}

// Prompt: Deliver waits for nobody but Next, which gives the lock back at once.
func (p *pullSink) Prompt() bool { return true }

func (p *pullSink) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	if p.observer != nil {
		p.observer.Dropped(s, events, cause)
	}
}

func (p *pullSink) Ended(s *notify.Subscription, reason error) {
	if p.observer != nil {
		p.observer.Ended(s, reason)
	}
	p.mu.Lock()
	p.reason = reason
	(*Puller)(p).unwatchLocked()
	p.mu.Unlock()
	p.wake.Broadcast()
}

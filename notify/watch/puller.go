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
	wake     chan struct{}
	observer notify.Observer

	mu       sync.Mutex
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

// Pull subscribes; the first Next lists. The errors are those of notify.Engine.Subscribe.
func Pull(e *notify.Engine, at At, list Lister, c *Config, o PullOptions) (*Puller, error) {
	if o.Size < 0 {
		return nil, fmt.Errorf("%w: pull: Size = %d: want 0 (64) or more",
			notify.ErrInvalid, o.Size)
	}
	p := &Puller{
		list: list, c: c, observer: o.Observer,
		size: cmp.Or(o.Size, notify.DefaultBatch),
		wake: make(chan struct{}, 1),
	}
	w, err := Open(e, at, (*pullSink)(p), c)
	if err != nil {
		return nil, err
	}
	p.w = w
	return p, nil
}

// Next waits for a list or for events. Its error is that of ctx, or the reason for which the
// watcher has ended; what was received before the end is returned first.
func (p *Puller) Next(ctx context.Context) (Update, error) {
	for {
		p.mu.Lock()
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
			continue
		}
		p.mu.Unlock()
		select {
		case <-p.wake:
		case <-ctx.Done():
			return Update{}, ctx.Err()
		}
	}
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

func (p *pullSink) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pullSink) NeedList(*Watcher) {
	p.mu.Lock()
	p.needList = true
	p.mu.Unlock()
	p.signal()
}

func (p *pullSink) Init(l List) error {
	p.mu.Lock()
	p.init = &l
	p.mu.Unlock()
	p.signal()
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
		p.signal()
	}
	return taken, nil
}

func (p *pullSink) Dropped(s *notify.Subscription, ev *notify.Event, cause notify.Cause) {
	if p.observer != nil {
		p.observer.Dropped(s, ev, cause)
	}
}

func (p *pullSink) Ended(s *notify.Subscription, reason error) {
	if p.observer != nil {
		p.observer.Ended(s, reason)
	}
	p.mu.Lock()
	p.reason = reason
	p.mu.Unlock()
	p.signal()
}

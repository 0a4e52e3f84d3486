package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// Session is one client's stream: a passive state machine between a watcher and a connection. Make
// it with Open. One goroutine at a time, the driver, calls Next; all else may be called by anybody.
type Session struct {
	c           *Config
	list        watch.Lister
	listTimeout time.Duration
	w           *watch.Watcher // set by the first NeedList, which is within Open

	// Owned by the driver.
	work    []item    // taken out of the outbox
	encoded int       // how many of work are in frames, or were
	first   int       // of work in the frames that there are
	frames  [][]byte  // of one list, or of events
	sent    int       // how many of frames are written
	handed  int       // and how many after those the last Next gave out
	pingAt  time.Time // of our next ping
	writeBy time.Time // when what the last Next gave out must be written; zero: nothing

	mu       sync.Mutex
	outbox   []item
	waiting  int  // events in outbox
	owed     int  // events in work and in frames
	refused  bool // the engine was told that the outbox is full
	needList bool
	pinging  bool // the client sends pings of its own
	idle     bool // the driver waits for wake
	wake     func()
	readBy   time.Time // zero: no matter how late
	ended    error     // why the watcher ended
	reason   error     // why the session did; nothing is written any more
}

// item is an event or a list.
type item struct {
	event *notify.Event
	list  *watch.List
}

// Open opens a watcher for a stream that begins now. Without a list the stream has events only,
// from the subscription on, and a loss can't be repaired: then Observer hears of it, or Evict is
// the policy. The errors are those of Config.Validate and watch.Open.
func Open(e *notify.Engine, at watch.At, list watch.Lister, wc *watch.Config, c *Config,
	now time.Time) (*Session, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Session{
		c: c, list: list, listTimeout: cmp.Or(wc.ListTimeout, watch.DefaultListTimeout),
		pingAt: now.Add(c.heartbeat()),
	}
	if !c.OneWay {
		s.readBy = now.Add(c.readTimeout())
	}
	if _, err := watch.Open(e, at, (*sink)(s), wc); err != nil {
		return nil, err
	}
	return s, nil
}

// Drive has wake called, once, when there is something to do after a Next that had nothing. It is
// called on any goroutine, so it must not block; it may not call the session. Call Drive before
// the first Next.
func (s *Session) Drive(wake func()) {
	s.mu.Lock()
	s.wake = wake
	s.mu.Unlock()
}

// Heard is what came from a client.
type Heard uint8

const (
	Ping Heard = iota
	Pong
	Data
)

// Heard says that the client sent something, of size bytes.
func (s *Session) Heard(now time.Time, what Heard, size int) {
	if what == Data {
		if size > s.ReadLimit() {
			s.End(ErrTooBig)
		}
		return
	}
	s.mu.Lock()
	s.pinging = s.pinging || what == Ping && !s.c.OneWay
	// A client that spoke too late was too late, even when the driver hasn't noticed yet.
	if now.Before(s.readBy) {
		s.readBy = now.Add(s.c.readTimeout())
	}
	s.mu.Unlock()
}

// ReadLimit is the most that a client's message may have, for transports that check it themselves.
func (s *Session) ReadLimit() int { return cmp.Or(s.c.ReadLimit, DefaultReadLimit) }

// OneWay is what its Config says, for transports that carry nothing else.
func (s *Session) OneWay() bool { return s.c.OneWay }

// List answers Step.List with the lister that Open was given. It waits for that; the timeout is
// the watcher's. Drivers with a time of their own list by themselves and call Listed or End.
func (s *Session) List(ctx context.Context) {
	listCtx, cancel := context.WithTimeoutCause(ctx, s.listTimeout, watch.ErrListTimeout)
	defer cancel()
	l, err := s.list(listCtx)
	switch {
	case err == nil:
		s.Listed(l)
		return
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(context.Cause(listCtx), watch.ErrListTimeout):
		err = fmt.Errorf("%w after %v: %w", watch.ErrListTimeout, s.listTimeout, err)
	default:
		err = fmt.Errorf("%w: %w", watch.ErrList, err)
	}
	s.End(err)
}

// Listed answers Step.List.
func (s *Session) Listed(l watch.List) { s.w.Listed(l) }

// End ends the session and its subscription, unless they have ended; reason must not be nil.
func (s *Session) End(reason error) {
	s.w.Fail(reason)
	s.mu.Lock()
	if s.reason == nil {
		s.reason = s.w.Err() // another one may have come first
	}
	s.signalLocked()
}

// Err is nil while the session lives, then the reason of its end.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Unsent is how many events were taken from the engine and not written: after the end, those that
// count as delivered there and never reached the client.
func (s *Session) Unsent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting + s.owed
}

// signalLocked unlocks mu and wakes the driver when that waits.
func (s *Session) signalLocked() {
	wake := s.wake
	if !s.idle {
		wake = nil
	}
	s.idle = s.idle && wake == nil
	s.mu.Unlock()
	if wake != nil {
		wake()
	}
}

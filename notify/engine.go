package notify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// Engine fans events out to subscribers. Make one with New, drive it with Run or Step. All methods
// are safe for concurrent use, but for Step, which one goroutine at a time may call.
type Engine struct {
	clock      clock.Clock
	patience   time.Duration
	processors map[Type]*processor // fixed by New
	first      []*processor        // of them
	shards     []*shard
	driven     atomic.Bool // by Run
	closed     chan struct{}
	closeOnce  sync.Once
	turn       int // the shard that Step looks at first
}

// Work says what one step did, in units that a cost model can charge for.
type Work struct {
	Shard     int       // which shard did it
	Routed    int       // events taken from the task queue, and further groups looked up for them
	Delivered int       // deliveries that a subscriber took
	Queued    int       // deliveries put into a mailbox or passed over, events kept for a group
	Idle      bool      // there was nothing to do
	Closed    bool      // the shard has ended everything and will never do anything again
	Next      time.Time // when to step again though nothing new came in; zero: no need to
}

// New makes an engine from a valid configuration and starts nothing.
func New(c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	e := &Engine{
		clock:      c.Clock,
		patience:   cmp.Or(c.Patience, DefaultPatience),
		processors: make(map[Type]*processor, len(c.Types)),
		closed:     make(chan struct{}),
	}
	for _, t := range slices.Sorted(maps.Keys(c.Types)) {
		p := newProcessor(t, &c, len(e.shards))
		if e.processors[t] = p; len(e.first) < 4 {
			e.first = append(e.first, p)
		}
		e.shards = append(e.shards, p.shards...)
	}
	return e, nil
}

// Subscribe makes to a member of the group. Every event that is published after Subscribe has
// returned is offered to it; one published shortly before may be. The group "" hears only what is
// for all groups of the subject. A nil backlog means the type's own.
//
// The errors are ErrUnknownType, ErrClosed and ErrInvalid.
func (e *Engine) Subscribe(t Type, subject, group string, to Subscriber, b *Backlog) (
	*Subscription, error) {
	p, err := e.processor(t, subject)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	if to == nil {
		return nil, fmt.Errorf("%w: subscribe: subscriber is nil", ErrInvalid)
	}
	if b == nil {
		b = &p.cfg.Backlog
	} else if err := b.Validate(); err != nil {
		return nil, fmt.Errorf("subscribe: Backlog: %w", err)
	}
	return p.subscribe(subject, group, to, b)
}

// Publish addresses the named groups of ev.Subject, or every group of it when none is named or ""
// is among the names; they must be distinct. It returns when the event stands in the task queues,
// before anybody has it. Nobody listening is no error.
//
// On a full task queue it waits until there is room, or returns ErrFull, as the type is
// configured; a wait ends with ctx (its error is wrapped) and with the engine (ErrClosed). The
// other errors are ErrUnknownType and ErrInvalid.
func (e *Engine) Publish(ctx context.Context, ev *Event, groups ...string) error {
	if ev == nil {
		return fmt.Errorf("%w: publish: event is nil", ErrInvalid)
	}
	if ev.Revision < 0 {
		return fmt.Errorf("%w: publish: Revision = %d: want 0 (unordered) or more",
			ErrInvalid, ev.Revision)
	}
	p, err := e.processor(ev.Type, ev.Subject)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if slices.Contains(groups, "") { // the group of a broadcast, as in service-center
		groups = nil
	}
	return p.publish(ctx, ev, groups)
}

func (e *Engine) processor(t Type, subject string) (*processor, error) {
	p := e.find(t)
	if p == nil {
		return nil, fmt.Errorf("%w %q: want one of %s", ErrUnknownType, t, e.typeNames())
	}
	if subject == "" {
		return nil, fmt.Errorf("%w: subject is empty", ErrInvalid)
	}
	return p, nil
}

// find looks at the first types one by one: that is faster than the map.
func (e *Engine) find(t Type) *processor {
	for _, p := range e.first {
		if p.typ == t {
			return p
		}
	}
	return e.processors[t]
}

func (e *Engine) typeNames() string {
	names := make([]string, 0, len(e.processors))
	for t := range e.processors {
		names = append(names, string(t))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Step does one unit of work at time now on the caller's goroutine: what one shard has to do next.
// The shards take turns. When all are idle it says so, with the earliest time at which one of them
// wants to be stepped again. Under Run it returns ErrRunning.
func (e *Engine) Step(now time.Time) (Work, error) {
	if e.driven.Load() {
		return Work{Idle: true}, ErrRunning
	}
	idle := Work{Idle: true, Closed: true}
	for range e.shards {
		w := e.shards[e.turn].stepAt(now)
		e.turn = (e.turn + 1) % len(e.shards)
		if !w.Idle {
			return w, nil
		}
		idle.Closed = idle.Closed && w.Closed
		if !w.Next.IsZero() && (idle.Next.IsZero() || w.Next.Before(idle.Next)) {
			idle.Next = w.Next
		}
	}
	return idle, nil
}

// Shards is the number of shards of all types together; they are numbered from 0.
func (e *Engine) Shards() int { return len(e.shards) }

// StepShard is Step for one shard, for a driver that gives each shard a time of its own.
func (e *Engine) StepShard(shard int, now time.Time) (Work, error) {
	if e.driven.Load() {
		return Work{Shard: shard, Idle: true}, ErrRunning
	}
	return e.shards[shard].stepAt(now), nil
}

// Doing is what the step of a shard that is under way has done so far: for a driver that is asked
// what time it is by a subscriber, on the goroutine that steps. The events of a batch count as
// delivered when the call that delivers them has returned.
func (e *Engine) Doing(shard int) Work { return e.shards[shard].work }

// HasWork reports whether a step of the shard would find something to do, other than to wait for
// the time that its last step named.
func (e *Engine) HasWork(shard int) bool { return e.shards[shard].hasWork() }

// Close refuses events and subscriptions from now on, and has every shard end what it holds in its
// next step: subscriptions with ErrClosed. It doesn't wait for that. Closing twice is legal.
func (e *Engine) Close() {
	e.closeOnce.Do(func() {
		for _, p := range e.processors {
			p.close()
		}
		close(e.closed)
	})
}

// Stats sums up the named types, or all of them when none is named; unknown ones add nothing. Each
// shard's figures are those at the end of a step, so the books balance in every reading: of its
// last one under Step, and of one of its last 16 as long as a worker under Run has work.
func (e *Engine) Stats(types ...Type) Stats {
	var st Stats
	if len(types) == 0 {
		for _, p := range e.processors {
			p.stats(&st)
		}
	}
	for _, t := range types {
		if p := e.processors[t]; p != nil {
			p.stats(&st)
		}
	}
	return st
}

// ResetHighWater starts the high-water marks of the task queues anew.
func (e *Engine) ResetHighWater() {
	for _, sh := range e.shards {
		sh.tasks.ResetHighWater()
	}
}

// stepAt is step at a given time.
func (sh *shard) stepAt(now time.Time) Work {
	sh.at = now
	return sh.step()
}

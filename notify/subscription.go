package notify

import (
	"sync/atomic"
)

// Subscriber receives events in publish order. Deliver must not block. It takes a prefix of batch,
// which holds at least one event, and says how many; fewer than len(batch) parks the subscription
// until Ready is called. An error ends the subscription with that reason; what was taken with it
// counts as delivered, the rest as lost. The slice is the engine's: keep the events, not batch.
type Subscriber interface {
	Deliver(batch []*Event) (taken int, err error)
}

// Prompt may be implemented by a Subscriber. With true, which is asked for once, by Subscribe, it
// says that its Deliver can't block, whatever happens; so Run doesn't watch its calls, which saves
// an atomic operation each. If one blocks all the same it stops its shard.
type Prompt interface {
	Subscriber
	Prompt() bool
}

// The bits of Subscription.state.
const (
	stateEnded   uint32 = 1 << iota // the reason is set; nothing is delivered any more
	stateListed                     // StartAfter was called, or nobody waits for that
	stateReady                      // Ready was called since the shard last looked
	stateQueued                     // stands in the shard's attention list
	stateGone                       // the shard has let go of it
	statePrompt                     // the subscriber is Prompt; never changes
	stateSince                      // what waits for it may be stale; else nothing is
	stateBlocked                    // the shard goes on without a Deliver that doesn't return
)

// Subscription is one Subscriber's membership of a group. It ends exactly once. It fills one cache
// line: with a million of them, a delivery costs what it takes to load that.
type Subscription struct {
	*terms
	to    Subscriber
	end   atomic.Pointer[ending] // made when first asked for
	since atomic.Int64           // revisions up to here are stale
	state atomic.Uint32

	// Owned by the goroutine that steps the shard.
	pos   int32
	group *group   // nil before joining and after leaving
	box   *mailbox // nil while not parked
}

// terms are what subscriptions on one shard with one backlog have in common.
type terms struct {
	shard   *shard
	backlog *Backlog
}

type ending struct {
	done   chan struct{}
	reason atomic.Pointer[error] // nil until s has ended
}

// Subscriber is what Subscribe was given.
func (s *Subscription) Subscriber() Subscriber { return s.to }

// StartAfter says that the subscriber knows everything up to revision, from a list: events at or
// before it that are still to come are stale and not delivered. Revision 0 is never stale. Call it
// before Ready: a Deliver that the shard is about to call, or has called, may still bring a stale
// event, so a subscriber that isn't parked must be ready for that (watch.Watcher is). A later call
// with a lower revision has no effect.
func (s *Subscription) StartAfter(revision int64) {
	for {
		old := s.since.Load()
		if revision <= old || s.since.CompareAndSwap(old, revision) {
			break
		}
	}
	s.state.Or(stateListed | stateSince) // after since: see fresh
}

// Ready says that a subscriber that took less than it was offered can take more. It never waits,
// and it may be called at any time from anywhere, from within Deliver too.
func (s *Subscription) Ready() { s.attend(stateReady) }

// Close ends the subscription with ErrClosed; what waits for it is counted as lost. A Deliver that
// has begun goes on, but no other one follows it once the shard has taken notice.
func (s *Subscription) Close() { s.finish(ErrClosed) }

// End is Close with another reason, which must not be nil.
func (s *Subscription) End(reason error) { s.finish(reason) }

// Done is closed when the subscription ends.
func (s *Subscription) Done() <-chan struct{} { return s.ending().done }

// Err is nil while the subscription lives, then the reason of its end: ErrClosed, ErrSlow, a
// *PanicError, or what Deliver returned.
func (s *Subscription) Err() error {
	if e := s.end.Load(); e != nil {
		if reason := e.reason.Load(); reason != nil {
			return *reason
		}
	}
	return nil
}

// Blocked reports whether a Deliver is under way that the engine goes on without. Only then are the
// methods of an Observer called while it is.
func (s *Subscription) Blocked() bool { return s.state.Load()&stateBlocked != 0 }

// finish ends the subscription unless it has ended; whoever comes first gives the reason.
func (s *Subscription) finish(reason error) bool {
	e := s.ending()
	first := e.reason.CompareAndSwap(nil, &reason)
	s.state.Or(stateEnded) // after the reason: a shard that sees the end must know its cause
	if !first {
		return false
	}
	close(e.done)
	s.attend(0)
	return true
}

func (s *Subscription) ending() *ending {
	if e := s.end.Load(); e != nil {
		return e
	}
	e := &ending{done: make(chan struct{})}
	if s.end.CompareAndSwap(nil, e) {
		return e
	}
	return s.end.Load()
}

// attend sets bits and makes sure that the shard looks at s.
func (s *Subscription) attend(bits uint32) {
	if s.state.Or(bits|stateQueued)&stateQueued == 0 {
		s.shard.enqueue(s, nil)
	}
}

// fresh notes that nothing waits for s. What comes later is held against since before it waits.
func (s *Subscription) fresh() {
	if s.state.Load()&stateSince != 0 {
		s.state.And(^stateSince)
	}
}

func (s *Subscription) ended() bool { return s.state.Load()&stateEnded != 0 }

// parked reports whether events wait for s, or are in the hands of a Deliver that doesn't return.
func (s *Subscription) parked() bool { return s.box != nil && (s.box.n > 0 || s.lent()) }

// lent reports the latter.
func (s *Subscription) lent() bool { return s.box != nil && s.box.lent > 0 }

// lags reports whether some of them wait on the trail of its group.
func (s *Subscription) lags() bool { return s.box != nil && s.box.at != none }

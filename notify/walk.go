package notify

import (
	"fmt"
	"math"
	"runtime/debug"
	"time"
)

// walk is the way of one batch through its members. Block suspends it at a member; until it goes
// on, nobody joins or leaves, so its indices stay valid.
type walk struct {
	active  bool
	batch   []*Event
	minRev  int64    // smallest revision in batch that is not 0
	groups  []string // by name; nil: all of subject
	subject *subject
	gi, mi  int  // next group, next member
	begun   bool // the group at gi

	onTrail bool // the batch is on the trail of the group the walk stands at…
	trailAt int  // …from this position on

	waiting  *Subscription // what Block waits for, nil when it does not
	pending  []*Event      // what waits: the first of them, until deadline
	forList  bool          // waits for StartAfter, not for room
	deadline time.Time
}

// resume walks on until the batch is through or a member makes the shard wait.
func (sh *shard) resume() {
	w := &sh.walk
	if w.waiting != nil && !sh.waited() {
		return
	}
	if w.gi == 0 && !w.begun {
		w.subject = sh.subject(w.batch[0].Subject)
	}
	if w.subject != nil {
		for {
			g, more := w.group()
			if !more {
				break
			}
			if !w.begun {
				sh.begin(g)
			}
			for g != nil && w.mi < len(g.members) {
				sh.some(g)
				if w.waiting != nil {
					return
				}
			}
			w.gi, w.mi, w.begun = w.gi+1, 0, false
		}
	}
	w.finish()
	sh.work.Idle = false
}

// ahead is how many members are looked at together.
const ahead = 32

// some offers the batch to the next members, up to the first that makes work.
func (sh *shard) some(g *group) {
	w := &sh.walk
	next := g.members[w.mi:min(w.mi+ahead, len(g.members))]
	n, taken, err := deliverAll(next, w.batch, w.minRev)
	all := n * len(w.batch)
	sh.counts.Offered += uint64(all)
	sh.counts.Delivered += uint64(all)
	sh.work.Delivered += all
	if w.mi += n; n == len(next) {
		return
	}
	s := next[n]
	w.mi++
	switch {
	case taken != uncalled:
		sh.counts.Offered += uint64(len(w.batch))
		sh.keep(s, w.batch[sh.delivered(s, w.batch, taken, err):])
	case !s.ended():
		sh.offer(s)
	}
}

// uncalled says that a subscriber was not called, for its subscription must be looked at first.
const uncalled = math.MinInt

// deliverAll calls one member after the other as long as there is nothing to it: it lives, nothing
// waits for it, and it takes the whole batch, none of which is stale. It says how many did, and
// what became of the call of the next one.
func deliverAll(members []*Subscription, batch []*Event, minRev int64) (n, taken int, err error) {
	for _, s := range members {
		s.state.Load() // those that are in no cache are waited for together, not one by one
	}
	defer func() {
		if v := recover(); v != nil {
			taken, err = 0, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	for n = range members {
		s := members[n]
		if s.state.Load()&(stateEnded|stateListed) != stateListed || s.box != nil ||
			s.since.Load() >= minRev {
			return n, uncalled, nil
		}
		if taken, err = s.to.Deliver(batch); taken != len(batch) || err != nil {
			return n, taken, err
		}
	}
	return len(members), 0, nil
}

// begin begins with a group; nil if the shard has none of that name.
func (sh *shard) begin(g *group) {
	w := &sh.walk
	if w.begun, w.onTrail = true, false; w.gi > 0 {
		sh.work.Routed++ // the first group is counted with the event
	}
	if g != nil && len(g.laggards) > 0 {
		sh.offerLaggards(g)
	}
}

func (w *walk) finish() {
	clear(w.batch)
	w.active, w.subject, w.groups, w.batch = false, nil, nil, w.batch[:0]
}

// suspend makes the shard wait for s: for its list, or for room in its backlog.
func (sh *shard) suspend(s *Subscription, events []*Event, forList bool) {
	w := &sh.walk
	w.waiting, w.pending, w.forList = s, events, forList
	w.deadline = sh.now().Add(s.backlog.addTimeout())
	sh.counts.InFlight += uint64(len(events))
}

// waited reports whether the walk may go on, after settling what has waited.
func (sh *shard) waited() bool {
	w := &sh.walk
	s, events := w.waiting, w.pending
	late := !sh.now().Before(w.deadline)
	ready := s.box == nil || !s.box.full()
	if w.forList {
		ready = s.state.Load()&stateListed != 0
	}
	if !s.ended() && !ready && !late {
		return false
	}
	w.waiting, w.pending = nil, nil
	sh.counts.InFlight -= uint64(len(events))
	sh.work.Idle = false
	switch {
	case s.ended():
		sh.lose(s, events, endCause(s.Err()))
	case ready || w.forList: // too late a list delays no longer, but loses nothing
		sh.give(s, events)
	default:
		sh.lose(s, events[:1], TimedOut)
		if len(events) > 1 {
			sh.push(s, events[1:])
		}
	}
	return w.waiting == nil
}

// group is the one the walk stands at; nil when the shard has none of that name.
func (w *walk) group() (g *group, more bool) {
	if len(w.groups) == 0 {
		if w.gi == len(w.subject.list) {
			return nil, false
		}
		return w.subject.list[w.gi], true
	}
	if w.gi == len(w.groups) {
		return nil, false
	}
	return w.subject.groups[w.groups[w.gi]], true
}

// offer owes the batch to s and settles as much of that as can be settled now.
func (sh *shard) offer(s *Subscription) {
	w := &sh.walk
	sh.counts.Offered += uint64(len(w.batch))
	if s.state.Load()&stateListed == 0 {
		sh.suspend(s, w.batch, true)
		return
	}
	sh.give(s, w.batch)
}

// give delivers events to s, or puts them behind what is waiting for it already.
func (sh *shard) give(s *Subscription, events []*Event) {
	if !s.parked() {
		if since := s.since.Load(); since >= sh.walk.minRev {
			if events = sh.skipStale(events, since); len(events) == 0 {
				return
			}
		}
		events = events[sh.deliver(s, events):]
	}
	sh.keep(s, events)
}

// keep has what s was offered and did not take wait for it.
func (sh *shard) keep(s *Subscription, events []*Event) {
	if len(events) > 0 && !s.ended() {
		sh.push(s, events)
	} else if len(events) > 0 {
		sh.lose(s, events, endCause(s.Err()))
	}
}

// skipStale is events less those at or before revision since; it counts them.
func (sh *shard) skipStale(events []*Event, since int64) []*Event {
	sh.fresh = sh.fresh[:0]
	for _, ev := range events {
		if ev.Revision == 0 || ev.Revision > since {
			sh.fresh = append(sh.fresh, ev)
		}
	}
	sh.counts.Stale += uint64(len(events) - len(sh.fresh))
	return sh.fresh
}

// deliver calls the subscriber.
func (sh *shard) deliver(s *Subscription, events []*Event) (taken int) {
	taken, err := call(s.to, events)
	return sh.delivered(s, events, taken, err)
}

// delivered counts what a subscriber took of events, and ends its subscription when it failed.
func (sh *shard) delivered(s *Subscription, events []*Event, taken int, err error) int {
	if taken < 0 || taken > len(events) {
		err = fmt.Errorf("%w: Deliver took %d of a batch of %d", ErrInvalid, taken, len(events))
		taken = 0
	}
	sh.counts.Delivered += uint64(taken)
	sh.work.Delivered += taken
	if err != nil {
		s.finish(err)
	}
	return taken
}

// call keeps a panic where it belongs: it becomes the subscriber's error.
func call(to Subscriber, events []*Event) (taken int, err error) {
	defer func() {
		if v := recover(); v != nil {
			taken, err = 0, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return to.Deliver(events)
}

// isolate does the same for a subscriber that panics as an Observer: deferred around that call, it
// ends the subscription unless that is over already.
func (s *Subscription) isolate() {
	if v := recover(); v != nil {
		s.finish(&PanicError{Value: v, Stack: debug.Stack()})
	}
}

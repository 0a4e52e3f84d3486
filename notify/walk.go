package notify

import "time"

// walk is the way of one batch through its members. Block suspends it at a member, and a subscriber
// that doesn't return hands it to another worker; until its end nobody joins or leaves, so its
// indices stay valid.
type walk struct {
	active  bool
	batch   []*Event
	minRev  int64    // smallest revision in batch that is not 0
	groups  []string // by name; nil: all of subject
	only    *group   // the one there is, if not nil
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
	if w.only == nil && w.gi == 0 && !w.begun {
		w.subject = sh.subject(w.batch[0].Subject)
	}
	if w.only != nil || w.subject != nil {
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

// some offers the batch to the next members, up to the first that makes work.
func (sh *shard) some(g *group) {
	w := &sh.walk
	next := g.members[w.mi:min(w.mi+ahead, len(g.members))]
	n := w.simple(next)
	if n <= 1 {
		w.mi++
		if s := next[0]; !s.ended() {
			sh.offer(s)
		}
		return
	}
	batch, run := w.batch, append(sh.together[:0], next[:n]...)
	sh.calling.s, sh.calling.run = nil, run
	call, last, taken, err := sh.deliverAll(run, batch)
	if !sh.leave(call) {
		sh.handIn(run[last], batch, taken, err)
	}
	if taken == len(batch) && err == nil { // so is last the last
		sh.took(n)
		w.mi += n
		return
	}
	sh.took(last)
	w.mi += last + 1
	s := run[last]
	sh.counts.Offered += uint64(len(batch))
	sh.keep(s, batch[sh.delivered(s, batch, taken, err):])
}

// took counts that so many members took the batch.
func (sh *shard) took(members int) {
	all := members * len(sh.walk.batch)
	sh.counts.Offered += uint64(all)
	sh.counts.Delivered += uint64(all)
	sh.work.Delivered += all
}

// simple is how many of the first members there is nothing to: they live, nothing waits for them,
// the batch has nothing that is stale for them, and all of them are Prompt or none is. Those that
// are in no cache are waited for together here, not one by one when they are called.
func (w *walk) simple(members []*Subscription) (n int) {
	first := members[0].state.Load()&statePrompt | stateListed
	for _, s := range members {
		if s.state.Load()&(stateEnded|stateListed|statePrompt) != first || s.box != nil ||
			s.since.Load() >= w.minRev {
			break
		}
		n++
	}
	return n
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

// underWay reports whether the walk has come to a member.
func (w *walk) underWay() bool { return w.active && (w.begun || w.gi > 0) }

func (w *walk) finish() {
	clear(w.batch)
	w.active, w.only, w.subject, w.groups, w.batch = false, nil, nil, nil, w.batch[:0]
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
	if w.only != nil {
		return w.only, w.gi == 0
	}
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
		events = events[sh.deliver(s, events, false):]
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

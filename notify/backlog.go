package notify

// What a shard does with events that a subscriber can't take: the mailbox and its policies.

// push puts events behind what waits for s; beyond its size the overflow policy acts.
func (sh *shard) push(s *Subscription, events []*Event) {
	sh.park(s)
	for len(events) > 0 {
		if s.box.full() {
			if settled := sh.makeRoom(s, events); settled > 0 {
				events = events[settled:]
				continue
			}
		}
		s.box.push(events[0])
		sh.counts.InFlight++
		sh.work.Queued++
		events = events[1:]
	}
}

// park gives s a mailbox.
func (sh *shard) park(s *Subscription) *mailbox {
	if s.box == nil {
		s.box = newMailbox(s.backlog.size(), false)
	}
	if !s.parked() {
		sh.counts.parked++
	}
	return s.box
}

// makeRoom applies the overflow policy of s and says how many of events that has settled: the
// first, all of them when it conflates, ends the subscription or suspends the walk, or none because
// there is room now. It goes by the policy and not by s.ended(): s may be closed at any moment, by
// an Observer or on another goroutine, and whoever counts these events must not change with that.
func (sh *shard) makeRoom(s *Subscription, events []*Event) (settled int) {
	switch s.backlog.Overflow {
	case Conflate:
		sh.lag(s, events)
		return len(events)
	case DropOldest:
		sh.lose(s, s.box.front(1), Oldest)
		sh.unqueue(s, 1)
		return 0
	case DropNewest:
		sh.lose(s, events[:1], Newest)
	case Flush:
		sh.discard(s, Flushed)
		return 0
	case Evict:
		s.finish(ErrSlow)
		sh.discard(s, Evicted) // the older ones first
		sh.release(s)
		sh.lose(s, events, Evicted)
		return len(events)
	case Block:
		sh.suspend(s, events, false)
		return len(events)
	}
	return 1
}

// lose counts events as lost to s.
func (sh *shard) lose(s *Subscription, events []*Event, cause Cause) {
	sh.counts.Dropped[cause] += uint64(len(events))
	sh.tell(s, events, cause)
}

// tell says what s will not get to whoever wants to know.
func (sh *shard) tell(s *Subscription, events []*Event, cause Cause) {
	if len(events) == 0 {
		return
	}
	if ob := sh.p.observer; ob != nil {
		ob.Dropped(s, events, cause)
	}
	if ob, ok := s.to.(Observer); ok {
		defer s.isolate()
		ob.Dropped(s, events, cause)
	}
}

// discard loses everything that waits for s.
func (sh *shard) discard(s *Subscription, cause Cause) {
	for s.box.n > 0 {
		events := s.box.front(int(s.box.n))
		sh.lose(s, events, cause)
		sh.unqueue(s, len(events))
	}
}

// unqueue removes the first k events that wait for s from its mailbox.
func (sh *shard) unqueue(s *Subscription, k int) {
	s.box.pop(k)
	sh.counts.InFlight -= uint64(k)
	if s.lags() {
		sh.catchUp(s)
	}
}

// release gives the mailbox of s, which was parked, back when nothing waits in it any more.
func (sh *shard) release(s *Subscription) {
	if s.parked() {
		return
	}
	s.fresh()
	sh.counts.parked--
	if !s.backlog.Prealloc {
		s.box = nil
	}
}

// drainBudget is how many events a subscription gets from its mailbox before others have a turn.
const drainBudget = 64

// drain delivers from the mailbox of s until that is empty or s takes less than it is offered.
func (sh *shard) drain(s *Subscription) {
	if s.lent() {
		s.state.Or(stateReady) // for settle
		return
	}
	if !s.parked() {
		s.fresh()
		return
	}
	for budget := drainBudget; s.parked() && !s.ended(); {
		if budget <= 0 {
			s.Ready() // others first
			return
		}
		events := s.box.front(budget)
		if s.state.Load()&stateSince != 0 {
			stale, run := staleRun(events, s.since.Load())
			if stale {
				sh.counts.Stale += uint64(run)
				sh.unqueue(s, run)
				continue
			}
			events = events[:run]
		}
		taken := sh.deliver(s, events, true)
		sh.unqueue(s, taken)
		if budget -= taken; taken < len(events) {
			break
		}
	}
	sh.release(s)
}

// staleRun is how many of the first events are alike, stale or not.
func staleRun(events []*Event, since int64) (stale bool, run int) {
	stale = isStale(events[0], since)
	for run = 1; run < len(events) && isStale(events[run], since) == stale; {
		run++
	}
	return stale, run
}

func isStale(ev *Event, since int64) bool { return ev.Revision != 0 && ev.Revision <= since }

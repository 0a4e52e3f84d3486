package notify

// How joins, readiness and ends reach the shard: as a list that it works off in its steps, so that
// the tables and mailboxes have one owner and need no lock.

// joining is a subscription that is to become a member.
type joining struct {
	s              *Subscription
	subject, group string
}

// attention is who a shard must look at: who joined, and who is ready or has ended. A subscription
// stands in it once at most.
type attention struct {
	joins []joining
	subs  []*Subscription
}

func (a *attention) len() int { return len(a.joins) + len(a.subs) }

// enqueue has the shard look at s; false means that the shard has ended. With j, s joins.
func (sh *shard) enqueue(s *Subscription, j *joining) bool {
	sh.mu.Lock()
	if sh.closed {
		sh.mu.Unlock()
		return false
	}
	if j != nil {
		sh.inbox.joins = append(sh.inbox.joins, *j)
	} else {
		sh.inbox.subs = append(sh.inbox.subs, s)
	}
	sh.attended.Store(int64(sh.inbox.len()))
	sh.mu.Unlock()
	sh.rouse()
	return true
}

// attend looks at everyone on the attention list. While a walk is suspended only those that are
// ready and don't lag are served; all others wait for its end.
func (sh *shard) attend() {
	if sh.attended.Load() == 0 {
		return
	}
	sh.mu.Lock()
	list := sh.inbox
	sh.inbox = attention{subs: sh.spare}
	sh.attended.Store(0)
	sh.mu.Unlock()
	sh.spare = nil
	sh.work.Idle = false
	sh.attendAll(&list)
	clear(list.subs)
	if cap(list.subs) <= max(minSpare, 2*sh.members) {
		sh.spare = list.subs[:0]
	}
}

// minSpare is how long an attention list may always be that is kept for reuse.
const minSpare = 1 << 10

func (sh *shard) attendAll(list *attention) {
	suspended := sh.walk.waiting != nil
	if suspended {
		sh.deferred.joins = append(sh.deferred.joins, list.joins...)
	} else {
		for i := range list.joins {
			j := &list.joins[i]
			if j.s.state.And(^(stateQueued|stateReady))&stateEnded == 0 {
				sh.join(j)
			} else {
				sh.p.left(j.subject, j.group)
				sh.remove(j.s)
			}
		}
	}
	for _, s := range list.subs {
		bits := s.state.And(^(stateQueued | stateReady))
		ended := bits&stateEnded != 0
		switch {
		case suspended && (ended || s.lags()):
			if s.state.Or(bits&stateReady|stateQueued)&stateQueued == 0 {
				sh.deferred.subs = append(sh.deferred.subs, s)
			}
		case ended:
			sh.remove(s)
		case bits&stateReady != 0:
			sh.drain(s)
		}
	}
}

// attendDeferred looks at those that had to wait for the end of a suspended walk.
func (sh *shard) attendDeferred() {
	list := sh.deferred
	sh.deferred = attention{}
	sh.attendAll(&list)
}

func (sh *shard) join(j *joining) {
	s := j.s
	sh.tables.join(s, j.subject, j.group)
	if s.backlog.Prealloc {
		s.box = newMailbox(s.backlog.size(), true)
	}
}

// remove takes an ended subscription out of the tables. It may be called twice, and for one that
// never joined.
func (sh *shard) remove(s *Subscription) {
	if s.state.Or(stateGone)&stateGone != 0 {
		return
	}
	reason := s.Err()
	if s.parked() {
		sh.discard(s, endCause(reason))
		sh.counts.parked--
	}
	if g := s.group; g != nil {
		sh.p.left(g.subject.name, g.name)
		sh.tables.leave(s)
	}
	s.box = nil
	if ob := sh.p.observer; ob != nil {
		ob.Ended(s, reason)
	}
	if ob, ok := s.to.(Observer); ok {
		defer s.isolate()
		ob.Ended(s, reason)
	}
}

func endCause(reason error) Cause {
	switch reason {
	case ErrSlow:
		return Evicted
	case ErrClosed:
		return Closed
	default:
		return Failed
	}
}

package notify

// How joins, readiness and ends reach the shard: as a list that it works off in its steps, so that
// the tables and mailboxes have one owner and need no lock.

// joining is a subscription that is to become a member.
type joining struct {
	s              *Subscription
	subject, group string
	at             *group // that of the name, if the directory has made it
}

// attention is who a shard must look at: who joined, whose Deliver has returned at last, and who is
// ready or has ended. A subscription stands in each list once at most.
type attention struct {
	joins   []joining
	returns []returned
	subs    []*Subscription
}

func (a *attention) len() int { return len(a.joins) + len(a.returns) + len(a.subs) }

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
	sh.enqueuedLocked()
	sh.mu.Unlock()
	sh.rouse()
	return true
}

func (sh *shard) enqueuedLocked() { sh.attended.Store(int64(sh.inbox.len())) }

// enqueueReturned has the shard, which can't end before, settle a loan.
func (sh *shard) enqueueReturned(r returned) {
	sh.mu.Lock()
	sh.inbox.returns = append(sh.inbox.returns, r)
	sh.enqueuedLocked()
	sh.mu.Unlock()
	sh.rouse()
}

// attend looks at everyone on the attention list. While a walk is under way only those that are
// ready and don't lag are served; all others wait for its end.
func (sh *shard) attend() {
	sh.attendAll() // what a worker that has lost the shard had begun
	if sh.attended.Load() == 0 {
		return
	}
	sh.mu.Lock()
	sh.list = sh.inbox
	sh.inbox = attention{subs: sh.spare}
	sh.attended.Store(0)
	sh.mu.Unlock()
	sh.spare = nil
	sh.attendAll()
}

// minSpare is how long an attention list may always be that is kept for reuse.
const minSpare = 1 << 10

// attendAll works off sh.list. It may lose the shard at any drain: what is done is out of the list.
func (sh *shard) attendAll() {
	list := &sh.list
	if list.len() == 0 {
		return
	}
	sh.work.Idle = false
	walking := sh.walk.underWay()
	sh.attendJoins(walking)
	for len(list.returns) > 0 {
		r := list.returns[0]
		list.returns = list.returns[1:]
		if walking && (r.s.ended() || r.s.lags()) {
			sh.deferred.returns = append(sh.deferred.returns, r)
		} else {
			sh.settle(&r)
		}
	}
	for sh.looked < len(list.subs) {
		s := list.subs[sh.looked]
		sh.looked++
		sh.attendTo(s, walking)
	}
	clear(list.subs)
	if cap(list.subs) <= max(minSpare, 2*sh.members) {
		sh.spare = list.subs[:0]
	}
	sh.list, sh.looked = attention{}, 0
}

func (sh *shard) attendJoins(walking bool) {
	joins := sh.list.joins
	sh.list.joins = nil
	if walking {
		sh.deferred.joins = append(sh.deferred.joins, joins...)
		return
	}
	for i := range joins {
		j := &joins[i]
		if j.s.state.And(^(stateQueued|stateReady))&stateEnded == 0 {
			sh.join(j)
		} else {
			sh.p.left(j.subject, j.group)
			sh.remove(j.s)
		}
	}
}

// attendTo looks at one that is ready or has ended.
func (sh *shard) attendTo(s *Subscription, walking bool) {
	bits := s.state.And(^(stateQueued | stateReady))
	ended := bits&stateEnded != 0
	switch {
	case walking && (ended || s.lags()):
		if s.state.Or(bits&stateReady|stateQueued)&stateQueued == 0 {
			sh.deferred.subs = append(sh.deferred.subs, s)
		}
	case ended:
		sh.remove(s)
	case bits&stateReady != 0:
		sh.drain(s)
	}
}

// attendDeferred looks at those that had to wait for the end of a walk.
func (sh *shard) attendDeferred() {
	sh.list, sh.deferred = sh.deferred, attention{}
	sh.attendAll()
}

func (sh *shard) join(j *joining) {
	s := j.s
	sh.tables.join(j)
	if s.backlog.Prealloc {
		s.box = newMailbox(s.backlog.size(), true)
	}
}

// remove takes an ended subscription out of the tables. It may be called twice, and for one that
// never joined. One whose Deliver has yet to return has to wait for that.
func (sh *shard) remove(s *Subscription) {
	if s.lent() {
		return
	}
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

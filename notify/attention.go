package notify

// How joins, readiness and ends reach the shard: as a list that it works off in its steps, so that
// the tables and mailboxes have one owner and need no lock.

// attention is a subscription that the shard must look at: it joined, is ready, or has ended.
type attention struct {
	s              *Subscription
	join           bool
	subject, group string // with join
}

// enqueue puts a on the attention list; false means that the shard has ended.
func (sh *shard) enqueue(a attention) bool {
	sh.mu.Lock()
	if sh.closed {
		sh.mu.Unlock()
		return false
	}
	sh.inbox = append(sh.inbox, a)
	sh.attended.Store(int64(len(sh.inbox)))
	sh.mu.Unlock()
	sh.rouse()
	return true
}

// attend looks at everyone on the attention list. While a walk is suspended only those that are
// ready are served; joins and ends wait for its end.
func (sh *shard) attend() {
	if sh.attended.Load() == 0 {
		return
	}
	sh.mu.Lock()
	list := sh.inbox
	sh.inbox = sh.spare[:0]
	sh.attended.Store(0)
	sh.mu.Unlock()
	sh.spare = nil
	sh.work.Idle = false
	sh.attendAll(list)
	clear(list)
	if cap(list) <= maxSpare {
		sh.spare = list[:0]
	}
}

// maxSpare bounds the attention list that is kept for reuse.
const maxSpare = 1 << 14

func (sh *shard) takeDeferred() []attention {
	list := sh.deferred
	sh.deferred = nil
	return list
}

func (sh *shard) attendAll(list []attention) {
	suspended := sh.walk.waiting != nil
	for i := range list {
		a := &list[i]
		s := a.s
		bits := s.state.And(^(stateQueued | stateReady))
		if bits&stateReady != 0 && bits&stateEnded == 0 && s.group != nil {
			sh.drain(s)
		}
		if suspended && (a.join || bits&stateEnded != 0) {
			sh.deferred = append(sh.deferred, *a)
			continue
		}
		if a.join && bits&stateEnded == 0 {
			sh.join(s, a.subject, a.group)
		}
		if bits&stateEnded != 0 {
			sh.remove(s)
		}
	}
}

func (sh *shard) join(s *Subscription, subject, group string) {
	sh.tables.join(s, subject, group)
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
	if s.group != nil {
		sh.tables.leave(s)
	}
	if s.parked() {
		sh.discard(s, endCause(reason))
		sh.counts.parked--
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

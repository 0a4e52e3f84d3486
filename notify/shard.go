package notify

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/queue"
)

// task is one published event with the groups it is for; none means every group of the subject.
type task struct {
	ev     *Event
	groups []string
	at     *group // all that it is for; nil if that has to be found by name
}

// sameTarget reports whether two tasks are for the same members, as far as that is cheap to know,
// so that they can be delivered as one batch.
func sameTarget(a, b *task) bool {
	if a.at != nil || b.at != nil {
		return a.at == b.at
	}
	if a.ev.Subject != b.ev.Subject || len(a.groups) != len(b.groups) {
		return false
	}
	switch len(a.groups) {
	case 0:
		return true
	case 1:
		return a.groups[0] == b.groups[0]
	default: // see keepLocked
		return &a.groups[0] == &b.groups[0]
	}
}

// shard is one server of a processor: a bounded task queue and the part of the tables that its
// subscriptions live in. It decides without a goroutine, a clock or I/O of its own: step does the
// next unit of work, and the fields from calling on belong to whoever steps.
type shard struct {
	p     *processor
	id    int // among all shards of the engine
	tasks *queue.Queue[task]

	mu       sync.Mutex
	inbox    attention
	closed   bool // nothing comes in any more; set by the last step
	attended atomic.Int64

	terms  atomic.Pointer[terms] // of the last subscription
	asleep atomic.Bool
	wake   chan struct{}
	done   chan struct{} // closed by the last worker
	crew   *crew         // nil under Step

	_     [64]byte
	calls atomic.Uint64 // in which call the worker is, if in any; see handoff.go
	_     [64]byte

	calling calling
	linger  linger
	at      time.Time // what time it is under Step
	tables
	walk     walk
	buf      []task          // scratch: what take took
	seen     int             // how many tasks lookAhead has looked at
	list     attention       // is being attended to…
	looked   int             // …and so many of its subs have been
	closing  bool            // all has ended but calls of Deliver
	spare    []*Subscription // scratch: of the list that was attended to last
	deferred attention       // what has to wait for the end of a walk
	together []*Subscription // scratch: members that are called together
	fresh    []*Event        // scratch: a batch less what is stale
	passed   []*Event        // scratch: what a laggard passes over
	counts   counts
	work     Work // of the step under way

	unreported int // steps since the counts were made readable

	pubMu     sync.Mutex
	published counts // as of the end of the last step
}

// counts is what a shard contributes to Stats.
type counts struct {
	Books
	discarded                 uint64
	parked, blocked           int
	subjects, groups, members int
}

func newShard(p *processor, id int) *shard {
	return &shard{
		p:        p,
		id:       id,
		tasks:    queue.New[task](p.cfg.QueueSize),
		wake:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		tables:   tables{subjects: make(map[string]*subject)},
		buf:      make([]task, p.cfg.Batch),
		together: make([]*Subscription, 0, ahead),
		walk:     walk{batch: make([]*Event, 0, p.cfg.Batch)},
	}
}

// termsOf are those of a subscription with backlog b; mostly many have the same.
func (sh *shard) termsOf(b *Backlog) *terms {
	if t := sh.terms.Load(); t != nil && t.backlog == b {
		return t
	}
	t := &terms{shard: sh, backlog: b}
	sh.terms.Store(t)
	return t
}

// rouse wakes the shard's worker if it sleeps.
func (sh *shard) rouse() {
	if sh.asleep.Load() {
		select {
		case sh.wake <- struct{}{}:
		default:
		}
	}
}

// hasWork reports whether a step would find something to do other than wait for a deadline.
func (sh *shard) hasWork() bool {
	return sh.attended.Load() > 0 || sh.p.closing.Load() && !sh.closing ||
		(sh.walk.waiting == nil && sh.tasks.Len() > 0)
}

// step does one unit of work: one batch of events for one target, with whatever asked for
// attention before it. The tasks are taken before the attention list: so a subscription made
// before a Publish is in the tables when that event is routed.
func (sh *shard) step() Work {
	sh.work = Work{Shard: sh.id, Idle: true}
	if sh.closed {
		sh.work.Closed = true
		return sh.work
	}
	if !sh.walk.active && !sh.p.closing.Load() {
		sh.take()
	}
	sh.attend()
	if sh.walk.active {
		sh.resume()
		if !sh.walk.active && sh.deferred.len() > 0 {
			sh.attendDeferred()
		}
	}
	if sh.walk.waiting != nil {
		sh.work.Next = sh.walk.deadline
	}
	if sh.p.closing.Load() && !(sh.closing && sh.work.Idle) {
		sh.close()
	}
	if !sh.work.Idle {
		sh.unreported++
	}
	if sh.unreported > 0 && (sh.crew == nil || sh.unreported == reportEvery || sh.work.Idle ||
		sh.closed) {
		sh.report()
	}
	return sh.work
}

// reportEvery is after how many steps of a worker its counts are made readable, at the latest
// before it sleeps. To do so takes as long as a small step does.
const reportEvery = 16

// report makes the counts of this step readable: balanced, as of its end.
func (sh *shard) report() {
	sh.unreported = 0
	c := &sh.counts
	c.subjects, c.groups, c.members = len(sh.subjects), sh.groups, sh.members
	sh.pubMu.Lock()
	sh.published = *c
	sh.pubMu.Unlock()
}

// now is asked for only when somebody must be waited for: reading a clock takes as long as a small
// step does.
func (sh *shard) now() time.Time {
	if sh.crew != nil {
		return sh.crew.clock.Now()
	}
	return sh.at
}

// ahead is how many members, or groups, are looked at together: those that are in no cache are
// waited for at the same time.
const ahead = 32

// lookAhead looks at the groups of the tasks that come next, and at their first members.
func (sh *shard) lookAhead() {
	next := sh.tasks.Ahead()
	if len(next) <= sh.seen { // has been done
		sh.seen = len(next)
		return
	}
	sh.seen = len(next)
	for len(next) > 0 {
		some := next[:min(ahead, len(next))]
		next = next[len(some):]
		var first [ahead]*Subscription
		for i := range some {
			if g := some[i].at; g != nil && len(g.members) > 0 {
				first[i] = g.members[0]
			}
		}
		for _, s := range first {
			if s != nil {
				s.state.Load()
			}
		}
	}
}

// take moves a run of tasks with one target into the walk.
func (sh *shard) take() {
	w := &sh.walk
	n := sh.tasks.TakeRun(sh.buf, sameTarget)
	sh.lookAhead()
	if n == 0 {
		return
	}
	sh.p.freed()
	w.batch, w.minRev = w.batch[:0], math.MaxInt64
	for i := range sh.buf[:n] {
		ev := sh.buf[i].ev
		w.batch = append(w.batch, ev)
		if ev.Revision != 0 {
			w.minRev = min(w.minRev, ev.Revision)
		}
	}
	w.groups, w.only = sh.buf[0].groups, sh.buf[0].at
	w.gi, w.mi, w.begun, w.active = 0, 0, false, true
	clear(sh.buf[:n])
	sh.work.Routed += n
	sh.work.Idle = false
}

// close ends everything the shard has: what is queued is discarded, what waits is lost, and every
// subscription ends with ErrClosed. From then on the shard does nothing; but as long as a Deliver
// hasn't returned, it waits for that.
func (sh *shard) close() {
	if w := &sh.walk; w.active {
		if s := w.waiting; s != nil {
			s.finish(ErrClosed)
			sh.waited()
		}
		w.finish()
	}
	for n := sh.tasks.TakeRun(sh.buf, nil); n > 0; n = sh.tasks.TakeRun(sh.buf, nil) {
		sh.counts.discarded += uint64(n)
		clear(sh.buf[:n])
	}
	sh.attendDeferred()
	for done := false; !done; { // until nobody came or went since the last look
		sh.attend()
		for _, s := range sh.everyone() {
			s.finish(ErrClosed)
			sh.remove(s) // now: who ended it first may not have come to the inbox yet
		}
		sh.mu.Lock()
		done = sh.inbox.len() == 0
		sh.closed = done && sh.counts.blocked == 0
		sh.mu.Unlock()
	}
	sh.closing = true
	sh.work.Closed, sh.work.Idle = sh.closed, false
}

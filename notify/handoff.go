package notify

import (
	"errors"
	"runtime"
)

// A subscriber that blocks in Deliver must not stop its shard. The worker that called it stays in
// the call, and loses the shard to a successor, which goes on behind that call. What the call was
// about is then the subscription's loan: nothing is offered to it until the call has returned. Its
// worker hands what became of it in, and ends.
//
// Who owns the shard is decided on shard.calls, which only grows. It is even while the worker is at
// its own business, and odd while it is in a call. The worker comes out of a call by moving it on;
// who seizes the shard moves it on first, so the worker notices. In a call, and until it has come
// out of it, a worker touches nothing of its shard.

// calling is what the call under way is about, for a successor.
type calling struct {
	first  uint64          // at, in the first call of a run of calls
	run    []*Subscription // who is called one after the other with the walk's batch; unless…
	s      *Subscription   // …this one is called…
	events []*Event        // …with these…
	inBox  bool            // …which are the first in its mailbox
}

// returned is what became of a call whose worker has lost its shard.
type returned struct {
	s      *Subscription
	events []*Event
	taken  int
	err    error
}

// errGoexit is what a Deliver is said to have panicked with that ended the worker's goroutine.
var errGoexit = errors.New("runtime.Goexit was called")

func inCall(at uint64) bool { return at%2 == 1 }

// enter says that a call begins, or a run of them, and gives it a number: 0 if it isn't watched.
func (sh *shard) enter(s *Subscription) (call uint64) {
	if sh.crew == nil || s.state.Load()&statePrompt != 0 {
		return 0
	}
	call = sh.calls.Load() + 1
	sh.calling.first = call
	sh.calls.Store(call)
	return call
}

// next goes on from one watched call of a run to the next; false means that the shard is lost.
func (sh *shard) next(call uint64) bool { return sh.calls.CompareAndSwap(call, call+2) }

// leave says that a call is over; false means that the shard is lost.
func (sh *shard) leave(call uint64) bool {
	return call == 0 || sh.calls.CompareAndSwap(call, call+1)
}

// seize takes the shard from the worker that is in that call, unless it has come out of it.
func (sh *shard) seize(call uint64) bool { return sh.leave(call) }

// handIn ends a worker that has lost its shard in a call.
func (sh *shard) handIn(s *Subscription, events []*Event, taken int, err error) {
	sh.enqueueReturned(returned{s, events, taken, err})
	runtime.Goexit()
}

// exited is called when a subscriber ends the worker's goroutine, in the n-th call of a run, with
// what is left of that. Under Step it is the caller's.
func (sh *shard) exited(call uint64, n int, s *Subscription, events []*Event) {
	if sh.crew == nil {
		return
	}
	if sh.seize(call) {
		sh.crew.workers.Go(func() {
			sh.lend(n)
			sh.run()
		})
	}
	sh.enqueueReturned(returned{s, events, 0, &PanicError{Value: errGoexit}})
}

// succeed is the goroutine of a worker that takes over from the one that blocks in that call.
func (sh *shard) succeed(call uint64) {
	s := sh.lend(int(call-sh.calling.first) / 2)
	if sh.p.blocked != nil {
		sh.p.blocked(s)
	}
	sh.run()
}

// lend makes the loan of the subscriber that is called, the n-th of a run if it is one, and readies
// the shard for the next step.
func (sh *shard) lend(n int) *Subscription {
	c, w := sh.calling, &sh.walk
	s, events := c.s, c.events
	if s == nil {
		c.inBox = false
		s, events = c.run[n], w.batch
		sh.took(n)
		w.mi += n + 1
		sh.counts.Offered += uint64(len(events))
	}
	sh.counts.blocked++
	s.state.Or(stateBlocked)
	if c.inBox {
		s.box.lend(len(events))
		if s.lags() {
			sh.catchUp(s)
		}
	} else {
		sh.park(s).lent = int32(len(events))
		sh.counts.InFlight += uint64(len(events))
	}
	// The call may still read these.
	w.batch, sh.fresh = append(make([]*Event, 0, cap(w.batch)), w.batch...), nil
	sh.together = make([]*Subscription, 0, ahead)
	sh.report()
	return s
}

// settle settles the loan of a call that has returned. What was not taken comes before all else
// that waits.
func (sh *shard) settle(r *returned) {
	s := r.s
	sh.counts.blocked--
	s.state.And(^stateBlocked)
	sh.counts.InFlight -= uint64(len(r.events))
	s.box.lent = 0
	rest := r.events[sh.delivered(s, r.events, r.taken, r.err):]
	ready := len(rest) == 0 || s.state.And(^stateReady)&stateReady != 0
	if s.ended() {
		sh.lose(s, rest, endCause(s.Err()))
		rest = nil
		s.attend(0) // the shard may have looked before, when it could not let go of s
	}
	s.box.unshift(rest)
	sh.counts.InFlight += uint64(len(rest))
	switch {
	case !s.parked():
		sh.release(s)
	case ready:
		sh.drain(s)
	}
}

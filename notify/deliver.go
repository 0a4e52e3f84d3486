package notify

import (
	"fmt"
	"runtime/debug"
)

// How a shard calls subscribers, and what becomes of the call. See handoff.go for one that doesn't
// return.

// deliverAll makes a run of calls, up to the first whose subscriber doesn't take the whole batch or
// is taken to be blocked. It says which was the last, and what became of it.
func (sh *shard) deliverAll(run []*Subscription, batch []*Event) (
	call uint64, last, taken int, err error) {
	call = sh.enter(run[0])
	returned := false
	defer func() {
		if v := recover(); v != nil {
			taken, err = 0, &PanicError{Value: v, Stack: debug.Stack()}
		} else if !returned {
			sh.exited(call, last, run[last], batch)
		}
	}()
	for {
		taken, err = run[last].to.Deliver(batch)
		if taken != len(batch) || err != nil || last == len(run)-1 {
			break
		}
		if call != 0 {
			if !sh.next(call) {
				break
			}
			call += 2
		}
		last++
	}
	returned = true
	return call, last, taken, err
}

// deliver calls the subscriber; inBox says that events are the first in its mailbox.
func (sh *shard) deliver(s *Subscription, events []*Event, inBox bool) (taken int) {
	sh.calling.s, sh.calling.events, sh.calling.inBox = s, events, inBox
	call := sh.enter(s)
	taken, err := sh.call(s, events, call)
	if !sh.leave(call) {
		sh.handIn(s, events, taken, err)
	}
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
func (sh *shard) call(s *Subscription, events []*Event, call uint64) (taken int, err error) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			taken, err = 0, &PanicError{Value: v, Stack: debug.Stack()}
		} else if !returned {
			sh.exited(call, 0, s, events)
		}
	}()
	taken, err = s.to.Deliver(events)
	returned = true
	return taken, err
}

// isolate does the same for a subscriber that panics as an Observer: deferred around that call, it
// ends the subscription unless that is over already.
func (s *Subscription) isolate() {
	if v := recover(); v != nil {
		s.finish(&PanicError{Value: v, Stack: debug.Stack()})
	}
}

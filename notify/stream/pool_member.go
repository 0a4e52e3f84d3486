package stream

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// stepsMax is how many steps of one session a worker does before it looks after the others.
const stepsMax = 8

// member is a session in a pool.
type member struct {
	p      *Pool
	conn   Conn
	try    TryConn // conn, or nil
	s      *Session
	ctx    context.Context
	closed sync.WaitGroup // until conn is

	// Guarded by p.mu.
	state state
	woken bool          // there was a wake-up while it was busy
	until time.Duration // when parked: look again then
	slot  *slot         // not after until, for time is mostly put off; nil: none
	place int           // in slot
	after *member       // in its line
}

// state says who may call Next: nobody but whoever made the member busy.
type state uint8

const (
	busy   state = iota // in the hands of a worker, or of a goroutine of its own
	ready               // in a line
	parked              // waits for wake or its time
)

// wake is what the session calls. It comes at most once between two calls of Next, possibly before
// the worker that called Next has parked the member.
func (m *member) wake() {
	m.p.mu.Lock()
	defer m.p.mu.Unlock()
	if m.state == parked {
		m.p.readyLocked(m, &m.p.ready.woken)
	} else {
		m.woken = true
	}
}

// park puts a member aside until it is woken, or until that time.
func (p *Pool) park(m *member, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.woken {
		m.woken = false
		p.readyLocked(m, &p.ready.woken)
		return
	}
	m.state, m.until = parked, m.s.look(until)
	if m.slot != nil && m.slot.at <= m.until {
		return // an event changes nothing about the time, so this is the rule
	}
	p.timers.remove(m)
	if p.timers.add(m, m.until) {
		select {
		case p.sooner <- struct{}{}:
		default: // one is enough
		}
	}
}

// again puts a member that isn't done at the end of the line.
func (p *Pool) again(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.woken = false // it is looked at anyway
	p.readyLocked(m, &p.ready.woken)
}

// drive is a worker.
func (p *Pool) drive() {
	for m := p.next(); m != nil; m = p.next() {
		p.step(m)
	}
}

// step does what a session says, as long as nothing has to be waited for.
func (p *Pool) step(m *member) {
	for range stepsMax {
		var rest Rest
		var err error
		switch step := m.s.Next(p.clock.Now()); {
		case step.Err != nil:
			p.aside.Go(m.close)
			return
		case step.List:
			p.aside.Go(m.list)
			return
		case step.Frames != nil || step.Ping:
			if rest, err = m.write(step); rest != nil {
				p.wait(m, rest, step.Deadline)
				return
			}
		default:
			p.park(m, step.Until)
			return
		}
		if err != nil {
			m.s.End(writeReason(err))
		}
	}
	p.again(m)
}

// write writes what can be written at once.
func (m *member) write(step Step) (Rest, error) {
	switch {
	case m.try == nil && step.Ping:
		return m.conn.Ping, nil
	case m.try == nil:
		return func(deadline time.Time) error { return m.conn.Write(deadline, step.Frames) }, nil
	case step.Ping:
		return m.try.TryPing()
	}
	return m.try.TryWrite(step.Frames)
}

// wait has the rest written on a goroutine of its own.
func (p *Pool) wait(m *member, rest Rest, deadline time.Time) {
	p.aside.Go(func() {
		if err := rest(deadline); err != nil {
			m.s.End(writeReason(err))
		}
		p.again(m)
	})
}

// list reads a list, on a goroutine of its own. The pool's end ends that, too.
func (m *member) list() {
	defer m.p.again(m)
	reason := errLister // stays if the lister ends the goroutine
	defer func() {
		if v := recover(); v != nil {
			reason = &notify.PanicError{Value: v, Stack: debug.Stack()}
		}
		if reason != nil {
			m.s.End(reason)
		}
	}()
	ctx, cancel := context.WithCancelCause(m.ctx)
	defer cancel(nil)
	stop := context.AfterFunc(m.p.ctx, func() { cancel(context.Cause(m.p.ctx)) })
	defer stop()
	m.s.List(ctx)
	reason = nil
}

// close ends a member, on a goroutine of its own: the closing handshake waits for the client.
func (m *member) close() {
	// The connection is given up, whatever its end looks like from here.
	_ = m.conn.Close(CloseCode(m.s.Err()))
	m.closed.Done()
}

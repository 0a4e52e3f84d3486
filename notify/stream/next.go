package stream

import (
	"runtime/debug"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Step is what a driver has to do next: the one field of Err, Frames, Ping and List that is set,
// or else nothing until the time Until, or until wake is called.
type Step struct {
	Err      error     // it is over: close the connection as CloseCode says
	Frames   [][]byte  // write each as one message, all in one flush; valid until the next Next
	Ping     bool      // write a ping
	Deadline time.Time // when what is written must be written
	List     bool      // read a list: List, or Listed or End
	Until    time.Time
}

// Next says what is to be done at the time now. To call it says that what it said last was done.
func (s *Session) Next(now time.Time) Step {
	if err := s.late(now); err != nil {
		s.End(err)
	}
	for {
		s.written(now)
		step, decided := s.decide(now)
		if decided {
			return step
		}
		if err := s.encode(); err != nil {
			s.End(err)
		}
	}
}

// late says which deadline has passed.
func (s *Session) late(now time.Time) error {
	if !s.writeBy.IsZero() && now.After(s.writeBy) {
		return ErrWriteTimeout
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readBy.IsZero() && !now.Before(s.readBy) {
		return ErrReadTimeout
	}
	return nil
}

// written lets go of what was given out, and tells of the events among it.
func (s *Session) written(now time.Time) {
	if !s.settle(now) || s.c.Sent == nil {
		return
	}
	for _, it := range s.work[s.first:s.encoded] {
		if it.event != nil {
			s.c.Sent(it.event, now)
		}
	}
}

// settle reports whether there were frames and all of them are written now. If the session ended
// meanwhile nobody knows what became of what was given out, and it counts as unsent.
func (s *Session) settle(now time.Time) (all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil {
		return false
	}
	s.writeBy = time.Time{}
	if s.c.OneWay && s.handed > 0 {
		s.pingAt = now.Add(s.c.heartbeat())
	}
	s.sent, s.handed = s.sent+s.handed, 0
	if s.sent < len(s.frames) {
		return false
	}
	all = s.sent > 0
	clear(s.frames)
	s.frames, s.sent = s.frames[:0], 0
	s.owed = events(s.work[s.encoded:])
	return all
}

// decide reports false when there is something to encode first.
func (s *Session) decide(now time.Time) (step Step, decided bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := !s.pinging && !now.Before(s.pingAt)
	switch {
	case s.reason != nil:
		s.releaseLocked()
		return Step{Err: s.reason}, true
	case due && !s.c.OneWay:
		return s.ping(now), true
	case len(s.frames) > 0:
		rest := s.frames[s.sent:]
		s.handed = min(len(rest), s.c.outbox())
		s.writeBy = now.Add(s.c.writeTimeout())
		return Step{Frames: rest[:s.handed], Deadline: s.writeBy}, true
	case s.encoded < len(s.work):
		return Step{}, false
	case len(s.outbox) > 0:
		s.takeLocked()
		return Step{}, false
	case s.ended != nil:
		s.reason = s.ended
		return Step{Err: s.reason}, true
	case s.needList:
		s.needList = false
		return Step{List: true}, true
	case due: // one way, and there was nothing better to show life with
		return s.ping(now), true
	}
	s.releaseLocked()
	s.idle = true
	step.Until = s.readBy
	if !s.pinging && (s.readBy.IsZero() || s.pingAt.Before(s.readBy)) {
		step.Until = s.pingAt
	}
	return step, true
}

// ping has the next one due a heartbeat after this one was, so that drivers that are a little late
// each time don't add that up.
func (s *Session) ping(now time.Time) Step {
	s.pingAt = s.pingAt.Add(s.c.heartbeat())
	if !s.pingAt.After(now) {
		s.pingAt = now.Add(s.c.heartbeat())
	}
	s.writeBy = now.Add(s.c.writeTimeout())
	return Step{Ping: true, Deadline: s.writeBy}
}

// takeLocked empties the outbox, and lets the engine fill it again.
func (s *Session) takeLocked() {
	clear(s.work)
	s.work, s.outbox, s.encoded = s.outbox, s.work[:0], 0
	s.owed, s.waiting = s.waiting, 0
	if s.refused {
		s.refused = false
		s.w.Ready() // takes no lock that is held while sink is called
	}
}

// releaseLocked lets go of memory that an idle session, or one that is over, has no use for.
func (s *Session) releaseLocked() {
	s.outbox, s.work, s.frames = nil, nil, nil
	s.encoded, s.first, s.sent, s.handed = 0, 0, 0, 0
}

// encode makes frames of work: of a list, or of events up to the next list. A panic in an encoder
// is the session's end, not the driver's.
func (s *Session) encode() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &notify.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	s.first = s.encoded
	if list := s.work[s.encoded].list; list != nil {
		s.encoded++
		frames, err := s.c.EncodeList(*list)
		for _, frame := range frames {
			s.add(frame)
		}
		return err
	}
	for ; s.encoded < len(s.work) && s.work[s.encoded].event != nil; s.encoded++ {
		frame, err := s.c.Encode(s.work[s.encoded].event)
		if err != nil {
			return err
		}
		if len(frame) == 0 {
			s.work[s.encoded].event = nil // it will not be sent, so nobody is told that it was
		}
		s.add(frame)
	}
	return nil
}

// add leaves empty frames out: no client could make anything of an empty message.
func (s *Session) add(frame []byte) {
	if len(frame) > 0 {
		s.frames = append(s.frames, frame)
	}
}

func events(items []item) (n int) {
	for _, it := range items {
		if it.event != nil {
			n++
		}
	}
	return n
}

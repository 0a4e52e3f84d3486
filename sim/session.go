package sim

import (
	"context"
	"errors"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// session is a connection's stream.Session with what its driver knows: the lane drives it, over the
// simulated network. A write is over when the wire has taken the last frame of it. Its fields
// belong to the goroutine that advances the lane.
type session struct {
	*stream.Session
	l  *link
	on *writer

	rest    []frame // of the write under way: what has found no room on the wire
	events  int     // in that write, or in the last one while nobody knows that it is over
	writeBy int64   // when it must be over
	alarm   int64   // when it will be served anyway
	queued  bool    // stands in the queue of on
	over    bool
}

// losses is what a link hears of its subscription while a session stands between them: the end it
// sees by itself.
type losses link

func (x *losses) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	(*link)(x).Dropped(s, events, cause)
}

func (x *losses) Ended(*notify.Subscription, error) {}

// sessionConfig is that of all sessions, but for the observer.
func (st *stage) sessionConfig() stream.Config {
	heartbeat, write, read := st.s.StreamTimes()
	c := stream.Config{
		Encode: st.encodeEvent, EncodeList: encodeList,
		Heartbeat: heartbeat, WriteTimeout: write, ReadTimeout: read,
	}
	if st.s.Transport == GRPC {
		c.EncodeList, c.OneWay, c.ReadTimeout = encodeListProto, true, 0
	}
	return c
}

// time is a time of the stage's axis, as the engine has it.
func (st *stage) time(at int64) time.Time { return st.truth.epoch.Add(time.Duration(at)) }

// openSession connects c by a session. From then on its lane drives it.
func (st *stage) openSession(c *consumer) {
	l, ln, config := c.newLink(), c.lane, st.sessions
	config.Observer = (*losses)(l)
	list := func(context.Context) (watch.List, error) {
		revision, position := st.truth.list(c.view.log)
		return watch.List{Revision: revision, State: position}, nil
	}
	s := &session{l: l, alarm: never}
	var err error
	s.Session, err = stream.Open(st.engine, st.place(c), list, &st.preset.Watch, &config,
		st.time(st.now()))
	if err != nil { // the engine has closed: the run is over
		return
	}
	s.Drive(func() { ln.ask(request{kind: askServe, c: c, link: l, at: st.now()}) })
	ln.mu.Lock()
	l.port = s
	ln.rec.streams.opened++
	ln.mu.Unlock()
	ln.ask(request{kind: askServe, c: c, link: l, at: st.now()})
}

// unsent is what a connection's session has taken from the engine and not written.
func (l *link) unsent() int64 {
	if l == nil {
		return 0
	}
	if s, ok := l.port.(*session); ok {
		return int64(s.Unsent())
	}
	return 0
}

// Ready has the session served when it is its turn.
func (s *session) Ready() {
	ln := s.l.c.lane
	if s.on == nil {
		s.on = &ln.writers[ln.turn%len(ln.writers)]
		ln.turn++
	}
	if s.alarm <= ln.stage.now() {
		s.alarm = never
	}
	s.on.add(s)
	s.on.work(ln)
}

// Fail ends the session from the consumer's side.
func (s *session) Fail(reason error) {
	s.End(reason)
	s.next(s.l.c.lane.stage.now())
}

// heard tells the session that the client has answered a ping.
func (s *session) heard() {
	st := s.l.c.lane.stage
	s.Heard(st.time(st.now()), stream.Pong, 0)
}

// serve does the next thing there is to do, and says how long that took, in ns, and whether there
// may be more.
func (s *session) serve(now int64) (took float64, more bool) {
	if len(s.rest) > 0 && now >= s.writeBy {
		s.End(stream.ErrWriteTimeout)
	}
	if len(s.rest) > 0 && s.Err() == nil {
		return 0, s.write(now)
	}
	st := s.l.c.lane.stage
	encoded := st.encoded.Load()
	step := s.next(now)
	switch {
	case step.Err != nil:
		return 0, false
	case step.List:
		s.listNow(now)
		return 0, true
	case step.Ping:
		s.rest = append(s.rest, frame{ping: true})
	case step.Frames != nil:
		s.read(step.Frames)
	default:
		s.await(st.at(step.Until), now)
		return 0, false
	}
	s.writeBy = st.at(step.Deadline)
	took = float64(float64(len(s.rest))*st.cost.Write) +
		float64(float64(st.encoded.Load()-encoded)*st.cost.Encode)
	return took, s.write(now + int64(took))
}

// next asks the session what is to be done, and sees to it when that is nothing any more. An event
// counts as received once the session knows that it was written; one that it will never write does
// then.
func (s *session) next(now int64) stream.Step {
	c := s.l.c
	ln := c.lane
	before := s.Unsent()
	step := s.Next(ln.stage.time(now))
	if s.over {
		return step
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if step.Err == nil {
		ln.rec.received += int64(s.events)
		s.events = 0
		return step
	}
	unsent := s.Unsent()
	if s.events > 0 && unsent <= before-s.events { // the engine's end, which comes after a write
		ln.rec.received += int64(s.events)
	}
	ln.rec.received += int64(unsent)
	ln.rec.streams.unsent += int64(unsent)
	ln.rec.streams.end(step.Err)
	s.over, s.rest = true, nil
	if c.link == s.l {
		if isTimeout(step.Err) {
			c.tries = 0 // it was connected: only who can't be waits longer and longer
		}
		c.hangUp()
		c.reconnect(now)
	}
	return step
}

// isTimeout reports whether a session ended because its client was too slow, or away.
func isTimeout(reason error) bool {
	return errors.Is(reason, stream.ErrWriteTimeout) || errors.Is(reason, stream.ErrReadTimeout)
}

// read makes of frames what the consumer will make of them.
func (s *session) read(texts [][]byte) {
	st := s.l.c.lane.stage
	for _, text := range texts {
		f, err := decodeFrame(text, st.truth.epoch)
		if err != nil {
			st.checks.fail(checkFrame, "%v", err)
			continue
		}
		if f.ev != nil {
			s.events++
		}
		s.rest = append(s.rest, f)
	}
}

// write puts frames on the wire, which they reach at time leaves, while there is room; it reports
// whether that was all. Else the consumer's next read goes on with it, or the deadline.
func (s *session) write(leaves int64) (all bool) {
	c := s.l.c
	ln := c.lane
	ln.mu.Lock()
	n := 0
	for n < len(s.rest) && c.link == s.l && !s.l.wire.full() {
		f := s.rest[n]
		n++
		switch {
		case f.list != nil && ln.stage.opening.Load():
			s.l.show(f.list, leaves)
		default:
			s.l.post(f, leaves)
		}
		if f.ping {
			ln.rec.streams.heartbeats++
		} else {
			ln.rec.streams.frames++
		}
	}
	all = n == len(s.rest)
	c.refused = c.refused || !all && c.link == s.l
	ln.mu.Unlock()
	if s.rest = s.rest[n:]; all {
		s.rest = nil
		return true
	}
	s.await(s.writeBy, leaves)
	return false
}

// listNow has a list read: at once while the run is set up.
func (s *session) listNow(now int64) {
	c := s.l.c
	if c.lane.stage.opening.Load() {
		s.List(context.Background())
		return
	}
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	if c.link == s.l {
		c.lane.setList(c, now)
	}
}

// await has the session served at a time.
func (s *session) await(at, now int64) {
	if at >= s.alarm {
		return
	}
	s.alarm = at
	ln := s.l.c.lane
	ln.mu.Lock()
	ln.set(timer{at: at, set: now, c: s.l.c, link: s.l, kind: timerServe})
	ln.mu.Unlock()
}

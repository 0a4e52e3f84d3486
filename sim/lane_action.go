package sim

import (
	"github.com/notifylab/notifylab/notify/watch"
)

// action is what is left to do outside the lock.
type action struct {
	ready, listed, unlisted, ponged, close *link

	how     error // it was closed
	connect bool
}

func (a *action) run(st *stage, c *consumer) {
	if l := a.ready; l != nil {
		l.port.Ready()
	}
	if l := a.listed; l != nil {
		l.port.Listed(watch.List{Revision: l.revision, State: l.position})
	}
	if l := a.unlisted; l != nil {
		l.port.Fail(watch.ErrListTimeout)
	}
	if l := a.ponged; l != nil {
		l.port.(*session).heard()
	}
	if l := a.close; l != nil {
		l.end(a.how)
	}
	if a.connect {
		st.connect(c)
	}
}

// wake serves a timer.
func (c *consumer) wake(t *timer, now int64) (do action) {
	switch t.kind {
	case timerHandled:
		if c.handSeq != t.seq || c.hand == nil {
			return
		}
		ev := c.hand
		c.hand, c.handSeq = nil, 0
		c.apply(ev, t.at) // its own time: the lane's lateness is not the consumer's
		if l := c.link; l != nil && l.wire != nil {
			l.receive(t.at, now)
			do.ready = c.room()
		} else if l != nil && c.refused {
			c.late = now - t.at
			do.ready = c.room()
		}
	case timerArrived:
		if c.link == t.link {
			t.link.wire.armed = false
			t.link.receive(t.at, now)
			do.ready = c.room()
		}
	case timerListRead:
		if c.link == t.link {
			t.link.revision, t.link.position = c.lane.stage.truth.list(c.view.log)
		}
	case timerListed:
		if c.link == t.link {
			do.listed = t.link
		}
	case timerUnlisted:
		if c.link == t.link {
			do.unlisted = t.link
		}
	case timerPong:
		if c.link == t.link {
			do.ponged = t.link
		}
	case timerServe:
		do.ready = t.link
	case timerConnect:
		if c.link == nil && c.unreachable(now) {
			c.reconnect(now)
		} else {
			do.connect = c.link == nil
		}
	}
	return do
}

// room is the connection of c if something waits there that it can take now. On one that is still
// being made nothing does: what c refused came on the one before.
func (c *consumer) room() *link {
	if l := c.link; c.refused && l.up() && (l.wire == nil || !l.wire.full()) {
		c.refused = false
		return l
	}
	return nil
}

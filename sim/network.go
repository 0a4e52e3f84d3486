package sim

import (
	"slices"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// The network between the engine's streams and the consumers, as TCP makes it look: frames arrive
// in order, late rather than never, and a stream that isn't read fills up.

const (
	// linkWindow is how many frames a connection holds, the sender's buffer and the receiver's
	// together. When that is full, the engine's stream waits.
	linkWindow = 64

	// A lost frame is sent again after this time, and then after twice that (RFC 6298, with the
	// least that Linux allows), at most this.
	retransmitAfter = 200 * time.Millisecond
	retransmitMax   = time.Minute
)

// wire is what is under way on one connection.
type wire struct {
	frames []frame // in order
	last   int64   // when the last of them arrives
	armed  bool    // a timer is set for the first
}

// frame is one event, one list or a ping, under way.
type frame struct {
	ev   *notify.Event
	list *watch.List
	ping bool
	at   int64 // when it arrives
}

func (w *wire) full() bool { return len(w.frames) >= linkWindow }

// networked reports whether events take time to the consumers.
func (s *Scenario) networked() bool {
	links := func(f Fault) bool { i := kindOf(f.Kind); return i >= 0 && faultKinds[i].links }
	return s.LinkDelay > 0 || s.LinkLoss > 0 || s.Partition > 0 ||
		slices.ContainsFunc(s.Faults, links)
}

// send puts events on the wire while there is room, with the lane's lock held.
func (l *link) send(batch []*notify.Event) (taken int) {
	c := l.c
	for _, ev := range batch {
		if c.link == l && l.wire.full() {
			c.refused = true
			break
		}
		taken++
		now := c.lane.stage.now()
		if c.link != l { // it is gone, and the engine has yet to notice
			c.lane.rec.lostOnWire++
			continue
		}
		l.post(frame{ev: ev}, now)
	}
	return taken
}

// post puts one frame on the wire.
func (l *link) post(f frame, now int64) {
	w := l.wire
	w.last = max(w.last, l.c.transit(now))
	f.at = w.last
	w.frames = append(w.frames, f)
	if l.c.hand == nil {
		l.await(now)
	}
}

// await has the consumer look when the first frame arrives.
func (l *link) await(now int64) {
	if w := l.wire; !w.armed && len(w.frames) > 0 {
		w.armed = true
		l.c.lane.set(timer{
			at: w.frames[0].at, set: now, c: l.c, link: l, kind: timerArrived,
		})
	}
}

// receive has the consumer, which is free since some time, take what has arrived.
func (l *link) receive(free, now int64) {
	c, w := l.c, l.wire
	for len(w.frames) > 0 && c.hand == nil && w.frames[0].at <= now {
		f := w.frames[0]
		w.frames = slices.Delete(w.frames, 0, 1)
		free = max(free, f.at)
		switch {
		case f.list != nil:
			l.show(f.list, free)
		case f.ping:
			c.lane.set(timer{at: c.transit(free), set: now, c: c, link: l, kind: timerPong})
		default:
			c.take(l, f.ev, c.lane.stage.at(f.ev.Due), free, now)
		}
	}
	if c.hand == nil {
		l.await(now)
	}
}

// transit is when a frame arrives that is sent now.
func (c *consumer) transit(now int64) int64 {
	s := &c.lane.stage.s
	took := int64(0)
	if mean := c.linkDelay(now); mean > 0 {
		took = c.drawTime(s.LinkSpread, mean)
	}
	if loss := c.linkLoss(now); loss > 0 {
		again := int64(retransmitAfter)
		for c.lane.rand(c).Float64() < loss {
			took += again
			again = min(2*again, int64(retransmitMax))
		}
	}
	return c.arrives(now, took)
}

// reconnect has c connect again after its backoff.
func (c *consumer) reconnect(now int64) {
	c.lane.set(timer{at: now + c.backoff(), c: c, kind: timerConnect})
}

// hangUp ends the connection of c on its side; what is under way there never arrives.
func (c *consumer) hangUp() {
	if w := c.link.wire; w != nil {
		for _, f := range w.frames {
			if f.ev != nil {
				c.lane.rec.lostOnWire++
			}
		}
		w.frames = nil
	}
	c.link = nil
	c.lane.stage.joined(c, -1)
}

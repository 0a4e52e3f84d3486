package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// handlingSigma is the spread of the log-normal handling and list times: p99 is 2.8 times the mean.
const handlingSigma = 0.5

// backoffMax is where the doubling of the reconnect delay ends, as in service-center's Go client.
const backoffMax = 30 * time.Second

// longest is how long a time that is drawn can be, in ns: so long that it never ends.
const longest = float64(never / 4)

// consumer is one synthetic consumer. It has one event in hand at a time, for its handling time,
// and refuses others meanwhile. All but lane, slow, stuck and strikes belong to its lane's lock. It
// fills two cache lines: of a million consumers none is in a cache, and loading it is what an event
// costs.
type consumer struct {
	lane    *lane
	link    *link // nil while it is away
	hand    *notify.Event
	handSeq uint64 // the timer that ends the handling; 0 while halted
	late    int64  // how late the lane noticed that it could take an event, in ns
	refused bool   // something waits for it
	alive   bool   // has listed since it was born; before that its view says nothing
	slow    bool
	stuck   bool
	// It takes longer than usual for what it has in hand.
	dragging bool
	strikes  uint16 // the faults that happen to it, by their places in stage.strikes
	view     view
	rng      rand.PCG

	got, lost uint32 // events received, and not conflated but lost, while recorded
	tries     int32  // connections that failed in a row
	pulled    int32  // version of the answers that its last pull got; 0: it has none
}

// link is one connection of a consumer: what the engine knows of it.
type link struct {
	c      *consumer
	port   port  // the engine's end; nil while the connection is being made
	wire   *wire // nil: events arrive at once
	last   int64 // revision of the last event or list
	listed bool

	revision int64 // of the list that is under way
	position int
}

// port is the engine's end of a connection: a watch.Watcher, or what stands for one.
type port interface {
	Ready()            // the consumer can take an event again
	Listed(watch.List) // the answer to NeedList
	Fail(reason error) // ends the connection
}

// up reports whether the connection has been made, and can be closed.
func (l *link) up() bool { return l.port != nil }

// end closes the connection from the consumer's side. In process nobody sees how it was closed.
func (l *link) end(how error) {
	if l.c.lane.stage.s.Transport.InProcess() {
		how = notify.ErrClosed
	}
	l.port.Fail(how)
}

// NeedList asks the lane for a list, which takes time; while the run is set up it takes none.
func (l *link) NeedList(w *watch.Watcher) {
	c := l.c
	c.lane.mu.Lock()
	l.port = w
	c.lane.mu.Unlock()
	if c.lane.stage.opening.Load() {
		revision, position := c.lane.stage.truth.list(c.view.log)
		w.Listed(watch.List{Revision: revision, State: position})
		return
	}
	c.lane.ask(request{kind: askList, c: c, link: l})
}

// Init makes a list the view, once it has arrived.
func (l *link) Init(list watch.List) error {
	c, now := l.c, l.c.lane.stage.now()
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	switch {
	case c.link != l:
	case l.wire != nil && !c.lane.stage.opening.Load():
		l.post(frame{list: &list}, now)
	default:
		l.show(&list, now)
	}
	return nil
}

// show makes a list the view, with the lane's lock held.
func (l *link) show(list *watch.List, now int64) {
	c, position := l.c, list.State.(int)
	if c.alive {
		c.record(c.view.reset(list.Revision, position, now))
		c.repaired(now)
	} else {
		c.alive = true
		c.view.begin(list.Revision, position, now)
	}
	if l.listed {
		c.lane.rec.resyncs++
	}
	l.listed, l.last, c.tries = true, max(l.last, list.Revision), 0
}

// Deliver takes events until the consumer has one in hand.
func (l *link) Deliver(batch []*notify.Event) (taken int, err error) {
	c := l.c
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	c.refused = false
	if l.wire != nil {
		taken = l.send(batch)
		c.lane.rec.received += int64(taken)
		return taken, nil
	}
	for _, ev := range batch {
		if c.hand != nil && c.link == l {
			c.refused = true
			break
		}
		taken++
		now := c.lane.stage.now() // each event's own: those of a batch come one after the other
		if c.link == l {          // else it is gone, and the engine has yet to notice
			// The lane's lateness is the simulator's: the consumer began when it could have. How
			// long the engine took to come up with the event is not made up for.
			due := c.lane.stage.at(ev.Due)
			begin := max(now-c.late, due)
			c.late = 0
			c.take(l, ev, due, begin, now)
		}
	}
	c.lane.rec.received += int64(taken)
	return taken, nil
}

// Prompt: a consumer that is slow refuses, and a lane holds its lock for no longer than a moment.
func (l *link) Prompt() bool { return true }

// Dropped is the engine's word that events will not come.
func (l *link) Dropped(_ *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	c := l.c
	c.lane.mu.Lock()
	defer c.lane.mu.Unlock()
	rec := c.lane.rec
	lost := cause != notify.Conflated && !rec.closed
	for _, ev := range events {
		due := c.lane.stage.at(ev.Due)
		if !lost || !rec.due(due) {
			continue
		}
		rec.of(due).dropped++
		if c.link == l { // else the consumer had gone before
			c.lost++
		}
	}
	if c.link == l {
		// Also before it has a view: the list that is under way may be older than these events.
		c.view.told(events, lost, rec.gaps.record)
	}
}

// Ended has the consumer connect again.
func (l *link) Ended(_ *notify.Subscription, _ error) {
	l.c.lane.ask(request{kind: askEnded, c: l.c, link: l})
}

// take begins the handling of an event, which may have been possible before now.
func (c *consumer) take(l *link, ev *notify.Event, due, begin, now int64) {
	if ev.Revision <= l.last {
		c.lane.stage.checks.fail(checkOrder, "consumer of %s got revision %d after %d",
			c.view.log.id, ev.Revision, l.last)
	}
	l.last = ev.Revision
	if c.lane.rec.due(due) {
		c.got++
	}
	s := &c.lane.stage.s
	switch {
	case c.isStuck(now):
		c.hand, c.handSeq = ev, 0
	case s.Handling == 0:
		c.apply(ev, begin)
	default:
		factor := c.slowness(now)
		mean := float64(s.Handling) * factor
		c.hand, c.dragging = ev, factor > 1
		c.handSeq = c.lane.set(timer{
			at: begin + c.drawTime(s.Spread, mean), set: now, c: c, link: l, kind: timerHandled,
		})
	}
}

// thaw lets a consumer go on that was stuck, or slow over what it has in hand.
func (c *consumer) thaw(now int64) {
	if c.hand != nil && (c.handSeq == 0 || c.dragging) && !c.isStuck(now) {
		c.handSeq = c.lane.set(timer{at: now, c: c, link: c.link, kind: timerHandled})
	}
}

// apply makes an event part of the view and records how long that took, also when a list or a pull
// has brought the same before: those who are late must not vanish from the figures.
func (c *consumer) apply(ev *notify.Event, now int64) {
	a, rec := c.view.apply(ev.Revision, now), c.lane.rec
	switch {
	case a.alien:
		c.lane.stage.checks.fail(checkGap,
			"consumer of %s got revision %d, which is none of its own", c.view.log.id, ev.Revision)
		return
	case a.untold > 0:
		c.lane.stage.checks.fail(checkGap, "consumer of %s missed %d revisions before %d untold",
			c.view.log.id, a.untold, ev.Revision)
	}
	if !a.known {
		rec.handled++
	}
	due := a.due
	if a.known { // so the view didn't look it up
		due = c.lane.stage.at(ev.Due)
	}
	if rec.due(due) {
		rec.of(due).propagation.record(now - due)
		rec.second.spread.add(now - due)
	}
	c.record(a.ended)
	if !a.known {
		c.repaired(now)
	}
}

// record notes an interval of staleness that is over.
func (c *consumer) record(i interval) {
	if i.length > 0 && c.lane.rec.due(i.from) {
		c.lane.rec.of(i.from).staleness.record(i.length)
	}
}

// repaired notes, for the Point of that time, whether what was applied at time now has made the
// view right. Record doesn't know of an interval's end before the next one begins.
func (c *consumer) repaired(now int64) {
	v, rec := &c.view, c.lane.rec
	if v.freshFrom == now && now > v.staleFrom && rec.due(v.staleFrom) && v.right() {
		rec.second.fresh.record(now - v.staleFrom)
	}
}

// die ends the consumer's life: what it knew is gone.
func (c *consumer) die(now int64) {
	if c.alive {
		before, last, open := c.view.end(now)
		c.record(before)
		c.record(last)
		if open && c.lane.rec.due(last.from) {
			c.lane.rec.openEnds++
		}
	}
	if m := c.view.missed; m != nil && m.runLen > 0 {
		c.lane.rec.gaps.record(m.runLen)
	}
	c.alive, c.hand, c.handSeq, c.late, c.pulled = false, nil, 0, 0, 0
	c.view.missed = nil
}

// backoff is how long to wait before the next attempt to connect: doubling, with jitter.
func (c *consumer) backoff() int64 {
	first := float64(c.lane.stage.s.Backoff)
	d := min(first*math.Exp2(float64(min(c.tries, 20))), float64(backoffMax))
	c.tries++
	return int64(d * (0.5 + c.lane.rand(c).Float64()))
}

// drawTime is a time with the given mean and spread, in ns.
func (c *consumer) drawTime(spread string, mean float64) int64 {
	switch spread {
	case "constant":
		return int64(min(mean, longest))
	case "exponential":
		return int64(min(mean*c.lane.rand(c).ExpFloat64(), longest))
	}
	return c.draw(mean)
}

// draw is a log-normal time with the given mean, in ns. The conversion keeps compilers from fusing
// the multiplication with the subtraction, which would round differently on other machines.
func (c *consumer) draw(mean float64) int64 {
	z := float64(handlingSigma * c.lane.rand(c).NormFloat64())
	spread := math.Exp(z - handlingSigma*handlingSigma/2)
	return int64(min(mean*spread, longest))
}

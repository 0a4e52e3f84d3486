package sim

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// lane looks after a share of the consumers: their state and timers, behind one lock, and what is
// recorded of them. It has no goroutine and no clock; a driver calls advance when it says so. The
// lock is never held while the engine is called.
type lane struct {
	stage     *stage
	consumers []*consumer
	kick      func() // has advance called soon; set by the driver

	mu       sync.Mutex
	timers   timers
	rec      *recorder
	lag      *Histogram // how late timers were served
	dice     dice
	rng      *rand.Rand
	nextTick int64 // for all streams that are polled
	nextPull int64 // for the consumer whose turn it is
	puller   int
	found    []registry.Answer // by the last pull; only the lane's goroutine needs it
	horizon  int64             // the driver will call advance by then anyway

	// What sends for the sessions of the lane; owned by who calls advance.
	writers []writer
	turn    int // whose the next session is

	askMu sync.Mutex
	asked []request
}

// request is something that came up where the lane's lock may not be taken.
type request struct {
	kind askKind
	c    *consumer
	link *link
	at   int64 // when it came up; only of askServe
}

type askKind uint8

const (
	askList  askKind = iota // the watcher of link needs a list
	askEnded                // the engine ended link
	askLeave                // the consumer leaves and a new one takes its place
	askCrash                // its process dies and starts again
	askCut                  // its connection breaks
	askThaw                 // it is neither stuck nor slow any more
	askServe                // the session of link has something to do
)

// dice lets one rand.Rand draw from the stream of whichever consumer it is for.
type dice struct{ pcg *rand.PCG }

func (d *dice) Uint64() uint64 { return d.pcg.Uint64() }

func newLane(st *stage) *lane {
	ln := &lane{
		stage: st, rec: newRecorder(len(st.s.Stages)), lag: newHistogram(latencyMax),
		writers: make([]writer, 1),
	}
	ln.rng = rand.New(&ln.dice)
	ln.nextTick, ln.nextPull = never, never
	if p := st.preset.PollInterval; p > 0 {
		ln.nextTick = int64(p)
	}
	return ln
}

// pullEvery is the time between the pulls of two neighbours: each consumer has its turn once in
// Scenario.Pull.
func (ln *lane) pullEvery() int64 {
	return max(int64(ln.stage.s.Pull)/int64(len(ln.consumers)), 1)
}

// startPulls has the consumers pull in turn from now on.
func (ln *lane) startPulls(now int64) {
	if ln.stage.s.Pull > 0 && len(ln.consumers) > 0 {
		ln.nextPull = now + ln.pullEvery()
	}
}

// pullTurn is whose turn it is to pull; nil if that one can't. A lane that is a second behind lets
// turns pass, or it would do nothing else any more.
func (ln *lane) pullTurn(now int64) *consumer {
	c := ln.consumers[ln.puller]
	ln.puller = (ln.puller + 1) % len(ln.consumers)
	ln.nextPull = max(ln.nextPull+ln.pullEvery(), now-int64(time.Second))
	if !c.alive || c.unreachable(now) {
		return nil
	}
	return c
}

// serve has a consumer pull, and notes whether that has made its view right. The lane's goroutine
// calls it, without the lock.
func (ln *lane) serve(c *consumer, late bool) {
	ln.mu.Lock()
	before := c.view.freshFrom
	ln.mu.Unlock()
	if !late || !ln.joinPull(c) {
		ln.pull(c)
	}
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if after := c.view.freshFrom; after != before {
		c.repaired(after)
	}
}

func (ln *lane) rand(c *consumer) *rand.Rand {
	ln.dice.pcg = &c.rng
	return ln.rng
}

func (ln *lane) ask(r request) {
	ln.askMu.Lock()
	ln.asked = append(ln.asked, r)
	ln.askMu.Unlock()
	ln.kick()
}

// set sets a timer, with the lock held, and returns its number.
func (ln *lane) set(t timer) uint64 {
	ln.timers.push(t)
	if t.at < ln.horizon {
		ln.horizon = t.at
		ln.kick()
	}
	return ln.timers.seq
}

// advance does everything that is due and returns when to call it again.
func (ln *lane) advance() (next int64) {
	ln.askMu.Lock()
	asked := ln.asked
	ln.asked = nil
	ln.askMu.Unlock()
	for _, r := range asked {
		now := ln.stage.now()
		ln.mu.Lock()
		do := ln.answer(r, now)
		ln.mu.Unlock()
		do.run(ln.stage, r.c)
	}
	for {
		now := ln.stage.now()
		ln.mu.Lock()
		if ln.nextTick <= now && ln.nextTick <= ln.timers.next() {
			ln.nextTick += int64(ln.stage.preset.PollInterval)
			ln.mu.Unlock()
			ln.tick()
			continue
		}
		if ln.nextPull <= now && ln.nextPull <= ln.timers.next() {
			late := now-ln.nextPull > pullLate
			c := ln.pullTurn(now)
			ln.mu.Unlock()
			if c != nil {
				ln.serve(c, late)
			}
			continue
		}
		if next = min(ln.timers.next(), ln.nextTick, ln.nextPull); next > now {
			ln.horizon = next
			ln.mu.Unlock()
			return next
		}
		t := ln.timers.pop()
		ln.lag.record(now - max(t.at, t.set))
		do := t.c.wake(&t, now)
		ln.mu.Unlock()
		do.run(ln.stage, t.c)
	}
}

// answer serves a request.
func (ln *lane) answer(r request, now int64) (do action) {
	c := r.c
	switch r.kind {
	case askList:
		if c.link == r.link {
			ln.setList(c, now)
		}
	case askEnded:
		if c.link == r.link {
			c.hangUp()
			c.reconnect(now)
		}
	case askLeave, askCrash, askCut:
		if c.link == nil || !c.link.up() {
			return
		}
		do.close, do.how = c.link, stream.ErrVanished
		if r.kind == askLeave {
			do.how = stream.ErrLeft
		}
		c.hangUp()
		if r.kind != askCut {
			c.die(now)
		}
		if do.connect = r.kind == askLeave && !c.unreachable(now); !do.connect {
			c.reconnect(now)
		}
	case askThaw:
		c.thaw(now)
	case askServe:
		if r.at > now {
			ln.set(timer{at: r.at, c: c, link: r.link, kind: timerServe})
		} else {
			do.ready = r.link
		}
	}
	return do
}

// setList has a list read half-way through the time it takes, so that events fall on both sides.
func (ln *lane) setList(c *consumer, now int64) {
	took, limit := int64(0), int64(c.lane.stage.preset.Watch.ListTimeout)
	if mean := c.listTime(now); mean > 0 {
		took = c.draw(float64(mean))
	}
	if took > limit || c.unreachable(now+took) {
		ln.set(timer{at: now + limit, c: c, link: c.link, kind: timerUnlisted})
		return
	}
	ln.set(timer{at: now + took/2, c: c, link: c.link, kind: timerListRead})
	ln.set(timer{at: now + took, c: c, link: c.link, kind: timerListed})
}

// tick lets every stream of the lane take one event: what service-center 1.x does twice a second.
func (ln *lane) tick() {
	for _, c := range ln.consumers {
		var w *watch.Watcher
		ln.mu.Lock()
		if c.link != nil {
			w, _ = c.link.port.(*watch.Watcher)
		}
		ln.mu.Unlock()
		if w != nil {
			w.Tick()
		}
	}
}

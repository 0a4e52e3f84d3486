package sim

import (
	"context"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/watch"
)

// Rig is a run whose time is a variable, driven on the caller's goroutine. It can't have engines
// that give each watcher a goroutine.
type Rig struct {
	*wall
	Now    int64
	epoch  time.Time
	kicked bool
}

// NewRig builds a run, with no consumer connected.
func NewRig(s Scenario, t *Topology, p watch.Preset, lanes int) (*Rig, error) {
	w, err := t.Build(s.Consumers, s.Providers)
	if err != nil {
		return nil, err
	}
	r := &Rig{wall: &wall{trial: newTrial(nil)}, epoch: time.Unix(1e9, 0)}
	r.clk = rigClock{r}
	if r.stage, err = newStage(s, p, w, r.epoch, lanes); err != nil {
		return nil, err
	}
	r.populate()
	r.stage.now = func() int64 { return r.Now }
	for _, ln := range r.lanes {
		ln.kick = func() { r.kicked = true }
	}
	r.record(0, never)
	return r, nil
}

// Open connects all consumers, at once.
func (r *Rig) Open() {
	r.open()
	r.Settle()
	r.opening.Store(false)
}

// Settle does everything that is due now, and says when there is more.
func (r *Rig) Settle() (next int64) {
	for worked := true; worked; {
		worked, next, r.kicked = false, never, false
		for _, ln := range r.lanes {
			next = min(next, ln.advance())
		}
		for {
			did, err := r.engine.Step(r.time())
			if err != nil || did.Idle {
				if !did.Next.IsZero() {
					next = min(next, r.at(did.Next))
				}
				break
			}
			worked = true
		}
		worked = worked || r.kicked
	}
	return next
}

func (r *Rig) time() time.Time { return r.epoch.Add(time.Duration(r.Now)) }

// RunTo lets time pass, and everything happen in its turn, until a time has come.
func (r *Rig) RunTo(at int64) {
	for {
		next := r.Settle()
		if r.load != nil {
			next = min(next, r.load.next())
		}
		if next > at {
			break
		}
		r.Now = max(r.Now, next)
		if r.load != nil && r.load.next() <= r.Now {
			if err := r.load.Act(); err != nil {
				panic(err)
			}
		}
	}
	r.Now = max(r.Now, at)
	r.Settle()
}

// Load starts a generator now.
func (r *Rig) Load(recorded, until int64) *Load {
	r.from, r.until = recorded, until
	r.load = newLoad(r.stage, r.Now, recorded, until)
	return r.load
}

// Change updates instance n of the first provider, due now, and publishes that unless silent.
func (r *Rig) Change(n int, silent bool) (*notify.Event, error) {
	id := r.world.Providers[0]
	c, ev, err := r.truth.change(r.Now, func(reg *registry.Registry) (registry.Change, error) {
		return reg.Update(registry.Instance{ServiceID: id.ServiceID, ID: id.Instances[n]})
	})
	if err != nil || silent {
		return ev, err
	}
	if err = r.engine.Publish(context.Background(), ev, c.Consumers...); err != nil {
		r.truth.unsent(c)
	}
	return ev, err
}

// Conclude ends the run as RunWall does.
func (r *Rig) Conclude() (*Run, error) {
	run, unhealed := &Run{Baseline: r.preset.Baseline}, ""
	r.loadDone.Store(true)
	if run.HealNS = r.heal(context.Background()); run.HealNS < 0 {
		unhealed = r.unhealed(r.engine.Stats())
	}
	if r.load == nil {
		r.load = newLoad(r.stage, r.Now, r.Now, r.Now)
	}
	run.Books = booksBetween(notify.Stats{}, r.engine.Stats())
	return run, r.conclude(run, unhealed, false, nil)
}

// rigClock lets a rig's time pass for whoever waits for it.
type rigClock struct{ r *Rig }

func (c rigClock) Now() time.Time { return c.r.time() }

func (c rigClock) NewTimer(d time.Duration) clock.Timer {
	c.r.RunTo(c.r.Now + int64(d))
	fired := make(firedTimer, 1)
	fired <- c.r.time()
	return fired
}

type firedTimer chan time.Time

func (t firedTimer) C() <-chan time.Time      { return t }
func (t firedTimer) Reset(time.Duration) bool { return false }
func (t firedTimer) Stop() bool               { return false }

// What a rig shows.

func (r *Rig) Engine() *notify.Engine { return r.engine }
func (r *Rig) World() *World          { return r.world }
func (r *Rig) Reasons() []string      { return r.checks.reasons() }
func (r *Rig) Calm()                  { r.calm() }
func (r *Rig) Wrong() int             { return r.wrong() }
func (r *Rig) Consumer(i int) *Consumer {
	return &r.consumers[i]
}
func (r *Rig) Consumers() int { return len(r.consumers) }

// Log is what group i must hear of.
func (r *Rig) Log(i int) *GroupLog { return r.truth.groups[r.world.Groups[i].ServiceID] }

// Totals adds up what the lanes have counted.
func (r *Rig) Totals() (received, handled, resyncs, connections, pulls int64) {
	rec := newRecorder(0)
	for _, ln := range r.lanes {
		rec.merge(ln.rec)
	}
	return rec.received, rec.handled, rec.resyncs, rec.connections, rec.pulls
}

// Receive counts events that no consumer got, as if the engine had delivered fewer.
func (r *Rig) Receive(n int64) { r.lanes[0].rec.received += n }

// Route has the engine do what it can, while the lanes are late.
func (r *Rig) Route() {
	for did, err := r.engine.Step(r.time()); err == nil && !did.Idle; {
		did, err = r.engine.Step(r.time())
	}
}

// SetListTime changes what a list takes from now on.
func (r *Rig) SetListTime(d time.Duration) { r.s.ListTime = d }

// SetHandling changes what an event takes from now on.
func (r *Rig) SetHandling(d time.Duration) { r.s.Handling = d }

// CheckBooks has a reading checked.
func (r *Rig) CheckBooks(s notify.Stats) { r.checkBooks(s) }

// Trim forgets what no view needs.
func (r *Rig) Trim() { r.trim() }

// Lag is the largest lateness of a lane.
func (r *Rig) Lag() (most int64) {
	for _, ln := range r.lanes {
		most = max(most, ln.lag.h.Max())
	}
	return most
}

// Ask is a request as the generator makes them.
type Ask struct {
	Kind     string // leave, crash, cut
	Consumer int
}

var askNames = map[askKind]string{askLeave: "leave", askCrash: "crash", askCut: "cut"}

func (r *Rig) Ask(kind string, consumer int) {
	for k, name := range askNames {
		if name == kind {
			c := &r.consumers[consumer]
			c.lane.ask(request{kind: k, c: c})
		}
	}
}

// Asked takes the requests that no lane has answered.
func (r *Rig) Asked() (out []Ask) {
	for _, ln := range r.lanes {
		for _, q := range ln.asked {
			for i := range r.consumers {
				if &r.consumers[i] == q.c {
					out = append(out, Ask{askNames[q.kind], i})
				}
			}
		}
		ln.asked = nil
	}
	return out
}

func (g *load) Next() int64 { return g.next() }
func (g *load) Act() error {
	err := g.act()
	if err == nil {
		_, err = g.publish(context.Background())
	}
	return err
}
func (g *load) Changes() int64  { return g.changes }
func (g *load) Rejected() int64 { return g.rejected }
func (g *load) Vacant() int     { return len(g.vacant) }

// StormService is whom the storm is about, and how many watchers hear of it.
func (g *load) StormService() (id string, watchers int) {
	return g.storm.ServiceID, g.storm.watchers
}

func (c *consumer) View() *View    { return &c.view }
func (c *consumer) Alive() bool    { return c.alive }
func (c *consumer) Away() bool     { return c.link == nil }
func (c *consumer) Busy() bool     { return c.hand != nil }
func (c *consumer) Slow() bool     { return c.slow }
func (c *consumer) Stuck() bool    { return c.stuck }
func (c *consumer) Got() int64     { return int64(c.got) }
func (c *consumer) Lost() int64    { return int64(c.lost) }
func (c *consumer) Tries() int     { return int(c.tries) }
func (c *consumer) Backoff() int64 { return c.backoff() }

func (c *consumer) Draw(mean float64) int64 { return c.draw(mean) }

// Link is the consumer's connection, to be used behind the engine's back.
func (c *consumer) Link() notify.Subscriber { return c.link }

// Deliver gives the consumer an event behind the engine's back.
func (c *consumer) Deliver(ev *notify.Event) { _, _ = c.link.Deliver([]*notify.Event{ev}) }

// Lose says that an event will not come.
func (c *consumer) Lose(ev *notify.Event, cause notify.Cause) {
	c.link.Dropped(nil, []*notify.Event{ev}, cause)
}

// Stream is what the sessions did so far.
func (r *Rig) Stream() *Streams {
	var n streamCounts
	for _, ln := range r.lanes {
		n.merge(&ln.rec.streams)
	}
	return n.result(r.encoded.Load())
}

// Dial has consumers dial from now on, and nobody answer.
func (r *Rig) Dial() { r.stage.stream = func(c *consumer) { c.newLink() } }

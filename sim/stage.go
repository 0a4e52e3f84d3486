package sim

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// stage is what the parts of one run share: the engine under test, the truth, and the consumers in
// their lanes. A driver gives it time.
type stage struct {
	s      Scenario
	preset watch.Preset
	world  *World
	truth  *truth
	engine *notify.Engine
	hub    *registry.Hub     // answers pulls; nil without
	asked  registry.HubStats // when the run began
	edited bool              // rules or tags change in the course of the run

	consumers []consumer
	lanes     []*lane
	checks    checks
	faults    atomic.Bool // slow and stuck consumers are
	opening   atomic.Bool // lists take no time
	opened    int64       // when pulls began, in ns since the truth's epoch
	strikes   []*strike   // faults that happen to consumers

	tallies []stageTally             // one per stage; the generator counts
	edges   []int64                  // of the stages: see stageOf
	total   *second                  // what all lanes have recorded, up to the last Point
	spare   *second                  // an empty one
	lately  lately                   // what collect gives
	members map[string]*atomic.Int64 // connected consumers, by group; nil without stages

	now    func() int64      // ns since the truth's epoch
	stream func(c *consumer) // connects a consumer with a goroutine of its own; or nil

	sessions stream.Config // of those that are a session's client
	cost     CostModel     // of encoding and writing; zero in real time
	encoded  atomic.Int64  // events that were made frames
}

// The streams of random numbers: one per consumer, numbered from firstConsumer, and these.
const (
	streamChanges uint64 = iota
	streamChurn
	streamRoles
	streamPartition
	streamBursts
	streamFaults  = 1 << 4 // a part for each kind
	firstConsumer = 1 << 10
)

func newPCG(seed, stream uint64) rand.PCG {
	// Golden-ratio steps keep the streams of neighbouring seeds and numbers apart.
	return *rand.NewPCG(seed*0x9e3779b97f4a7c15, stream*0xbf58476d1ce4e5b9)
}

// newStage builds everything but the consumers.
func newStage(s Scenario, p watch.Preset, w *World, epoch time.Time, lanes int) (*stage, error) {
	st := &stage{s: s, preset: p, world: w, truth: newTruth(w, epoch), strikes: newStrikes(&s)}
	st.now = func() int64 { return 0 } // until a driver gives it time
	st.faults.Store(true)
	st.truth.framed = !s.Transport.InProcess()
	st.sessions = st.sessionConfig()
	st.total, st.spare = newSecond(len(s.Stages)), newSecond(len(s.Stages))
	st.lately = lately{propagation: newHistogram(latencyMax), fresh: newHistogram(latencyMax)}
	st.tallies = make([]stageTally, len(s.Stages))
	st.countMembers()
	var err error
	st.engine, err = notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{registry.InstanceEvents: p.Type},
	})
	if err != nil {
		return nil, err
	}
	if s.Pull > 0 {
		if err := st.openFinds(); err != nil {
			return nil, err
		}
	}
	for range lanes {
		st.lanes = append(st.lanes, newLane(st))
	}
	return st, nil
}

// populate makes the consumers: slow ones and stuck ones are spread by lot.
func (st *stage) populate() {
	total := 0
	for _, g := range st.world.Groups {
		total += g.Watchers
	}
	st.consumers = make([]consumer, total)
	i := 0
	for _, g := range st.world.Groups {
		log := st.truth.groups[g.ServiceID]
		for range g.Watchers {
			c := &st.consumers[i]
			c.lane = st.lanes[i%len(st.lanes)]
			c.rng = newPCG(st.s.Seed, firstConsumer+uint64(i))
			c.view.log, c.pulled = log, log.pulls.version
			c.lane.consumers = append(c.lane.consumers, c)
			i++
		}
	}
	pcg := newPCG(st.s.Seed, streamRoles)
	roles := rand.New(&pcg).Perm(total)
	slow := int(st.s.Slow*float64(total) + 0.5)
	stuck := int(st.s.Stuck*float64(total) + 0.5)
	for n, i := range roles[:min(slow+stuck, total)] {
		st.consumers[i].slow, st.consumers[i].stuck = n < slow, n >= slow
	}
	st.drawStruck()
}

// at is a time on the stage's axis.
func (st *stage) at(t time.Time) int64 { return int64(t.Sub(st.truth.epoch)) }

// open connects all consumers and gives them their first list at once.
func (st *stage) open() {
	st.opening.Store(true)
	for i := range st.consumers {
		st.connect(&st.consumers[i])
	}
	st.opened = st.now()
	for _, ln := range st.lanes {
		ln.mu.Lock()
		ln.startPulls(st.opened)
		ln.mu.Unlock()
		ln.kick()
	}
}

// connect makes a new connection for c.
func (st *stage) connect(c *consumer) {
	switch {
	case st.stream != nil:
		st.stream(c)
	case !st.s.Transport.InProcess():
		st.openSession(c)
	default:
		l := c.newLink()
		_, _ = watch.Open(st.engine, st.place(c), l, &st.preset.Watch) // else the run is over
	}
}

func (st *stage) place(c *consumer) watch.At {
	log := c.view.log
	return watch.At{Type: registry.InstanceEvents, Subject: log.subject, Group: log.id}
}

// newLink makes l the connection of c.
func (c *consumer) newLink() *link {
	l := &link{c: c}
	if s := &c.lane.stage.s; s.networked() || s.Transport == Session {
		l.wire = new(wire)
	}
	c.lane.mu.Lock()
	c.link = l
	c.lane.stage.joined(c, 1)
	if !c.lane.stage.opening.Load() {
		c.lane.rec.connections++
	}
	c.lane.mu.Unlock()
	return l
}

// record has all lanes record changes that are due from one time to another; stages begin then.
func (st *stage) record(from, to int64) {
	st.edges = edgesOf(st.s.Stages, from)
	for _, ln := range st.lanes {
		ln.mu.Lock()
		ln.rec.from, ln.rec.to, ln.rec.edges = from, to, st.edges
		ln.rec.forget()
		ln.mu.Unlock()
	}
}

// calm switches the faults off.
func (st *stage) calm() {
	st.faults.Store(false)
	for i := range st.consumers {
		if c := &st.consumers[i]; c.stuck || c.slow || c.strikes != 0 {
			c.lane.ask(request{kind: askThaw, c: c})
		}
	}
}

// wrong counts the consumers that are away, at work, or see something else than the truth.
func (st *stage) wrong() (n int) {
	for _, ln := range st.lanes {
		ln.mu.Lock()
		for _, c := range ln.consumers {
			if !c.alive || c.link == nil || c.hand != nil || !c.view.right() {
				n++
			}
		}
		ln.mu.Unlock()
	}
	return n
}

// end closes every consumer's books at the end of a run and adds the lanes up.
func (st *stage) end(now int64) (rec *recorder, lag, lost *Histogram) {
	rec, lag, lost = newRecorder(0), newHistogram(latencyMax), newHistogram(countMax)
	for _, ln := range st.lanes {
		ln.mu.Lock()
		for _, c := range ln.consumers {
			c.die(now)
			lost.record(int64(c.lost))
			ln.rec.received += c.link.unsent()
		}
		rec.merge(ln.rec)
		lag.merge(ln.lag)
		ln.mu.Unlock()
	}
	st.collect()
	return rec, lag, lost
}

// busiest is the largest number of recorded events that one consumer received.
func (st *stage) busiest() (most int64) {
	for i := range st.consumers {
		most = max(most, int64(st.consumers[i].got))
	}
	return most
}

// checkBooks compares a reading of the engine with itself.
func (st *stage) checkBooks(s notify.Stats) {
	if d := s.Balance(); d != 0 {
		st.checks.fail(checkBooks, "offered is %d more than all outcomes: %+v", d, s.Books)
	}
}

// describe says in one line what the stage holds.
func (st *stage) describe() string {
	return fmt.Sprintf("%d services, %d instances, %d dependency edges, %d groups, %d consumers",
		len(st.world.Registry.Services()), st.world.Instances, st.world.Edges,
		len(st.world.Groups), len(st.consumers))
}

// behind is how many changes the furthest view has yet to hear of.
func (st *stage) behind() (most int) {
	for _, ln := range st.lanes {
		ln.mu.Lock()
		for _, c := range ln.consumers {
			most = max(most, c.view.log.len()-c.view.position)
		}
		ln.mu.Unlock()
	}
	return most
}

// trim forgets the part of the logs that all views have applied, so that a long run doesn't keep
// its history. A group with a consumer that has no view yet keeps it until that one has listed. It
// looks at every consumer, so it waits until there are as many entries as a quarter of them.
func (st *stage) trim() {
	if !st.truth.grown(len(st.consumers) / 4) {
		return
	}
	for _, g := range st.truth.groups {
		g.beginTrim()
		g.pulls.beginTrim()
	}
	for _, ln := range st.lanes {
		ln.mu.Lock()
		for _, c := range ln.consumers {
			c.view.log.pulls.hold(c.pulled)
			if c.alive {
				c.view.log.hold(&c.view)
			} else {
				c.view.log.needed = 0
			}
		}
		ln.mu.Unlock()
	}
	for _, g := range st.truth.groups {
		g.trim()
		g.pulls.trim()
	}
}

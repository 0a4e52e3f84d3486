package sim

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/watch"
)

// What the external tests reach of the inside.
type (
	View     = view
	GroupLog = groupLog
	Timers   = timers
	Load     = load
	Consumer = consumer
)

const (
	Never      = int64(never)
	BackoffMax = backoffMax
)

// Ended is an interval of staleness that is over.
type Ended struct{ From, Length int64 }

// Fact is what an event did to a view.
type Fact struct {
	Known, Alien bool
	Due          int64
	Untold       int
	Ended        Ended
}

func NewLog() *GroupLog { return &groupLog{id: "shop"} }

func (g *groupLog) Add(revision, due int64, key string, unsent bool) {
	g.append(entry{revision: revision, due: due, unsent: unsent}, key, key)
}

// Instances is how many the log has numbered, and Entries how many changes it keeps.
func (g *groupLog) Instances() int { return len(g.slots) }
func (g *groupLog) Entries() int   { return len(g.entries) }

func (g *groupLog) Len() int                                 { return g.len() }
func (g *groupLog) Find(r int64, near int) (at int, ok bool) { return g.findLocked(r, near) }

// Entry is the change at a position of the log.
func (g *groupLog) Entry(at int) (revision, due int64, key string, unsent bool) {
	e := g.from(at)[0]
	return e.revision, e.due, g.instance(int(e.slot)), e.unsent
}

func (g *groupLog) instance(slot int) string {
	for name, s := range g.slots {
		if int(s) == slot {
			return name
		}
	}
	return ""
}

// Trim forgets what none of the views needs.
func (g *groupLog) Trim(views ...*View) {
	g.beginTrim()
	for _, v := range views {
		g.hold(v)
	}
	g.trim()
}

// NewView is the view of a consumer that is born at time now with a list.
func NewView(log *GroupLog, revision int64, position int, now int64) *View {
	v := &view{log: log}
	v.begin(revision, position, now)
	return v
}

func (v *view) Begin(revision int64, position int, now int64) { v.begin(revision, position, now) }

// Die forgets what the view knew, but not where it was.
func (v *view) Die() { v.missed = nil }

func (v *view) Apply(revision, now int64) Fact {
	a := v.apply(revision, now)
	return Fact{a.known, a.alien, a.due, a.untold, Ended{a.ended.from, a.ended.length}}
}

func (v *view) Reset(revision int64, position int, now int64) Ended {
	i := v.reset(revision, position, now)
	return Ended{i.from, i.length}
}

func (v *view) End(now int64) (before, last Ended, open bool) {
	b, l, open := v.end(now)
	return Ended{b.from, b.length}, Ended{l.from, l.length}, open
}

func (v *view) Told(revision int64, lost bool) (ended int64) {
	v.told([]*notify.Event{{Revision: revision}}, lost, func(run int64) { ended = run })
	return ended
}
func (v *view) Right() bool   { return v.right() }
func (v *view) Position() int { return v.position }

// Missing lists the instances of which the view lacks a change.
func (v *view) Missing() []string {
	out := []string{}
	for slot := range 64 * len(v.lacks()) {
		if v.missed.lacks.has(slot) {
			out = append(out, v.log.instance(slot))
		}
	}
	return out
}

func (v *view) lacks() bitset {
	if v.missed == nil {
		return nil
	}
	return v.missed.lacks
}

func (v *view) WasTold(position int) bool { return v.missed != nil && v.missed.wasTold(position) }

// Words is how long the bitmap of what was told is; -1 without the part that holds it.
func (v *view) Words() int {
	if v.missed == nil {
		return -1
	}
	return len(v.missed.told)
}

// Run is the length of the run of losses that has not been recorded.
func (v *view) Run() int64 {
	if v.missed == nil {
		return 0
	}
	return v.missed.runLen
}

// Set sets a timer that is known by its link's revision.
func (t *timers) Set(at, name int64) { t.push(timer{at: at, link: &link{revision: name}}) }
func (t *timers) Next() int64        { return t.next() }

func (t *timers) Pop() (at, name int64) {
	x := t.pop()
	return x.at, x.link.revision
}

// Judge is a run's verdict on these findings.
func (r *Run) Judge(s *Scenario, broken []string, unhealed string, interrupted bool) {
	r.judge(s, broken, unhealed, interrupted)
}

// BooksBetween is what a result says of two readings.
func BooksBetween(from, to notify.Stats) Books { return booksBetween(from, to) }

// SummaryOf summarises a histogram of latencies with these values.
func SummaryOf(values ...int64) (Summary, error) {
	h := newHistogram(latencyMax)
	for _, v := range values {
		h.record(v)
	}
	return h.summary()
}

// SpreadOf is the coarse histogram of these times.
func SpreadOf(values ...int64) *Buckets {
	var s spread
	for _, v := range values {
		s.add(v)
	}
	return s.buckets()
}

// Tally is what became of one consumer. As every run checks order and gaps, Got and Position say
// which events it got when it lost none.
type Tally struct {
	Group     string
	Stuck     bool
	Got, Lost int64
	Position  int    // of its view in the group's log
	Last      int64  // revision of the last event or list
	Drawn     uint64 // what its stream of random numbers would give next
}

func tallies(consumers []*consumer) []Tally {
	out := make([]Tally, len(consumers))
	for i, c := range consumers {
		out[i] = Tally{
			Group: c.view.log.id, Stuck: c.stuck, Got: int64(c.got), Lost: int64(c.lost),
			Position: c.view.position, Drawn: c.rng.Uint64(),
		}
		if c.link != nil {
			out[i].Last = c.link.last
		}
	}
	return out
}

// Meddling is what a test changes about a run.
type Meddling struct {
	Shuffle uint64              // the consumers are made and connected in another order
	Preset  func(*watch.Preset) // what Config doesn't say
}

// TallyVirtual is RunVirtual, with what became of each consumer.
func TallyVirtual(ctx context.Context, s Scenario, t *Topology, c Config, cost CostModel,
	m Meddling) (*Run, []Tally, error) {
	p, c, err := c.resolveVirtual()
	if err != nil {
		return nil, nil, err
	}
	if m.Preset != nil {
		m.Preset(&p)
	}
	w, err := t.Build(s.Consumers, s.Providers)
	if err != nil {
		return nil, nil, err
	}
	v := &virtual{trial: newTrial(nil)}
	if v.stage, err = newStage(s, p, w, virtualEpoch, virtualLanes); err != nil {
		return nil, nil, err
	}
	v.populate()
	if m.Shuffle != 0 {
		v.shuffle(m.Shuffle)
	}
	v.stage.now, v.stage.cost = v.now, cost
	run := &Run{Config: c, Baseline: p.Baseline, World: v.describe()}
	err = v.run(ctx, run)
	return run, tallies(v.lanes[0].consumers), err
}

// shuffle gives the consumers other places, from which they will be connected in that order. Whose
// turn it is to pull doesn't change.
func (st *stage) shuffle(seed uint64) {
	made := slices.Clone(st.consumers)
	for i, from := range rand.New(rand.NewPCG(seed, 0)).Perm(len(made)) {
		st.consumers[i] = made[from]
		st.lanes[0].consumers[from] = &st.consumers[i]
	}
}

// TallyWall is RunWall, with what became of each consumer.
func TallyWall(ctx context.Context, s Scenario, t *Topology, c Config) (*Run, []Tally, error) {
	p, c, err := c.Resolve()
	if err != nil {
		return nil, nil, err
	}
	world, err := t.Build(s.Consumers, s.Providers)
	if err != nil {
		return nil, nil, err
	}
	w := &wall{clk: clock.Real{}, trial: newTrial(nil)}
	epoch := w.clk.Now()
	if w.stage, err = newStage(s, p, world, epoch, 2); err != nil {
		return nil, nil, err
	}
	w.populate()
	w.stage.now = func() int64 { return int64(w.clk.Now().Sub(epoch)) }
	run := &Run{Config: c, Baseline: p.Baseline, World: w.describe()}
	err = w.run(ctx, run, 0)
	var all []*consumer
	for i := range w.consumers {
		all = append(all, &w.consumers[i])
	}
	return run, tallies(all), err
}

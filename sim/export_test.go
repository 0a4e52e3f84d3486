package sim

import (
	"maps"
	"slices"

	"github.com/notifylab/notifylab/notify"
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
	Never      = never
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
	g.append(entry{revision: revision, due: due, key: key, unsent: unsent})
}

func (g *groupLog) Len() int                       { return g.len() }
func (g *groupLog) Find(r int64) (at int, ok bool) { return g.find(r) }

// Entry is the change at a position of the log.
func (g *groupLog) Entry(at int) (revision, due int64, key string, unsent bool) {
	e := g.from(at)[0]
	return e.revision, e.due, e.key, e.unsent
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

func (v *view) Told(revision int64, lost bool) int64 { return v.told(revision, lost) }
func (v *view) Right() bool                          { return v.right() }
func (v *view) Position() int                        { return v.position }

// Missing lists the instances of which the view lacks a change.
func (v *view) Missing() []string {
	if v.missed == nil {
		return []string{}
	}
	return slices.AppendSeq([]string{}, maps.Keys(v.missed.since))
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

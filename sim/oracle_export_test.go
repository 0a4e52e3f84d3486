package sim

import (
	"fmt"

	"github.com/notifylab/notifylab/notify"
)

// Watched is a run in virtual time and what was seen of it between any two of its events: by the
// engine's books and the consumers' hands, not by what the run itself records.
type Watched struct {
	*Run
	Recorded Areas        // over Scenario.Duration
	Whole    Areas        // from the begin of the warm-up to the end of the run
	Waits    []int64      // from due to taken, of changes due in the recorded time, as taken
	From     notify.Stats // at the begin of Scenario.Duration…
	Until    notify.Stats // …and at its end
	Faults   []string     // books that didn't balance, events that were taken out of order
}

// Areas are integrals over time, in ns times what they count.
type Areas struct {
	Held int64 // events with consumers: in a mailbox, in hand, or awaited by Block
	Busy int64 // consumers with an event in hand
}

// onlooker looks at a virtual run at every instant at which something happens.
type onlooker struct {
	v     *virtual
	w     *Watched
	hands []*notify.Event // per consumer, as last seen
	last  []int64         // per consumer, the last revision taken

	held, busy int64 // see Areas; nothing changes them until the next instant
}

// RunWatched is RunVirtual under a watch, with so many lanes. What happens is the same.
func RunWatched(s Scenario, t *Topology, c Config, cost CostModel, lanes int) (*Watched, error) {
	v, run, err := newVirtual(s, t, c, cost, lanes)
	if err != nil {
		return nil, err
	}
	x := &onlooker{
		v:     v,
		w:     &Watched{Run: run},
		hands: make([]*notify.Event, len(v.consumers)), last: make([]int64, len(v.consumers)),
	}
	return x.w, x.run()
}

// run is that of virtual.
func (x *onlooker) run() error {
	v := x.v
	v.begin()
	v.plan()
	x.lookUntil(v.from)
	v.engine.ResetHighWater()
	x.w.From = v.engine.Stats()
	x.lookUntil(v.until)
	x.w.Until = v.engine.Stats()
	v.calm()
	x.w.HealNS = x.heal()
	v.stopped = v.at
	v.giveUp()
	v.point("")

	last := v.engine.Stats()
	x.w.QueueHigh, x.w.Books = last.QueueHigh, booksBetween(x.w.From, last)
	unhealed := ""
	if x.w.HealNS < 0 {
		unhealed = v.unhealed(last)
	}
	return v.conclude(x.w.Run, unhealed, false, v.err)
}

func (x *onlooker) lookUntil(until int64) {
	for x.v.at < until && x.v.err == nil {
		x.until(min(until, x.v.at+int64(lookEvery)))
		x.v.look("")
	}
}

func (x *onlooker) heal() int64 {
	v := x.v
	began := v.at
	for deadline := began + int64(v.s.Heal); v.err == nil; v.look("") {
		if v.load.pending.ev == nil && v.load.next() == never && v.healed() {
			return v.at - began
		}
		if v.at >= deadline {
			break
		}
		x.until(min(deadline, v.at+int64(lookEvery)/5))
	}
	return -1
}

// until lets everything happen up to a time, one instant after the other.
func (x *onlooker) until(limit int64) {
	for x.v.err == nil {
		at, _, _ := x.v.next()
		if at > limit {
			break
		}
		x.pass(at)
		x.v.runUntil(at)
		x.see()
	}
	x.pass(limit)
	x.v.runUntil(limit)
}

// pass adds the time up to at, in which nothing happens, to the areas.
func (x *onlooker) pass(at int64) {
	d := at - x.v.at
	x.w.Whole.add(x.held, x.busy, d)
	if x.v.at >= x.v.from && at <= x.v.until {
		x.w.Recorded.add(x.held, x.busy, d)
	}
}

func (a *Areas) add(held, busy, d int64) {
	a.Held += held * d
	a.Busy += busy * d
}

// see notes what is held, what has been taken, and what is wrong.
func (x *onlooker) see() {
	v := x.v
	s := v.engine.Stats()
	if s.Balance() != 0 {
		x.w.Faults = append(x.w.Faults, fmt.Sprintf("at %d: %+v", v.at, s.Books))
	}
	x.busy = 0
	for i := range v.consumers {
		ev := v.consumers[i].hand
		if ev != nil {
			x.busy++
		}
		if ev == x.hands[i] {
			continue
		}
		if x.hands[i] = ev; ev != nil {
			x.taken(i, ev)
		}
	}
	x.held = int64(s.InFlight) + x.busy
}

func (x *onlooker) taken(i int, ev *notify.Event) {
	v := x.v
	if ev.Revision <= x.last[i] {
		x.w.Faults = append(x.w.Faults, fmt.Sprintf("at %d consumer %d took revision %d after %d",
			v.at, i, ev.Revision, x.last[i]))
	}
	x.last[i] = ev.Revision
	if due := v.stage.at(ev.Due); due >= v.from && due < v.until {
		x.w.Waits = append(x.w.Waits, v.at-due)
	}
}

// MergedSummaryOf summarises the merged histograms of latencies with these values.
func MergedSummaryOf(parts ...[]int64) (Summary, error) {
	all := newHistogram(latencyMax)
	for _, values := range parts {
		h := newHistogram(latencyMax)
		for _, v := range values {
			h.record(v)
		}
		all.merge(h)
	}
	return all.summary()
}

package sim

import (
	"context"
	"time"

	"github.com/notifylab/notifylab/notify/watch"
)

// virtual drives one run on a clock that jumps from one event to the next, on one goroutine: the
// engine by StepShard, the lanes and the generator by the same calls as the wall driver. Nothing in
// it depends on the machine, so a run is a function of scenario, configuration and cost model.
//
// Shards are servers: a step occupies its shard for what the cost model says, and what it delivers
// arrives while it lasts, one delivery after the other. Lanes and the generator cost nothing, for
// they stand for other machines.
type virtual struct {
	*trial
	at      int64   // now
	doing   int     // the shard that is in a step; -1 for none
	woken   float64 // what it took that shard to wake up, in ns
	taken   int     // deliveries in this step
	servers []server
	alarms  []int64 // per lane: when it wants to advance
	err     error
}

// virtualLanes is enough: on one goroutine more of them only cost.
const virtualLanes = 1

// virtualEpoch is when every virtual run begins. No result depends on it.
var virtualEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// RunVirtual runs a scenario on one configuration in virtual time. The same arguments give the
// same Run, on any machine; so what describes the machine or the run's own cost is left at zero.
// When ctx ends it stops and returns what was measured, as invalid. The errors are those of
// Validate, Resolve and Build; report may be nil.
func RunVirtual(ctx context.Context, s Scenario, t *Topology, c Config, cost CostModel,
	report func(Progress)) (*Run, error) {
	v, run, err := newVirtual(s, t, c, cost, virtualLanes)
	if err != nil {
		return nil, err
	}
	v.report = report
	return run, v.run(ctx, run)
}

// newVirtual builds a run with all its consumers, none of them connected yet.
func newVirtual(s Scenario, t *Topology, c Config, cost CostModel, lanes int) (
	*virtual, *Run, error) {
	if err := s.check(VirtualClock, c); err != nil {
		return nil, nil, err
	}
	preset, c, err := c.resolveVirtual()
	if err != nil {
		return nil, nil, err
	}
	world, err := t.Build(s.Consumers, s.Providers)
	if err != nil {
		return nil, nil, err
	}
	v := &virtual{trial: newTrial(nil), doing: -1}
	if v.stage, err = newStage(s, preset, world, virtualEpoch, lanes); err != nil {
		return nil, nil, err
	}
	v.populate()
	v.stage.now = v.now
	v.stage.cost = cost
	return v, &Run{Config: c, Baseline: preset.Baseline, World: v.describe()}, nil
}

// virtualShards is what a configuration gets that leaves it to the number of cores.
const virtualShards = 2

// resolveVirtual is Resolve without what would depend on the machine.
func (c Config) resolveVirtual() (watch.Preset, Config, error) {
	if p, err := watch.PresetNamed(c.Engine); err == nil && c.Shards == 0 && p.Type.Shards == 0 {
		c.Shards = virtualShards
	}
	p, c, err := c.Resolve()
	p.Watch.Backlog.Prealloc = false // which is memory, no behaviour: 40 GB of it at planet's scale
	return p, c, err
}

// now is the time. In a step it is that at which the next event arrives: whoever asks then is a
// consumer that takes one, for nobody else runs in a step, and each asks once per event.
func (v *virtual) now() int64 {
	if v.doing >= 0 {
		v.taken++
	}
	return v.moment()
}

// moment is the time, in a step that to which the work done so far has brought its shard.
func (v *virtual) moment() int64 {
	if v.doing < 0 {
		return v.at
	}
	w := v.engine.Doing(v.doing)
	w.Delivered = v.taken
	return v.at + int64(v.woken+v.cost.of(&w))
}

func (v *virtual) run(ctx context.Context, run *Run) error {
	v.begin()
	v.plan()
	v.watchUntil(ctx, v.from, "warm-up")
	v.engine.ResetHighWater()
	first := v.engine.Stats()
	v.watchUntil(ctx, v.until, "measure")
	v.calm()
	run.HealNS = v.heal(ctx)
	v.stopped = v.at
	v.giveUp()
	v.point("")

	last := v.closeBooks()
	run.QueueHigh = last.QueueHigh
	run.Books = booksBetween(first, last)
	unhealed := ""
	if run.HealNS < 0 && ctx.Err() == nil {
		unhealed = v.unhealed(last)
	}
	return v.conclude(run, unhealed, ctx.Err() != nil, v.err)
}

// begin connects all consumers. That takes no time.
func (v *virtual) begin() {
	v.servers = make([]server, v.engine.Shards())
	for i := range v.servers {
		v.servers[i].armed = never
	}
	v.alarms = make([]int64, len(v.lanes))
	for i, ln := range v.lanes {
		ln.kick = func() { v.alarms[i] = min(v.alarms[i], v.moment()) }
	}
	for _, ln := range v.lanes { // as many writers as shards: both are the cores of one machine
		ln.writers = make([]writer, len(v.servers))
	}
	v.open()
	for i, ln := range v.lanes { // sessions list now
		for v.alarms[i] <= v.at {
			v.advance(i, ln)
		}
	}
	v.opening.Store(false)
	for i := range v.servers {
		for v.engine.HasWork(i) {
			v.serve(i)
		}
		v.servers[i].free = 0
	}
}

// The things that can be next, in the order in which they happen at one instant.
type turn uint8

const (
	turnLane turn = iota
	turnShard
	turnLoad
)

// next finds what happens first and when.
func (v *virtual) next() (at int64, what turn, which int) {
	at = never
	for i, alarm := range v.alarms {
		if alarm < at {
			at, what, which = alarm, turnLane, i
		}
	}
	for i := range v.servers {
		s := &v.servers[i]
		wants := max(s.armed, s.free) // what it waits for is only seen once its step is over
		if v.engine.HasWork(i) {
			wants = max(s.free, v.at)
		}
		if wants < at {
			at, what, which = wants, turnShard, i
		}
	}
	if wants := v.loadNext(); wants < at {
		at, what, which = wants, turnLoad, 0
	}
	return max(at, v.at), what, which
}

// loadNext is when the generator acts: not while what it has to publish finds no room.
func (v *virtual) loadNext() int64 {
	if v.load == nil {
		return never
	}
	if v.load.pending.ev == nil {
		return v.load.next()
	}
	if v.engine.Stats().Queued >= v.preset.Type.QueueSize {
		return never
	}
	return v.at
}

// runUntil lets everything happen up to a time.
func (v *virtual) runUntil(limit int64) {
	for v.err == nil {
		at, what, which := v.next()
		if at > limit {
			break
		}
		v.at = at
		switch what {
		case turnLane:
			v.advance(which, v.lanes[which])
		case turnShard:
			v.serve(which)
		case turnLoad:
			v.err = v.generate()
		}
	}
	v.at = limit
}

// advance has a lane do what is due.
func (v *virtual) advance(i int, ln *lane) {
	v.alarms[i] = never // but for a kick meanwhile
	next := ln.advance()
	v.alarms[i] = min(v.alarms[i], next)
}

// generate has the generator do what is due, or publish what has waited for room.
func (v *virtual) generate() error {
	if v.load.pending.ev == nil {
		if due := v.load.next(); due >= v.from {
			v.lag.record(0) // what is late is late because Publish made it wait
		}
		if err := v.act(); err != nil {
			return err
		}
		if v.loadNext() == never { // no room
			return nil
		}
	}
	_, err := v.publish(context.Background()) // there is room: it doesn't wait
	return err
}

// giveUp ends the wait of what has found no room until the end.
func (v *virtual) giveUp() {
	over, end := context.WithCancel(context.Background())
	end()
	if _, err := v.publish(over); err != nil && v.err == nil {
		v.err = err
	}
}

// watchUntil looks at the run now and then until a time.
func (v *virtual) watchUntil(ctx context.Context, until int64, phase string) {
	for v.at < until && ctx.Err() == nil && v.err == nil {
		v.runUntil(min(until, v.at+int64(lookEvery)))
		v.look(phase)
	}
}

// heal waits until every view is right and nothing is in flight, and says how long that took; -1
// if it took longer than the scenario grants.
func (v *virtual) heal(ctx context.Context) int64 {
	began := v.at
	deadline := began + int64(v.s.Heal)
	for ctx.Err() == nil && v.err == nil {
		if v.load.pending.ev == nil && v.load.next() == never && v.healed() {
			return v.at - began
		}
		if v.at >= deadline {
			break
		}
		v.runUntil(min(deadline, v.at+int64(lookEvery)/5))
		v.look("heal")
	}
	return -1
}

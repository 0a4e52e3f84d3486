package sim

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// laneGrain is how long a lane sleeps at least: what is due within it is served together, or waking
// up would be most of what a run costs. Consumers don't suffer: see consumer.take.
const laneGrain = 200 * time.Microsecond

// wall drives one run in real time: the engine under its own Run, a goroutine per lane, one for
// the generator, and a goroutine per consumer where the engine under test has it so.
type wall struct {
	*trial
	clk      clock.Clock
	cancel   context.CancelFunc
	lanesEnd context.CancelFunc
	loadDone atomic.Bool // the generator has nothing left to do
	engineOn sync.WaitGroup
	lanesOn  sync.WaitGroup
	streams  sync.WaitGroup
	web      *web // with transport ws
}

// RunWall runs a scenario on one configuration in real time. When ctx ends it stops and returns
// what was measured, as invalid. The errors are those of Validate, Resolve and Build; report may be
// nil.
func RunWall(ctx context.Context, s Scenario, t *Topology, c Config, report func(Progress)) (
	*Run, error) {
	if err := s.check(WallClock, c); err != nil {
		return nil, err
	}
	preset, c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // the last run's memory must not count as this one's
	resetPeakRSS()
	world, err := t.Build(s.Consumers, s.Providers)
	if err != nil {
		return nil, err
	}
	w := &wall{clk: clock.Real{}, trial: newTrial(report)}
	epoch := w.clk.Now()
	if w.stage, err = newStage(s, preset, world, epoch, runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	before := memoryInUse()
	w.populate()
	w.stage.now = func() int64 { return int64(w.clk.Now().Sub(epoch)) }
	run := &Run{Config: c, Baseline: preset.Baseline, World: w.describe()}
	return run, w.run(ctx, run, before)
}

// run is a run from the connecting of the consumers on; before is the memory in use without them.
func (w *wall) run(ctx context.Context, run *Run, before int64) error {
	defer w.stop()
	if err := w.begin(ctx); err != nil {
		return err
	}
	run.BytesPerWatcher = (memoryInUse() - before) / int64(max(len(w.consumers), 1))

	w.peak = peakRSS
	w.plan()
	loadCtx, stopLoad := context.WithCancel(ctx)
	generated := make(chan error, 1)
	go func() {
		generated <- w.generate(loadCtx)
		w.loadDone.Store(true)
	}()

	w.watchUntil(ctx, w.from, "warm-up")
	w.engine.ResetHighWater()
	first, cpu := w.engine.Stats(), cpuSeconds()
	w.watchUntil(ctx, w.until, "measure")
	// A Publish that still waits for room is the engine's: it may go on while the views heal.
	w.calm()
	run.HealNS = w.heal(ctx)
	w.stopped = w.stage.now()
	stopLoad()
	err := <-generated
	w.point("") // what is left since the last one

	last := w.closeBooks()
	run.QueueHigh = last.QueueHigh
	run.Books = booksBetween(first, last)
	run.CPUSeconds, run.PeakRSS = cpuSeconds()-cpu, peakRSS()
	unhealed := ""
	if run.HealNS < 0 && ctx.Err() == nil {
		unhealed = w.unhealed(last)
	}
	w.stop()
	return w.conclude(run, unhealed, ctx.Err() != nil, err)
}

// begin starts everything and waits until all consumers have their first list, or until whole ends.
// Its errors are those of a machine that can't take so many connections.
func (w *wall) begin(whole context.Context) (err error) {
	var ctx, lanes context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	lanes, w.lanesEnd = context.WithCancel(ctx)
	if w.preset.Pull {
		w.stage.stream = func(c *consumer) { w.stream(ctx, c) }
	}
	if w.s.Transport.Real() {
		if w.web, err = newWeb(ctx, w); err != nil {
			return err
		}
		w.stage.stream = w.web.connect
	}
	for _, ln := range w.lanes {
		kicked := make(chan struct{}, 1)
		ln.kick = func() {
			select {
			case kicked <- struct{}{}:
			default:
			}
		}
		w.lanesOn.Go(func() { w.drive(lanes, ln, kicked) })
	}
	w.engineOn.Go(func() { _ = w.engine.Run(ctx) }) // it runs once: there is no error
	w.open()
	for w.wrong() > 0 || w.engine.Stats().Subscriptions < len(w.consumers) {
		if !w.sleep(whole, w.stage.now()+int64(time.Millisecond)) {
			break
		}
		if w.web != nil && w.web.setUpError() != nil {
			return w.web.setUpError()
		}
	}
	w.opening.Store(false)
	return nil
}

// stop ends everything and returns when all goroutines have ended. It may be called twice.
func (w *wall) stop() {
	if w.web != nil {
		w.web.runOver()
	}
	w.lanesEnd()
	w.lanesOn.Wait()
	w.cancel()
	w.engineOn.Wait()
	if w.web != nil {
		w.web.close()
		w.web = nil
	}
	w.streams.Wait()
}

// drive is the goroutine of one lane.
func (w *wall) drive(ctx context.Context, ln *lane, kicked <-chan struct{}) {
	alarm := newTimer(w.clk, 0)
	defer alarm.Stop()
	for ctx.Err() == nil {
		next := ln.advance()
		wait := time.Duration(min(next-w.stage.now(), int64(time.Second)))
		alarm.Reset(max(wait, laneGrain))
		select {
		case <-kicked:
		case <-alarm.C():
		case <-ctx.Done():
		}
	}
}

// generate is the goroutine of the generator. What it is late by its own fault is its lag: time
// spent inside Publish isn't, so what fell due during a wait counts from the end of the wait.
func (w *wall) generate(ctx context.Context) error {
	var free int64 // when the last Publish that waited returned
	alarm := newTimer(w.clk, 0)
	defer alarm.Stop()
	for {
		due := w.load.next()
		if due == never {
			return nil
		}
		for now := w.stage.now(); now < due; now = w.stage.now() {
			alarm.Reset(time.Duration(due - now))
			select {
			case <-alarm.C():
			case <-ctx.Done():
				return nil
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if lag := w.stage.now() - max(due, free); due >= w.from {
			w.lag.record(lag)
		}
		if err := w.act(); err != nil {
			return err
		}
		wait, err := w.publish(ctx)
		if err != nil {
			return err
		}
		if wait > time.Millisecond {
			free = w.stage.now()
		}
	}
}

// sleep waits until a time on the stage's axis; false means that ctx ended first.
func (w *wall) sleep(ctx context.Context, at int64) bool {
	d := at - w.stage.now()
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := w.clk.NewTimer(time.Duration(d))
	defer t.Stop()
	select {
	case <-t.C():
		return true
	case <-ctx.Done():
		return false
	}
}

// watchUntil looks at the run now and then until a time.
func (w *wall) watchUntil(ctx context.Context, at int64, phase string) {
	for now := w.stage.now(); now < at; now = w.stage.now() {
		if !w.sleep(ctx, min(at, now+int64(lookEvery))) {
			return
		}
		w.look(phase)
	}
}

// heal waits until every view is right and nothing is in flight, and says how long that took; -1
// if it took longer than the scenario grants.
func (w *wall) heal(ctx context.Context) int64 {
	began := w.stage.now()
	deadline := began + int64(w.s.Heal)
	for {
		now := w.stage.now()
		if w.loadDone.Load() && w.healed() {
			return now - began
		}
		if now >= deadline || !w.sleep(ctx, min(deadline, now+int64(lookEvery)/5)) {
			return -1
		}
		w.look("heal")
	}
}

// memoryInUse is what the heap and the stacks hold after a collection.
func memoryInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

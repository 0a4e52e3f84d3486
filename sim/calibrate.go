package sim

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/watch"
)

// Measured is one figure of a cost model with how it spread over the rounds.
type Measured struct {
	Field  string
	NS     float64 // median
	Spread float64 // (third quartile - first quartile) / median
	Bound  float64 // beyond which the machine is too noisy to say
}

// Noisy reports whether the figure says nothing.
func (m *Measured) Noisy() bool { return !(m.Spread <= m.Bound) }

// How a calibration is made. Waking up depends on what else the machine does, so it may spread.
const (
	CalibrationRounds = 20   // enough on a quiet machine
	calibrationGroup  = 1000 // watchers
	spreadBound       = 0.3
	wakeSpreadBound   = 1.0
)

// Calibrate measures a cost model on this machine: it steps the engine with the simulator's own
// consumers attached, on one goroutine, and takes the real time of each kind of work apart; waking
// up is measured under Run. There are no streams yet, so encoding and writing cost nothing. A round
// takes about half a second; report may be nil. The caller decides what to do about a noisy figure.
func Calibrate(ctx context.Context, clk clock.Clock, rounds int, report func(done int)) (
	CostModel, []Measured, error) {
	if rounds < 1 {
		return CostModel{}, nil, fmt.Errorf("%w: rounds = %d: want 1 or more", ErrCost, rounds)
	}
	var route, deliver, queued, wake []float64
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return CostModel{}, nil, err
		}
		b, err := newBenchStage()
		if err != nil {
			return CostModel{}, nil, err
		}
		r, d, q, err := b.measure(clk)
		if err != nil {
			return CostModel{}, nil, err
		}
		w, err := wakeUp(ctx, clk)
		if err != nil {
			return CostModel{}, nil, err
		}
		route, deliver, queued = append(route, r), append(deliver, d), append(queued, q)
		wake = append(wake, w)
		if report != nil {
			report(round + 1)
		}
	}
	figures := []Measured{
		measured("route_ns", route, spreadBound),
		measured("deliver_ns", deliver, spreadBound),
		measured("queue_ns", queued, spreadBound),
		measured("wake_ns", wake, wakeSpreadBound),
	}
	c := CostModel{
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH,
			runtime.NumCPU(), runtime.Version()),
		Route: figures[0].NS, Deliver: figures[1].NS, Queue: figures[2].NS, Wake: figures[3].NS,
	}
	return c, figures, nil
}

func measured(field string, ns []float64, bound float64) Measured {
	slices.Sort(ns)
	at := func(q float64) float64 { return ns[int(q*float64(len(ns)-1)+0.5)] }
	m := Measured{Field: field, NS: math.Round(at(0.5)*10) / 10, Bound: bound}
	m.Spread = (at(0.75) - at(0.25)) / at(0.5)
	return m
}

// benchStage is a stage with one group of watchers, whose time stands still but for one call.
type benchStage struct {
	*stage
	at    int64
	group string
	next  uint64 // the instance that changes
}

func newBenchStage() (*benchStage, error) {
	s := DefaultScenario()
	s.Pull, s.Slow, s.Stuck = 0, 0, 0
	t, err := Generate(Workload{
		Name: "calibration", Shape: ShapeOneConsumer, Services: 1, Instances: 100,
		Consumers: calibrationGroup, MeanInDegree: 1,
	}, 1)
	if err != nil {
		return nil, err
	}
	world, err := t.Build(calibrationGroup, 0)
	if err != nil {
		return nil, err
	}
	p, err := watch.PresetNamed("notifylab")
	if err != nil {
		return nil, err
	}
	p.Type.Shards = 1
	p.Watch.Backlog.Size, p.Watch.Backlog.Overflow = 1<<20, notify.DropNewest
	b := &benchStage{group: world.Groups[0].ServiceID}
	if b.stage, err = newStage(s, p.Effective(), world, virtualEpoch, virtualLanes); err != nil {
		return nil, err
	}
	b.populate()
	b.stage.now = func() int64 { return b.at }
	for _, ln := range b.lanes {
		ln.kick = func() {}
	}
	b.open()
	b.opening.Store(false)
	_, err = b.drain()
	return b, err
}

// drain steps until there is nothing to do and adds up the work.
func (b *benchStage) drain() (total notify.Work, err error) {
	for b.engine.HasWork(0) {
		w, err := b.engine.StepShard(0, virtualEpoch)
		if err != nil {
			return total, err
		}
		total.Routed += w.Routed
		total.Delivered += w.Delivered
		total.Queued += w.Queued
	}
	return total, nil
}

// publish changes an instance and publishes that to a group.
func (b *benchStage) publish(group string) error {
	p := b.world.Providers[0]
	in := *b.world.Registry.Pick(p.ServiceID, b.next)
	b.next++
	c, ev, err := b.truth.change(b.at, func(r *registry.Registry) (registry.Change, error) {
		return r.Update(in)
	})
	if err != nil {
		return err
	}
	if group != b.group {
		b.truth.unsent(c)
	}
	return b.engine.Publish(context.Background(), ev, group)
}

// repeats is how often a round measures a figure; the round's is the median.
const repeats = 25

// timed publishes so many events to groups in turn and measures what it takes to step through them.
func (b *benchStage) timed(clk clock.Clock, events int, groups ...string) (
	took float64, w notify.Work, err error) {
	for i := range events {
		if err := b.publish(groups[i%len(groups)]); err != nil {
			return 0, w, err
		}
	}
	began := clk.Now()
	w, err = b.drain()
	return float64(clk.Now().Sub(began)), w, err
}

// rest lets time pass until all consumers have nothing left to do.
func (b *benchStage) rest() error {
	for idle := false; !idle; { // once more after the last: that one is in hand
		idle = b.engine.Stats().InFlight == 0
		b.at += int64(time.Second)
		for _, ln := range b.lanes {
			ln.advance()
		}
		if _, err := b.drain(); err != nil {
			return err
		}
	}
	return nil
}

// measure makes the figures of one round. Events that nobody hears of go to two groups in turn, so
// that each is a step of its own, as it is when changes come one by one; deliveries are to idle
// consumers; what is queued waits behind the events that they have in hand then.
func (b *benchStage) measure(clk clock.Clock) (route, deliver, queued float64, err error) {
	const unheard, behind = 200, 10
	var rs, ds, qs []float64
	for range repeats {
		took, w, err := b.timed(clk, unheard, "nobody", "no one")
		if err != nil {
			return 0, 0, 0, err
		}
		rs = append(rs, took/float64(w.Routed))
		if took, w, err = b.timed(clk, 1, b.group); err != nil {
			return 0, 0, 0, err
		}
		ds = append(ds, took/float64(max(w.Delivered, 1)))
		if _, _, err = b.timed(clk, 1, b.group); err != nil { // parks them
			return 0, 0, 0, err
		}
		if took, w, err = b.timed(clk, behind, b.group); err != nil {
			return 0, 0, 0, err
		}
		qs = append(qs, took/float64(max(w.Queued, 1)))
		if err := b.rest(); err != nil {
			return 0, 0, 0, err
		}
	}
	return median(rs), median(ds), median(qs), nil
}

func median(ns []float64) float64 {
	slices.Sort(ns)
	return ns[len(ns)/2]
}

// wakeUp measures how long after Publish an idle worker begins to deliver.
func wakeUp(ctx context.Context, clk clock.Clock) (ns float64, err error) {
	const events, pause = 20, 500 * time.Microsecond
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{"WAKE": {Shards: 1}},
	})
	if err != nil {
		return 0, err
	}
	runCtx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(runCtx) }()
	defer func() {
		cancel()
		<-ended
	}()
	got := make(arrivals, 1)
	if _, err := e.Subscribe("WAKE", "s", "", got, nil); err != nil {
		return 0, err
	}
	var all []float64
	alarm := newTimer(clk, pause)
	defer alarm.Stop()
	for range events {
		select {
		case <-alarm.C():
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		began := clk.Now()
		err := e.Publish(ctx, &notify.Event{Type: "WAKE", Subject: "s"})
		if err != nil {
			return 0, err
		}
		select {
		case <-got:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		all = append(all, float64(clk.Now().Sub(began)))
		alarm.Reset(pause)
	}
	return median(all), nil
}

// arrivals says when something came.
type arrivals chan struct{}

func (a arrivals) Deliver(batch []*notify.Event) (int, error) {
	a <- struct{}{}
	return len(batch), nil
}

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

// Calibrate measures a cost model on this machine. What it takes to wake up, to find a group and to
// deliver is how late events are in short runs on the wall clock: when they come one at a time, to
// consumers that are in no cache, all of that takes several times what it does in a loop. Queueing
// comes in bursts, and is timed in a loop, and so is encoding. Writing is what events are later by
// over WebSocket on loopback, where reading takes its part of the same machine. A round takes about
// three seconds; report may be nil. The caller decides what to do about a noisy figure.
func Calibrate(ctx context.Context, clk clock.Clock, rounds int, report func(done int)) (
	CostModel, []Measured, error) {
	if rounds < 1 {
		return CostModel{}, nil, fmt.Errorf("%w: rounds = %d: want 1 or more", ErrCost, rounds)
	}
	var route, deliver, queued, wake, encode, write []float64
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return CostModel{}, nil, err
		}
		b, err := newBenchStage()
		if err != nil {
			return CostModel{}, nil, err
		}
		q, err := b.queued(clk)
		if err != nil {
			return CostModel{}, nil, err
		}
		e, err := b.encoded(clk)
		if err != nil {
			return CostModel{}, nil, err
		}
		r, d, w, err := underLoads(ctx)
		if err != nil {
			return CostModel{}, nil, err
		}
		f, err := overWire(ctx)
		if err != nil {
			return CostModel{}, nil, err
		}
		encode, write = append(encode, e), append(write, f)
		route, deliver = append(route, r), append(deliver, d)
		queued, wake = append(queued, q), append(wake, w)
		if report != nil {
			report(round + 1)
		}
	}
	figures := []Measured{
		measured("route_ns", route, spreadBound),
		measured("deliver_ns", deliver, spreadBound),
		measured("queue_ns", queued, spreadBound),
		measured("wake_ns", wake, wakeSpreadBound),
		measured("encode_ns", encode, spreadBound),
		measured("write_ns", write, wakeSpreadBound),
	}
	c := CostModel{
		Machine: fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH,
			runtime.NumCPU(), runtime.Version()),
		Route: figures[0].NS, Deliver: figures[1].NS, Queue: figures[2].NS, Wake: figures[3].NS,
		Encode: figures[4].NS, Write: figures[5].NS,
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

// quietScenario is one of consumers that neither fail nor leave.
func quietScenario() Scenario {
	s := DefaultScenario()
	s.Storm, s.Pull, s.Slow, s.Stuck, s.ConsumerChurn = 0, 0, 0, 0, 0
	return s
}

func newBenchStage() (*benchStage, error) {
	s := quietScenario()
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

// change changes an instance.
func (b *benchStage) change() (*registry.Change, *notify.Event, error) {
	p := b.world.Providers[0]
	in := *b.world.Registry.Pick(p.ServiceID, b.next)
	b.next++
	return b.truth.change(b.at, func(r *registry.Registry) (registry.Change, error) {
		return r.Update(in)
	})
}

// publish changes an instance and publishes that.
func (b *benchStage) publish() error {
	_, ev, err := b.change()
	if err != nil {
		return err
	}
	return b.engine.Publish(context.Background(), ev, b.group)
}

// encoded measures what it takes to make a change a frame. It is a loop that waits for nobody, so
// what makes one repeat slower than the fastest is the machine and not the work.
func (b *benchStage) encoded(clk clock.Clock) (ns float64, err error) {
	const together = 100
	var all []float64
	for range repeats {
		var changes [together]framed
		for i := range changes {
			if changes[i].change, _, err = b.change(); err != nil {
				return 0, err
			}
		}
		began := clk.Now()
		for i := range changes {
			changes[i].encode(1)
		}
		all = append(all, float64(clk.Now().Sub(began))/together)
	}
	return slices.Min(all), nil
}

// repeats is how often a round measures a figure of a loop.
const repeats = 25

// timed publishes so many events and measures what it takes to step through them.
func (b *benchStage) timed(clk clock.Clock, events int) (took float64, w notify.Work, err error) {
	for range events {
		if err := b.publish(); err != nil {
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

// queued measures what it takes to put an event behind the one that a consumer has in hand.
func (b *benchStage) queued(clk clock.Clock) (ns float64, err error) {
	const behind = 10
	var all []float64
	for range repeats {
		if _, _, err = b.timed(clk, 2); err != nil { // one in hand, the other parks them
			return 0, err
		}
		took, w, err := b.timed(clk, behind)
		if err != nil {
			return 0, err
		}
		all = append(all, took/float64(max(w.Queued, 1)))
		if err := b.rest(); err != nil {
			return 0, err
		}
	}
	return median(all), nil
}

func median(ns []float64) float64 {
	slices.Sort(ns)
	return ns[len(ns)/2]
}

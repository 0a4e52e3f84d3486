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
// comes in bursts, and is timed in a loop. There are no streams yet, so encoding and writing cost
// nothing. A round takes about two seconds; report may be nil. The caller decides what to do about
// a noisy figure.
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
		q, err := b.queued(clk)
		if err != nil {
			return CostModel{}, nil, err
		}
		r, d, w, err := underLoads(ctx)
		if err != nil {
			return CostModel{}, nil, err
		}
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

// publish changes an instance and publishes that.
func (b *benchStage) publish() error {
	p := b.world.Providers[0]
	in := *b.world.Registry.Pick(p.ServiceID, b.next)
	b.next++
	_, ev, err := b.truth.change(b.at, func(r *registry.Registry) (registry.Change, error) {
		return r.Update(in)
	})
	if err != nil {
		return err
	}
	return b.engine.Publish(context.Background(), ev, b.group)
}

// repeats is how often a round measures a figure; the round's is the median.
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

// underLoad measures in real time how long after it was due an event is with a world's watchers on
// average, who are busy with the events as they are in a run: what is late beyond the handling and
// the generator's lag. A single watcher would need many events for the handling times to average
// out, so its own is constant.
func underLoad(ctx context.Context, w Workload) (ns float64, err error) {
	t, err := Generate(w, 1)
	if err != nil {
		return 0, err
	}
	s := quietScenario()
	s.Workload, s.Topology, s.Consumers = "", w.Name, w.Consumers
	s.Warmup, s.Duration, s.Heal = 50*time.Millisecond, 400*time.Millisecond, time.Second
	s.Rate, s.Arrivals, s.Churn = 50, "constant", 0
	s.LagBound = time.Hour
	if w.Consumers == 1 {
		s.Spread = "constant"
	}
	run, err := RunWall(ctx, s, t, Config{Engine: "notifylab", Shards: 1}, nil)
	if err != nil {
		return 0, err
	}
	if run.Propagation.Count == 0 { // it was interrupted
		return 0, ctx.Err()
	}
	h, err := run.Propagation.Decode()
	if err != nil {
		return 0, err
	}
	return h.Mean() - float64(s.Handling) - float64(run.GeneratorLag.P50), nil
}

// underLoads measures what is made of three worlds: waking up for one watcher; delivering to one
// after another of a large group; and looking up one after another of many groups, each with a
// watcher.
func underLoads(ctx context.Context) (route, deliver, wake float64, err error) {
	one := func(watchers int) Workload {
		return Workload{Name: "one group", Shape: ShapeOneConsumer, Services: 1, Instances: 100,
			Consumers: watchers, MeanInDegree: 1}
	}
	const crowd, groups = 10_000, 300
	many := Workload{Name: "many groups", Shape: ShapeMesh, Services: groups + 1,
		Instances: groups + 1, Consumers: groups + 1, MeanInDegree: groups}
	var delay [3]float64
	for i, w := range []Workload{one(1), one(crowd), many} {
		if delay[i], err = underLoad(ctx, w); err != nil {
			return 0, 0, 0, err
		}
	}
	deliver = max(delay[1]-delay[0], 0) / (crowd / 2)
	route = max((delay[2]-delay[0])/(groups/2)-deliver, 0)
	return route, deliver, max(delay[0]-route, 0), nil
}

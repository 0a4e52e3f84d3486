package sim

import (
	"context"
	"time"
)

// underLoad measures in real time how long after it was due an event is with a world's watchers on
// average, who are busy with the events as they are in a run: what is late beyond the handling and
// the generator's lag. A single watcher would need many events for the handling times to average
// out, so its own is constant.
func underLoad(ctx context.Context, w Workload, over Transport) (ns float64, err error) {
	t, err := Generate(w, 1)
	if err != nil {
		return 0, err
	}
	s := quietScenario()
	s.Workload, s.Topology, s.Consumers = "", w.Name, w.Consumers
	s.Warmup, s.Duration, s.Heal = 50*time.Millisecond, 400*time.Millisecond, time.Second
	s.Rate, s.Arrivals, s.Churn = 50, "constant", 0
	s.LagBound, s.Transport = time.Hour, over
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
	const crowd, groups = 10_000, 300
	many := Workload{Name: "many groups", Shape: ShapeMesh, Services: groups + 1,
		Instances: groups + 1, Consumers: groups + 1, MeanInDegree: groups}
	var delay [3]float64
	for i, w := range []Workload{oneGroup(1), oneGroup(crowd), many} {
		if delay[i], err = underLoad(ctx, w, InProc); err != nil {
			return 0, 0, 0, err
		}
	}
	deliver = max(delay[1]-delay[0], 0) / (crowd / 2)
	route = max((delay[2]-delay[0])/(groups/2)-deliver, 0)
	return route, deliver, max(delay[0]-route, 0), nil
}

// oneGroup is a world of so many watchers who all hear of the same.
func oneGroup(watchers int) Workload {
	return Workload{Name: "one group", Shape: ShapeOneConsumer, Services: 1, Instances: 100,
		Consumers: watchers, MeanInDegree: 1}
}

// overWire measures what a frame takes: by how much later events are over WebSocket, to a group of
// which the average consumer waits for half.
func overWire(ctx context.Context) (write float64, err error) {
	const crowd = 200
	var delay [2]float64
	for i, over := range []Transport{InProc, WebSocket} {
		if delay[i], err = underLoad(ctx, oneGroup(crowd), over); err != nil {
			return 0, err
		}
	}
	return max(delay[1]-delay[0], 0) / (crowd / 2), nil
}

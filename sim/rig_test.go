package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

const (
	ms  = int64(time.Millisecond)
	sec = int64(time.Second)
)

// quiet is a scenario in which nothing happens by itself, nobody fails and nothing takes time.
func quiet(consumers int) sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Rate, s.Storm = "small", consumers, 1e-9, 0
	s.Churn, s.ConsumerChurn, s.Slow, s.Stuck = 0, 0, 0, 0
	s.Handling, s.ListTime, s.Pull = 0, 0, 0
	return s
}

// oneService is a world of one provider with so many instances and one group of watchers.
func oneService(t testing.TB, instances int) *sim.Topology {
	t.Helper()
	return generated(t, sim.Workload{
		Name: "one", Shape: sim.ShapeOneConsumer,
		Services: 1, Instances: instances, MeanInDegree: 1,
	}, 1)
}

// preset is what a configuration makes of its engine; that of notifylab gets one shard, so that
// events are handled in one order.
func preset(t testing.TB, c sim.Config) watch.Preset {
	t.Helper()
	if c.Engine == "" {
		c.Engine = "notifylab"
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	p, _, err := c.Resolve()
	require.NoError(t, err)
	return p
}

func newRig(t testing.TB, s sim.Scenario, topology *sim.Topology, p watch.Preset) *sim.Rig {
	t.Helper()
	require.NoError(t, s.Validate())
	r, err := sim.NewRig(s, topology, p, 2)
	require.NoError(t, err)
	r.Open()
	return r
}

// change publishes a change of instance n, due now.
func change(t testing.TB, r *sim.Rig, n int) *notify.Event {
	t.Helper()
	ev, err := r.Change(n, false)
	require.NoError(t, err)
	return ev
}

// after lets time pass.
func after(r *sim.Rig, d int64) { r.RunTo(r.Now + d) }

// conclude ends the run.
func conclude(t testing.TB, r *sim.Rig) *sim.Run {
	t.Helper()
	run, err := r.Conclude()
	require.NoError(t, err)
	return run
}

// recorder listens to a group like a watcher.
type recorder struct{ events []*notify.Event }

func (r *recorder) Deliver(batch []*notify.Event) (int, error) {
	r.events = append(r.events, batch...)
	return len(batch), nil
}

func listen(t testing.TB, r *sim.Rig, group int) *recorder {
	t.Helper()
	id, to := r.World().Groups[group].ServiceID, new(recorder)
	subject := registry.SubjectOf(r.World().Registry.Service(id).Tenant)
	_, err := r.Engine().Subscribe(registry.InstanceEvents, subject, id, to, nil)
	require.NoError(t, err)
	return to
}

// changeOf is what an event tells of.
func changeOf(ev *notify.Event) *registry.Change { return ev.Payload.(*registry.Change) }

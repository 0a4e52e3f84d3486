package sim_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// near asserts that a count is within 5 standard errors of its mean.
func near(t *testing.T, share float64, of, got int, what string) {
	t.Helper()
	n := float64(of)
	assert.InDelta(t, share*n, got, 5*math.Sqrt(n*share*(1-share)), what)
}

func TestAShareOfTheChangesIsADeregisterOrARegister(t *testing.T) {
	s := quiet(0)
	s.Rate, s.Churn = 10_000, 0.3
	const instances = 500
	r := newRig(t, s, oneService(t, instances), preset(t, sim.Config{}))
	heard, load := listen(t, r, 0), r.Load(0, 2*sec)
	provider := r.World().Providers[0].ServiceID
	vacant := 0
	for load.Next() < sim.Never {
		r.RunTo(load.Next())
		require.Len(t, r.World().Registry.Instances(provider), instances-load.Vacant())
		vacant = max(vacant, load.Vacant())
	}
	assert.Less(t, vacant, 25, "who is lost is replaced soon")

	actions := make(map[registry.Action]int)
	for _, ev := range heard.events {
		actions[changeOf(ev).Action]++
	}
	n := len(heard.events)
	near(t, 1-s.Churn, n, actions[registry.Update], "updates")
	assert.Equal(t, load.Vacant(), actions[registry.Delete]-actions[registry.Create])
	assert.Equal(t, n, actions[registry.Update]+actions[registry.Delete]+actions[registry.Create])
}

// Services of one instance lose all they have, again and again.
func TestThePopulationIsStable(t *testing.T) {
	s := quiet(0)
	s.Rate, s.Churn = 10_000, 0.9
	topology := generated(t, sim.Workload{
		Name: "thin", Shape: sim.ShapeEverything, Services: 10, Instances: 10, MeanInDegree: 1,
	}, 1)
	r := newRig(t, s, topology, preset(t, sim.Config{}))
	load := r.Load(0, sec)
	for load.Next() < sim.Never {
		r.RunTo(load.Next())
		n := 0
		for _, p := range r.World().Providers {
			living := len(r.World().Registry.Instances(p.ServiceID))
			require.LessOrEqual(t, living, len(p.Instances), p.ServiceID)
			n += living
		}
		require.Equal(t, 10, n+load.Vacant(), "instances, and those to be replaced")
	}
	assert.Greater(t, load.Changes(), int64(9000))
}

func TestConsumersLeaveCrashAndAreCutAlike(t *testing.T) {
	s := quiet(20)
	s.ConsumerChurn = 0.5
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	load := r.Load(0, 1000*sec)
	kinds, whom := make(map[string]int), make(map[int]int)
	n := 0
	for load.Next() < sim.Never {
		r.Now = load.Next()
		require.NoError(t, load.Act())
		for _, ask := range r.Asked() {
			kinds[ask.Kind]++
			whom[ask.Consumer]++
			n++
		}
	}
	assert.InDelta(t, 10_000, n, 5*math.Sqrt(10_000), "0.5 of 20, for 1000 s")
	assert.Len(t, kinds, 3)
	for kind, got := range kinds {
		near(t, 1./3, n, got, kind)
	}
	assert.Len(t, whom, 20)
	for c, got := range whom {
		near(t, 1./20, n, got, "consumer "+string(rune('a'+c)))
	}
	assert.Zero(t, load.Changes())
}

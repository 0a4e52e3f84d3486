package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// deed is one change as its watchers hear of it.
type deed struct {
	due      int64
	action   registry.Action
	instance string
}

// faulty is a scenario of 10 s in which nothing happens but these faults.
func faulty(consumers int, faults ...sim.Fault) sim.Scenario {
	s := quiet(consumers)
	s.Warmup, s.Duration, s.Faults = 0, 10*time.Second, faults
	return s
}

// deeds runs the generator of a scenario and gives what group 0 hears, with the fewest and the most
// instances that there were.
func deeds(t *testing.T, s sim.Scenario, topology *sim.Topology) (out []deed, least, most int) {
	r := newRig(t, s, topology, preset(t, sim.Config{}))
	heard, load := listen(t, r, 0), r.Load(0, int64(s.Duration))
	count := func() (n int) {
		for _, p := range r.World().Providers {
			n += r.World().Registry.CountInstances(p.ServiceID)
		}
		return n
	}
	least, most = count(), count()
	for load.Next() < sim.Never {
		r.Now = load.Next()
		require.NoError(t, load.Act())
		r.Settle()
		if load.Next() > r.Now { // what is due at one instant is one step
			least, most = min(least, count()), max(most, count())
		}
	}
	for _, ev := range heard.events {
		c := changeOf(ev)
		due := int64(ev.Due.Sub(time.Unix(1e9, 0)))
		out = append(out, deed{due, c.Action, c.Instance.ID})
	}
	return out, least, most
}

// count says how many deeds there are of each action.
func count(all []deed) map[registry.Action]int {
	n := make(map[registry.Action]int)
	for _, d := range all {
		n[d.action]++
	}
	return n
}

// duesOfAll lists when deeds of an action were due.
func duesOfAll(all []deed, action registry.Action) (out []int64) {
	for _, d := range all {
		if d.action == action {
			out = append(out, d.due)
		}
	}
	return out
}

func TestFault_RollingDeployReplacesEveryInstanceAShareAtATime(t *testing.T) {
	for _, c := range []struct {
		instances int
		share     float64
		least     int
	}{
		{30, 0.1, 27}, {30, 0.25, 23}, {31, 0.1, 28}, {3, 0.1, 2}, {4, 1, 0},
	} {
		s := faulty(0, sim.Fault{
			Kind: "rolling-deploy", Start: time.Second, Length: 6 * time.Second, Share: c.share})
		all, least, most := deeds(t, s, oneService(t, c.instances))
		n := c.instances
		assert.Equal(t, map[registry.Action]int{registry.Create: n, registry.Delete: n}, count(all))
		assert.Equal(t, c.least, least, "%d instances, %v at a time", n, c.share)
		assert.Equal(t, n, most)
		names := make(map[string]int)
		for _, d := range all {
			names[d.instance]++
			assert.GreaterOrEqual(t, d.due, sec)
			assert.Less(t, d.due, 7*sec)
		}
		assert.Len(t, names, 2*n, "the old ones go, and all that come are new")
	}
}

func TestFault_ADeployOfSomeServicesLeavesTheOthersAlone(t *testing.T) {
	s := faulty(50, sim.Fault{Kind: "rolling-deploy", Length: time.Second, Services: 3})
	w, err := mesh(t).Build(50, 0)
	require.NoError(t, err)
	run := virtual(t, s, mesh(t), notifylabAlone, sim.ZeroCost())
	var sizes []int
	for _, p := range w.Providers {
		sizes = append(sizes, len(p.Instances))
	}
	least, most := 0, 0
	for range 3 {
		least, most = least+slices.Min(sizes), most+slices.Max(sizes)
	}
	assert.GreaterOrEqual(t, run.Changes, int64(2*least))
	assert.LessOrEqual(t, run.Changes, int64(2*most))
	assert.Less(t, run.Changes, int64(2*w.Instances))
	assert.Equal(t, sim.Passed, run.Verdict)
}

func TestFault_ScalingIsEvenOverItsLength(t *testing.T) {
	s := faulty(0,
		sim.Fault{Kind: "scale-out", Start: time.Second, Length: 2 * time.Second, Share: 0.25},
		sim.Fault{Kind: "scale-in", Start: 5 * time.Second, Share: 0.4})
	all, least, most := deeds(t, s, oneService(t, 20))
	assert.Equal(t, []int64{1000 * ms, 1400 * ms, 1800 * ms, 2200 * ms, 2600 * ms},
		duesOfAll(all, registry.Create))
	var gone []int64
	for range 10 { // of the 25 that there are then
		gone = append(gone, 5*sec)
	}
	assert.Equal(t, gone, duesOfAll(all, registry.Delete))
	assert.Equal(t, 15, least)
	assert.Equal(t, 25, most)
}

func TestFault_AFlappingInstanceGoesAndComesBackTheSame(t *testing.T) {
	s := faulty(0, sim.Fault{Kind: "flapping", Start: time.Second, Length: 2500 * time.Millisecond,
		Period: time.Second, Count: 1})
	all, least, _ := deeds(t, s, oneService(t, 20))
	assert.Equal(t, []int64{sec, 2 * sec, 3 * sec}, duesOfAll(all, registry.Delete))
	assert.Equal(t, []int64{1500 * ms, 2500 * ms, 3500*ms - 1}, duesOfAll(all, registry.Create),
		"the last time before the fault is over")
	assert.Equal(t, 19, least)
	for _, d := range all {
		assert.Equal(t, all[0].instance, d.instance)
	}
}

func TestFault_ZoneLossTakesExactlyItsShareAtOnce(t *testing.T) {
	topology := generated(t, sim.Workload{
		Name: "all", Shape: sim.ShapeEverything, Services: 20, Instances: 99, MeanInDegree: 1,
	}, 1)
	loss := sim.Fault{Kind: "zone-loss", Start: 2 * time.Second}
	all, least, most := deeds(t, faulty(10, loss), topology)
	assert.Equal(t, map[registry.Action]int{registry.Delete: 33}, count(all))
	for _, d := range all {
		assert.Equal(t, 2*sec, d.due)
	}
	assert.Equal(t, []int{66, 99}, []int{least, most})

	loss.Length = 3 * time.Second
	all, least, most = deeds(t, faulty(10, loss), topology)
	assert.Equal(t, map[registry.Action]int{registry.Delete: 33, registry.Create: 33}, count(all))
	for _, due := range duesOfAll(all, registry.Create) {
		assert.Equal(t, 5*sec, due)
	}
	assert.Equal(t, []int{66, 99}, []int{least, most})

	loss.Share = 1
	all, least, _ = deeds(t, faulty(10, loss), topology)
	assert.Len(t, all, 2*99)
	assert.Zero(t, least)
}

// The load goes on amid the faults, also of services that have lost everything.
func TestFault_TheLoadGoesOnThoughAllInstancesAreLost(t *testing.T) {
	s := faulty(20, sim.Fault{Kind: "zone-loss", Start: time.Second, Share: 1},
		sim.Fault{Kind: "zone-loss", Start: 2 * time.Second, Length: time.Second, Share: 1},
		sim.Fault{Kind: "rolling-deploy", Start: 3 * time.Second, Length: time.Second,
			Services: 99},
		sim.Fault{Kind: "flapping", Start: 2 * time.Second, Length: 7 * time.Second, Count: 9})
	s.Rate, s.Churn = 50, 0.5
	run := virtual(t, s, mesh(t), notifylabAlone, sim.DefaultCost())
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	assert.Greater(t, run.Changes, int64(60+400))
}

func TestFault_AnUpdateStormIsEvenOverItsLength(t *testing.T) {
	s := faulty(0, sim.Fault{
		Kind: "update-storm", Start: 2 * time.Second, Length: time.Second, Count: 100})
	all, _, _ := deeds(t, s, oneService(t, 7))
	var want []int64
	for i := range int64(100) {
		want = append(want, 2*sec+10*i*ms)
	}
	assert.Equal(t, want, duesOfAll(all, registry.Update))
	assert.Len(t, all, 100)
}

package sim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

func builtIn(t testing.TB, name string) sim.Workload {
	t.Helper()
	w, err := sim.FindWorkload(name)
	require.NoError(t, err)
	return w
}

func generated(t testing.TB, w sim.Workload, seed uint64) *sim.Topology {
	t.Helper()
	topology, err := sim.Generate(w, seed)
	require.NoError(t, err)
	return topology
}

func TestWorkloadsHaveThePublishedFigures(t *testing.T) {
	want := map[string][3]int{
		"small":       {100, 2_800, 2_000},
		"medium":      {1_000, 28_000, 10_000},
		"large":       {10_000, 280_000, 100_000},
		"planet":      {67_760, 1_866_091, 1_000_000},
		"consul-10k":  {1, 172_000, 10_000},
		"k8s-5k":      {10_000, 150_000, 5_000},
		"hot-subject": {1, 5_000, 3_000},
	}
	got := map[string][3]int{}
	for _, w := range sim.Workloads() {
		got[w.Name] = [3]int{w.Services, w.Instances, w.Consumers}
		assert.NoError(t, w.Validate())
		assert.NotEmpty(t, w.Description)
	}
	assert.Equal(t, want, got)
	sim.Workloads()[0].Services = 7
	assert.Equal(t, 100, sim.Workloads()[0].Services, "the table can't be changed")
	_, err := sim.FindWorkload("huge")
	require.ErrorIs(t, err, sim.ErrWorkload)
	assert.ErrorContains(t, err, `"huge": want one of small, medium`)
}

func TestAWorldHasTheStatedTotals(t *testing.T) {
	for _, name := range []string{"small", "medium", "k8s-5k", "consul-10k", "hot-subject"} {
		w := builtIn(t, name)
		topology := generated(t, w, 1)
		require.Equal(t, w.Instances, topology.TotalInstances(), name)
		world, err := topology.Build(w.Consumers, 0)
		require.NoError(t, err)
		require.Equal(t, w.Instances, world.Instances, name)
		require.Equal(t, w.Consumers, sum(watchersOf(world)), name)
		provided := 0
		for _, p := range world.Providers {
			provided += len(p.Instances)
		}
		if w.Shape == sim.ShapeMesh {
			require.Equal(t, w.Services*w.MeanInDegree, world.Edges, name)
			continue
		}
		require.Equal(t, w.Instances, provided, name)
		require.Equal(t, []sim.Group{{ServiceID: "c0", Watchers: w.Consumers}}, world.Groups, name)
		require.Len(t, world.Providers, w.Services, name)
		for _, p := range world.Providers {
			require.Equal(t, []string{"c0"}, world.Registry.Consumers(p.ServiceID))
		}
	}
}

func TestAChangeOfMediumReaches560WatchersOnAverage(t *testing.T) {
	w := builtIn(t, "medium")
	for seed := range uint64(3) {
		world, err := generated(t, w, seed).Build(w.Consumers, 0)
		require.NoError(t, err)
		of := map[string]int{}
		for _, g := range world.Groups {
			of[g.ServiceID] = g.Watchers
		}
		reached, changes := 0, 0
		for _, p := range world.Providers {
			for _, c := range world.Registry.Consumers(p.ServiceID) {
				reached += of[c] * len(p.Instances)
			}
			changes += len(p.Instances)
		}
		assert.InDelta(t, 560, float64(reached)/float64(changes), 60, "seed %d", seed)
		assert.InDelta(t, 1_000, len(world.Groups), 10, "nearly everybody consumes")
	}
}

func TestInDegreesAreZipfUpToAQuarterOfAllServices(t *testing.T) {
	world, err := generated(t, builtIn(t, "medium"), 1).Build(0, 0)
	require.NoError(t, err)
	var degrees []int
	for _, s := range world.Registry.Services() {
		consumers := world.Registry.Consumers(s.ID)
		require.NotContains(t, consumers, s.ID, "nobody depends on itself")
		degrees = append(degrees, len(consumers))
	}
	slices.Sort(degrees)
	slices.Reverse(degrees)
	assert.Equal(t, 250, degrees[0])
	// Zipf beyond the cap: rank × degree is constant.
	for _, rank := range []int{100, 200, 400, 800} {
		assert.InEpsilon(t, 100*degrees[99], rank*degrees[rank-1], 0.05, "rank %d", rank)
	}
}

func TestInstancesAreLogNormal(t *testing.T) {
	topology := generated(t, builtIn(t, "large"), 1)
	var counts []int
	for _, s := range topology.Services {
		counts = append(counts, s.Instances)
		require.GreaterOrEqual(t, s.Instances, 1)
	}
	slices.Sort(counts)
	// With sigma 1 the median is the mean over e^0.5, and the quantiles at one and two sigma are
	// e and e² times that.
	assert.InDelta(t, 17.0, counts[5_000], 1)
	assert.InDelta(t, 46.2, counts[8_413], 3)
	assert.InDelta(t, 125.5, counts[9_772], 12)
}

func fingerprint(t testing.TB, topology *sim.Topology) string {
	t.Helper()
	world, err := topology.Build(1_000, 0)
	require.NoError(t, err)
	h := sha256.New()
	enc := json.NewEncoder(h)
	require.NoError(t, enc.Encode([]any{topology, world.Groups, world.Providers, world.Edges}))
	for _, p := range world.Providers {
		require.NoError(t, enc.Encode(world.Registry.Instances(p.ServiceID)))
		require.NoError(t, enc.Encode(world.Registry.Consumers(p.ServiceID)))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// The fingerprint is committed: the same workload and seed must be the same world on every
// machine. A deliberate change of the generator changes it, and with it every virtual result.
func TestTheSameSeedIsTheSameWorldAtAnyGOMAXPROCS(t *testing.T) {
	const golden = "4435d1769476b825"
	w := builtIn(t, "small")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		assert.Equal(t, golden, fingerprint(t, generated(t, w, 1)), "GOMAXPROCS %d", procs)
	}
	assert.NotEqual(t, golden, fingerprint(t, generated(t, w, 2)), "another seed, another world")
}

func TestGenerateKeepsItsLawsForAnyWorkload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := sim.Workload{Name: "any", Shape: sim.ShapeMesh,
			Services: rapid.IntRange(1, 40).Draw(t, "services")}
		w.Instances = rapid.IntRange(w.Services, 30*w.Services).Draw(t, "instances")
		w.MeanInDegree = rapid.IntRange(0, w.Services-1).Draw(t, "mean")
		topology, err := sim.Generate(w, rapid.Uint64().Draw(t, "seed"))
		require.NoError(t, err)
		require.Equal(t, w.Instances, topology.TotalInstances())
		world, err := topology.Build(0, 0)
		require.NoError(t, err)
		require.Equal(t, w.MeanInDegree*w.Services, world.Edges)
		for _, s := range topology.Services {
			require.Positive(t, s.Instances)
			require.NotContains(t, world.Registry.Providers(s.Service.ID), s.Service.ID)
		}
	})
}

func TestUnusableWorkloadsAreErrorsThatNameTheField(t *testing.T) {
	for _, c := range []struct {
		change      func(*sim.Workload)
		field, form string
	}{
		{func(w *sim.Workload) { w.Shape = "ring" }, `Shape "ring"`, "one-consumer or everything"},
		{func(w *sim.Workload) { w.Services = 0 }, "Services 0", "1 to"},
		{func(w *sim.Workload) { w.Instances = 99 }, "Instances 99", "100 (one per service)"},
		{func(w *sim.Workload) { w.Instances = 1 << 30 }, "Instances 1073741824", "16777216"},
		{func(w *sim.Workload) { w.Consumers = -1 }, "Consumers -1", "0 or more"},
		{func(w *sim.Workload) { w.MeanInDegree = 100 }, "MeanInDegree 100", "0 to 99"},
		{func(w *sim.Workload) { w.MeanInDegree = -1 }, "MeanInDegree -1", "0 to 99"},
		{func(w *sim.Workload) { w.Shape = sim.ShapeEverything }, "MeanInDegree 6", "want 1,"},
		{func(w *sim.Workload) { w.Services, w.Instances, w.MeanInDegree = 1<<20, 1<<20, 1<<10 },
			"MeanInDegree 1024", "dependencies in all"},
	} {
		w := builtIn(t, "small")
		c.change(&w)
		_, err := sim.Generate(w, 1)
		require.ErrorIs(t, err, sim.ErrWorkload)
		assert.ErrorContains(t, err, c.field)
		assert.ErrorContains(t, err, c.form)
	}
}

// What a world costs to build, and to hold. The largest takes seconds: -benchtime 1x.
func BenchmarkBuild(b *testing.B) {
	for _, name := range []string{"small", "medium", "large", "planet"} {
		b.Run(fmt.Sprintf("workload=%s", name), func(b *testing.B) {
			w := builtIn(b, name)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var world *sim.World
			for b.Loop() {
				var err error
				world, err = generated(b, w, 1).Build(w.Consumers, 0)
				require.NoError(b, err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
			b.ReportMetric(float64(after.Sys)/1e6, "sys-MB")
			runtime.KeepAlive(world)
		})
	}
}

package sim_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}

func TestApportion(t *testing.T) {
	for _, c := range []struct {
		total   int
		weights []int64
		floor   int
		want    []int
	}{
		{10, nil, 1, []int{}},
		{10, []int64{1, 1, 1}, 0, []int{4, 3, 3}},      // equal fractions: the earlier first
		{10, []int64{6, 3, 1}, 0, []int{6, 3, 1}},      // exact quotas
		{7, []int64{50, 30, 20}, 0, []int{4, 2, 1}},    // 3.5, 2.1, 1.4
		{0, []int64{5, 5}, 0, []int{0, 0}},             // nothing to divide
		{4, []int64{0, 0, 0}, 1, []int{2, 1, 1}},       // no weight: all count the same
		{3, []int64{1000, 1, 1}, 1, []int{1, 1, 1}},    // just enough for the floors
		{100, []int64{1000, 1, 0}, 1, []int{98, 1, 1}}, // floors come out of the others' quotas
		{2, []int64{1, 1000, 0}, 0, []int{0, 2, 0}},
	} {
		assert.Equal(t, c.want, sim.Apportion(c.total, c.weights, c.floor),
			"apportion(%d, %v, %d)", c.total, c.weights, c.floor)
	}
}

func TestSharesAddUpAndNobodyIsAboveItsQuotaRoundedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 50).Draw(t, "weights")
		floor := rapid.IntRange(0, 2).Draw(t, "floor")
		total := rapid.IntRange(floor*len(weights), math.MaxInt32).Draw(t, "total")
		got := sim.Apportion(total, weights, floor)
		require.Equal(t, total, sum(got))
		all := 0.0
		for _, w := range weights {
			all += float64(w)
		}
		for i, n := range got {
			require.GreaterOrEqual(t, n, floor)
			if all > 0 && n > floor {
				quota := float64(total) * float64(weights[i]) / all
				require.Less(t, float64(n), (quota+1)*(1+1e-9))
				require.True(t, floor > 0 || float64(n) > (quota-1)*(1-1e-9)-1e-3)
			}
			for j := range got {
				require.False(t, weights[i] > weights[j] && n < got[j], "the heavier gets no less")
			}
		}
	})
}

func watchersOf(w *sim.World) []int {
	var list []int
	for _, g := range w.Groups {
		list = append(list, g.Watchers)
	}
	return list
}

func TestWatchersAreSharedInProportionToInstances(t *testing.T) {
	topology := trainTicket(t)
	for _, consumers := range []int{0, 1, 26, 27, 28, 1000, 10_000, 1_000_001} {
		w, err := topology.Build(consumers, 0)
		require.NoError(t, err)
		require.Equal(t, consumers, sum(watchersOf(w)), "consumers %d", consumers)
		for _, g := range w.Groups {
			// All services of train-ticket have three instances: all shares are equal.
			share := consumers / len(w.Groups)
			require.GreaterOrEqual(t, g.Watchers, share)
			require.LessOrEqual(t, g.Watchers, share+1)
			require.NotEmpty(t, w.Registry.Providers(g.ServiceID))
		}
	}
}

func TestNoConsumingServiceIsLostToRounding(t *testing.T) {
	topology := &sim.Topology{Name: "skewed"}
	for _, s := range []struct {
		id        string
		instances int
	}{{"big", 1_000_000}, {"small", 1}, {"none", 0}, {"provider", 5}} {
		key := registry.Key{Tenant: "a/b", Name: s.id, Version: "1"}
		topology.Services = append(topology.Services, sim.ServiceSpec{
			Service: registry.Service{ID: s.id, Key: key}, Instances: s.instances})
		if s.id != "provider" {
			topology.Rules = append(topology.Rules, sim.DependencySpec{Consumer: key,
				Providers: []registry.Key{{Name: "provider", Version: "0+"}}})
		}
	}
	w, err := topology.Build(3, 8)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1, 1}, watchersOf(w))
	w, err = topology.Build(2, 8)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 0, 0}, watchersOf(w))
}

func TestProvidersAreTheServicesThatHaveConsumersAndInstances(t *testing.T) {
	w, err := trainTicket(t).Build(100, 0)
	require.NoError(t, err)
	for _, p := range w.Providers {
		require.NotEmpty(t, w.Registry.Consumers(p.ServiceID))
		var ids []string
		for _, in := range w.Registry.Instances(p.ServiceID) {
			ids = append(ids, in.ID)
		}
		require.ElementsMatch(t, ids, p.Instances)
	}
	consumed := 0
	for _, s := range w.Registry.Services() {
		if len(w.Registry.Consumers(s.ID)) > 0 {
			consumed++
		}
	}
	assert.Len(t, w.Providers, consumed)
}

func TestProvidersScaleToTheNumberAskedFor(t *testing.T) {
	topology := trainTicket(t)
	for _, providers := range []int{43, 44, 127, 128, 5_000} {
		w, err := topology.Build(100, providers)
		require.NoError(t, err)
		require.Equal(t, providers, w.Instances)
		total, ids := 0, map[string]bool{}
		for _, s := range w.Registry.Services() {
			list := w.Registry.Instances(s.ID)
			require.NotEmpty(t, list, s.Name)
			total += len(list)
			for _, in := range list {
				require.False(t, ids[in.ID], "ids are unique")
				ids[in.ID] = true
				if providers != 127 {
					require.Less(t, len(in.ID), 10, "ids are short")
				}
			}
		}
		require.Equal(t, providers, total)
	}
}

func TestImpossibleNumbersAreErrorsThatNameThem(t *testing.T) {
	topology := trainTicket(t)
	lonely := &sim.Topology{Name: "lonely", Services: []sim.ServiceSpec{{
		Service: registry.Service{ID: "a",
			Key: registry.Key{Tenant: "a/b", Name: "a", Version: "1"}}}}}
	wrong := &sim.Topology{Name: "wrong", Services: []sim.ServiceSpec{{Instances: -1}}}
	nameless := &sim.Topology{Name: "nameless", Services: make([]sim.ServiceSpec, 1)}
	for _, c := range []struct {
		topology             *sim.Topology
		consumers, providers int
		field, form          string
	}{
		{topology, -1, 0, "consumers -1", "0 to 67108864"},
		{topology, 1<<26 + 1, 0, "consumers 67108865", "0 to 67108864"},
		{topology, 1, -1, "providers -1", "from 43"},
		{topology, 1, 42, "providers 42", "from 43"},
		{topology, 1, 1<<24 + 1, "providers 16777217", "to 16777216"},
		{lonely, 1, 0, "consumers 1", "want 0"},
		{lonely, 0, 5, "providers 5", "want 0"},
		{wrong, 0, 0, "Services[0].Instances -1", "0 or more"},
		{nameless, 0, 0, "Services[0]", "not empty"},
	} {
		_, err := c.topology.Build(c.consumers, c.providers)
		require.ErrorIs(t, err, sim.ErrWorld)
		assert.ErrorContains(t, err, c.field)
		assert.ErrorContains(t, err, c.form)
	}
	_, err := lonely.Build(0, 0)
	assert.NoError(t, err)
}

func TestWorldsOfOneTopologyAreIndependent(t *testing.T) {
	topology := trainTicket(t)
	a, err := topology.Build(100, 0)
	require.NoError(t, err)
	p := a.Providers[0]
	_, err = a.Registry.Deregister(p.ServiceID, p.Instances[0])
	require.NoError(t, err)
	b, err := topology.Build(100, 0)
	require.NoError(t, err)
	assert.Len(t, b.Registry.Instances(p.ServiceID), 3)
	assert.Equal(t, a.Groups, b.Groups)
}

func TestNewInstanceFollowsThePatternOfItsService(t *testing.T) {
	in := `{"cache":{"services":[` + cart + `],"instances":[` + kv(instKey+"a/real",
		`{"serviceId":"a","instanceId":"real","endpoints":["rest://1.2.3.4:30100/?ssl=1",
		"grpc://[::1]:7070","plain.host"],"properties":{"zone":"z1"},"status":"DOWN",
		"healthCheck":{"mode":"pull","port":80},"timestamp":"77"}`) + `]}}`
	topology, err := sim.ReadDump(strings.NewReader(in), "x")
	require.NoError(t, err)
	w, err := topology.Build(0, 0)
	require.NoError(t, err)
	before := w.Registry.Revision()
	got, err := w.NewInstance("a", 259)
	require.NoError(t, err)
	assert.Equal(t, registry.Instance{ID: "s0-259", ServiceID: "a", Status: "UP", Version: "1.0",
		HostName:    "node-8",
		Endpoints:   []string{"rest://10.0.1.3:30100/?ssl=1", "grpc://10.0.1.3:7070", "10.0.1.3"},
		Properties:  map[string]string{"zone": "z1"},
		HealthCheck: &registry.HealthCheck{Mode: "pull", Port: 80}}, got)
	again, err := w.NewInstance("a", 259)
	require.NoError(t, err)
	assert.Equal(t, got, again)
	assert.Equal(t, before, w.Registry.Revision(), "nothing is registered")

	_, err = w.NewInstance("nobody", 0)
	assert.ErrorIs(t, err, registry.ErrUnknownService)
	_, err = w.NewInstance("a", -1)
	assert.ErrorIs(t, err, sim.ErrWorld)
}

func TestBuildRegistersWhatNewInstanceNumbers(t *testing.T) {
	w, err := trainTicket(t).Build(0, 500)
	require.NoError(t, err)
	for _, p := range w.Providers {
		for n, id := range p.Instances {
			in, err := w.NewInstance(p.ServiceID, n)
			require.NoError(t, err)
			require.Equal(t, id, in.ID)
		}
	}
}

func TestPickDrawsProvidersByTheirInstances(t *testing.T) {
	topology, err := sim.ReadDump(strings.NewReader(dumpOf(cart+","+web, cartInst, webRule)), "x")
	require.NoError(t, err)
	topology.Services[1].Instances = 9 // web
	topology.Rules = append(topology.Rules, sim.DependencySpec{
		Consumer:  topology.Services[0].Service.Key,
		Providers: []registry.Key{topology.Services[1].Service.Key}})
	w, err := topology.Build(10, 10)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	byProvider, byInstance := []int{0, 0}, map[string]int{}
	for range 10_000 {
		p, in := w.Pick(rng)
		byProvider[p]++
		byInstance[in.ID]++
		require.Equal(t, w.Providers[p].ServiceID, in.ServiceID)
	}
	assert.InDelta(t, 9_000, byProvider[1], 200)
	assert.Len(t, byInstance, 10)
	for id, n := range byInstance {
		assert.InDelta(t, 1_000, n, 200, id)
	}

	_, err = w.Registry.Deregister("a", w.Providers[0].Instances[0])
	require.NoError(t, err)
	for range 100 {
		p, in := w.Pick(rng)
		require.Equal(t, p == 0, in == nil, "a provider may run out of instances")
	}
	empty, err := sim.ReadDump(bytes.NewReader([]byte(dumpOf(cart, "", ""))), "x")
	require.NoError(t, err)
	none, err := empty.Build(0, 0)
	require.NoError(t, err)
	p, in := none.Pick(rng)
	assert.Equal(t, -1, p)
	assert.Nil(t, in)
}

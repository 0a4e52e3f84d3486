package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// versions is a world of a provider in two versions and another one, both with three instances
// each, and these consumers, by name. Each rule is a provider's name and its versions.
func versions(rules map[string][][2]string) *sim.Topology {
	key := func(name, version string) registry.Key {
		return registry.Key{Tenant: "default/default", App: "shop", Name: name, Version: version}
	}
	topology := &sim.Topology{Name: "versions"}
	add := func(id string, k registry.Key, instances int) {
		topology.Services = append(topology.Services, sim.ServiceSpec{
			Service: registry.Service{ID: id, Key: k}, Instances: instances,
		})
	}
	add("stock-1", key("stock", "1.0.0"), 3)
	add("stock-2", key("stock", "2.0.0"), 3)
	add("price", key("price", "1.0.0"), 3)
	for _, name := range []string{"a", "b", "c"} {
		if len(rules[name]) == 0 {
			continue
		}
		add(name, key(name, "1.0.0"), 0)
		d := sim.DependencySpec{Consumer: key(name, "1.0.0")}
		for _, rule := range rules[name] {
			d.Providers = append(d.Providers, key(rule[0], rule[1]))
		}
		topology.Rules = append(topology.Rules, d)
	}
	return topology
}

func allRules() *sim.Topology {
	return versions(map[string][][2]string{
		"a": {{"stock", "1.0.0"}, {"price", "latest"}},
		"b": {{"stock", "1.0+"}},
		"c": {{"stock", "latest"}, {"nothing", "0+"}, {"stock", "1.0-2.0"}, {"price", "0+"}},
	})
}

// pulling is a scenario in which only the test pulls.
func pulling(consumers int) sim.Scenario {
	s := quiet(consumers)
	s.Pull, s.Backoff = 24*time.Hour, time.Millisecond
	return s
}

func TestAConsumerAsksForEachOfItsProvidersThatIsThere(t *testing.T) {
	rules := map[string][][2]string{
		"a": {{"stock", "1.0.0"}, {"nothing", "0+"}, {"price", "latest"}, {"stock", "3.0+"}},
		"b": {{"*", ""}},
		"c": {{"*", ""}, {"stock", "0+"}},
	}
	r := newRig(t, pulling(3), versions(rules), preset(t, sim.Config{}))
	for group, want := range [][][2]string{
		{{"stock", "1.0.0"}, {"price", "latest"}},
		nil, // nobody can find "*"
		{{"stock", "0+"}},
	} {
		var got [][2]string
		for _, k := range r.Questions(group) {
			got = append(got, [2]string{k.Name, k.Version})
		}
		assert.Equal(t, want, got, r.World().Groups[group].ServiceID)
	}
	_, err := r.Change(0, true)
	require.NoError(t, err)
	assert.Empty(t, r.Pull(1, nil))
	assert.True(t, r.Consumer(1).View().Right(), `who has "*" reads the truth all the same`)
}

// Somebody who has no news but by pulls, and is sent only what is new, has the truth of the moment
// of each pull.
func TestWhatPullsGetIsTheTruthAtTheirPosition(t *testing.T) {
	topologies := []*sim.Topology{allRules(), mesh(t)}
	rapid.Check(t, func(t *rapid.T) {
		s := pulling(12)
		s.Seed = rapid.Uint64Range(0, 1000).Draw(t, "seed")
		s.Rate, s.Churn, s.ListTime = 200, 0.4, 5*time.Millisecond
		for _, kind := range rapid.SliceOfN(rapid.SampledFrom(editKinds), 0, 3).Draw(t, "edits") {
			s.Faults = append(s.Faults, sim.Fault{Kind: kind, Length: 10 * time.Second,
				Services: 3, Period: 30 * time.Millisecond})
		}
		p, _, err := sim.Config{Engine: "notifylab", Shards: 1}.Resolve()
		require.NoError(t, err)
		r, err := sim.NewRig(s, rapid.SampledFrom(topologies).Draw(t, "topology"), p, 2)
		require.NoError(t, err)
		reg, clients := r.World().Registry, make([]map[registry.Key][]*registry.Instance, 12)
		r.Open()
		for i := range clients { // what they begin with
			clients[i] = map[registry.Key][]*registry.Instance{}
			for _, a := range r.Pull(i, nil) {
				require.True(t, a.NotModified)
				rule, err := registry.ParseRule(a.Provider.Version)
				require.NoError(t, err)
				found, err := reg.Find(r.Consumer(i).Group(), a.Provider, rule)
				require.NoError(t, err)
				require.Equal(t, found.Revision, a.Revision)
				clients[i][a.Provider] = found.Instances
			}
		}
		r.Load(0, 10*sec)
		t.Repeat(map[string]func(*rapid.T){
			"time": func(t *rapid.T) { after(r, rapid.Int64Range(0, 50*ms).Draw(t, "ns")) },
			"trim": func(*rapid.T) { r.Trim() },
			"crash": func(t *rapid.T) {
				i := rapid.IntRange(0, 11).Draw(t, "consumer")
				r.Ask("crash", i)
				after(r, sec)
				clear(clients[i])
			},
			"pull": func(t *rapid.T) {
				i := rapid.IntRange(0, 11).Draw(t, "consumer")
				requirePull(t, r, i, clients[i])
			},
		})
		require.Empty(t, r.Reasons())
	})
}

// requirePull has a consumer pull, and compares all that it knows then with the truth.
func requirePull(t require.TestingT, r *sim.Rig, i int,
	client map[registry.Key][]*registry.Instance) {
	for _, a := range r.Pull(i, nil) {
		if a.NotModified {
			require.Contains(t, client, a.Provider, "it has nothing")
			require.Nil(t, a.Instances)
		} else {
			client[a.Provider] = a.Instances
		}
	}
	got, want := map[string]*registry.Instance{}, map[string]*registry.Instance{}
	for _, instances := range client {
		for _, in := range instances {
			got[in.ID] = in
		}
	}
	view, err := r.World().Registry.View(r.Consumer(i).Group())
	require.NoError(t, err)
	for _, s := range view.Services {
		for _, in := range s.Instances {
			want[in.ID] = in
		}
	}
	require.Equal(t, want, got)
	group := slices.IndexFunc(r.World().Groups, func(g sim.Group) bool {
		return g.ServiceID == r.Consumer(i).Group()
	})
	require.Equal(t, r.Log(group).Len(), r.Consumer(i).View().Position())
	require.True(t, r.Consumer(i).View().Right())
}

// A pull during which the truth changes is asked again, and at last nothing changes meanwhile.
func TestAPullIsOfOnePosition(t *testing.T) {
	for _, c := range []struct{ changes, finds, tries int }{
		{0, 1, 1}, {1, 2, 2}, {2, 3, 3}, {3, 4, 3}, {100, 4, 3},
	} {
		r := newRig(t, pulling(1), oneService(t, 10), preset(t, sim.Config{}))
		left, tries := c.changes, 0
		asked := r.Pull(0, func() {
			if tries++; left > 0 {
				left--
				_, err := r.Change(left%10, true)
				require.NoError(t, err)
			}
		})
		assert.Equal(t, c.tries, tries, "%d changes", c.changes)
		assert.True(t, r.Consumer(0).View().Right())
		require.Len(t, asked, 1)
		rule, err := registry.ParseRule(asked[0].Provider.Version)
		require.NoError(t, err)
		found, err := r.World().Registry.Find(r.Consumer(0).Group(), asked[0].Provider, rule)
		require.NoError(t, err)
		assert.Equal(t, found.Revision, asked[0].Revision)
		run := conclude(t, r)
		assert.EqualValues(t, c.finds, run.Finds.Finds)
		assert.Equal(t, []string{"no change reached a consumer: too few samples"}, run.Reasons)
	}
}

// What every pull is checked for. The registry is changed behind the truth's back.
func TestAPullThatDoesNotGetTheTruthFailsTheRun(t *testing.T) {
	for want, change := range map[string]func(*registry.Registry) error{
		"two answers at position 0": func(r *registry.Registry) error {
			_, err := r.Deregister("stock-1", r.Pick("stock-1", 0).ID)
			return err
		},
		"9 instances of default/default//shop/stock/0+, there are 6": func(
			r *registry.Registry) error {
			k := registry.Key{Tenant: "default/default", App: "shop", Name: "stock"}
			k.Version = "3.0.0"
			_, err := r.PutService(registry.Service{ID: "stock-3", Key: k})
			for _, id := range []string{"x", "y", "z"} {
				if err == nil {
					_, err = r.Register(registry.Instance{ServiceID: "stock-3", ID: id})
				}
			}
			return err
		},
		"unknown service": func(r *registry.Registry) error {
			_, err := r.DeleteService("stock-1")
			if err == nil {
				_, err = r.DeleteService("stock-2")
			}
			return err
		},
	} {
		topology := versions(map[string][][2]string{"a": {{"stock", "0+"}}})
		r := newRig(t, pulling(1), topology, preset(t, sim.Config{}))
		r.Pull(0, nil)
		assert.Empty(t, r.Reasons())
		require.NoError(t, change(r.World().Registry))
		r.Pull(0, nil)
		require.Len(t, r.Reasons(), 1, want)
		assert.Contains(t, r.Reasons()[0], "check failed: a pull gets the truth")
		assert.Contains(t, r.Reasons()[0], want)
	}
}

// What a group's consumers got is kept as long as one of them has it.
func TestAnswersThatNobodyHasAreForgotten(t *testing.T) {
	r := newRig(t, pulling(3), oneService(t, 10), preset(t, sim.Config{}))
	assert.Equal(t, 1, r.Kept(0), "all have the same")
	in := registry.Instance{ServiceID: r.World().Providers[0].ServiceID, ID: "x"}
	for range 5 {
		in.ModTimestamp++
		require.NoError(t, r.Apply(in))
		r.Pull(0, nil)
	}
	assert.Equal(t, 6, r.Kept(0))
	r.Trim()
	assert.Equal(t, 6, r.Kept(0), "two have the first one")
	r.Pull(1, nil)
	r.Ask("crash", 2)
	after(r, sec)
	in.ModTimestamp++
	require.NoError(t, r.Apply(in)) // or there is nothing to trim
	r.Trim()
	assert.Equal(t, 1, r.Kept(0), "who is new has none")
}

// Worked out by hand: four consumers pull in turn, one each quarter of the period.
func TestFindsAreCountedExactly(t *testing.T) {
	shared := map[string][][2]string{
		"a": {{"stock", "0+"}, {"price", "0+"}}, "b": {{"stock", "0+"}},
	}
	one := map[string][][2]string{"a": {{"price", "0+"}}}
	for _, c := range []struct {
		name     string
		rules    map[string][][2]string
		rate     float64 // of updates
		duration time.Duration
		pull     time.Duration
		want     sim.Finds
	}{
		{"nothing changes", one, 1e-9, 3 * time.Second, time.Second,
			sim.Finds{PullRate: 4, Finds: 12, Hits: 12, HitRate: 1, NotModified: 12}},
		// Due at 2 s, when the pull of that moment is over: the next one misses, and it and the
		// three after it get something new.
		{"one change", one, 0.5, 3 * time.Second, time.Second,
			sim.Finds{PullRate: 4, Finds: 12, Hits: 11, HitRate: 11.0 / 12, NotModified: 8}},
		// One pulls each minute, and the first two of the four ask for two providers: so there are
		// 2+2+1+1+2+2 finds. What was in the cache from the begin ends after five minutes of
		// virtual time: the pull at 5:00 misses both, but gets nothing new.
		{"the cached answers end", shared, 1e-9, 6 * time.Minute, 4 * time.Minute,
			sim.Finds{PullRate: 1.0 / 60, Finds: 10, Hits: 8, HitRate: 0.8, NotModified: 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quiet(4)
			s.Warmup, s.Heal, s.Duration, s.Pull = 0, 0, c.duration, c.pull
			s.Arrivals, s.Rate = "constant", c.rate
			run := virtual(t, s, versions(c.rules), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
			require.NotNil(t, run.Finds)
			assert.Equal(t, c.want, *run.Finds)
		})
	}
	run := virtual(t, quiet(4), versions(one), sim.Config{Engine: "notifylab"}, sim.ZeroCost())
	assert.Nil(t, run.Finds, "without pulls")
}

// Who pulls a moment after another of the group gets the same, at the cost of no find.
func TestAPullJoinsAnotherWhoseAnswersAreStillRight(t *testing.T) {
	r := newRig(t, pulling(3), oneService(t, 10), preset(t, sim.Config{}))
	assert.False(t, r.JoinPull(1), "the answers of the begin are nobody's")
	r.Pull(0, nil)
	assert.True(t, r.JoinPull(1))

	in := registry.Instance{ServiceID: r.World().Providers[0].ServiceID, ID: "x"}
	require.NoError(t, r.Apply(in))
	assert.False(t, r.JoinPull(1), "there is news")
	r.Pull(0, nil)
	assert.NotEqual(t, r.Version(0), r.Version(1))
	assert.True(t, r.JoinPull(1), "which it gets")
	assert.Equal(t, r.Version(0), r.Version(1))
	assert.True(t, r.Pull(1, nil)[0].NotModified, "and has")

	r.Now += sec - 1
	assert.True(t, r.JoinPull(2))
	r.Now++
	assert.False(t, r.JoinPull(2), "too long ago")
	assert.Empty(t, r.Reasons())
}

package sim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

var editKinds = []string{"rule-edits", "tag-edits", "dependency-edits"}

// editing is a fault of a kind from 1 s to 5 s: it hides at 1 s and 3 s, and shows at 2 s and 4 s,
// and so has nothing to give back at its end.
func editing(kind string) sim.Fault {
	return sim.Fault{Kind: kind, Start: time.Second, Length: 4 * time.Second, Period: time.Second}
}

// shops is a world of 10 services, shop0 to shop9, that all consume a stock of 3 instances and a
// price of 2.
func shops() *sim.Topology {
	topology := &sim.Topology{Name: "shops"}
	add := func(name string, instances int) registry.Key {
		k := registry.Key{Tenant: "default/default", App: "shop", Name: name, Version: "1.0.0"}
		topology.Services = append(topology.Services, sim.ServiceSpec{
			Service: registry.Service{ID: name, Key: k}, Instances: instances,
		})
		return k
	}
	wanted := []registry.Key{add("stock", 3), add("price", 2)}
	for i := range 10 {
		topology.Rules = append(topology.Rules, sim.DependencySpec{
			Consumer: add(fmt.Sprintf("shop%d", i), 0), Providers: wanted,
		})
	}
	return topology
}

// client knows what one who reads the wire knows: what it listed, and then every event. It asks
// again for what an EXPIRE names.
type client struct {
	id    string
	r     *registry.Registry
	known map[string]map[string]*registry.Instance // by service and id
	heard map[registry.Action]int
	at    []int64 // when it heard
}

func newClient(t require.TestingT, r *sim.Rig, group int) *client {
	c := &client{id: r.World().Groups[group].ServiceID, r: r.World().Registry,
		heard: make(map[registry.Action]int)}
	c.known = c.sees()
	subject := registry.SubjectOf(c.r.Service(c.id).Tenant)
	_, err := r.Engine().Subscribe(registry.InstanceEvents, subject, c.id, c, nil)
	require.NoError(t, err)
	return c
}

// sees is what the registry shows.
func (c *client) sees() map[string]map[string]*registry.Instance {
	all := make(map[string]map[string]*registry.Instance)
	view, _ := c.r.View(c.id)
	for _, s := range view.Services {
		for _, in := range s.Instances {
			if all[s.Service.ID] == nil {
				all[s.Service.ID] = make(map[string]*registry.Instance)
			}
			all[s.Service.ID][in.ID] = in
		}
	}
	return all
}

func (c *client) Deliver(batch []*notify.Event) (int, error) {
	for _, ev := range batch {
		change := changeOf(ev)
		id := change.Service.ID
		c.heard[change.Action]++
		c.at = append(c.at, ev.Due.Sub(time.Unix(1e9, 0)).Milliseconds())
		switch change.Action {
		case registry.Expire:
			delete(c.known, id)
			if now := c.sees()[id]; now != nil {
				c.known[id] = now
			}
		case registry.Delete:
			if delete(c.known[id], change.Instance.ID); len(c.known[id]) == 0 {
				delete(c.known, id)
			}
		default:
			if c.known[id] == nil {
				c.known[id] = make(map[string]*registry.Instance)
			}
			c.known[id][change.Instance.ID] = change.Instance
		}
	}
	return len(batch), nil
}

// watched runs a scenario with a client in each group, and looks at them when everything due at an
// instant has happened.
func watched(t require.TestingT, s sim.Scenario, topology *sim.Topology,
	look func(at int64, r *sim.Rig)) []*client {
	p, _, err := sim.Config{Engine: "notifylab", Shards: 1}.Resolve()
	require.NoError(t, err)
	r, err := sim.NewRig(s, topology, p, 2)
	require.NoError(t, err)
	r.Open()
	var clients []*client
	for i := range r.World().Groups {
		clients = append(clients, newClient(t, r, i))
	}
	load := r.Load(0, int64(s.Duration))
	for load.Next() < sim.Never {
		r.Now = load.Next()
		require.NoError(t, load.Act())
		r.Settle()
		if load.Next() > r.Now {
			look(r.Now, r)
		}
	}
	require.Empty(t, r.Reasons())
	return clients
}

// seers counts the consumers of a service after everything that is due at a time.
func seers(t *testing.T, kind string) (clients []*client, stock, price map[int64]int) {
	stock, price = make(map[int64]int), make(map[int64]int)
	clients = watched(t, faulty(10, editing(kind)), shops(), func(at int64, r *sim.Rig) {
		stock[at/ms] = len(r.World().Registry.Consumers("stock"))
		price[at/ms] = len(r.World().Registry.Consumers("price"))
	})
	return clients, stock, price
}

func TestFault_EditsHideAServiceFromItsShareEveryPeriodAndShowItAgain(t *testing.T) {
	for _, kind := range editKinds {
		clients, stock, price := seers(t, kind)
		hidden, other := stock, price
		if price[1000] < stock[1000] {
			hidden, other = price, stock
		}
		want := map[int64]int{1000: 5, 2000: 10, 3000: 5, 4000: 10}
		delete(hidden, 4999) // that there is nothing to give back
		delete(other, 4999)
		assert.Equal(t, want, hidden, kind)
		for at := range want {
			assert.Equal(t, 10, other[at], "%s: the other service at %d ms", kind, at)
		}
		for _, c := range clients {
			assert.Equal(t, c.sees(), c.known, kind)
		}
	}
}

func TestFault_RuleEditsAreHeardByAllConsumersOfTheServiceAsOneEXPIRE(t *testing.T) {
	clients, _, _ := seers(t, "rule-edits")
	for _, c := range clients {
		assert.Equal(t, map[registry.Action]int{registry.Expire: 4}, c.heard, c.id)
		assert.Equal(t, []int64{1000, 2000, 3000, 4000}, c.at)
	}
}

// The rule that looks at the tag is heard by all; tags by those who have them, once for each of
// their two services.
func TestFault_TagEditsAreHeardByThoseWhoseTagsChangeForEachOfTheirServices(t *testing.T) {
	clients, _, _ := seers(t, "tag-edits")
	total := 0
	for _, c := range clients {
		n := c.heard[registry.Expire]
		assert.Equal(t, map[registry.Action]int{registry.Expire: n}, c.heard)
		total += n
	}
	assert.Equal(t, 2*10+4*5*2, total, "the rule is set once, and taken away at the end")
}

func TestFault_DependencyEditsAreAnEXPIREToLosersAndAnUPDATEOfEachInstanceToWinners(t *testing.T) {
	clients, stock, _ := seers(t, "dependency-edits")
	instances := 2
	if stock[1000] == 5 {
		instances = 3
	}
	heard := make(map[registry.Action]int)
	for _, c := range clients {
		for action, n := range c.heard {
			heard[action] += n
		}
	}
	assert.Equal(t, map[registry.Action]int{
		registry.Expire: 2 * 5, registry.Update: 2 * 5 * instances,
	}, heard)
}

func TestFault_EditsGiveBackWhatTheyHaveTakenByTheirEnd(t *testing.T) {
	for _, kind := range editKinds {
		f := editing(kind)
		f.Length, f.Services, f.Share = 2500*time.Millisecond, 2, 1 // away at 3 s
		atEnd, least := 0, 10
		watched(t, faulty(10, f), shops(), func(at int64, r *sim.Rig) {
			reg := r.World().Registry
			n := min(len(reg.Consumers("stock")), len(reg.Consumers("price")))
			least = min(least, n)
			if at == 3500*ms-1 {
				atEnd = n
			}
		})
		assert.Zero(t, least, "%s of all consumers", kind)
		assert.Equal(t, 10, atEnd, kind)
	}
}

// One fault hides half of what it finds from 1 s until its end, others from 2 s and 5 s until their
// own. What one gives back the others keep.
func TestFault_EditsThatOverlapKeepWhatEachHasTaken(t *testing.T) {
	for _, kind := range []string{"rule-edits", "tag-edits"} {
		for seed := range uint64(8) { // of black and of white rules
			a := sim.Fault{Kind: kind, Start: time.Second, Length: 6 * time.Second,
				Period: time.Minute, Services: 2}
			b := a
			b.Start, b.Length = 2*time.Second, 2*time.Second
			c := b
			c.Start, c.Length = 5*time.Second, 4*time.Second // it outlasts a
			s := faulty(10, a)
			s.Seed, s.Faults = seed, []sim.Fault{a, b, c}
			topology := shops()
			topology.Services[1].Instances = 0 // nobody's price: there is one service to hide
			seen := make(map[int64]int)
			watched(t, s, topology, func(at int64, r *sim.Rig) {
				seen[(at+1)/ms] = len(r.World().Registry.Consumers("stock"))
			})
			want := map[int64]int{1000: 5, 2000: 2, 4000: 5, 5000: 2, 7000: 7, 9000: 10}
			assert.Equal(t, want, seen, "%s, seed %d", kind, seed)
		}
	}
}

// Of one service with 5 instances, which is hidden from all for 9.5 of the 10 s: nobody hears of
// the 9 updates, and all that the engine owes to the 100 consumers is what the edits make.
func TestFault_WhoMayNotSeeAServiceIsOwedNoneOfItsChanges(t *testing.T) {
	for kind, edits := range map[string]uint64{
		"rule-edits":       1 + 1,         // EXPIRE each
		"tag-edits":        1 + 1 + 1 + 1, // and of the rule that looks at the tag
		"dependency-edits": 1 + 5,         // an UPDATE of each instance is how it comes back
	} {
		run := runOf(t, ticking(100, sim.Fault{Kind: kind, Length: 9500 * time.Millisecond,
			Share: 1, Period: 20 * time.Second}))
		assert.Equal(t, 100*edits, run.Books.Offered, kind)
		assert.Equal(t, 100*edits, run.Books.Delivered, kind)
		assert.EqualValues(t, 9+edits, run.Changes, kind)
	}
}

func TestFault_ServicesAreHiddenByBlackAndByWhiteRules(t *testing.T) {
	seen := make(map[registry.VisibilityType]int)
	f := editing("rule-edits")
	f.Period = 100 * time.Millisecond
	watched(t, faulty(10, f), shops(), func(_ int64, r *sim.Rig) {
		for _, id := range []string{"stock", "price"} {
			for _, rule := range r.World().Registry.Visibility(id) {
				seen[rule.Type]++
				assert.Len(t, r.World().Registry.Consumers(id), 5)
			}
		}
	})
	assert.Equal(t, 20, seen[registry.Black]+seen[registry.White])
	assert.Positive(t, seen[registry.Black])
	assert.Positive(t, seen[registry.White])
}

// A pull gets what the consumer may see, and asks for what it depends on. Who pulls a moment later
// doesn't share answers from before an edit.
func TestPullsFollowEditsOfRules(t *testing.T) {
	for _, kind := range editKinds {
		s := pulling(20)
		s.Faults = []sim.Fault{{Kind: kind, Start: time.Second, Length: 2 * time.Second,
			Share: 1, Period: time.Second}}
		r := newRig(t, s, shops(), preset(t, sim.Config{}))
		r.Pull(0, nil)
		require.True(t, r.JoinPull(1), "of the same group")
		r.Load(0, 10*sec)
		count := func() (n int) {
			assert.False(t, r.JoinPull(1), kind)
			for _, a := range r.Pull(0, nil) {
				n += len(a.Instances)
			}
			return n
		}
		r.RunTo(sec)
		assert.Zero(t, count(), "%s: it has the other service's already", kind)
		r.RunTo(2 * sec)
		assert.Contains(t, []int{2, 3}, count(), "%s: what it may see again", kind)
		assert.Empty(t, r.Reasons())
	}
}

// kinship is a world of several versions, of consumers by "latest" and by ranges, and by "*".
func kinship() *sim.Topology {
	return versions(map[string][][2]string{
		"a": {{"stock", "1.0.0"}, {"stock", "0+"}, {"price", "latest"}},
		"b": {{"*", ""}, {"stock", "1.0+"}},
		"c": {{"stock", "latest"}, {"price", "0+"}},
	})
}

// The truth of an edit is what the registry's watchers learn by it: whatever edits overlap, those
// who follow the events know what the registry would show them.
func TestFaults_WhoFollowsTheEventsOfAnyEditsKnowsWhatItMaySee(t *testing.T) {
	worlds := map[string]*sim.Topology{"shops": shops(), "kinship": kinship(), "mesh": mesh(t)}
	rapid.Check(t, func(t *rapid.T) {
		s := faulty(rapid.IntRange(0, 20).Draw(t, "consumers"))
		s.Duration = time.Second
		s.Seed = rapid.Uint64Range(0, 1000).Draw(t, "seed")
		s.Rate, s.Churn = rapid.Float64Range(1, 300).Draw(t, "rate"), 0.5
		for range rapid.IntRange(1, 4).Draw(t, "faults") {
			kind := rapid.SampledFrom(editKinds).Draw(t, "kind")
			i := slices.IndexFunc(sim.FaultKinds(),
				func(k sim.FaultKind) bool { return k.Name == kind })
			s.Faults = append(s.Faults, anyFault(t, sim.FaultKinds()[i], s.Duration))
		}
		world := worlds[rapid.SampledFrom([]string{"shops", "kinship", "mesh"}).Draw(t, "world")]
		var last *sim.Rig
		clients := watched(t, s, world, func(_ int64, r *sim.Rig) { last = r })
		for _, c := range clients {
			require.Equal(t, c.sees(), c.known, c.id)
		}
		if last == nil {
			return
		}
		built, err := world.Build(s.Consumers, s.Providers)
		require.NoError(t, err)
		reg := last.World().Registry
		for _, svc := range built.Registry.Services() {
			require.Empty(t, reg.Visibility(svc.ID))
			require.Empty(t, reg.Tags(svc.ID))
			require.ElementsMatch(t, built.Registry.Dependencies(svc.Key),
				reg.Dependencies(svc.Key))
		}
	})
}

// A consumer that depends on a service without instances again hears nothing, and yet asks for
// more: its answers aren't those from before.
func TestPullsFollowADependencyThatComesBackUnheard(t *testing.T) {
	s := pulling(2)
	s.Faults = []sim.Fault{
		{Kind: "zone-loss", Start: time.Second / 2, Share: 1},
		{Kind: "dependency-edits", Start: time.Second, Length: 2 * time.Second, Share: 1,
			Period: time.Second},
	}
	r := newRig(t, s, oneService(t, 3), preset(t, sim.Config{}))
	r.Load(0, 10*sec)
	r.RunTo(sec)
	r.Pull(0, nil)
	require.True(t, r.JoinPull(1))
	position := r.Log(0).Len()
	r.RunTo(2 * sec)
	require.Equal(t, position, r.Log(0).Len(), "it hears nothing")
	assert.False(t, r.JoinPull(1))
	r.Pull(1, nil)
	assert.Empty(t, r.Reasons())
}

// brisk has edits of all kinds at once, updates, and consumers too slow for all of that.
func brisk(transport sim.Transport) sim.Scenario {
	s := brief(60)
	if !transport.InProcess() {
		s = over(streamed(s), transport)
	}
	if transport == sim.GRPC {
		s.ReadTimeout = 0 // its clients don't answer
	}
	s.Slow, s.Handling = 0.3, 2*time.Millisecond
	s.Heal, s.Pull, s.Stuck = 10*time.Minute, 100*time.Millisecond, 0
	for _, kind := range editKinds {
		s.Faults = append(s.Faults, sim.Fault{Kind: kind, Length: 200 * time.Millisecond,
			Services: 4, Period: 10 * time.Millisecond})
	}
	return s
}

func TestFaults_EditsHealUnderEveryPolicy(t *testing.T) {
	configs := []sim.Config{
		{Engine: "sc-1.x", WatcherQueue: 2}, {Engine: "sc-2.x", WatcherQueue: 2},
	}
	for _, policy := range []string{"conflate", "drop-oldest", "drop-newest", "flush", "evict",
		"block"} {
		configs = append(configs, sim.Config{Engine: "notifylab", Policy: policy, WatcherQueue: 2})
	}
	for _, c := range configs {
		for _, transport := range []sim.Transport{sim.InProc, sim.Session} {
			if c.Engine != "notifylab" && transport == sim.Session {
				continue // the baselines have streams of their own
			}
			run := virtual(t, brisk(transport), mesh(t), c, sim.DefaultCost())
			assert.GreaterOrEqual(t, run.HealNS, int64(0), "%+v: %q", c, run.Reasons)
			assert.Positive(t, run.Books.Delivered)
			// Block may wait for all, and a network has room for what comes.
			if c.Policy != "block" && transport == sim.InProc {
				assert.Less(t, run.Books.Delivered, run.Books.Offered, "%+v", c)
			}
		}
	}
}

func TestFaults_EditsHealInRealTimeOverEveryTransport(t *testing.T) {
	for _, transport := range []sim.Transport{
		sim.InProc, sim.Session, sim.WebSocket, sim.GRPC,
	} {
		run := runWall(t, brisk(transport), mesh(t), sim.Config{Engine: "notifylab",
			WatcherQueue: 2})
		assert.Equal(t, sim.Passed, run.Verdict, "%v: %q", transport, run.Reasons)
		assert.Empty(t, run.Reasons)
	}
}

// An EXPIRE makes good what was lost of its service before, also to one who may see it no more.
func TestFault_AnEXPIRERepairsWhatAViewLacksOfTheService(t *testing.T) {
	s := faulty(1, sim.Fault{Kind: "rule-edits", Start: time.Second, Length: time.Second, Share: 1})
	r := newRig(t, s, oneService(t, 3), preset(t, sim.Config{}))
	r.Load(0, 10*sec)
	lost, err := r.Change(0, true)
	require.NoError(t, err)
	r.Consumer(0).Lose(lost, notify.Oldest)
	change(t, r, 1)
	r.Settle()
	require.Equal(t, []string{lost.Key}, r.Consumer(0).View().Missing())
	r.RunTo(sec)
	assert.True(t, r.Consumer(0).View().Right())
	assert.Empty(t, r.Reasons())
}

// Where the run ends while an edit waits for room, nobody is told of the rest of it, and that is
// counted.
func TestFault_WhatIsLeftOfAnEditAtTheEndIsRejected(t *testing.T) {
	s := faulty(1, sim.Fault{Kind: "dependency-edits", Length: 2 * time.Second, Share: 1,
		Period: time.Second})
	r := newRig(t, s, oneService(t, 5), preset(t, sim.Config{QueueSize: 1}))
	load := r.Load(0, 10*sec)
	r.RunTo(sec - 1)
	require.EqualValues(t, 1, load.Changes(), "an EXPIRE")
	for r.Now = sec; load.Rejected() == 0; {
		require.NoError(t, load.ActTooLate())
	}
	assert.EqualValues(t, 1+5, load.Changes())
	assert.EqualValues(t, 4, load.Rejected(), "one found room, and only the second tried")
	assert.Greater(t, load.Next(), sec)
	r.Settle()
	assert.Empty(t, r.Reasons())
}

// Clients read the instance of every frame unchecked, so an EXPIRE has an empty one.
func TestFault_AnEXPIREHasAnEmptyInstanceOnTheWire(t *testing.T) {
	r := newRig(t, faulty(1), oneService(t, 1), preset(t, sim.Config{}))
	c, err := r.World().Registry.SetVisibility(r.World().Providers[0].ServiceID, nil)
	require.NoError(t, err)
	text := sim.FrameOf(&c, 7)
	assert.Contains(t, string(text), fmt.Sprintf(`{"revision":%d,"due":7,`, c.Revision))
	assert.Contains(t, string(text), `"instance":{}`)
	frame, err := registry.DecodeFrame(text)
	require.NoError(t, err)
	assert.Equal(t, registry.Expire, frame.Action)
}

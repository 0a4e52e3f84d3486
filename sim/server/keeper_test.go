package server_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/server"
)

var epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)

// small is a world of ten services.
func small(t testing.TB) *sim.Topology {
	t.Helper()
	topology, err := sim.Generate(sim.Workload{Name: "test", Shape: sim.ShapeMesh, Services: 10,
		Instances: 100, Consumers: 10, MeanInDegree: 3}, 1)
	require.NoError(t, err)
	return topology
}

// stillClock stands where the test puts it.
type stillClock struct {
	clock.Real
	now *time.Time
}

func (c stillClock) Now() time.Time { return *c.now }

// yard is a world with a keeper, in time that the test passes.
type yard struct {
	server.Keeper
	t      testing.TB
	engine *notify.Engine
	hub    *registry.Hub
	now    time.Time
	heard  []*notify.Event
}

func newYard(t testing.TB, c server.Config) *yard {
	t.Helper()
	y := &yard{t: t, now: epoch}
	var err error
	y.engine, err = notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
		registry.InstanceEvents: {Shards: 1}}})
	require.NoError(t, err)
	world, err := small(t).Build(0, 0)
	require.NoError(t, err)
	y.hub, err = registry.NewHub(world.Registry, y.engine, registry.HubConfig{
		Leases: &registry.LeaseConfig{Share: 1}, Clock: stillClock{now: &y.now}})
	require.NoError(t, err)
	y.Keeper = server.NewKeeper(c, world, y.hub, y.now)
	for _, s := range world.Registry.Services() {
		_, err = y.engine.Subscribe(registry.InstanceEvents, registry.SubjectOf(s.Tenant), s.ID,
			y, nil)
		require.NoError(t, err)
	}
	return y
}

func (y *yard) Deliver(batch []*notify.Event) (int, error) {
	y.heard = append(y.heard, batch...)
	return len(batch), nil
}

// pass lets time pass, and everything happen that is due.
func (y *yard) pass(d time.Duration) {
	y.t.Helper()
	end := y.now.Add(d)
	for next := y.Next(); !next.After(end); next = y.Next() {
		if next.After(y.now) {
			y.now = next
		}
		require.NoError(y.t, y.Act(y.now))
		_, err := y.hub.Expire(y.now)
		require.NoError(y.t, err)
		y.deliver()
	}
	y.now = end
}

func (y *yard) deliver() {
	for y.engine.HasWork(0) {
		_, err := y.engine.Step(y.now)
		require.NoError(y.t, err)
	}
}

func (y *yard) instances() (all []*registry.Instance) {
	for _, s := range y.hub.Registry().Services() {
		all = append(all, y.hub.Registry().Instances(s.ID)...)
	}
	return all
}

func (y *yard) change(do func(*registry.Registry) (registry.Change, error)) {
	y.t.Helper()
	require.NoError(y.t, y.hub.Change(y.now, func(r *registry.Registry) ([]registry.Change, error) {
		c, err := do(r)
		return []registry.Change{c}, err
	}))
	y.deliver()
}

func TestKeeper_ItsInstancesLiveAndThoseOfClientsNeedHeartbeats(t *testing.T) {
	y := newYard(t, server.Config{Rate: 1, Churn: 0.5})
	guest := registry.Instance{ID: "guest", ServiceID: y.instances()[0].ServiceID,
		HealthCheck: &registry.HealthCheck{Mode: "push", Interval: 30, Times: 3}}
	y.change(func(r *registry.Registry) (registry.Change, error) { return r.Register(guest) })
	y.pass(119 * time.Second)
	require.EqualValues(t, 0, y.hub.Registry().Leases().Expired)
	y.pass(2 * time.Hour)
	assert.EqualValues(t, 1, y.hub.Registry().Leases().Expired)
	for _, in := range y.instances() {
		require.NotEqual(t, "guest", in.ID)
	}
}

// TestKeeper_RateAndShares: 100 a second for 100 s are 10 000, give or take five standard
// deviations, and one in four comes or goes.
func TestKeeper_RateAndShares(t *testing.T) {
	y := newYard(t, server.Config{Rate: 100, Churn: 0.25})
	y.pass(100 * time.Second)
	assert.InDelta(t, 10_000, float64(y.Changes()), 500)
	made := y.hub.Stats().Changes
	assert.Equal(t, y.Changes(), made[registry.Create]+made[registry.Delete]+made[registry.Update])
	moved := float64(made[registry.Create] + made[registry.Delete])
	n := float64(y.Changes())
	assert.InDelta(t, n/4, moved, 5*math.Sqrt(n*0.25*0.75))
	assert.InDelta(t, 100, len(y.instances()), 15, "the world keeps its size")
}

func TestKeeper_NoRateNoChange(t *testing.T) {
	y := newYard(t, server.Config{})
	y.pass(time.Hour)
	assert.Empty(t, y.hub.Stats().Changes)
	assert.Len(t, y.instances(), 100)
}

func TestKeeper_TheSeedDecides(t *testing.T) {
	history := func(seed uint64) (h []string) {
		y := newYard(t, server.Config{Rate: 10, Churn: 0.5, Seed: seed})
		y.pass(time.Minute)
		for _, ev := range y.heard {
			c := ev.Payload.(*registry.Change)
			h = append(h, fmt.Sprint(ev.Due.Sub(epoch), c.Action, c.Instance.ID))
		}
		return h
	}
	first := history(7)
	require.NotEmpty(t, first)
	assert.Equal(t, first, history(7))
	assert.NotEqual(t, first, history(8))
}

// TestKeeper_LateChangesAreMadeUpForAndCountFromWhenTheyWereDue: the driver slept for 10 s.
func TestKeeper_LateChangesAreMadeUpForAndCountFromWhenTheyWereDue(t *testing.T) {
	y := newYard(t, server.Config{Rate: 100})
	y.now = epoch.Add(10 * time.Second)
	y.pass(0)
	assert.InDelta(t, 1000, float64(y.Changes()), 160)
	require.NotEmpty(t, y.heard)
	assert.Less(t, y.heard[0].Due.Sub(epoch), time.Second)
	assert.InDelta(t, 10*time.Second, y.LagMax(), float64(time.Second))
	assert.EqualValues(t, 0, y.hub.Registry().Leases().Expired)
}

// TestKeeper_WhatAClientTookCountsAsLost and comes again, as another instance of its service; but
// not when the service is gone.
func TestKeeper_WhatAClientTookCountsAsLost(t *testing.T) {
	y := newYard(t, server.Config{Rate: 10, Churn: 1})
	for _, in := range y.instances() {
		y.change(func(r *registry.Registry) (registry.Change, error) {
			return r.Deregister(in.ServiceID, in.ID)
		})
	}
	require.Empty(t, y.instances())
	y.pass(10 * time.Minute)
	assert.InDelta(t, 100, len(y.instances()), 20)
	for _, s := range y.hub.Registry().Services() {
		deleted := func(r *registry.Registry) ([]registry.Change, error) {
			return r.DeleteService(s.ID)
		}
		require.NoError(t, y.hub.Change(y.now, deleted))
		y.deliver()
	}
	y.pass(time.Hour)
	assert.Empty(t, y.instances())
}

func TestKeeper_StopsWhenTheEngineIsClosed(t *testing.T) {
	y := newYard(t, server.Config{Rate: 10})
	y.engine.Close()
	y.deliver()
	var err error
	for range 1000 {
		y.now = y.Next()
		if err = y.Act(y.now); err != nil {
			break
		}
	}
	assert.ErrorIs(t, err, notify.ErrClosed)
}

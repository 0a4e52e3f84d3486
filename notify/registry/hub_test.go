package registry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
)

var epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)

// setClock is a clock that stands still, or goes where a test sets it.
type setClock struct {
	clock.Real
	now time.Time
}

func (c *setClock) Now() time.Time { return c.now }

func newEngine(t require.TestingT, c notify.TypeConfig) *notify.Engine {
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{registry.InstanceEvents: c}})
	require.NoError(t, err)
	return e
}

func newHub(
	t require.TestingT, r *registry.Registry, e *notify.Engine, c registry.HubConfig,
) *registry.Hub {
	h, err := registry.NewHub(r, e, c)
	require.NoError(t, err)
	return h
}

// hears is a subscriber that keeps what it is given.
type hears struct{ got []*notify.Event }

func (s *hears) Deliver(batch []*notify.Event) (int, error) {
	s.got = append(s.got, batch...)
	return len(batch), nil
}

func (s *hears) told() (lines []string) {
	for _, ev := range s.got {
		lines = append(lines, told([]registry.Change{*ev.Payload.(*registry.Change)})...)
	}
	return lines
}

func listen(t require.TestingT, e *notify.Engine, service string) *hears {
	s := &hears{}
	_, err := e.Subscribe(registry.InstanceEvents, registry.SubjectOf(tenant), service, s, nil)
	require.NoError(t, err)
	return s
}

// settle steps the engine until it has nothing to do.
func settle(t require.TestingT, e *notify.Engine) {
	for {
		w, err := e.Step(epoch)
		require.NoError(t, err)
		if w.Idle {
			return
		}
	}
}

// registers is a call for Hub.Change.
func registers(service string, ids ...string) func(*registry.Registry) ([]registry.Change, error) {
	return func(r *registry.Registry) (changes []registry.Change, err error) {
		for _, id := range ids {
			c, e := r.Register(registry.Instance{ID: id, ServiceID: service})
			changes, err = append(changes, c), errors.Join(err, e)
		}
		return changes, err
	}
}

func TestThoseWhoMustHearOfAChangeDoOnceAndNobodyElseDoes(t *testing.T) {
	r, e := world(t, "cart", "web", "app", "other"), newEngine(t, notify.TypeConfig{Shards: 2})
	depend(t, r, "web", key("cart", "0+"), key("cart", "latest"))
	depend(t, r, "app", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{Clock: &setClock{now: epoch}})
	web, app, other := listen(t, e, "web"), listen(t, e, "app"), listen(t, e, "other")
	broadcast := listen(t, e, "")
	due := epoch.Add(-time.Second)
	require.NoError(t, h.Change(due, registers("cart", "a", "b")))
	require.NoError(t, h.Change(time.Time{}, registers("web", "x"))) // nobody wants it
	require.NoError(t, h.Change(time.Time{}, registers("cart", "c")))
	settle(t, e)
	want := []string{"CREATE cart/a [app web]", "CREATE cart/b [app web]",
		"CREATE cart/c [app web]"}
	assert.Equal(t, want, web.told())
	assert.Equal(t, want, app.told())
	assert.Empty(t, other.got)
	assert.Empty(t, broadcast.got, "no consumers is not all of them")
	assert.Equal(t, due, web.got[1].Due)
	assert.Equal(t, epoch, web.got[2].Due, "no due is now")
	assert.Same(t, web.got[0], app.got[0], "one event for all")
	stats := h.Stats()
	assert.Equal(t, map[registry.Action]uint64{registry.Create: 4}, stats.Changes)
	assert.Equal(t, map[registry.Action]uint64{registry.Create: 3}, stats.Published)
	assert.Zero(t, stats.Lost)
	assert.Same(t, r, h.Registry())
}

func TestEventsComeInTheOrderOfTheirRevisionsWhoeverCalls(t *testing.T) {
	const callers, calls = 8, 100
	r, e := world(t, "cart", "stock", "web"), newEngine(t, notify.TypeConfig{QueueSize: 5000})
	depend(t, r, "web", key("cart", "0+"), key("stock", "0+"))
	h := newHub(t, r, e, registry.HubConfig{})
	web := listen(t, e, "web")
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for range calls {
				both := registers([]string{"cart", "stock"}[c%2], "a", "b")
				assert.NoError(t, h.Change(time.Time{},
					func(r *registry.Registry) ([]registry.Change, error) {
						defer runtime.Gosched() // whoever can come between does
						return both(r)
					}))
			}
		})
	}
	wg.Wait()
	settle(t, e)
	require.Len(t, web.got, 2*callers*calls)
	for i, ev := range web.got {
		require.Equal(t, web.got[0].Revision+int64(i), ev.Revision)
	}
}

func TestAChangeWaitsForRoomAndIsToldThen(t *testing.T) {
	r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{QueueSize: 1, Shards: 1})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{})
	web := listen(t, e, "web")
	synctest.Test(t, func(t *testing.T) {
		over := false
		go func() {
			assert.NoError(t, h.Change(time.Time{}, registers("cart", "a", "b", "c")))
			over = true
		}()
		synctest.Wait()
		assert.False(t, over, "the queue has room for one")
		for !over {
			settle(t, e)
			synctest.Wait()
		}
		settle(t, e)
		assert.Len(t, web.got, 3)
	})
}

func TestOnlyAClosedEngineLosesAChangeAndItIsCounted(t *testing.T) {
	r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{QueueSize: 1, Shards: 1})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{})
	listen(t, e, "web")
	synctest.Test(t, func(t *testing.T) {
		var err error
		go func() { err = h.Change(time.Time{}, registers("cart", "a", "b", "c")) }()
		synctest.Wait()
		e.Close()
		synctest.Wait()
		require.ErrorIs(t, err, notify.ErrClosed)
	})
	assert.Len(t, r.Instances("cart"), 3, "they happened")
	require.NoError(t, h.Change(time.Time{}, registers("web", "x")), "nobody to tell, nothing lost")
	stats := h.Stats()
	assert.EqualValues(t, 4, stats.Changes[registry.Create])
	assert.EqualValues(t, 1, stats.Published[registry.Create])
	assert.EqualValues(t, 2, stats.Lost)
}

func TestAnEngineThatRejectsLosesChangesAndSaysSo(t *testing.T) {
	r := world(t, "cart", "web")
	e := newEngine(t, notify.TypeConfig{QueueSize: 1, Shards: 1, WhenFull: notify.Reject})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{})
	web := listen(t, e, "web")
	err := h.Change(time.Time{}, registers("cart", "a", "b"))
	require.ErrorIs(t, err, notify.ErrFull)
	assert.ErrorContains(t, err, fmt.Sprint("revision ", r.Revision()))
	settle(t, e)
	assert.Len(t, web.got, 1)
	assert.EqualValues(t, 1, h.Stats().Lost)
}

func TestWhatChangedBesideAnErrorIsTold(t *testing.T) {
	r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{})
	web := listen(t, e, "web")
	require.ErrorIs(t, h.Change(time.Time{}, registers("cart", "a", "", "b")), registry.ErrInvalid)
	settle(t, e)
	assert.Equal(t, []string{"CREATE cart/a [web]", "CREATE cart/b [web]"}, web.told())
	assert.Equal(t, map[registry.Action]uint64{registry.Create: 2}, h.Stats().Changes,
		"what failed is no change")
}

func TestADeletedServiceIsToldAfterItsChanges(t *testing.T) {
	r, e := world(t, "cart", "web", "app"), newEngine(t, notify.TypeConfig{})
	depend(t, r, "web", key("cart", "0+"))
	register(t, r, "cart", "a")
	var calls []string
	h := newHub(t, r, e, registry.HubConfig{Deleted: func(id string) {
		calls = append(calls, fmt.Sprint(id, " after ", e.Stats().Published))
	}})
	remove := func(ids ...string) error {
		return h.Change(time.Time{}, func(r *registry.Registry) (all []registry.Change, err error) {
			for _, id := range ids {
				changes, e := r.DeleteService(id)
				all, err = append(all, changes...), errors.Join(err, e)
			}
			return all, err
		})
	}
	require.NoError(t, remove("app"))
	require.NoError(t, h.Change(time.Time{}, registers("web", "x")))
	require.ErrorIs(t, remove("cart", "nowhere", "web"), registry.ErrUnknownService)
	assert.Equal(t, []string{"app after 0", "cart after 1", "web after 1"}, calls)
}

func TestExpireTellsWhoseLeaseRanOut(t *testing.T) {
	r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{Leases: &registry.LeaseConfig{}})
	web := listen(t, e, "web")
	check := &registry.HealthCheck{Mode: "push", Interval: 10, Times: 1}
	_, err := r.Register(registry.Instance{ID: "a", ServiceID: "cart", HealthCheck: check})
	require.NoError(t, err)
	next, err := h.Expire(epoch)
	require.NoError(t, err)
	assert.Equal(t, epoch.Add(20*time.Second), next)
	next, err = h.Expire(next)
	require.NoError(t, err)
	assert.Zero(t, next)
	settle(t, e)
	assert.Equal(t, []string{"DELETE cart/a [web]"}, web.told())
	assert.Equal(t, epoch.Add(20*time.Second), web.got[0].Due)

	e.Close()
	_, err = r.Register(registry.Instance{ID: "b", ServiceID: "cart", HealthCheck: check})
	require.NoError(t, err)
	next, err = h.Expire(epoch.Add(time.Minute))
	require.NoError(t, err)
	_, err = h.Expire(next)
	assert.ErrorIs(t, err, notify.ErrClosed)
}

func TestRunExpiresLeasesUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{})
		depend(t, r, "web", key("cart", "0+"))
		h := newHub(t, r, e, registry.HubConfig{Leases: &registry.LeaseConfig{Share: 1}})
		web := listen(t, e, "web")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, e.Run(ctx)) })
		wg.Go(func() { assert.NoError(t, h.Run(ctx)) })
		time.Sleep(time.Minute) // with nothing to do
		come := func(id string, interval int) {
			_, err := r.Register(registry.Instance{ID: id, ServiceID: "cart",
				HealthCheck: &registry.HealthCheck{Mode: "push", Interval: interval, Times: 3}})
			require.NoError(t, err)
		}
		come("a", 30)
		come("b", 30)
		time.Sleep(30 * time.Second)
		come("brief", 1) // ends before those that Run waits for
		time.Sleep(30 * time.Second)
		assert.Len(t, r.Instances("cart"), 2)
		require.NoError(t, r.Heartbeat("cart", "b", time.Now()))
		time.Sleep(time.Minute + 2*time.Second)
		assert.Equal(t, []string{"b"}, idsOnly(r.Instances("cart")))
		time.Sleep(time.Minute)
		assert.Empty(t, r.Instances("cart"))
		cancel()
		wg.Wait()
		assert.Equal(t, []string{"DELETE cart/brief [web]", "DELETE cart/a [web]",
			"DELETE cart/b [web]"}, web.told())
	})
}

func TestRunWithoutLeasesWaitsForItsContext(t *testing.T) {
	h := newHub(t, world(t), newEngine(t, notify.TypeConfig{}), registry.HubConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, h.Run(ctx))
}

func TestRunEndsWithTheEngineOnceAChangeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := world(t, "cart", "web"), newEngine(t, notify.TypeConfig{})
		depend(t, r, "web", key("cart", "0+"))
		h := newHub(t, r, e, registry.HubConfig{Leases: &registry.LeaseConfig{}})
		_, err := r.Register(registry.Instance{ID: "a", ServiceID: "cart",
			HealthCheck: &registry.HealthCheck{Mode: "push", Interval: 1}})
		require.NoError(t, err)
		e.Close()
		assert.ErrorIs(t, h.Run(t.Context()), notify.ErrClosed)
	})
}

func TestNewHubReportsAllMistakesWithTheirFields(t *testing.T) {
	r, e := world(t), newEngine(t, notify.TypeConfig{})
	_, err := registry.NewHub(r, e, registry.HubConfig{FindTTL: -1, FindMax: -2,
		Leases: &registry.LeaseConfig{Min: -3}})
	require.ErrorIs(t, err, registry.ErrInvalid)
	for _, want := range []string{`FindTTL "-1ns"`, `FindMax "-2"`, `Leases: `, `Min "-3"`} {
		assert.ErrorContains(t, err, want)
	}
	_, err = registry.NewHub(nil, e, registry.HubConfig{})
	assert.ErrorIs(t, err, registry.ErrInvalid)
	_, err = registry.NewHub(r, nil, registry.HubConfig{})
	assert.ErrorIs(t, err, registry.ErrInvalid)
}

func idsOnly(list []*registry.Instance) (ids []string) {
	for _, in := range list {
		ids = append(ids, in.ID)
	}
	return ids
}

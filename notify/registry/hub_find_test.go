package registry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

func query(t rapid.TB, consumer, name, rule string) registry.Query {
	return registry.Query{ConsumerID: consumer, Provider: key(name, ""), Rule: ruleOf(t, rule)}
}

func ask(t require.TestingT, h *registry.Hub, q registry.Query) registry.Answer {
	a, err := h.Find(q)
	require.NoError(t, err)
	return a
}

func TestNoCacheWinsOverCacheOnlyAndAnEqualRevisionIsNotModified(t *testing.T) {
	r := versions(t)
	current := find(t, r, "web", "cart", "2").Revision
	for _, c := range []struct {
		warm, noCache, cacheOnly bool
		revision                 string
		cached, notModified      bool
		err                      error
	}{
		{},
		{warm: true, cached: true},
		{warm: true, revision: "old", cached: true},
		{warm: true, revision: current, cached: true, notModified: true},
		{revision: current, notModified: true},
		{warm: true, noCache: true},
		{warm: true, noCache: true, revision: current, notModified: true},
		{warm: true, noCache: true, cacheOnly: true},
		{noCache: true, cacheOnly: true},
		{warm: true, cacheOnly: true, cached: true},
		{warm: true, cacheOnly: true, revision: "old", cached: true},
		{warm: true, cacheOnly: true, revision: current, cached: true, notModified: true},
		{cacheOnly: true, err: registry.ErrUnknownService},
		{cacheOnly: true, revision: current, err: registry.ErrUnknownService},
	} {
		h := newHub(t, r, newEngine(t, notify.TypeConfig{}), registry.HubConfig{})
		q := query(t, "web", "cart", "2")
		if c.warm {
			assert.False(t, ask(t, h, q).Cached)
		}
		q.NoCache, q.CacheOnly, q.Revision = c.noCache, c.cacheOnly, c.revision
		a, err := h.Find(q)
		if c.err != nil {
			assert.ErrorIs(t, err, c.err, "%+v", c)
			continue
		}
		require.NoError(t, err, "%+v", c)
		assert.Equal(t, current, a.Revision, "%+v", c)
		assert.Equal(t, c.cached, a.Cached, "%+v", c)
		assert.Equal(t, c.notModified, a.NotModified, "%+v", c)
		want := []string{"cart2/a", "cart2/b"}
		if c.notModified {
			want = nil
		}
		assert.Equal(t, want, idsOf(a.Instances), "%+v", c)
	}
}

func TestAChangeInvalidatesTheAnswersOfItsProviderAndNoOther(t *testing.T) {
	r := versions(t)
	put(t, r, "stock")
	h := newHub(t, r, newEngine(t, notify.TypeConfig{}), registry.HubConfig{})
	cart, stock := query(t, "web", "cart", "1+"), query(t, "web", "stock", "0+")
	ask(t, h, cart)
	ask(t, h, stock)
	cached := func(wantCart, wantStock bool, after string) {
		t.Helper()
		assert.Equal(t, wantCart, ask(t, h, cart).Cached, "cart after %s", after)
		assert.Equal(t, wantStock, ask(t, h, stock).Cached, "stock after %s", after)
	}
	cached(true, true, "nothing")
	register(t, r, "cart1", "c")
	cached(false, true, "an instance came")
	cached(true, true, "nothing")
	_, err := r.SetStatus("cart2", "a", "DOWN", epoch)
	require.NoError(t, err)
	cached(false, true, "a status changed")
	_, err = r.Deregister("cart1", "c")
	require.NoError(t, err)
	cached(false, true, "an instance went")
	put(t, r, "new")
	depend(t, r, "web", key("cart", "1"), key("new", "0+"))
	tag(t, r, "web", map[string]string{"color": "red"})
	cached(true, true, "what no answer shows")
	require.NoError(t, done(r.PutService(registry.Service{ID: "cart4", Key: key("cart", "4")})))
	cached(false, true, "a version came")
	_, err = r.DeleteService("cart3")
	require.NoError(t, err)
	cached(false, true, "a version went")
	show(t, r, "stock", white("tag_color", "red|green"))
	cached(true, false, "visibility")
	tag(t, r, "web", map[string]string{"color": "green"})
	cached(true, false, "a tag, where one is looked at")
}

func TestConsumersShareTheAnswerOfAProviderThatLetsEverybodyIn(t *testing.T) {
	r := versions(t)
	put(t, r, "app")
	h := newHub(t, r, newEngine(t, notify.TypeConfig{}), registry.HubConfig{})
	web, app := query(t, "web", "cart", "1+"), query(t, "app", "cart", "1+")
	assert.False(t, ask(t, h, web).Cached)
	assert.True(t, ask(t, h, app).Cached)
	assert.True(t, ask(t, h, query(t, "", "cart", "1+")).Cached)
	assert.Equal(t, 1, h.Stats().FindEntries)
	show(t, r, "cart2", black("serviceName", "web"))
	assert.Len(t, ask(t, h, web).Instances, 4)
	assert.Len(t, ask(t, h, app).Instances, 6)
	assert.True(t, ask(t, h, web).Cached)
	assert.Equal(t, 3, h.Stats().FindEntries, "each its own, and the old one")
}

func TestACachedAnswerEndsWithItsTime(t *testing.T) {
	now := &setClock{now: epoch}
	h := newHub(t, versions(t), newEngine(t, notify.TypeConfig{}),
		registry.HubConfig{FindTTL: time.Minute, Clock: now})
	ask(t, h, query(t, "web", "cart", "1"))
	now.now = epoch.Add(time.Minute - 1)
	assert.True(t, ask(t, h, query(t, "web", "cart", "1")).Cached)
	now.now = epoch.Add(time.Minute)
	assert.False(t, ask(t, h, query(t, "web", "cart", "1")).Cached)
	now.now = epoch.Add(2 * time.Minute)
	ask(t, h, query(t, "web", "cart", "2"))
	stats := h.Stats()
	assert.Equal(t, 1, stats.FindEntries, "the ended one went when another came")
	assert.Zero(t, stats.FindEvicted, "its time was over")
}

func TestTheAnswerThatWasStoredFirstIsEvictedFirst(t *testing.T) {
	h := newHub(t, versions(t), newEngine(t, notify.TypeConfig{}), registry.HubConfig{FindMax: 2})
	one, two, three := query(t, "web", "cart", "1"), query(t, "web", "cart", "2"),
		query(t, "web", "cart", "3")
	ask(t, h, one)
	ask(t, h, two)
	fresh := one
	fresh.NoCache = true
	ask(t, h, fresh) // now two is the first
	ask(t, h, three)
	assert.True(t, ask(t, h, one).Cached)
	assert.True(t, ask(t, h, three).Cached)
	assert.Equal(t, 2, h.Stats().FindEntries)
	assert.False(t, ask(t, h, two).Cached)
	assert.EqualValues(t, 2, h.Stats().FindEvicted)
}

func TestEveryFindIsCounted(t *testing.T) {
	h := newHub(t, versions(t), newEngine(t, notify.TypeConfig{}), registry.HubConfig{})
	q := query(t, "web", "cart", "1")
	q.Revision = ask(t, h, q).Revision // a miss
	ask(t, h, q)                       // a hit, not modified
	q.NoCache = true
	ask(t, h, q) // refreshed, not modified
	_, err := h.Find(query(t, "nobody", "cart", "1"))
	require.ErrorIs(t, err, registry.ErrUnknownService)
	_, err = h.Find(query(t, "web", "nothing", "1"))
	require.ErrorIs(t, err, registry.ErrUnknownService)
	stats := h.Stats()
	assert.Equal(t, []uint64{1, 3, 1, 2}, []uint64{stats.FindHits, stats.FindMisses,
		stats.FindRefreshed, stats.FindNotModified})
	assert.Equal(t, 1, stats.FindEntries, "what is unknown isn't kept")
}

// Whatever changed before, and however small the cache, it answers as the registry itself.
func TestAHubFindsWhatItsRegistryFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, now := registry.New(), &setClock{now: epoch}
		h := newHub(t, r, newEngine(t, notify.TypeConfig{QueueSize: 1}), registry.HubConfig{
			Clock: now, FindTTL: time.Minute, FindMax: rapid.IntRange(1, 20).Draw(t, "max")})
		name := rapid.SampledFrom([]string{"p", "q"})
		version := rapid.SampledFrom([]string{"1", "2", "3"})
		service := rapid.Custom(func(t *rapid.T) string {
			return name.Draw(t, "name") + version.Draw(t, "version")
		})
		parsed := map[string]registry.Rule{}
		for _, text := range []string{"1", "2", "1.0", "1+", "1-3", "latest"} {
			parsed[text] = ruleOf(t, text)
		}
		rule := rapid.SampledFrom([]string{"1", "2", "1.0", "1+", "1-3", "latest"})
		same := func(t *rapid.T, q registry.Query) {
			want, wantErr := r.Find(q.ConsumerID, q.Provider, q.Rule)
			got, err := h.Find(q)
			if q.CacheOnly && !q.NoCache && err != nil {
				require.ErrorIs(t, err, registry.ErrUnknownService)
				return
			}
			require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err))
			if wantErr == nil && q.Revision == want.Revision {
				require.True(t, got.NotModified)
				want.Instances = nil
			}
			require.Equal(t, want, got.Found, "%+v", q)
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id := service.Draw(t, "id")
				require.NoError(t, done(r.PutService(registry.Service{ID: id,
					Key: registry.Key{Tenant: tenant, Name: id[:1], Version: id[1:]}})))
			},
			"delete": func(t *rapid.T) { _ = done(r.DeleteService(service.Draw(t, "id"))) },
			"register": func(t *rapid.T) {
				_, _ = r.Register(registry.Instance{ServiceID: service.Draw(t, "service"),
					ID: instances.Draw(t, "id")})
			},
			"deregister": func(t *rapid.T) {
				_, _ = r.Deregister(service.Draw(t, "service"), instances.Draw(t, "id"))
			},
			"status": func(t *rapid.T) {
				_, _ = r.SetStatus(service.Draw(t, "service"), instances.Draw(t, "id"), "DOWN",
					epoch)
			},
			"show": func(t *rapid.T) {
				rules := rapid.SliceOfN(rapid.SampledFrom([]registry.Visibility{
					black("serviceId", "1"), black("tag_color", "red")}), 0, 1)
				_, _ = r.SetVisibility(service.Draw(t, "service"), rules.Draw(t, "rules"))
			},
			"tag": func(t *rapid.T) {
				color := rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color")
				_, _ = r.SetTags(service.Draw(t, "service"), map[string]string{"color": color})
			},
			"time": func(t *rapid.T) { now.now = now.now.Add(20 * time.Second) },
			"find": func(t *rapid.T) {
				q := registry.Query{Provider: registry.Key{Tenant: tenant, Name: name.Draw(t, "p")},
					Rule: parsed[rule.Draw(t, "rule")], NoCache: rapid.Bool().Draw(t, "no cache"),
					CacheOnly: rapid.Bool().Draw(t, "cache only")}
				if rapid.Bool().Draw(t, "somebody") {
					q.ConsumerID = service.Draw(t, "consumer")
				}
				if rapid.Bool().Draw(t, "has it") {
					have, _ := r.Find(q.ConsumerID, q.Provider, q.Rule)
					q.Revision = have.Revision
				}
				same(t, q)
			},
			"": func(t *rapid.T) {
				for text := range parsed {
					for _, consumer := range []string{"", "p1", "q2"} {
						same(t, registry.Query{ConsumerID: consumer, Rule: parsed[text],
							Provider: registry.Key{Tenant: tenant, Name: "p"}})
					}
				}
			},
		})
	})
}

// finder asks for what it hears of, the moment it does.
type finder struct {
	t *testing.T
	h *registry.Hub
	q registry.Query
	n int
}

func (f *finder) Deliver(batch []*notify.Event) (int, error) {
	for _, ev := range batch {
		c := ev.Payload.(*registry.Change)
		a, err := f.h.Find(f.q)
		assert.NoError(f.t, err)
		newest := int64(0)
		for _, in := range a.Instances {
			newest = max(newest, in.Timestamp)
		}
		assert.GreaterOrEqual(f.t, newest, c.Instance.Timestamp)
		f.n++
	}
	return len(batch), nil
}

func TestAnAnswerIsNotStaleOnceTheEventCanBeReceivedNorAfterChangeReturned(t *testing.T) {
	const changes = 500
	// A finder may wait for the others so long that the engine takes it for one that blocks: then
	// the backlog must hold what would otherwise be conflated.
	backlog := notify.Backlog{Size: changes}
	r, e := versions(t), newEngine(t, notify.TypeConfig{Backlog: backlog})
	depend(t, r, "web", key("cart", "0+"))
	h := newHub(t, r, e, registry.HubConfig{FindMax: 3})
	f := &finder{t: t, h: h, q: query(t, "web", "cart", "0+")}
	_, err := e.Subscribe(registry.InstanceEvents, registry.SubjectOf(tenant), "web", f, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var engine, finders sync.WaitGroup
	engine.Go(func() { assert.NoError(t, e.Run(ctx)) })
	for range 2 { // they fill the cache all the time, also between a change and its event
		finders.Go(func() {
			for ctx.Err() == nil {
				ask(t, h, f.q)
			}
		})
	}
	for i := range int64(changes) {
		require.NoError(t, h.Change(time.Time{},
			func(r *registry.Registry) ([]registry.Change, error) {
				c, err := r.Update(registry.Instance{ID: "a", ServiceID: "cart1", Timestamp: i + 1})
				return []registry.Change{c}, err
			}))
		assert.Equal(t, i+1, ask(t, h, f.q).Instances[0].Timestamp)
	}
	for e.Stats(registry.InstanceEvents).Delivered < changes {
		time.Sleep(time.Millisecond)
	}
	cancel()
	finders.Wait()
	engine.Wait()
	assert.Equal(t, changes, f.n)
}

package registry_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
)

func TestRulesMayComeBeforeTheServicesTheySpeakOf(t *testing.T) {
	r := registry.New()
	depend(t, r, "web", key("cart", "latest"))
	put := func(name, version string) {
		id := name + version
		require.NoError(t, done(r.PutService(registry.Service{ID: id, Key: key(name, version)})))
	}
	put("cart", "1.0.0")
	assert.Empty(t, r.Consumers("cart1.0.0"))
	put("web", "1.0.0")
	assert.Equal(t, []string{"web1.0.0"}, r.Consumers("cart1.0.0"))
	put("cart", "1.1.0")
	assert.Empty(t, r.Consumers("cart1.0.0"), "not the latest any more")
	assert.Equal(t, []string{"web1.0.0"}, r.Consumers("cart1.1.0"))
	assert.Equal(t, []string{"cart1.1.0"}, r.Providers("web1.0.0"))
	_, err := r.DeleteService("cart1.1.0")
	require.NoError(t, err)
	assert.Equal(t, []string{"web1.0.0"}, r.Consumers("cart1.0.0"), "the latest again")
}

func TestARuleReachesEqualEnvironmentApplicationAndNameOfItsTenant(t *testing.T) {
	r := registry.New()
	at := func(id, tenant, env, app, name string) {
		require.NoError(t, done(r.PutService(registry.Service{ID: id, Key: registry.Key{
			Tenant: tenant, Env: env, App: app, Name: name, Version: "1.0.0"}})))
	}
	at("same", tenant, "production", "shop", "cart")
	at("env", tenant, "", "shop", "cart")
	at("app", tenant, "production", "other", "cart")
	at("name", tenant, "production", "shop", "card")
	at("tenant", "other/default", "production", "shop", "cart")
	at("web", tenant, "production", "shop", "web")

	depend(t, r, "web", registry.Key{Env: "production", App: "shop", Name: "cart", Version: "0+"})
	assert.Equal(t, []string{"same"}, r.Providers("web"))

	depend(t, r, "web", registry.Key{Env: "production", Name: "*"})
	assert.Equal(t, []string{"app", "name", "same", "web"}, r.Providers("web"))
	assert.Equal(t, []string{"web"}, r.Consumers("app"))
	assert.Equal(t, []string{"web"}, r.Consumers("web"), "its own consumer")
	assert.Nil(t, r.Consumers("tenant"))
	assert.Nil(t, r.Consumers("env"))
	assert.Nil(t, r.Consumers("nobody"))
	assert.Nil(t, r.Providers("nobody"))
}

func TestAServiceMatchedTwiceAppearsOnceAndResultsAreSorted(t *testing.T) {
	r := world(t, "cart", "z", "a", "m")
	for _, consumer := range []string{"z", "a", "m"} {
		depend(t, r, consumer, key("cart", "0+"), key("cart", "1.0.0"), key("cart", "1.0.0"),
			registry.Key{Env: "production", Name: "*"})
	}
	assert.Equal(t, []string{"a", "m", "z"}, r.Consumers("cart"))
	assert.Equal(t, []string{"a", "cart", "m", "z"}, r.Providers("m"))
}

func TestTheSameSliceComesBackUntilTheAnswerChanges(t *testing.T) {
	r := world(t, "cart", "web", "app")
	depend(t, r, "web", key("cart", "0+"))
	first := r.Consumers("cart")
	assert.True(t, same(first, register(t, r, "cart", "i").Consumers))
	assert.True(t, same(first, r.Consumers("cart")))
	depend(t, r, "app", key("web", "0+"))
	assert.True(t, same(first, r.Consumers("cart")), "rules changed, the answer did not")
	depend(t, r, "app", key("cart", "0+"))
	assert.Equal(t, []string{"app", "web"}, r.Consumers("cart"))
	assert.Equal(t, []string{"web"}, first, "the old slice stays as it was")
}

func TestViewIsAConsistentCut(t *testing.T) {
	r := world(t, "cart", "stock", "web")
	depend(t, r, "web", key("cart", "0+"), key("stock", "0+"))
	register(t, r, "cart", "i")
	last := register(t, r, "cart", "j")
	v, err := r.View("web")
	require.NoError(t, err)
	require.Len(t, v.Services, 2)
	assert.Equal(t, r.Revision(), v.Revision)
	assert.Equal(t, "cart", v.Services[0].Service.ID)
	assert.Equal(t, last.Revision, v.Services[0].Revision)
	assert.Equal(t, r.Instances("cart"), v.Services[0].Instances)
	assert.Zero(t, v.Services[1].Revision, "no instance of stock ever changed")
	assert.Greater(t, register(t, r, "stock", "k").Revision, v.Revision)

	_, err = r.View("nobody")
	assert.ErrorIs(t, err, registry.ErrUnknownService)
}

// Each goroutine owns a service; revisions of all must be distinct and add up.
func TestMethodsMayBeCalledConcurrently(t *testing.T) {
	const writers, rounds = 8, 200
	r := registry.New()
	replayed := int64(0)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int64]bool{}
	for w := range writers {
		wg.Go(func() {
			name := fmt.Sprint("s", w)
			put(t, r, name)
			told, err := r.SetDependencies(key(name, "1.0.0"),
				[]registry.Key{key(fmt.Sprint("s", (w+1)%writers), "latest")})
			assert.NoError(t, err)
			mu.Lock()
			replayed += int64(len(told)) // what the neighbour had by then
			mu.Unlock()
			for i := range rounds {
				c, err := r.Register(registry.Instance{ID: fmt.Sprint(i % 7), ServiceID: name})
				assert.NoError(t, err)
				mu.Lock()
				assert.False(t, seen[c.Revision])
				seen[c.Revision] = true
				mu.Unlock()
				v, err := r.View(name)
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, v.Revision, c.Revision)
				for _, s := range v.Services {
					assert.LessOrEqual(t, s.Revision, v.Revision)
				}
				r.Services()
				r.Pick(name, uint64(i))
			}
		})
	}
	wg.Wait()
	assert.Equal(t, writers*(2+rounds)+replayed, r.Revision())
	assert.Equal(t, []string{"s0"}, r.Consumers("s1"))
}

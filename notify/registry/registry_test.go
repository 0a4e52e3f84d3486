package registry_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

const tenant = "default/default"

func key(name, version string) registry.Key {
	return registry.Key{Tenant: tenant, Env: "production", App: "shop", Name: name,
		Version: version}
}

// put registers a service whose id is its name, in version 1.0.0.
func put(t testing.TB, r *registry.Registry, name string) {
	t.Helper()
	require.NoError(t, done(r.PutService(registry.Service{ID: name, Key: key(name, "1.0.0")})))
}

// world is a registry with these services.
func world(t *testing.T, names ...string) *registry.Registry {
	t.Helper()
	r := registry.New()
	for _, name := range names {
		put(t, r, name)
	}
	return r
}

func depend(t *testing.T, r *registry.Registry, consumer string, providers ...registry.Key) {
	t.Helper()
	require.NoError(t, done(r.SetDependencies(key(consumer, "1.0.0"), providers)))
}

func register(t *testing.T, r *registry.Registry, service, id string) registry.Change {
	t.Helper()
	c, err := r.Register(registry.Instance{ID: id, ServiceID: service})
	require.NoError(t, err)
	return c
}

// same says whether two slices are one: an equal copy is not enough.
func same(a, b []string) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

func TestEveryMutationCountsOneRevisionAndAFailedOneChangesNothing(t *testing.T) {
	r := registry.New()
	require.EqualValues(t, 0, r.Revision())
	ok := registry.Service{ID: "cart", Key: key("cart", "1.0.0")}
	steps := []struct {
		name string
		do   func() error
		err  error
	}{
		{"put", func() error { return done(r.PutService(ok)) }, nil},
		{"put again", func() error { return done(r.PutService(ok)) }, nil},
		{"put without id", func() error {
			return done(r.PutService(registry.Service{Key: ok.Key}))
		}, registry.ErrInvalid},
		{"key taken", func() error {
			return done(r.PutService(registry.Service{ID: "x", Key: ok.Key}))
		}, registry.ErrConflict},
		{"key changed", func() error {
			return done(r.PutService(registry.Service{ID: "cart", Key: key("cart", "2.0.0")}))
		}, registry.ErrConflict},
		{"rules", func() error {
			return done(r.SetDependencies(ok.Key, []registry.Key{key("stock", "0+")}))
		}, nil},
		{"bad rule", func() error {
			return done(r.SetDependencies(ok.Key,
				[]registry.Key{key("stock", "0+"), key("stock", "x")}))
		}, registry.ErrInvalid},
		{"register", func() error {
			_, err := r.Register(registry.Instance{ID: "i", ServiceID: "cart"})
			return err
		}, nil},
		{"register elsewhere", func() error {
			_, err := r.Register(registry.Instance{ID: "i", ServiceID: "nowhere"})
			return err
		}, registry.ErrUnknownService},
		{"register without id", func() error {
			_, err := r.Register(registry.Instance{ServiceID: "cart"})
			return err
		}, registry.ErrInvalid},
		{"deregister elsewhere", func() error {
			_, err := r.Deregister("nowhere", "i")
			return err
		}, registry.ErrUnknownService},
		{"deregister unknown", func() error { _, err := r.Deregister("cart", "j"); return err },
			registry.ErrUnknownInstance},
		{"deregister", func() error { _, err := r.Deregister("cart", "i"); return err }, nil},
		{"rule added", func() error {
			return done(r.AddDependencies(ok.Key, []registry.Key{key("stock", "latest")}))
		}, nil},
		{"bad rule added", func() error {
			return done(r.AddDependencies(ok.Key, []registry.Key{key("x", "0+"), key("y", "")}))
		}, registry.ErrInvalid},
		{"delete unknown", func() error { _, err := r.DeleteService("x"); return err },
			registry.ErrUnknownService},
		{"delete", func() error { _, err := r.DeleteService("cart"); return err }, nil},
	}
	for _, s := range steps {
		before := r.Revision()
		err := s.do()
		if s.err != nil {
			require.ErrorIs(t, err, s.err, s.name)
			require.Equal(t, before, r.Revision(), s.name)
			continue
		}
		require.NoError(t, err, s.name)
		require.Equal(t, before+1, r.Revision(), s.name)
	}
}

func TestErrorsNameTheFieldAndTheAcceptedForm(t *testing.T) {
	r := registry.New()
	put := func(k registry.Key) error {
		return done(r.PutService(registry.Service{ID: "a", Key: k}))
	}
	rule := func(k registry.Key) error {
		return done(r.SetDependencies(key("cart", "1.0.0"), []registry.Key{key("ok", "0+"), k}))
	}
	bad := func(change func(*registry.Key)) registry.Key {
		k := key("cart", "1.0.0")
		change(&k)
		return k
	}
	for _, c := range []struct {
		err         error
		field, form string
	}{
		{put(bad(func(k *registry.Key) { k.Tenant = "a" })), `Tenant "a"`, "domain/project"},
		{put(bad(func(k *registry.Key) { k.Tenant = "a/b/c" })), `"a/b/c"`, "domain/project"},
		{put(bad(func(k *registry.Key) { k.Name = "" })), `Name ""`, "not empty"},
		{put(bad(func(k *registry.Key) { k.Name = "*" })), `Name "*"`, `not "*"`},
		{put(bad(func(k *registry.Key) { k.Version = "1.0+" })), `Version "1.0+"`, "1.0.0"},
		{rule(bad(func(k *registry.Key) { k.Tenant = "a/b" })), `providers[1]: `, tenant},
		{rule(bad(func(k *registry.Key) { k.Name = "" })), `Name ""`, `"*"`},
		{rule(bad(func(k *registry.Key) { k.Version = "" })), `Version ""`, "1.0-2.0"},
		{done(r.SetDependencies(key("cart", "latest"), nil)), `consumer: `, "1.0.0"},
	} {
		require.ErrorIs(t, c.err, registry.ErrInvalid)
		assert.ErrorContains(t, c.err, c.field)
		assert.ErrorContains(t, c.err, c.form)
	}
}

func TestCreateOfAKnownInstanceIsUpdateAndUpdateOfAnUnknownOneIsCreate(t *testing.T) {
	r := world(t, "cart")
	c, err := r.Update(registry.Instance{ID: "i", ServiceID: "cart", Timestamp: 7})
	require.NoError(t, err)
	assert.Equal(t, registry.Create, c.Action)
	assert.Equal(t, "UP", c.Instance.Status)
	assert.Equal(t, "1.0.0", c.Instance.Version)

	c, err = r.Register(registry.Instance{ID: "i", ServiceID: "cart", Status: "DOWN"})
	require.NoError(t, err)
	assert.Equal(t, registry.Update, c.Action)
	assert.Equal(t, "DOWN", c.Instance.Status)
	assert.EqualValues(t, 7, c.Instance.Timestamp, "that of the known instance")

	c, err = r.Deregister("cart", "i")
	require.NoError(t, err)
	assert.Equal(t, registry.Delete, c.Action)
	assert.Equal(t, "DOWN", c.Instance.Status, "the last state")
	assert.Empty(t, r.Instances("cart"))
}

func TestAChangeBecomesOneEvent(t *testing.T) {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "latest"))
	c := register(t, r, "cart", "i")
	due := time.Unix(5, 0)
	ev := c.Event(due)
	assert.Equal(t, &notify.Event{Type: registry.InstanceEvents,
		Subject: "/cse-sr/inst/files/default/default/", Revision: c.Revision, Key: "i",
		Due: due, Payload: &c}, ev)
	assert.Equal(t, registry.Subject("default", "default"), ev.Subject)
	assert.Equal(t, []string{"web"}, c.Consumers)

	expire := registry.Change{Action: registry.Expire, Service: c.Service}
	assert.Equal(t, "expire/cart", expire.Event(due).Key, "no instance has this id")
}

func TestAChangeIsImmutable(t *testing.T) {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "0+"))
	c := register(t, r, "cart", "i")
	before, err := json.Marshal(c)
	require.NoError(t, err)

	_, err = r.Update(registry.Instance{ID: "i", ServiceID: "cart", Status: "DOWN"})
	require.NoError(t, err)
	require.NoError(t, done(r.PutService(registry.Service{ID: "cart", Key: key("cart", "1.0.0"),
		Status: "DOWN"})))
	depend(t, r, "web")
	_, err = r.DeleteService("cart")
	require.NoError(t, err)

	after, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}

func TestDeleteServiceTakesItsInstancesAndItsOwnRules(t *testing.T) {
	r := world(t, "cart", "web")
	depend(t, r, "web", key("cart", "0+"))
	depend(t, r, "cart", key("web", "0+"))
	for _, id := range []string{"c", "a", "b"} {
		register(t, r, "cart", id)
	}
	before := r.Revision()
	changes, err := r.DeleteService("cart")
	require.NoError(t, err)
	require.Len(t, changes, 3)
	for i, c := range changes {
		assert.Equal(t, registry.Delete, c.Action)
		assert.Equal(t, string("abc"[i]), c.Instance.ID)
		assert.Equal(t, before+int64(i)+1, c.Revision)
		assert.Equal(t, []string{"web"}, c.Consumers)
	}
	assert.Equal(t, before+4, r.Revision())
	assert.Nil(t, r.Service("cart"))
	assert.Nil(t, r.Instances("cart"))
	assert.Empty(t, r.Consumers("web"))

	require.NoError(t, done(r.PutService(registry.Service{ID: "again", Key: key("cart", "1.0.0")})))
	assert.Equal(t, []string{"web"}, r.Consumers("again"), "rules of others stayed")
	assert.Empty(t, r.Consumers("web"), "its own rules went")
}

func TestInstancesHandedOutStayAsTheyAre(t *testing.T) {
	r := world(t, "cart")
	for i := range 5 {
		register(t, r, "cart", fmt.Sprint(i))
	}
	ids := func(list []*registry.Instance) (out []string) {
		for _, in := range list {
			out = append(out, in.ID+in.Status)
		}
		return out
	}
	held := r.Instances("cart")
	before := ids(held)
	register(t, r, "cart", "5")
	_, err := r.Deregister("cart", "0")
	require.NoError(t, err)
	register(t, r, "cart", "6")
	_, err = r.Update(registry.Instance{ID: "2", ServiceID: "cart", Status: "DOWN"})
	require.NoError(t, err)
	assert.Equal(t, before, ids(held))
	assert.ElementsMatch(t, []string{"1UP", "2DOWN", "3UP", "4UP", "5UP", "6UP"},
		ids(r.Instances("cart")))
}

func TestPickReachesEveryInstance(t *testing.T) {
	r := world(t, "cart")
	assert.Nil(t, r.Pick("cart", 3))
	assert.Nil(t, r.Pick("nowhere", 3))
	for i := range 3 {
		register(t, r, "cart", fmt.Sprint(i))
	}
	seen := map[string]int{}
	for n := range uint64(6) {
		seen[r.Pick("cart", n).ID]++
	}
	assert.Equal(t, map[string]int{"0": 2, "1": 2, "2": 2}, seen)
}

func TestServicesAreListedById(t *testing.T) {
	r := world(t, "b", "c", "a")
	all := r.Services()
	require.Len(t, all, 3)
	assert.Equal(t, "a", all[0].ID)
	assert.Equal(t, "c", all[2].ID)
	assert.Same(t, all[1], r.Service("b"))
}

func TestInstanceHasTheFieldsOfTheWire(t *testing.T) {
	out, err := json.Marshal(registry.Instance{ID: "i", ServiceID: "s", Status: "UP",
		Endpoints: []string{"rest://10.0.0.1:8080"}, HostName: "node-1", Version: "1.0.0",
		HealthCheck: &registry.HealthCheck{Mode: "push", Interval: 30, Times: 3},
		Properties:  map[string]string{"zone": "a"},
		Timestamp:   1795318893, ModTimestamp: 1795318899,
		DataCenter: &registry.DataCenter{Name: "dc", Region: "r", Zone: "z"}})
	require.NoError(t, err)
	assert.Equal(t, `{"instanceId":"i","serviceId":"s","endpoints":["rest://10.0.0.1:8080"],`+
		`"hostName":"node-1","status":"UP","properties":{"zone":"a"},`+
		`"healthCheck":{"mode":"push","interval":30,"times":3},"timestamp":"1795318893",`+
		`"dataCenterInfo":{"name":"dc","region":"r","availableZone":"z"},`+
		`"modTimestamp":"1795318899","version":"1.0.0"}`, string(out))
	empty, err := json.Marshal(registry.Instance{})
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(empty), "empty fields are omitted")
}

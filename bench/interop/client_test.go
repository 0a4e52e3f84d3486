package interop_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-chassis/cari/discovery"
	sc "github.com/go-chassis/sc-client"
)

// equal is a comparison that goes on after a failure.
func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func must(t testing.TB, what string) func(ok bool, err error) {
	return func(ok bool, err error) {
		t.Helper()
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
}

// TestStartUp makes the calls with which clients begin.
func TestStartUp(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	health, err := c.Health()
	if err != nil || len(health) != 1 {
		t.Fatalf("Health: %v, %v", health, err)
	}
	equal(t, "endpoint", health[0].Endpoints[0], "rest://"+s.address)
	if err := c.SyncEndpoints(); err != nil {
		t.Fatal(err)
	}

	id, err := c.GetMicroServiceID(app, "nobody", "1.0.0", "")
	if id != "" || err != nil {
		t.Errorf("GetMicroServiceID of none: %q, %v", id, err)
	}
	name, id := register(t, c)
	again, err := c.GetMicroServiceID(app, name, "1.0.0", "")
	if again != id || err != nil {
		t.Errorf("GetMicroServiceID: %q, %v; want %q", again, err, id)
	}
	again, err = c.RegisterService(&discovery.MicroService{AppId: app, ServiceName: name,
		Version: "1.0.0"})
	if again != id || err != nil {
		t.Errorf("RegisterService again: %q, %v; want %q", again, err, id)
	}
	service, err := c.GetMicroService(id)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "name", service.ServiceName, name)
	must(t, "UpdateMicroServiceProperties")(c.UpdateMicroServiceProperties(id,
		&discovery.MicroService{Properties: map[string]string{"k": "v"}}))
	service, err = c.GetMicroService(id)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "property", service.Properties["k"], "v")
	all, err := c.GetAllMicroServices()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "services", len(all), 101) // 100 are the world's

	if err := c.AddSchemas(id, "api", "swagger: 2.0"); err != nil {
		t.Error(err)
	}
	schema, err := c.GetSchema(id, "api")
	if err != nil || !strings.Contains(string(schema), "swagger: 2.0") {
		t.Errorf("GetSchema: %s, %v", schema, err)
	}
}

// TestWhatIsNotServed fails in a way that the client understands: the paths of governance, of
// tokens, and heartbeats over WebSocket.
func TestWhatIsNotServed(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	for name, call := range map[string]func() error{
		"GetAllApplications": func() error { _, err := c.GetAllApplications(); return err },
		"GetAllResources":    func() error { _, err := c.GetAllResources("all"); return err },
		"WSHeartbeat":        func() error { return c.WSHeartbeat("x", "y", func() {}) },
	} {
		if call() == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	_, err := c.FindMicroServiceInstances("", app, "nobody", "0+")
	if !errors.Is(err, sc.ErrMicroServiceNotExists) {
		t.Errorf("find of none: %v, want %v", err, sc.ErrMicroServiceNotExists)
	}
	if ok, err := c.Heartbeat("no-service", "no-instance"); ok || err == nil {
		t.Errorf("Heartbeat of none: %v, %v", ok, err)
	}
}

// TestFind: the second answer is "not modified" until something changes; the client has one
// revision for all its questions.
func TestFind(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	_, consumer := register(t, c)
	name, provider := register(t, c)
	other, otherID := register(t, c)
	first := registerInstance(t, c, provider, 1)
	registerInstance(t, c, otherID, 2)
	must(t, "Heartbeat")(c.Heartbeat(provider, first))

	found := find(t, c, consumer, name)
	if len(found) != 1 {
		t.Fatalf("found %d instances, want 1", len(found))
	}
	want := instance(provider, 1)
	got := found[0]
	equal(t, "id", got.InstanceId, first)
	equal(t, "service", got.ServiceId, provider)
	equal(t, "host", got.HostName, want.HostName)
	equal(t, "status", got.Status, want.Status)
	equal(t, "endpoint", strings.Join(got.Endpoints, " "), want.Endpoints[0])
	equal(t, "data center", *got.DataCenterInfo, *want.DataCenterInfo)
	equal(t, "health check", *got.HealthCheck, *want.HealthCheck)
	equal(t, "version", got.Version, "1.0.0")

	if _, err := c.FindMicroServiceInstances(consumer, app, name, "0+"); !errors.Is(err,
		sc.ErrNotModified) {
		t.Errorf("find again: %v, want %v", err, sc.ErrNotModified)
	}
	equal(t, "found of another", len(find(t, c, consumer, other)), 1)
	equal(t, "found of the first", len(find(t, c, consumer, name)), 1)

	registerInstance(t, c, provider, 3)
	equal(t, "found after a change", len(find(t, c, consumer, name)), 2)
	must(t, "Unregister")(c.UnregisterMicroServiceInstance(provider, first))
	equal(t, "found after another", len(find(t, c, consumer, name)), 1)

	// The find has recorded what the consumer depends on.
	providers, err := c.GetProviders(consumer)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "providers", len(providers.Services), 2)

	batch, err := c.BatchFindInstances(consumer, []*discovery.FindService{
		{Service: &discovery.MicroServiceKey{AppId: app, ServiceName: name, Version: "0+"}},
		{Service: &discovery.MicroServiceKey{AppId: app, ServiceName: "nobody", Version: "0+"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Services.Updated) != 1 || len(batch.Services.Failed) != 1 {
		t.Fatalf("BatchFindInstances: %+v", batch.Services)
	}
	equal(t, "batch found", len(batch.Services.Updated[0].Instances), 1)
	byID, err := c.GetMicroServiceInstances(consumer, provider)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "instances by id", len(byID), 1)
}

// TestWatch: what happens to an instance comes as callbacks, in order, with all that there is to
// know. A find alone has made the consumer one.
func TestWatch(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	_, consumer := register(t, c)
	name, provider := register(t, c)
	events := watch(t, c, consumer)
	find(t, c, consumer, name)

	id := registerInstance(t, c, provider, 1)
	e := next(t, events)
	want := instance(provider, 1)
	equal(t, "action", e.Action, sc.EventCreate)
	equal(t, "key", *e.Key, discovery.MicroServiceKey{Tenant: "default/default", AppId: app,
		ServiceName: name, Version: "1.0.0"})
	equal(t, "id", e.Instance.InstanceId, id)
	equal(t, "service", e.Instance.ServiceId, provider)
	equal(t, "status", e.Instance.Status, sc.MSInstanceUP)
	equal(t, "host", e.Instance.HostName, want.HostName)
	equal(t, "endpoint", strings.Join(e.Instance.Endpoints, " "), want.Endpoints[0])

	must(t, "UpdateMicroServiceInstanceStatus")(
		c.UpdateMicroServiceInstanceStatus(provider, id, sc.MSIinstanceDown))
	e = next(t, events)
	equal(t, "action", e.Action, sc.EventUpdate)
	equal(t, "id", e.Instance.InstanceId, id)
	equal(t, "status", e.Instance.Status, sc.MSIinstanceDown)

	changed := instance(provider, 1)
	changed.Properties = map[string]string{"k": "v"}
	must(t, "UpdateMicroServiceInstanceProperties")(
		c.UpdateMicroServiceInstanceProperties(provider, id, changed))
	e = next(t, events)
	equal(t, "action", e.Action, sc.EventUpdate)
	equal(t, "property", e.Instance.Properties["k"], "v")

	must(t, "Unregister")(c.UnregisterMicroServiceInstance(provider, id))
	e = next(t, events)
	equal(t, "action", e.Action, sc.EventDelete)
	equal(t, "id", e.Instance.InstanceId, id)
	equal(t, "service", e.Instance.ServiceId, provider)

	second := registerInstance(t, c, provider, 2)
	equal(t, "created", next(t, events).Instance.InstanceId, second)
	must(t, "UnregisterMicroService")(c.UnregisterMicroService(provider))
	e = next(t, events)
	equal(t, "action", e.Action, sc.EventDelete)
	equal(t, "id", e.Instance.InstanceId, second)
}

// TestLease: an instance whose client falls silent goes; one with heartbeats stays.
func TestLease(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	_, consumer := register(t, c)
	name, provider := register(t, c)
	events := watch(t, c, consumer)
	find(t, c, consumer, name)
	ids := map[bool]string{}
	for _, speaks := range []bool{true, false} {
		in := instance(provider, 1)
		in.HealthCheck = &discovery.HealthCheck{Mode: sc.CheckByHeartbeat, Interval: 1, Times: 1}
		id, err := c.RegisterMicroServiceInstance(in)
		if err != nil {
			t.Fatal(err)
		}
		ids[speaks] = id
		equal(t, "created", next(t, events).Instance.InstanceId, id)
	}
	for began := time.Now(); len(events) == 0; time.Sleep(100 * time.Millisecond) {
		must(t, "Heartbeat")(c.Heartbeat(provider, ids[true]))
		if time.Since(began) > patient {
			t.Fatalf("the silent one was still there after %v", patient)
		}
	}
	e := next(t, events)
	equal(t, "action", e.Action, sc.EventDelete)
	equal(t, "gone", e.Instance.InstanceId, ids[false])
	equal(t, "found", len(find(t, c, consumer, name)), 1)
}

// TestReconnect: the client finds the server again, and hears of what changes then.
func TestReconnect(t *testing.T) {
	s := start(t, "127.0.0.1:0")
	c := s.client()
	consumer, provider := pair(t, c)
	events := watch(t, c, consumer)
	registerInstance(t, c, provider, 1)
	equal(t, "action", next(t, events).Action, sc.EventCreate)

	if said := s.stop(); !strings.Contains(said, "websocket server closed 1") {
		t.Errorf("it didn't say how the connection ended: %s", said)
	}
	s = start(t, s.address)
	c = s.client()
	for began := time.Now(); len(events) == 0; time.Sleep(100 * time.Millisecond) {
		registerInstance(t, c, provider, 1) // the client comes when it comes
		if time.Since(began) > patient {
			t.Fatalf("no callback within %v after the restart", patient)
		}
	}
	equal(t, "service", next(t, events).Instance.ServiceId, provider)
}

// pair is a consumer and a provider of the world, which are the same after a restart.
func pair(t *testing.T, c *sc.Client) (consumer, provider string) {
	t.Helper()
	all, err := c.GetAllMicroServices()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		providers, err := c.GetProviders(s.ServiceId)
		if err != nil {
			t.Fatal(err)
		}
		if len(providers.Services) > 0 {
			return s.ServiceId, providers.Services[0].ServiceId
		}
	}
	t.Fatal("nobody depends on anybody")
	return "", ""
}

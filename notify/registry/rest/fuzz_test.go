package rest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

// taking are the requests that take a body or a query, with a server that has the shop.
var taking = []struct{ method, path string }{
	{"POST", api + "/microservices"},
	{"PUT", one + "/properties"},
	{"POST", one + "/instances"},
	{"PUT", one + "/instances/c1/properties"},
	{"PUT", one + "/instances/c1/status"},
	{"PUT", api + "/heartbeats"},
	{"GET", api + "/instances"},
	{"GET", api + "/existence"},
	{"POST", api + "/instances/action"},
	{"PUT", api + "/dependencies"},
	{"POST", api + "/dependencies"},
	{"POST", one + "/schemas"},
	{"PUT", one + "/schemas/a"},
	{"GET", one + "/schemas"},
	{"POST", one + "/tags"},
	{"PUT", one + "/tags"},
	{"PUT", one + "/tags/t"},
	{"POST", one + "/rules"},
	{"PUT", one + "/rules/r"},
	{"DELETE", one},
}

// offline is a handler with the shop that needs no goroutine: nobody watches, so nothing is queued.
func offline(t *testing.T) (*rest.Handler, *registry.Registry) {
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{registry.InstanceEvents: {Shards: 1}}})
	require.NoError(t, err)
	r := registry.New()
	hub, err := registry.NewHub(r, e, registry.HubConfig{})
	require.NoError(t, err)
	h, err := rest.New(rest.Config{Hub: hub, Engine: e,
		Clock: wallClock{now: func() time.Time { return time.Unix(began, 0) }}})
	require.NoError(t, err)
	const services = api + "/microservices"
	for _, r := range []struct{ method, path, body string }{
		{"POST", services, `{"service":{"serviceId":"cart","serviceName":"cart","appId":"shop",` +
			`"version":"1.0.0","environment":"production"}}`},
		{"POST", services, `{"service":{"serviceId":"front","serviceName":"front","appId":"shop",` +
			`"version":"1.0.0","environment":"production"}}`},
		{"POST", one + "/instances", `{"instance":{"instanceId":"c1"}}`},
		{"PUT", api + "/dependencies", dependsOn("0+")},
		{"PUT", one + "/tags", `{"tags":{"t":"1"}}`},
	} {
		got := direct(h, r.method, r.path, "", r.body, "")
		require.Equal(t, http.StatusOK, got.status, got.body)
	}
	return h, r
}

// direct asks the handler without a connection.
func direct(h http.Handler, method, path, query, body, consumer string) reply {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.URL = &url.URL{Path: path, RawQuery: query}
	r.Header["X-Consumerid"] = []string{consumer}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Body.String(), w.Header()}
}

// FuzzBodies: whatever a client sends, there is an answer, and it isn't the server's fault; and a
// request that failed has changed nothing.
func FuzzBodies(f *testing.F) {
	which := func(method, path string) (uint8, bool) {
		for i, r := range taking {
			if r.method == method && r.path == path {
				return uint8(i), true
			}
		}
		return 0, false
	}
	add := func(method, path, body string) {
		path, query, _ := strings.Cut(path, "?")
		if i, ok := which(method, path); ok {
			f.Add(i, query, body, "front")
			f.Add(i, query, body, "")
		}
	}
	for _, r := range good {
		add(r.method, r.path, r.body)
	}
	for _, r := range badRequests {
		if len(r.body) < 1000 {
			add(r.method, r.path, r.body)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, query, body, consumer string) {
		h, r := offline(t)
		dump := func() string { return direct(h, "GET", "/v4/default/admin/dump", "", "", "").body }
		schemas := func() string { return direct(h, "GET", one+"/schemas", "", "", "").body }
		before, dumped, kept := r.Revision(), dump(), schemas()
		route := taking[int(i)%len(taking)]
		got := direct(h, route.method, route.path, query, body, consumer)
		switch {
		case got.status == http.StatusOK, got.status == http.StatusNotModified:
			return
		case got.status < 400, got.status >= 500:
			t.Fatalf("%s %s?%s with %q: %d %s", route.method, route.path, query, body, got.status,
				got.body)
		}
		var e rest.Error
		decode(t, got.body, &e)
		assert.NotEmpty(t, e.Message)
		assert.Equal(t, before, r.Revision(), "%s changed something", got.body)
		assert.Equal(t, dumped, dump())
		assert.Equal(t, kept, schemas())
	})
}

package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patient = 10 * time.Second // for what should take no time
	api     = "/v4/default/registry"
	began   = 1795318893 // Unix seconds; of the recorded frames
)

// wallClock is the real clock with a time of day of the test's own.
type wallClock struct {
	clock.Real
	now func() time.Time
}

func (c wallClock) Now() time.Time { return c.now() }

// server is a registry behind HTTP on loopback, with a real engine.
type server struct {
	*rest.Handler
	t      testing.TB
	ctx    context.Context
	engine *notify.Engine
	hub    *registry.Hub
	board  *alarm.Board
	url    string
	client *http.Client
	ends   chan error
	now    time.Time
}

// newServer starts one; all of it has ended when the test has. The clock stands still.
func newServer(t testing.TB, c rest.Config) *server {
	t.Helper()
	s := &server{t: t, ends: make(chan error, 1000), now: time.Unix(began, 0)}
	var err error
	s.engine, err = notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
		registry.InstanceEvents: {}, alarm.Events: alarm.TypeConfig()}})
	require.NoError(t, err)
	s.hub, err = registry.NewHub(registry.New(), s.engine, registry.HubConfig{
		Leases:  &registry.LeaseConfig{},
		Deleted: func(id string) { s.ServiceDeleted(id) },
	})
	require.NoError(t, err)
	s.board, err = alarm.Open(s.engine)
	require.NoError(t, err)
	c.Hub, c.Engine, c.Alarms = s.hub, s.engine, s.board
	c.Ended = func(reason error) { s.ends <- reason }
	if c.Clock == nil {
		c.Clock = wallClock{now: func() time.Time { return s.now }}
	}
	s.Handler, err = rest.New(c)
	require.NoError(t, err)

	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(context.Background(), patient)
	running := make(chan error, 1)
	go func() { running <- s.engine.Run(context.Background()) }()
	web := httptest.NewUnstartedServer(nil)
	web.Config = rest.NewServer("", s.Handler)
	web.Start()
	s.url = web.URL
	s.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		web.Close()
		s.engine.Close()
		assert.NoError(t, <-running)
		s.Handler.Close()
		assert.Zero(t, s.Watchers())
		s.client.CloseIdleConnections()
		cancel()
	})
	return s
}

// reply is an answer of the server.
type reply struct {
	status int
	body   string
	header http.Header
}

// do sends a request; headers come in pairs.
func (s *server) do(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := s.client.Do(r)
	require.NoError(s.t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	require.NoError(s.t, err)
	return reply{got.StatusCode, string(text), got.Header}
}

// ok is do for a request that must succeed; it decodes the answer.
func (s *server) ok(method, path, body string, headers ...string) map[string]any {
	s.t.Helper()
	got := s.do(method, path, body, headers...)
	require.Equal(s.t, http.StatusOK, got.status, "%s %s: %s", method, path, got.body)
	answer := map[string]any{}
	if got.body != "" {
		require.NoError(s.t, json.Unmarshal([]byte(got.body), &answer), got.body)
	}
	return answer
}

// service registers one, in production/shop.
func (s *server) service(id, name, version string) string {
	s.t.Helper()
	body := `{"service":{"serviceId":"` + id + `","environment":"production","appId":"shop",` +
		`"serviceName":"` + name + `","version":"` + version + `"}}`
	return s.ok("POST", api+"/microservices", body)["serviceId"].(string)
}

func (s *server) instance(service, id string) {
	s.t.Helper()
	got := s.ok("POST", api+"/microservices/"+service+"/instances", `{"instance":{"instanceId":"`+
		id+`","endpoints":["rest://10.0.0.1:8080"],"hostName":"node-1"}}`)
	require.Equal(s.t, id, got["instanceId"])
}

// shop is cart with the instance c1, and front, which depends on it.
func (s *server) shop() {
	s.t.Helper()
	s.service("cart", "cart", "1.0.0")
	s.service("front", "front", "1.0.0")
	s.instance("cart", "c1")
	s.ok("PUT", api+"/dependencies", dependsOn("0+"))
}

// dependsOn is the body that makes front a consumer of cart.
func dependsOn(rule string) string {
	return `{"dependencies":[{"consumer":{"environment":"production","appId":"shop",` +
		`"serviceName":"front","version":"1.0.0"},"providers":[{"environment":"production",` +
		`"appId":"shop","serviceName":"cart","version":"` + rule + `"}]}]}`
}

const findCart = api + "/instances?appId=shop&serviceName=cart&env=production&version="

// dial connects a watcher.
func (s *server) dial(path string, headers ...string) *websocket.Conn {
	s.t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(s.ctx, s.url+path,
		&websocket.DialOptions{HTTPClient: s.client, HTTPHeader: header})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// read reads one text frame.
func (s *server) read(conn *websocket.Conn) string {
	s.t.Helper()
	kind, text, err := conn.Read(s.ctx)
	require.NoError(s.t, err)
	require.Equal(s.t, websocket.MessageText, kind)
	return string(text)
}

// frame reads one frame and says what it is about.
func (s *server) frame(conn *websocket.Conn) (action registry.Action, instanceID, status string) {
	s.t.Helper()
	f, err := registry.DecodeFrame([]byte(s.read(conn)))
	require.NoError(s.t, err)
	return f.Action, f.Instance.ID, f.Instance.Status
}

// restart serves the handler anew, with a server that is set up otherwise.
func (s *server) restart(set func(*http.Server)) {
	web := httptest.NewUnstartedServer(nil)
	web.Config = rest.NewServer("", s.Handler)
	set(web.Config)
	web.Start()
	s.url = web.URL
	s.t.Cleanup(web.Close)
}

// dialPinged is dial for a client that hears of pings.
func (s *server) dialPinged(path string, pings chan<- struct{}) *websocket.Conn {
	s.t.Helper()
	conn, _, err := websocket.Dial(s.ctx, s.url+path, &websocket.DialOptions{HTTPClient: s.client,
		OnPingReceived: func(context.Context, []byte) bool {
			pings <- struct{}{}
			return true
		}})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

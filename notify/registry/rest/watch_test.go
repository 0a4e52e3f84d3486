package rest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

const (
	cart    = "d9b6bc50d10a03384bd4e25e8f0c1e363d85e959" // of the recorded frames
	watched = api + "/microservices/front/watcher"
	listed  = api + "/microservices/front/listwatcher"
)

// recorded reads the frames that a real server sent on a path, in order.
func recorded(t *testing.T, path string) (frames []string) {
	t.Helper()
	text, err := os.ReadFile("../testdata/watch-frames.jsonl")
	require.NoError(t, err)
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var line struct {
			Path string          `json:"path"`
			JSON json.RawMessage `json:"json"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line.Path == path && line.JSON != nil {
			frames = append(frames, string(line.JSON))
		}
	}
	return frames
}

// TestWatching_FramesAreThoseOfARealServer does over HTTP what was done when they were recorded.
func TestWatching_FramesAreThoseOfARealServer(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.service(cart, "cart", "1.0.0")
	s.service("front", "front", "1.0.0")
	s.ok("PUT", api+"/dependencies", dependsOn("0+"))
	const first, second = "9c9fc56ae62611f1b140aec9ef40e87d", "9f02c315e62611f1b140aec9ef40e87d"
	instances := api + "/microservices/" + cart + "/instances"
	register := func(id, endpoint string) {
		s.ok("POST", instances, `{"instance":{"instanceId":"`+id+`","serviceId":"`+cart+
			`","endpoints":["`+endpoint+`"],"hostName":"node-1","properties":{"zone":"a"},`+
			`"healthCheck":{"mode":"push","interval":30,"times":3}}}`)
	}
	register(first, "rest://10.0.0.1:8080")
	plain, list := s.dial(watched), s.dial(listed)
	wantList := recorded(t, "listwatcher")
	assert.JSONEq(t, wantList[0], s.read(list), "INIT, with a key that has no tenant")

	at := func(seconds int64) { s.now = time.Unix(began+seconds, 0) }
	at(4)
	register(second, "rest://10.0.0.2:8080")
	at(6)
	s.ok("PUT", instances+"/"+first+"/status?value=DOWN", "")
	at(8)
	s.ok("PUT", instances+"/"+first+"/properties", `{"properties":{"zone":"b"}}`)
	s.ok("DELETE", instances+"/"+second, "")
	for _, watcher := range []struct {
		conn *websocket.Conn
		want []string
	}{{plain, recorded(t, "watcher")}, {list, wantList[1:]}} {
		require.Len(t, watcher.want, 4)
		for _, want := range watcher.want {
			assert.JSONEq(t, want, s.read(watcher.conn))
		}
	}
}

func TestWatching_AnUnknownServiceIsOneTextAndTheEnd(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	for _, test := range []struct{ path, domain string }{
		{api + "/microservices/nobody/watcher", ""},
		{api + "/microservices/nobody/listwatcher", ""},
		{watched, "other"},
	} {
		conn := s.dial(test.path, "X-Domain-Name", test.domain)
		assert.Equal(t, "service does not exist", s.read(conn))
		_, _, err := conn.Read(s.ctx)
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
	}
	assert.Zero(t, s.engine.Stats(registry.InstanceEvents).Subscriptions)
}

// TestWatching_FromTheUpgradeOn: nothing that happens after it is lost, and nothing that happened
// before comes to a plain watcher.
func TestWatching_FromTheUpgradeOn(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	for range 50 {
		for _, path := range []string{watched, listed} {
			conn := s.dial(path)
			s.ok("PUT", one+"/instances/c1/status?value=TESTING", "")
			action, _, status := s.frame(conn)
			if path == listed {
				// The list may have been read before the change; then the event follows.
				require.Equal(t, registry.Init, action)
				if status == registry.StatusUp {
					action, _, status = s.frame(conn)
					assert.Equal(t, registry.Update, action)
				}
			} else {
				assert.Equal(t, registry.Update, action)
			}
			assert.Equal(t, registry.StatusTesting, status)
			s.ok("PUT", one+"/instances/c1/status?value=UP", "")
			require.NoError(t, conn.CloseNow())
		}
	}
}

func TestWatching_EndsOnceWhenItsServiceIsDeleted(t *testing.T) {
	for name, remove := range map[string]func(*server){
		"over HTTP": func(s *server) { s.ok("DELETE", api+"/microservices/front?force=1", "") },
		"by the hub": func(s *server) {
			require.NoError(s.t, s.hub.Change(time.Time{},
				func(r *registry.Registry) ([]registry.Change, error) {
					return r.DeleteService("front")
				}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, rest.Config{})
			s.shop()
			conns := []*websocket.Conn{s.dial(watched), s.dial(listed)}
			s.frame(conns[1])
			remove(s)
			for _, conn := range conns {
				_, _, err := conn.Read(s.ctx)
				assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
				var closed *stream.CloseError
				require.ErrorAs(t, <-s.ends, &closed)
				assert.Equal(t, stream.CodePolicy, closed.Code)
			}
			assert.Empty(t, s.ends)
		})
	}
}

func TestWatching_ABigMessageOfTheClientIs1009(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	conn := s.dial(watched)
	require.NoError(t, conn.Write(s.ctx, websocket.MessageText, make([]byte, 100)))
	_, _, err := conn.Read(s.ctx)
	assert.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)
	assert.ErrorIs(t, <-s.ends, stream.ErrTooBig)
}

func TestWatching_AnExpireHasAnEmptyInstance(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	conn := s.dial(watched)
	s.ok("POST", api+"/microservices/cart/rules",
		`{"rules":[{"ruleType":"BLACK","attribute":"serviceName","pattern":"^front$"}]}`)
	assert.Equal(t, `{"action":"EXPIRE","key":{"tenant":"default/default",`+
		`"environment":"production","appId":"shop","serviceName":"cart","version":"1.0.0"},`+
		`"instance":{}}`, s.read(conn))
}

// TestWatching_OutlivesTheDeadlinesOfTheServer has heartbeats that outlast all of them together.
func TestWatching_OutlivesTheDeadlinesOfTheServer(t *testing.T) {
	const short = 500 * time.Millisecond // but long enough for a request, on a busy machine too
	s := newServer(t, rest.Config{
		Stream: stream.Config{Heartbeat: short / 5, ReadTimeout: patient}})
	s.shop()
	s.restart(func(web *http.Server) { web.ReadTimeout, web.WriteTimeout = short, short })
	pings := make(chan struct{}, 100)
	conn := s.dialPinged(watched, pings)
	gone := conn.CloseRead(s.ctx)
	for range 10 {
		select {
		case <-pings:
		case <-gone.Done():
			t.Fatal("the connection ended")
		}
	}
}

func TestServer_HasLimits(t *testing.T) {
	web := rest.NewServer("127.0.0.1:0", http.NotFoundHandler())
	for name, got := range map[string]time.Duration{"header": web.ReadHeaderTimeout,
		"read": web.ReadTimeout, "write": web.WriteTimeout, "idle": web.IdleTimeout} {
		assert.Positive(t, got, name)
	}
	assert.Positive(t, web.MaxHeaderBytes)
}

func TestWatching_HasALimit(t *testing.T) {
	s := newServer(t, rest.Config{WatchersMax: 2})
	s.shop()
	s.dial(watched)
	s.dial(listed)
	got := s.do("GET", watched, "", "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
	assert.Equal(t, 503, got.status)
	assertError(t, got, rest.CodeNotEnoughQuota, "watchers")
}

func TestWatching_AFailedUpgradeLeavesNothing(t *testing.T) {
	s := newServer(t, rest.Config{})
	s.shop()
	got := s.do("GET", watched, "", "Upgrade", "websocket") // and no key, no version
	assert.GreaterOrEqual(t, got.status, 400)
	assert.Less(t, got.status, 500)
	<-s.ends
	assert.Zero(t, s.Watchers())
	require.Eventually(t, func() bool {
		return s.engine.Stats(registry.InstanceEvents).Subscriptions == 0
	}, patient, time.Millisecond)
}

// TestWatching_APlainWatcherIsRepairedAfterALoss has a backlog of one, and more events than fit
// while the first is written, so that the watcher must list again: as UPDATE, with the last state
// among the frames.
func TestWatching_APlainWatcherIsRepairedAfterALoss(t *testing.T) {
	lost := make(chan struct{})
	s := newServer(t, rest.Config{
		Watch: watch.Config{Resync: true,
			Backlog: notify.Backlog{Size: 1, Overflow: notify.DropNewest}},
		Stream: stream.Config{Outbox: 1, Sent: func(*notify.Event, time.Time) { <-lost }},
	})
	s.shop()
	conn := s.dial(watched)
	const changes = 50
	require.NoError(t, s.hub.Change(time.Time{},
		func(r *registry.Registry) (all []registry.Change, err error) {
			for i := range changes {
				status := registry.StatusDown
				if i == changes-1 {
					status = registry.StatusOutOfService
				}
				c, err := r.SetStatus("cart", "c1", status, s.now)
				if err != nil {
					return all, err
				}
				all = append(all, c)
			}
			return all, nil
		}))
	require.Eventually(t, func() bool {
		return s.engine.Stats(registry.InstanceEvents).DroppedTotal() > 0
	}, patient, time.Millisecond)
	close(lost)
	for frames := 1; ; frames++ {
		require.LessOrEqual(t, frames, changes)
		action, id, status := s.frame(conn)
		require.Equal(t, registry.Update, action)
		require.Equal(t, "c1", id)
		if status == registry.StatusOutOfService {
			break
		}
	}
}

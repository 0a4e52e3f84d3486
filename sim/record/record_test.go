package record_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/record"
	"github.com/notifylab/notifylab/sim/server"
	"github.com/notifylab/notifylab/sim/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is for what should take no time.
const patient = 20 * time.Second

// small is the small world; its services are all in environment production.
func small(t testing.TB) *sim.Topology {
	t.Helper()
	w, err := sim.FindWorkload("small")
	require.NoError(t, err)
	topology, err := sim.Generate(w, 1)
	require.NoError(t, err)
	return topology
}

// served is a registry on loopback.
type served struct {
	*server.Server
	t    testing.TB
	url  string
	stop func() // and wait for its end
}

// serve runs a registry at an address, such as 127.0.0.1:0.
func serve(t testing.TB, address string, rate float64) *served {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	s, err := server.New(server.Config{Listener: l, Topology: small(t), Rate: rate, Churn: 0.3,
		Seed: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { assert.NoError(t, s.Run(ctx)) })
	x := &served{Server: s, t: t, url: "http://" + l.Addr().String(), stop: func() {
		cancel()
		ended.Wait()
	}}
	t.Cleanup(x.stop)
	return x
}

func (s *served) do(method, path, body string) string {
	s.t.Helper()
	q, err := http.NewRequest(method, s.url+"/v4/default/registry"+path, strings.NewReader(body))
	require.NoError(s.t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(q)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, answer.StatusCode, "%s", text)
	return string(text)
}

// change registers, updates or deregisters instance id of service-0.
func (s *served) change(action, id string) {
	s.t.Helper()
	const at = "/microservices/s0/instances"
	switch action {
	case "create":
		s.do("POST", at, fmt.Sprintf(`{"instance":{"instanceId":%q,"hostName":"h",
			"endpoints":["rest://h:1"]}}`, id))
	case "update":
		s.do("PUT", at+"/"+id+"/status?value=DOWN", "")
	case "delete":
		s.do("DELETE", at+"/"+id, "")
	}
}

// output keeps what is written.
type output struct {
	mu     sync.Mutex
	b      bytes.Buffer
	closed int
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}
func (o *output) Flush() error { return nil }
func (o *output) Close() error { o.closed++; return nil }

// recording is a recorder at work.
type recording struct {
	*record.Recorder
	t    testing.TB
	out  output
	stop func() error
}

func start(t testing.TB, c record.Config) *recording {
	t.Helper()
	x := &recording{t: t}
	c.Create = func() (record.Output, error) { return &x.out, nil }
	c.Backoff = time.Millisecond
	var err error
	x.Recorder, err = record.New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	x.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = x.stop() })
	return x
}

// until waits for what should come soon.
func (x *recording) until(what func(record.Stats) bool) {
	x.t.Helper()
	for began := time.Now(); !what(x.Stats()); time.Sleep(time.Millisecond) {
		require.Less(x.t, time.Since(began), patient, "%+v", x.Stats())
	}
}

func connected(s record.Stats) bool { return s.Connected }

// end stops it and reads what it wrote.
func (x *recording) end() *trace.Trace {
	x.t.Helper()
	require.NoError(x.t, x.stop())
	assert.Equal(x.t, 1, x.out.closed)
	got, err := trace.Read("out", bytes.NewReader(x.out.b.Bytes()))
	require.NoError(x.t, err)
	return got
}

func TestEveryChangeIsWrittenWithTheTimeAtWhichItCame(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	x := start(t, record.Config{URL: s.url})
	x.until(connected)
	began := time.Now()
	for i, action := range []string{"create", "update", "delete"} {
		s.change(action, "mine")
		x.until(func(s record.Stats) bool { return int(s.Changes) > i })
	}
	took := time.Since(began)
	got := x.end()
	service := trace.Service{Name: "small/service-0", Env: "production", Version: "1.0.0"}
	endpoints, last := []string{"rest://h:1"}, time.Duration(0)
	require.Len(t, got.Changes, 3)
	for i, want := range []trace.Change{
		{Action: registry.Create, Status: "UP"}, {Action: registry.Update, Status: "DOWN"},
		{Action: registry.Delete, Status: "DOWN"},
	} {
		want.Service, want.Instance, want.Endpoints = service, "mine", endpoints
		c := got.Changes[i]
		assert.GreaterOrEqual(t, c.At, last)
		last, c.At = c.At, 0
		assert.Equal(t, want, c)
	}
	assert.Less(t, last-got.Changes[0].At, took)
	assert.Equal(t, s.url, got.Source)
	assert.WithinRange(t, got.Begin, began.Add(-patient), time.Now())
	assert.Empty(t, got.Gaps)
	assert.Equal(t, record.Stats{Known: 100, Changes: 3, Services: 1}, x.Stats())
}

func TestTheRecorderLeavesNothingBehind(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	before := s.do("GET", "/microservices", "")
	x := start(t, record.Config{URL: s.url})
	x.until(connected)
	assert.Contains(t, s.do("GET", "/microservices", ""), record.ServiceName)
	x.end()
	assert.Equal(t, before, s.do("GET", "/microservices", ""))
	assert.NoError(t, x.Stats().Left)
}

func TestOnlyTheServicesThatAreAskedForAreWritten(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	for _, name := range []string{"service-0", "small/service-0"} {
		x := start(t, record.Config{URL: s.url, Services: []string{name}})
		x.until(connected)
		s.do("POST", "/microservices/s1/instances",
			`{"instance":{"instanceId":"other","hostName":"h"}}`)
		s.change("create", "mine")
		s.do("DELETE", "/microservices/s1/instances/other", "")
		s.change("delete", "mine")
		x.until(func(s record.Stats) bool { return s.Changes == 2 && s.Others == 2 })
		assert.Len(t, x.end().Changes, 2)
	}
}

// A recorder's whole purpose: what is recorded can be replayed, on either clock, in full.
func TestWhatIsRecordedIsReplayedChangeForChange(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 400)
	x := start(t, record.Config{URL: s.url})
	x.until(func(s record.Stats) bool { return s.Changes >= 200 })
	got := x.end()
	assert.EqualValues(t, x.Stats().Changes, len(got.Changes))

	scenario := sim.DefaultScenario()
	scenario.Workload, scenario.Consumers = "small", 100
	require.NoError(t, scenario.ReadTrace("out", bytes.NewReader(x.out.b.Bytes())))
	scenario.Duration = scenario.TraceLength()
	run, err := sim.RunVirtual(t.Context(), scenario, small(t), sim.Config{Engine: "notifylab"},
		sim.DefaultCost(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, len(got.Changes), run.Trace.Applied, "%v", run.Trace.Refused)
	assert.Equal(t, run.Trace.Applied, run.Changes)
}

func TestACutIsAGapInTheTrace(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	x := start(t, record.Config{URL: s.url})
	x.until(connected)
	s.change("create", "one")
	x.until(func(s record.Stats) bool { return s.Changes == 1 })
	s.stop()
	x.until(func(s record.Stats) bool { return !s.Connected })
	again := serve(t, strings.TrimPrefix(s.url, "http://"), 0)
	x.until(func(s record.Stats) bool { return s.Gaps == 1 && s.Connected })
	again.change("create", "two")
	x.until(func(s record.Stats) bool { return s.Changes == 2 })
	got := x.end()
	require.Len(t, got.Gaps, 1)
	gap := got.Gaps[0]
	assert.Equal(t, x.Stats().Missed, gap.Length)
	assert.Greater(t, gap.At-gap.Length, got.Changes[0].At)
	assert.Less(t, gap.At, got.Changes[1].At)
}

func TestARegistryThatIsGoneAtTheEndIsNoError(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	x := start(t, record.Config{URL: s.url})
	x.until(connected)
	s.stop()
	x.until(func(s record.Stats) bool { return !s.Connected })
	got := x.end()
	assert.Len(t, got.Gaps, 1, "up to the end")
	assert.Error(t, x.Stats().Left)
}

func TestWhenItCannotConnectTheFirstTimeNothingIsCreated(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "404\n  page\n\tnot found", http.StatusNotFound)
	}))
	defer web.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html>")
	}))
	defer page.Close()
	for url, want := range map[string]string{
		"http://" + l.Addr().String(): "refused",
		web.URL:                       "the registry says 404 Not Found: 404 page not found",
		page.URL:                      "want the JSON of service-center's interface",
	} {
		r, err := record.New(record.Config{URL: url, Create: func() (record.Output, error) {
			t.Error("created")
			return nil, errors.New("no")
		}})
		require.NoError(t, err)
		assert.ErrorContains(t, r.Run(t.Context()), want)
	}
}

// Without the answer to its registration nobody would know what to delete.
func TestAnInterruptWhileItRegistersLeavesNothingBehind(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	gone := make(chan string, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.Method {
		case http.MethodPost:
			interrupt()
			select { // a client that is cut short hangs up
			case <-q.Context().Done():
			case <-time.After(100 * time.Millisecond):
			}
			fmt.Fprint(w, `{"serviceId":"me"}`)
		case http.MethodDelete:
			gone <- q.URL.Path
		default:
			t.Error(q.Method, q.URL.Path)
		}
	}))
	defer web.Close()
	r, err := record.New(record.Config{URL: web.URL, Create: func() (record.Output, error) {
		t.Error("created")
		return nil, errors.New("no")
	}})
	require.NoError(t, err)
	require.NoError(t, r.Run(ctx))
	require.NoError(t, r.Stats().Left)
	require.Len(t, gone, 1)
	assert.Equal(t, "/v4/default/registry/microservices/me", <-gone)
}

func TestAnErrorOfTheOutputEndsTheRecording(t *testing.T) {
	s := serve(t, "127.0.0.1:0", 0)
	full := errors.New("disk full")
	r, err := record.New(record.Config{URL: s.url,
		Create: func() (record.Output, error) { return nil, full }})
	require.NoError(t, err)
	assert.ErrorIs(t, r.Run(t.Context()), full)
	assert.NotContains(t, s.do("GET", "/microservices", ""), record.ServiceName)
}

// scripted is a registry whose watcher does what a test wants.
func scripted(t *testing.T, watcher func(*websocket.Conn)) string {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !strings.HasSuffix(q.URL.Path, "/watcher") {
			fmt.Fprint(w, `{"serviceId":"me","services":[]}`)
			return
		}
		conn, err := websocket.Accept(w, q, nil)
		if err != nil {
			return
		}
		watcher(conn)
		_ = conn.CloseNow()
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestAServerThatAnswersNoPingIsLeft(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	url := scripted(t, func(*websocket.Conn) { <-over }) // it never reads
	x := start(t, record.Config{URL: url, Heartbeat: time.Millisecond,
		Timeout: 50 * time.Millisecond})
	x.until(func(s record.Stats) bool { return s.Gaps >= 2 })
}

func TestAFrameThatIsNoChangeIsCountedAndATextEndsTheConnection(t *testing.T) {
	url := scripted(t, func(conn *websocket.Conn) {
		frames := []string{"{", `{"action":"INIT","key":{"serviceName":"a"}}`,
			`{"action":"UPDATE","key":{"serviceName":"a"},"instance":{}}`,
			`{"action":"UPDATE","key":{"serviceName":"a"},
				"instance":{"instanceId":"i","status":"?"}}`,
			`{"action":"EXPIRE","key":{"serviceName":"a"},"instance":{}}`, "service does not exist"}
		for _, text := range frames {
			_ = conn.Write(context.Background(), websocket.MessageText, []byte(text))
		}
		_, _, _ = conn.Read(context.Background())
	})
	x := start(t, record.Config{URL: url})
	x.until(func(s record.Stats) bool { return s.Gaps >= 1 && s.Changes >= 1 })
	got := x.end()
	assert.GreaterOrEqual(t, x.Stats().Unreadable, uint64(4))
	assert.Equal(t, registry.Expire, got.Changes[0].Action)
	assert.Equal(t, trace.Service{Name: "a"}, got.Changes[0].Service)
}

// The frames that a service-center of release 1.4.8 sent to a watcher.
func TestTheFramesOfAServiceCenterAreRecorded(t *testing.T) {
	recorded, err := os.ReadFile("../../notify/registry/testdata/watch-frames.jsonl")
	require.NoError(t, err)
	var frames [][]byte
	for text := range bytes.Lines(recorded) {
		var x struct {
			Path string          `json:"path"`
			JSON json.RawMessage `json:"json"`
		}
		require.NoError(t, json.Unmarshal(text, &x))
		if x.Path == "watcher" && x.JSON != nil {
			frames = append(frames, x.JSON)
		}
	}
	url := scripted(t, func(conn *websocket.Conn) {
		for _, text := range frames {
			_ = conn.Write(context.Background(), websocket.MessageText, text)
		}
		_, _, _ = conn.Read(context.Background())
	})
	x := start(t, record.Config{URL: url})
	x.until(func(s record.Stats) bool { return s.Changes == 4 })
	got := x.end()
	var said []string
	for _, c := range got.Changes {
		assert.Equal(t, trace.Service{Name: "shop/cart", Env: "production", Version: "1.0.0"},
			c.Service)
		said = append(said, fmt.Sprint(c.Action, " ", c.Instance[:8], " ", c.Status, " ",
			c.Properties["zone"], " ", c.Endpoints))
	}
	assert.Equal(t, []string{
		"CREATE 9f02c315 UP a [rest://10.0.0.2:8080]",
		"UPDATE 9c9fc56a DOWN a [rest://10.0.0.1:8080]",
		"UPDATE 9c9fc56a DOWN b [rest://10.0.0.1:8080]",
		"DELETE 9f02c315 UP a [rest://10.0.0.2:8080]",
	}, said)
}

func TestAConfigThatCannotBeUsedIsRefused(t *testing.T) {
	create := func() (record.Output, error) { return nil, nil }
	for want, c := range map[string]record.Config{
		`URL "": want http or https`:                {Create: create},
		`URL "127.0.0.1:30100": want http or https`: {URL: "127.0.0.1:30100", Create: create},
		`URL "ws://a": want http or https`:          {URL: "ws://a", Create: create},
		`URL "http://a/v4": want`:                   {URL: "http://a/v4", Create: create},
		"Create nil: want a function":               {URL: "http://a"},
		"Timeout -1ns":                              {URL: "http://a", Create: create, Timeout: -1},
		`Services[1] "": want a name`: {URL: "http://a", Create: create,
			Services: []string{"a", ""}},
	} {
		_, err := record.New(c)
		assert.ErrorIs(t, err, record.ErrConfig)
		assert.ErrorContains(t, err, want)
	}
}

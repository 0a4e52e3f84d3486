package ws_test

import (
	"context"
	"fmt"
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
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	kind    = notify.Type("INSTANCE")
	patient = 10 * time.Second // for what should take no time
)

var here = watch.At{Type: kind, Subject: "/instances/", Group: "shop"}

// server is an engine with a handler of watchers on it, on loopback.
type server struct {
	*notify.Engine
	*ws.Handler
	t      *testing.T
	ctx    context.Context
	url    string
	c      stream.Config
	list   int // frames of the list
	ends   chan error
	client *http.Client
	rev    int64
}

// newServer starts one; all of it has ended when the test has.
func newServer(t *testing.T, c stream.Config, wc ws.Config) *server {
	t.Helper()
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: {}}})
	require.NoError(t, err)
	s := &server{Engine: e, t: t, c: c, list: 2, ends: make(chan error, 1000)}
	s.c.Encode = func(ev *notify.Event) ([]byte, error) {
		return ev.Payload.([]byte), nil
	}
	s.c.EncodeList = func(watch.List) (frames [][]byte, err error) {
		for i := range s.list {
			frames = append(frames, fmt.Appendf(nil, "l%d", i))
		}
		return frames, nil
	}
	if wc.Open == nil {
		wc.Open = s.open
	}
	wc.Ended = func(_ *stream.Session, reason error) { s.ends <- reason }
	s.Handler, err = ws.New(wc)
	require.NoError(t, err)

	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(context.Background(), patient)
	running := make(chan error, 1)
	go func() { running <- e.Run(context.Background()) }()
	web := httptest.NewServer(s.Handler)
	s.url = web.URL
	s.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		e.Close()
		assert.NoError(t, <-running)
		s.Handler.Close()
		assert.Zero(t, s.Conns())
		assert.Zero(t, s.Stats().Subscriptions)
		web.Close()
		s.client.CloseIdleConnections()
		cancel()
	})
	return s
}

// overDrivers runs f with each way to drive sessions.
func overDrivers(t *testing.T, f func(t *testing.T, wc ws.Config)) {
	t.Helper()
	t.Run("own pool", func(t *testing.T) { f(t, ws.Config{}) })
	t.Run("per conn", func(t *testing.T) { f(t, ws.Config{PerConn: true}) })
	t.Run("pool", func(t *testing.T) {
		p, err := stream.NewPool(stream.PoolConfig{Workers: 1})
		require.NoError(t, err)
		ran := make(chan struct{})
		go func() {
			p.Run(context.Background())
			close(ran)
		}()
		t.Cleanup(func() { // after the server's
			p.Close()
			<-ran
		})
		f(t, ws.Config{Pool: p})
	})
}

func (s *server) open(*http.Request) (*stream.Session, error) {
	list := func(context.Context) (watch.List, error) { return watch.List{}, nil }
	return stream.Open(s.Engine, here, list, &watch.Config{}, &s.c, time.Now())
}

// dial connects a client, which hears of pings if ping isn't nil.
func (s *server) dial(ping func()) *websocket.Conn {
	s.t.Helper()
	o := &websocket.DialOptions{HTTPClient: s.client}
	if ping != nil {
		o.OnPingReceived = func(context.Context, []byte) bool {
			ping()
			return true
		}
	}
	conn, _, err := websocket.Dial(s.ctx, s.url, o)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func (s *server) addr() string { return strings.TrimPrefix(s.url, "http://") }

// read reads n frames.
func (s *server) read(conn *websocket.Conn, n int) (frames []string) {
	s.t.Helper()
	for range n {
		typ, frame, err := conn.Read(s.ctx)
		require.NoError(s.t, err, "after %v", frames)
		require.Equal(s.t, websocket.MessageText, typ)
		frames = append(frames, string(frame))
	}
	return frames
}

// push publishes n events "e1" and so on, padded with blanks to size.
func (s *server) push(n, size int) (frames []string) {
	s.t.Helper()
	for range n {
		s.rev++
		frame := fmt.Sprint("e", s.rev) // to pad with %-*s is no way beyond a million
		frame += strings.Repeat(" ", max(size-len(frame), 0))
		frames = append(frames, frame)
		ev := &notify.Event{
			Type: kind, Subject: here.Subject, Revision: s.rev, Payload: []byte(frame),
		}
		require.NoError(s.t, s.Publish(s.ctx, ev, here.Group))
	}
	return frames
}

// ended waits for the end of a session, and checks its reason.
func (s *server) ended(want error) {
	s.t.Helper()
	select {
	case got := <-s.ends:
		assert.ErrorIs(s.t, got, want)
	case <-s.ctx.Done():
		s.t.Errorf("no end; want %v", want)
	}
}

// status asks with plain HTTP, as a client that begins an upgrade, and returns the answer's code.
func (s *server) status(header ...string) (code int, body string) {
	s.t.Helper()
	o := &websocket.DialOptions{HTTPClient: s.client, HTTPHeader: http.Header{}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		o.HTTPHeader.Set(name, value)
	}
	conn, resp, err := websocket.Dial(s.ctx, s.url, o)
	require.NotNil(s.t, resp, err)
	if err == nil {
		_ = conn.CloseNow()
		return resp.StatusCode, ""
	}
	text := make([]byte, 200)
	n, _ := resp.Body.Read(text)
	return resp.StatusCode, string(text[:n])
}

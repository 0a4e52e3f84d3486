package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Unix(7, 0)

func newBoard() *live.Board { return live.NewBoard("a title", start) }

// tell adds n points of a run, one a second, from the second first on.
func tell(b *live.Board, run, first, n int) {
	for i := first; i < first+n; i++ {
		b.Report(run, sim.Progress{Phase: "measure", Dropped: uint64(i), Point: sim.Point{
			At: float64(i), Seconds: 1, Spread: &sim.Buckets{Counts: []uint64{1}},
			Published: 100, Delivered: uint64(10_000 + 500*(i%7)),
			Dropped: uint64(i % 3), DroppedBy: map[string]uint64{"newest": uint64(i % 3)},
			InFlight: uint64(i % 11), QueueDepth: i % 5, P50: 1e6, P99: int64(2e6 + 1e6*(i%4)),
			StaleP50: 3e6, StaleP99: 9e6,
		}}, float64(i)/1000)
	}
}

// serve runs a server on a loopback port until the test ends; stop ends it before, and says what
// its Run returned.
func serve(t *testing.T, b *live.Board) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := live.New(live.Config{Board: b, Listener: l})
	return s.URL(), run(t, s)
}

func run(t *testing.T, s *live.Server) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	over := false
	stop = func() error {
		if over {
			return nil
		}
		over = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { require.NoError(t, stop()) })
	return stop
}

// message is an event of a stream as a browser reads it.
type message struct {
	id, event, data string
}

func (m message) point(t *testing.T) live.Point {
	t.Helper()
	var p live.Point
	require.NoError(t, json.Unmarshal([]byte(m.data), &p))
	return p
}

// reader reads a stream.
type reader struct {
	status int
	header http.Header
	body   io.ReadCloser
	lines  *bufio.Scanner
}

// dial opens a stream as one that has read up to last.
func dial(t *testing.T, client *http.Client, url, last string) *reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"events", nil)
	require.NoError(t, err)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return &reader{res.StatusCode, res.Header, res.Body, lines}
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// piped is a client of a server on pipes.
func piped(l *pipes) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return l.dial(), nil
		}}}
}

// next reads an event; false at the end of the stream.
func (r *reader) next() (m message, ok bool) {
	for r.lines.Scan() {
		name, value, _ := strings.Cut(r.lines.Text(), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		}
		if r.lines.Text() == "" && m.event != "" {
			return m, true
		}
	}
	return message{}, false
}

// take reads n events.
func (r *reader) take(t *testing.T, n int) []message {
	t.Helper()
	var out []message
	for range n {
		m, ok := r.next()
		require.True(t, ok, "the stream ended after %d of %d", len(out), n)
		out = append(out, m)
	}
	return out
}

// rest reads to the end.
func (r *reader) rest() (out []message) {
	for {
		m, ok := r.next()
		if !ok {
			return out
		}
		out = append(out, m)
	}
}

func events(messages []message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, m.event)
	}
	return out
}

// serveAt runs another server where one was.
func serveAt(t *testing.T, b *live.Board, url string) {
	t.Helper()
	l, err := net.Listen("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	require.NoError(t, err)
	run(t, live.New(live.Config{Board: b, Listener: l}))
}

package live_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/live"
)

// A reader gets all that is kept, in the order in which it was written, and then what comes.
func TestStream_BeginsWithWhatIsKept(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("first")
	b.Add("second")
	tell(b, 0, 1, 3)
	r := dial(t, newClient(t), url, "")
	assert.Equal(t, "text/event-stream", r.header.Get("Content-Type"))
	kept := r.take(t, 6)
	assert.Equal(t, []string{"reset", "run", "run", "point", "point", "point"}, events(kept))
	assert.Equal(t, `{"run":1,"name":"second"}`, kept[2].data)
	last := kept[5].point(t)
	assert.Equal(t, 3.0, last.Point.At)
	assert.Equal(t, 1.0, last.Point.Seconds)
	assert.Nil(t, last.Point.Spread)
	assert.Equal(t, map[string]uint64{"newest": 0}, last.Point.DroppedBy)

	tell(b, 1, 1, 1)
	b.End(0, &sim.Run{Reasons: []string{"why"}, Propagation: sim.Summary{P99: 42},
		Books: sim.Books{Delivered: 9, Dropped: map[string]uint64{"newest": 2}}}, "harmed")
	more := r.take(t, 2)
	assert.Equal(t, []string{"point", "end"}, events(more))
	assert.Equal(t, 1, more[0].point(t).Run)
	assert.JSONEq(t, `{"run":0,"verdict":"harmed","reasons":["why"],"delivered":9,"dropped":2,
		"propagation_p50_ns":0,"propagation_p99_ns":42,"staleness_p99_ns":0}`, more[1].data)
}

// One that comes back gets what followed the last event it saw, and nothing twice.
func TestStream_GoesOnWhereAReaderWas(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("a run")
	tell(b, 0, 1, 5)
	first := dial(t, newClient(t), url, "")
	seen := first.take(t, 4)
	first.body.Close()
	tell(b, 0, 6, 1)
	var times []float64
	for _, m := range dial(t, newClient(t), url, seen[3].id).take(t, 4) {
		times = append(times, m.point(t).Point.At)
	}
	assert.Equal(t, []float64{3, 4, 5, 6}, times)
}

// An id of another board, or none, begins anew, and the first event says so.
func TestStream_ResetsForAnIDThatIsNotItsOwn(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("a run")
	own := dial(t, newClient(t), url, "").take(t, 2)[1].id
	other := live.NewBoard("a title", time.Unix(8, 0))
	otherURL, _ := serve(t, other)
	other.Add("a run")
	foreign := dial(t, newClient(t), otherURL, "").take(t, 2)[1].id
	require.NotEqual(t, own, foreign)
	for _, id := range []string{"", "nonsense", own + "9", own + "x", foreign} {
		got := dial(t, newClient(t), url, id).take(t, 2)
		assert.Equal(t, []string{"reset", "run"}, events(got), "%q", id)
	}
}

// The last event is done: the stream ends after it, for those who come later, too.
func TestStream_EndsWithTheBoard(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("a run")
	early := dial(t, newClient(t), url, "")
	early.take(t, 2)
	b.Done(live.Done{Verdict: "passed", Text: "all of them"})
	b.Add("too late")
	got := early.rest()
	require.Equal(t, []string{"done"}, events(got))
	assert.JSONEq(t, `{"verdict":"passed","text":"all of them"}`, got[0].data)
	assert.Equal(t, []string{"reset", "run", "done"},
		events(dial(t, newClient(t), url, "").rest()))
}

// A server that stops gives its readers what there is, and ends their streams.
func TestRun_EndsStreamsWithWhatThereIs(t *testing.T) {
	b := newBoard()
	url, stop := serve(t, b)
	b.Add("a run")
	r := dial(t, newClient(t), url, "")
	r.take(t, 2)
	tell(b, 0, 1, 2500) // more than one burst
	b.Done(live.Done{Verdict: "passed"})
	got := make(chan []message)
	go func() { got <- r.rest() }()
	require.NoError(t, stop())
	all := <-got
	assert.Equal(t, "done", all[len(all)-1].event)
	_, err := newClient(t).Get(url)
	assert.Error(t, err, "the listener is closed")
}

// What is kept of a run is the points of its last ten minutes; runs and ends are kept for good.
func TestBoard_KeepsTenMinutes(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("long")
	b.Add("short")
	tell(b, 1, 1, 5)
	b.End(1, &sim.Run{}, "passed")
	tell(b, 0, 1, 5000)
	b.Done(live.Done{})
	byRun := make(map[int]int)
	var first float64
	for _, m := range dial(t, newClient(t), url, "").rest() {
		if m.event != "point" {
			continue
		}
		p := m.point(t)
		if byRun[p.Run]++; p.Run == 0 && first == 0 {
			first = p.Point.At
		}
	}
	assert.Equal(t, 5, byRun[1], "another run's time doesn't make it older")
	assert.LessOrEqual(t, first, 4400.0, "ten minutes are there")
	assert.Less(t, byRun[0], 2000, "and what is older goes")
}

// However many runs there are, what is kept is bounded.
func TestBoard_KeepsABoundedNumberOfPoints(t *testing.T) {
	b := newBoard()
	const runs = 100
	for i := range runs {
		b.Add(fmt.Sprint(i))
		tell(b, i, 1, 550)
	}
	b.Done(live.Done{})
	url, _ := serve(t, b)
	kinds := make(map[string]int)
	for _, m := range dial(t, newClient(t), url, "").rest() {
		kinds[m.event]++
	}
	assert.Equal(t, runs, kinds["run"])
	assert.GreaterOrEqual(t, kinds["point"], live.PointsMax)
	assert.LessOrEqual(t, kinds["point"], live.PointsMax*3/2)
}

// pipes is a listener whose connections have no buffers.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// A reader that takes nothing is cut after WriteTimeout, holds up nobody, and goes on where it was
// when it comes back.
func TestStream_CutsAReaderThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newBoard(), newPipes()
		stop := run(t, live.New(live.Config{Board: b, Listener: l, WriteTimeout: 5 * time.Second}))
		b.Add("a run")
		conn := l.dial()
		defer conn.Close()
		_, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		require.NoError(t, err)
		began := time.Now()
		tell(b, 0, 1, 50) // returns, though nobody reads
		assert.Equal(t, began, time.Now())
		synctest.Wait()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		_, err = conn.Write([]byte("x"))
		assert.Error(t, err, "the server has closed the connection")

		b.Done(live.Done{})
		got := dial(t, piped(l), "http://localhost/", "").rest()
		assert.Len(t, got, 1+1+50+1)
		require.NoError(t, stop())
	})
}

// A stream that has nothing to tell says now and then that it is there.
func TestStream_ShowsThatItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newBoard(), newPipes()
		stop := run(t, live.New(live.Config{Board: b, Listener: l}))
		r := dial(t, piped(l), "http://localhost/", "")
		r.take(t, 1)
		for r.lines.Scan() && r.lines.Text() != ": still here" {
		}
		assert.Equal(t, ": still here", r.lines.Text())
		r.body.Close()
		require.NoError(t, stop())
	})
}

// There are at most so many readers; one that goes makes room.
func TestStream_SendsAwayTooManyReaders(t *testing.T) {
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("a run")
	var readers []*reader
	for range live.ReadersMax {
		r := dial(t, newClient(t), url, "")
		r.take(t, 2)
		readers = append(readers, r)
	}
	r := dial(t, newClient(t), url, "")
	assert.Equal(t, http.StatusServiceUnavailable, r.status)
	assert.Equal(t, "5", r.header.Get("Retry-After"))
	readers[0].body.Close()
	require.Eventually(t, func() bool {
		return dial(t, newClient(t), url, "").status == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
}

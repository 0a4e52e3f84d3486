package ws_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
)

// TestSlow_AClientThatDoesNotReadHoldsNobodyUp writes more than the buffers of a socket hold to two
// clients, one of which doesn't read. Later it does, and then it gets the same, in whole frames,
// with pongs between them: it pings all the time.
func TestSlow_AClientThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{WriteTimeout: time.Minute}, wc)
		slow, quick := s.dial(nil), s.dial(nil)
		slow.SetReadLimit(-1)
		quick.SetReadLimit(-1)
		s.read(slow, 2)
		s.read(quick, 2)
		pinged := make(chan error, 50)
		go func() {
			for range cap(pinged) {
				go func() { pinged <- slow.Ping(s.ctx) }()
				time.Sleep(time.Millisecond)
			}
		}()
		want := s.push(16, 1<<20)
		assert.Equal(t, want, s.read(quick, len(want)))

		assert.Equal(t, want, s.read(slow, len(want)))
		slow.CloseRead(s.ctx) // reads on, for the pongs may be the last
		for range cap(pinged) {
			assert.NoError(t, <-pinged)
		}
		assert.Equal(t, 2, s.Conns())
	})
}

// TestSlow_TheCloseComesAfterTheRest: what is being written when the engine ends is written first.
func TestSlow_TheCloseComesAfterTheRest(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{WriteTimeout: time.Minute}, wc)
		conn := s.dial(nil)
		conn.SetReadLimit(-1)
		s.read(conn, 2)
		want := s.push(16, 1<<20)
		for s.Stats().Delivered < uint64(len(want)) { // to the session, which has taken them
			assert.NoError(t, s.ctx.Err())
		}
		s.Engine.Close()
		assert.Equal(t, want, s.read(conn, len(want)))
		_, _, err := conn.Read(s.ctx)
		assert.Error(t, err)
	})
}

// TestTLS_ConnectionsThatCanNotTry: theirs are all the promises, too.
func TestTLS_ConnectionsThatCanNotTry(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		web := httptest.NewTLSServer(s.Handler)
		t.Cleanup(web.Close)
		s.url, s.client = web.URL, web.Client()
		conn := s.dial(nil)
		assert.Equal(t, []string{"l0", "l1"}, s.read(conn, 2))
		want := s.push(300, 0)
		assert.Equal(t, want, s.read(conn, 300))
	})
}

package ws_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// TestSlow_WhatTheSystemHoldsIsBounded: most of what a client doesn't read waits where it can still
// be conflated.
func TestSlow_WhatTheSystemHoldsIsBounded(t *testing.T) {
	const size, n = 8 << 10, 2000
	var taken []uint64 // by the session; the client's system holds some, too
	for _, buffer := range []int{0, 2 << 20} {
		s := newServer(t, stream.Config{WriteTimeout: time.Minute, Outbox: 8},
			ws.Config{SendBuffer: buffer})
		s.read(s.dial(nil), 2)
		s.push(n, size)
		for st := s.Stats(); st.Offered < n || st.InFlight == 0; st = s.Stats() {
			require.NoError(t, s.ctx.Err())
		}
		taken = append(taken, s.Stats().Delivered)
	}
	assert.Less(t, taken[0], uint64(n/10))
	assert.Greater(t, taken[1], 2*taken[0], "it is a matter of the buffer")
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

package ws_test

import (
	"bufio"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
)

// TestIdle_AWatcherCostsLittle measures heap and stacks of idle connections, the client's end of
// each, some 1 KB, included: 9 KB in all, 4 of them for the stack of the goroutine that reads. A
// second goroutine for each, or the request's own buffers, don't fit in.
func TestIdle_AWatcherCostsLittle(t *testing.T) {
	if underRace {
		t.Skip("the race detector has a memory of its own")
	}
	const conns, costMax = 500, 12 << 10
	s := newServer(t, stream.Config{}, ws.Config{})
	before := memory()
	r := bufio.NewReaderSize(nil, 16)
	for range conns {
		conn := s.raw("")
		t.Cleanup(func() { _ = conn.Close() })
		r.Reset(conn)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	cost := (memory() - before) / conns
	t.Logf("%d bytes for an idle watcher, both ends", cost)
	assert.Less(t, cost, costMax)
}

// memory is what heap and stacks take after a collection.
func memory() int {
	var m runtime.MemStats
	for range 3 { // stacks shrink by half at a time
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// raw connects without a library, and sends more right behind the request.
func (s *server) raw(more string) net.Conn {
	s.t.Helper()
	addr := s.addr()
	conn, err := net.Dial("tcp", addr)
	require.NoError(s.t, err)
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(patient)))
	request := "GET / HTTP/1.1\r\nHost: " + addr + "\r\n"
	for name, value := range handshake {
		request += name + ": " + value + "\r\n"
	}
	_, err = conn.Write([]byte(request + "\r\n" + more))
	require.NoError(s.t, err)
	return conn
}

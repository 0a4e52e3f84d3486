package grpc_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
)

// TestIdle_AWatcherCostsLittle measures heap and stacks of idle streams on one connection, the
// client's end of each included: 28 KB, or 23 KB with a pool. Most of it is the stacks of four
// goroutines, or three: the library's for the client and for the handler, and the session's.
func TestIdle_AWatcherCostsLittle(t *testing.T) {
	if underRace {
		t.Skip("the race detector has a memory of its own")
	}
	each(t, func(t *testing.T, gc grpc.Config) {
		const streams, costMax = 500, 56 << 10
		s := newServer(t, stream.Config{}, gc)
		s.list = 0
		s.watch("s") // pays for what all share
		idle := func(n int) {
			for s.Stats().Subscriptions < n {
				assert.NoError(t, s.ctx.Err())
				runtime.Gosched()
			}
		}
		idle(1)
		before := memory()
		goroutines := runtime.NumGoroutine()
		for range streams {
			s.watch("s")
		}
		idle(1 + streams)
		cost := (memory() - before) / streams
		t.Logf("%d bytes and %d goroutines for an idle watcher, both ends", cost,
			(runtime.NumGoroutine()-goroutines)/streams)
		assert.Less(t, cost, costMax)
	})
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

package capacity_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

// stuck never takes anything.
type stuck struct{}

func (stuck) Deliver([]*notify.Event) (int, error) { return 0, nil }

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// settle steps the engine until it has nothing to do.
func settle(t *testing.T, e *notify.Engine) {
	for {
		w, err := e.Step(time.Time{})
		require.NoError(t, err)
		if w.Idle {
			return
		}
	}
}

// filled is an engine whose watchers take nothing, and what filling its queues takes: first the
// task queue, then the queues of all watchers from it.
func filled(t *testing.T, b notify.Backlog, watchers, queue int, events []notify.Event) (
	tasks, boxes int64) {
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
		"t": {QueueSize: queue, Shards: 1}}})
	require.NoError(t, err)
	for range watchers {
		_, err := e.Subscribe("t", "s", "g", stuck{}, &b)
		require.NoError(t, err)
	}
	settle(t, e)
	before := heap()
	for i := range events {
		require.NoError(t, e.Publish(context.Background(), &events[i]))
	}
	tasks = heap() - before
	settle(t, e)
	boxes = heap() - before - tasks
	require.EqualValues(t, watchers*len(events), e.Stats().InFlight)
	runtime.KeepAlive(e)
	return tasks, boxes
}

func someEvents(n int) []notify.Event {
	events := make([]notify.Event, n)
	for i := range events {
		events[i] = notify.Event{Type: "t", Subject: "s", Key: sprintf("key %d", i)}
	}
	return events
}

// What the engine really takes is within a fifth of what QueueMemory counts.
func TestQueueMemory_CountsTheSlotsThatTheEngineHas(t *testing.T) {
	const queue = 1 << 14
	events := someEvents(queue)
	tasks, boxes := filled(t, notify.Backlog{Size: queue, Overflow: notify.DropNewest}, 8, queue,
		events)
	assert.InEpsilon(t, queue*capacity.TaskBytes, tasks, 0.2)
	assert.InEpsilon(t, 8*queue*capacity.SlotBytes, boxes, 0.2)

	few := someEvents(4)
	_, boxes = filled(t, notify.Backlog{Size: 4, Overflow: notify.DropNewest}, 5000, 16, few)
	assert.InEpsilon(t, 5000*(capacity.MailboxBytes+4*capacity.SlotBytes), boxes, 0.2)

	_, boxes = filled(t, notify.Backlog{Size: 1, Overflow: notify.Conflate}, 1, queue, events)
	assert.Less(t, float64(boxes), 1.2*queue*capacity.TrailBytes, "a bound")
	assert.Greater(t, float64(boxes), 0.4*queue*capacity.TrailBytes, "of the right size")
	runtime.KeepAlive(events)
}

func TestQueueMemory_AddsUpAllQueues(t *testing.T) {
	top, err := sim.Generate(sim.Workload{Name: "one", Shape: sim.ShapeOneConsumer, Services: 1,
		Instances: 10, MeanInDegree: 1}, 1)
	require.NoError(t, err)
	w, err := top.Build(100, 0)
	require.NoError(t, err)
	c := sim.Config{QueueSize: 1000, WatcherQueue: 50, Shards: 2, Policy: "flush"}
	event := capacity.QueueMemory(sim.Config{QueueSize: 1}, w) - 100*capacity.MailboxBytes -
		capacity.TaskBytes
	assert.Greater(t, event, int64(100))
	want := int64(2*1000*capacity.TaskBytes+100*(capacity.MailboxBytes+50*capacity.SlotBytes)) +
		(2*1000+50)*event
	assert.Equal(t, want, capacity.QueueMemory(c, w))
	c.Policy = "conflate"
	assert.Equal(t, want+10*(capacity.TrailBytes+event), capacity.QueueMemory(c, w))
}

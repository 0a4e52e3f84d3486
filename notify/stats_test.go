package notify_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// What Stats and Work say.

func TestStats_PerTypeAndInTotal(t *testing.T) {
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
		"A": {Shards: 2}, "B": {Shards: 1, QueueSize: 9},
	}})
	require.NoError(t, err)
	for i, typ := range []notify.Type{"A", "A", "A", "B"} {
		to := eager()
		if i == 0 {
			to = refusing()
		}
		_, err := e.Subscribe(typ, subject, []string{"g", "g", "h", "g"}[i], to, nil)
		require.NoError(t, err)
	}
	publish := func(typ notify.Type, n int) {
		for i := range n {
			ev := &notify.Event{Type: typ, Subject: subject, Payload: i}
			require.NoError(t, e.Publish(t.Context(), ev))
		}
	}
	publish("A", 5)
	publish("B", 8)
	for {
		w, err := e.Step(epoch)
		require.NoError(t, err)
		if w.Idle {
			break
		}
	}
	a, b := e.Stats("A"), e.Stats("B")
	assert.Equal(t, notify.Stats{
		Published: 5, QueueHigh: 5, Subjects: 2, Groups: 2, Subscriptions: 3, Parked: 1,
		Books: notify.Books{Offered: 15, Delivered: 10, InFlight: 5},
	}, a)
	assert.Equal(t, notify.Stats{
		Published: 8, QueueHigh: 8, Subjects: 1, Groups: 1, Subscriptions: 1,
		Books: notify.Books{Offered: 8, Delivered: 8},
	}, b)
	all := e.Stats()
	assert.Equal(t, notify.Stats{
		Published: 13, QueueHigh: 8, Subjects: 3, Groups: 3, Subscriptions: 4, Parked: 1,
		Books: notify.Books{Offered: 23, Delivered: 18, InFlight: 5},
	}, all)
	assert.Equal(t, all, e.Stats("A", "B"))
	assert.Equal(t, notify.Stats{}, e.Stats("NONE"))
}

func TestStats_HighWaterIsOfTheFullestQueueSinceReset(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 2})
	for range 7 {
		r.put(&notify.Event{})
	}
	assert.Equal(t, 7, r.Stats().QueueHigh)
	assert.Equal(t, 7, r.Stats().Queued)
	r.settle()
	assert.Equal(t, 7, r.Stats().QueueHigh)
	assert.Zero(t, r.Stats().Queued)
	r.put(&notify.Event{})
	r.ResetHighWater()
	assert.Equal(t, 1, r.Stats().QueueHigh, "what stands there now")
	r.settle()
	r.ResetHighWater()
	assert.Zero(t, r.Stats().QueueHigh)
}

func TestStats_AreThoseAtTheEndOfTheLastStep(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	var seen []notify.Books
	c := eager()
	c.on = func(batch []*notify.Event) (int, error) {
		seen = append(seen, r.Stats().Books)
		return len(batch), nil
	}
	r.join("g", c, nil)
	r.join("g", c, nil)
	r.send(3)
	assert.Equal(t, []notify.Books{{}, {}}, seen, "balanced, in the middle of a step too")
	assert.Equal(t, notify.Books{Offered: 6, Delivered: 6}, r.Stats().Books)
}

func TestWork_SaysWhatAStepCost(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Batch: 4})
	fast, slow := eager(), refusing()
	slow.allow(1)
	r.join("g", fast, nil)
	s := r.join("g", slow, nil)
	for range 6 {
		r.put(&notify.Event{})
	}
	assert.Equal(t, notify.Work{Routed: 4, Delivered: 5, Queued: 3}, r.step())
	assert.Equal(t, notify.Work{Routed: 2, Delivered: 2, Queued: 2}, r.step())
	assert.Equal(t, notify.Work{Idle: true}, r.step())
	slow.allow(2)
	s.Ready()
	assert.Equal(t, notify.Work{Delivered: 2}, r.step())
	assert.Equal(t, notify.Work{Idle: true}, r.step())
}

func TestWork_RunsOfOneTargetAreOneBatch(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	r.join("g", c, nil)
	for _, groups := range [][]string{{"g"}, {"g"}, {"x"}, nil, nil, nil, {"g"}} {
		r.put(&notify.Event{}, groups...)
	}
	var routed []int
	for w := r.step(); !w.Idle; w = r.step() {
		routed = append(routed, w.Routed)
	}
	assert.Equal(t, []int{2, 1, 3, 1}, routed)
	assert.Equal(t, 3, c.calls)
}

func TestStep_TheShardsTakeTurns(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 3, Batch: 1})
	for range 2 {
		r.put(&notify.Event{})
	}
	var order []int
	for w := r.step(); !w.Idle; w = r.step() {
		order = append(order, w.Shard)
	}
	assert.Equal(t, []int{0, 1, 2, 0, 1, 2}, order)
}

func TestStep_NextIsTheEarliestOfAllShards(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 2})
	late, soon := waits, waits
	late.AddTimeout *= 3
	r.join("g", eager(), &late) // one on each shard
	r.join("h", eager(), &soon)
	r.send(1)
	w, _ := r.settle()
	assert.Equal(t, epoch.Add(soon.AddTimeout), w.Next)
	w = r.wait(soon.AddTimeout)
	assert.Equal(t, epoch.Add(late.AddTimeout), w.Next)
	w = r.wait(late.AddTimeout)
	assert.True(t, w.Next.IsZero())
}

package alarm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
)

// The alarm about task queues.

func TestQueueHigh_ComesWithAFullQueueAndGoesWithIt(t *testing.T) {
	r := testRig(t)
	r.fill(7)
	assert.Empty(t, r.check().Raised)
	r.fill(3)
	require.ErrorIs(t, r.publish(), notify.ErrFull)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	a := r.get(alarm.QueueHigh)
	assert.Equal(t, alarm.Raised, a.Status)
	want := alarm.Fields{
		alarm.String("type", string(kind)), alarm.Int("queued", capacity),
		alarm.Int("capacity", capacity), alarm.Int("rejected", 1),
	}
	assert.Equal(t, want, a.Fields)
	assert.Empty(t, r.check().Raised, "it is known")

	r.settle(kindShard)
	assert.Empty(t, r.check().Cleared, "well for the first time")
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Cleared)
	a = r.get(alarm.QueueHigh)
	assert.Equal(t, alarm.Cleared, a.Status)
	assert.Equal(t, int64(0), a.Fields.Get("queued"))
	assert.EqualValues(t, 1, a.Count)
	assert.Equal(t, at(2), a.FirstRaised)
	assert.Equal(t, at(5), a.Timestamp)
}

func TestQueueHigh_IsByDefaultAtFourFifthsAndOverBelowAHalf(t *testing.T) {
	r := testRig(t)
	for _, tt := range []struct {
		queued int
		lit    bool
	}{{7, false}, {8, true}, {5, true}, {5, true}, {4, true}, {4, false}, {7, false}} {
		r.settle(kindShard)
		r.fill(tt.queued)
		r.check()
		assert.Equal(t, tt.lit, len(lit(r.board)) == 1, "%+v", tt)
	}
}

func TestQueueHigh_NamesTheFullestOfAllTypes(t *testing.T) {
	r := testRig(t, func(c *alarm.Config) {
		c.Types["A"] = notify.TypeConfig{QueueSize: 1000}
		c.Types["Z"] = notify.TypeConfig{QueueSize: 1000}
	})
	r.fill(9)
	for _, typ := range []notify.Type{"A", "Z"} { // more events, but a smaller share
		for range 100 {
			ev := &notify.Event{Type: typ, Subject: subject}
			require.NoError(t, r.Publish(context.Background(), ev))
		}
	}
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	r.settleAll()
	assert.Equal(t, string(kind), r.get(alarm.QueueHigh).Fields.Get("type"))
}

// settleAll steps all shards; the numbers of a rig's own don't hold with more types.
func (r *rig) settleAll() {
	r.t.Helper()
	for {
		w, err := r.Step(r.now)
		require.NoError(r.t, err)
		if w.Idle {
			return
		}
	}
}

func TestQueueHigh_SeesAPeakBetweenChecksThatRefusedEvents(t *testing.T) {
	r := testRig(t)
	r.fill(capacity)
	require.ErrorIs(t, r.publish(), notify.ErrFull)
	r.settle(kindShard)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	assert.Equal(t, int64(0), r.get(alarm.QueueHigh).Fields.Get("queued"))
	assert.Empty(t, r.check().Raised, "counted once")
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Cleared)
}

// TestQueueHigh_HasHysteresis holds every check against the rule in a few words: lit by a reading
// at or above High, put out when the last ClearAfter readings are below Low.
func TestQueueHigh_HasHysteresis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high := rapid.IntRange(1, capacity).Draw(t, "high")
		low := rapid.IntRange(1, high).Draw(t, "low")
		after := rapid.IntRange(1, 4).Draw(t, "after")
		r := newRig(t, func(c *alarm.Config) {
			c.High, c.Low = float64(high)/capacity, float64(low)/capacity
			c.ClearAfter, c.Repeat = after, time.Hour
		})
		on, lows := false, 0
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, capacity), 1, 60).Draw(t, "queued") {
			r.settle(kindShard)
			r.fill(n)
			did := r.check()
			was := on
			if lows++; n >= low {
				lows = 0
			}
			on = n >= high || on && lows < after
			require.Equal(t, on && !was, len(did.Raised) == 1, "raised with %d queued", n)
			require.Equal(t, was && !on, len(did.Cleared) == 1, "cleared with %d queued", n)
			require.Equal(t, on, len(lit(r.board)) == 1, "on the board with %d queued", n)
		}
	})
}

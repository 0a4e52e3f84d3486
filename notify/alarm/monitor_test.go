package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestConfig_ReportsAllMistakesAtOnce(t *testing.T) {
	c := alarm.Config{
		Types: map[notify.Type]notify.TypeConfig{kind: {}},
		High:  math.NaN(), ClearAfter: -1, Interval: -1, Repeat: -1,
	}
	_, err := alarm.NewMonitor(c)
	require.ErrorIs(t, err, alarm.ErrInvalid)
	for _, field := range []string{"Types", "High", "ClearAfter", "Interval", "Repeat"} {
		assert.ErrorContains(t, err, field)
	}
	for _, tt := range []struct {
		high, low float64
		ok        bool
	}{
		{0, 0, true}, {0, 0.8, true}, {0, 0.81, false}, {0.3, 0, true}, {0.3, 0.3, true},
		{0.3, 0.5, false}, {1, 1, true}, {1.1, 0, false}, {-0.1, 0, false}, {0, -0.1, false},
		{0, math.NaN(), false},
	} {
		_, err := alarm.NewMonitor(alarm.Config{Types: types(), High: tt.high, Low: tt.low})
		assert.Equal(t, tt.ok, err == nil, "High %v, Low %v: %v", tt.high, tt.low, err)
	}
}

func TestEvicted_AStormIsOneAlarmWithACount(t *testing.T) {
	r := testRig(t)
	heard := r.hear()
	const watchers = 500
	for range watchers {
		r.join(refuse, &notify.Backlog{Size: 1, Overflow: notify.Evict})
	}
	r.fill(2)
	r.settle(kindShard)
	require.Zero(t, r.Stats(kind).Subscriptions)
	for range 5 {
		r.check()
	}
	require.Len(t, *heard, 2, "raised and cleared")
	for i, status := range []alarm.Status{alarm.Raised, alarm.Cleared} {
		assert.Equal(t, status, (*heard)[i].Status)
		assert.Equal(t, alarm.Fields{
			alarm.Int("count", watchers), alarm.String(alarm.Detail, notify.ErrSlow.Error()),
		}, (*heard)[i].Fields)
	}
}

func TestEvicted_CountsOnWhileItIsLitAndAnewAfterwards(t *testing.T) {
	r := testRig(t, func(c *alarm.Config) { c.Repeat = time.Second })
	evict := func(n int) {
		for range n {
			r.join(refuse, &notify.Backlog{Size: 1, Overflow: notify.Evict})
		}
		r.fill(2)
		r.settle(kindShard)
		r.check()
	}
	evict(3)
	evict(2)
	assert.Equal(t, int64(5), r.get(alarm.Evicted).Fields.Get("count"))
	assert.EqualValues(t, 2, r.get(alarm.Evicted).Count, "raised again for Repeat")
	r.check()
	r.check()
	require.Empty(t, lit(r.board))
	evict(4)
	assert.Equal(t, int64(4), r.get(alarm.Evicted).Fields.Get("count"))
}

// A storm must not cost the shards a text for each.
func TestMonitor_MakesOneTextForAStorm(t *testing.T) {
	r := testRig(t, func(c *alarm.Config) {
		c.ListFailed = func(error) bool { return true }
	})
	reason := &counted{}
	for range 100 {
		r.join(refuse, nil).End(reason)
	}
	r.settle(kindShard)
	r.check()
	assert.Equal(t, int64(100), r.get(alarm.ListFailed).Fields.Get("count"))
	assert.Equal(t, "text 1", r.get(alarm.ListFailed).Fields.Get(alarm.Detail))
	assert.Equal(t, 1, reason.texts)
}

// Nor an allocation, or a storm would make the shards collect garbage, too.
func TestMonitor_AllocatesNothingForALossInAStorm(t *testing.T) {
	r := testRig(t)
	events := []*notify.Event{{Type: kind, Subject: subject}}
	lose := func() { r.Dropped(nil, events, notify.Newest) }
	lose()
	assert.Zero(t, testing.AllocsPerRun(100, lose))
}

// counted is an error that counts its texts.
type counted struct{ texts int }

func (c *counted) Error() string {
	c.texts++
	return fmt.Sprint("text ", c.texts)
}

func TestListFailed_IsWhatTheEmbedderSays(t *testing.T) {
	gone := errors.New("storage is gone")
	listFailed := func(reason error) bool {
		return errors.Is(reason, watch.ErrListTimeout) || errors.Is(reason, gone)
	}
	for _, tt := range []struct {
		name string
		ask  func(error) bool
		list watch.Lister
		want []alarm.ID
	}{
		{"failed", listFailed, func(context.Context) (watch.List, error) {
			return watch.List{}, gone
		}, []alarm.ID{alarm.ListFailed}},
		{"timed out", listFailed, func(ctx context.Context) (watch.List, error) {
			<-ctx.Done()
			return watch.List{}, ctx.Err()
		}, []alarm.ID{alarm.ListFailed}},
		{"something else", listFailed, func(context.Context) (watch.List, error) {
			return watch.List{}, errors.New("the client left")
		}, nil},
		{"nobody asked", nil, func(context.Context) (watch.List, error) {
			return watch.List{}, gone
		}, nil},
	} {
		r := testRig(t, func(c *alarm.Config) { c.ListFailed = tt.ask })
		c := &watch.Config{ListTimeout: time.Millisecond}
		p, err := watch.Pull(r.Engine, watch.At{Type: kind, Subject: subject}, tt.list, c,
			watch.PullOptions{})
		require.NoError(t, err)
		_, err = p.Next(context.Background())
		require.Error(t, err)
		r.settle(kindShard)
		assert.Equal(t, tt.want, r.check().Raised, tt.name)
	}
}

func TestSubscriberPanicked_ComesWithThePanic(t *testing.T) {
	r := testRig(t)
	r.join(deliver(func([]*notify.Event) (int, error) { panic("oops") }), nil)
	r.fill(1)
	r.settle(kindShard)
	assert.Equal(t, []alarm.ID{alarm.SubscriberPanicked}, r.check().Raised)
	assert.Contains(t, r.get(alarm.SubscriberPanicked).Fields.Get(alarm.Detail), "oops")
}

// TestEventsLost_IsAboutGapsOfTheLiving: who ends knows that it must start again, and what a newer
// event replaces is no loss.
func TestEventsLost_IsAboutGapsOfTheLiving(t *testing.T) {
	for _, tt := range []struct {
		overflow notify.Overflow
		size     int
		key      string
		lost     int64
	}{
		{notify.DropOldest, 1, "", 2}, {notify.DropNewest, 1, "", 2},
		{notify.Flush, 1, "", 2}, {notify.Flush, 2, "", 2}, // one by one, and both at once
		{notify.Conflate, 1, "", 2}, {notify.Conflate, 1, "k", 0}, {notify.Block, 1, "", 2},
	} {
		r := testRig(t)
		s := r.join(refuse, &notify.Backlog{
			Size: tt.size, Overflow: tt.overflow, AddTimeout: 1,
		})
		for range 3 {
			ev := &notify.Event{Type: kind, Subject: subject, Key: tt.key}
			require.NoError(t, r.Publish(context.Background(), ev))
			r.settle(kindShard)
			r.now = r.now.Add(time.Millisecond) // for Block
			r.settle(kindShard)
		}
		s.Close()
		r.settle(kindShard)
		did := r.check()
		if tt.lost == 0 {
			assert.Empty(t, did.Raised, "%v", tt.overflow)
			continue
		}
		assert.Equal(t, []alarm.ID{alarm.EventsLost}, did.Raised, "%v", tt.overflow)
		assert.Equal(t, tt.lost, r.get(alarm.EventsLost).Fields.Get("count"), "%v", tt.overflow)
		assert.Contains(t, r.get(alarm.EventsLost).Fields.Get(alarm.Detail), subject)
	}
}

func TestEventsLost_LostAlarmsRaiseNone(t *testing.T) {
	r := testRig(t)
	_, err := r.Subscribe(alarm.Events, alarm.Subject, "", refuse,
		&notify.Backlog{Size: 1, Overflow: notify.DropNewest})
	require.NoError(t, err)
	for range 5 {
		r.raise("x")
	}
	require.Positive(t, r.Stats(alarm.Events).DroppedTotal())
	assert.Empty(t, r.check().Raised)
}

func TestMonitor_PassesEverythingOn(t *testing.T) {
	obs := &listener{}
	r := testRig(t, func(c *alarm.Config) { c.Observer = obs })
	s := r.join(refuse, &notify.Backlog{Size: 1, Overflow: notify.DropNewest})
	r.fill(3)
	r.settle(kindShard)
	s.Close()
	r.settle(kindShard)
	assert.Equal(t, []notify.Cause{notify.Newest, notify.Newest, notify.Closed}, obs.lost)
	assert.Equal(t, []error{notify.ErrClosed}, obs.ends)
	assert.Equal(t, []alarm.ID{alarm.EventsLost}, r.check().Raised, "a close is no cause")
}

// listener is an Observer that remembers what it heard.
type listener struct {
	lost []notify.Cause
	ends []error
}

func (l *listener) Dropped(_ *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	for range events {
		l.lost = append(l.lost, cause)
	}
}

func (l *listener) Ended(_ *notify.Subscription, reason error) { l.ends = append(l.ends, reason) }

func TestMonitor_TriesAgainWhatAFullAlarmQueueDidNotTake(t *testing.T) {
	r := testRig(t)
	r.fill(capacity)
	r.jam()
	did, err := r.Check(r.Engine, at(1))
	require.NoError(t, err)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, did.Dropped)
	assert.Empty(t, did.Raised)
	assert.EqualValues(t, 1, r.DroppedAlarms())
	r.settle(alarmShard)
	assert.Empty(t, r.board.List())
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, lit(r.board))

	r.settle(kindShard)
	r.check()
	r.jam()
	did, err = r.Check(r.Engine, at(9))
	require.NoError(t, err)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, did.Dropped, "a clear")
	r.settle(alarmShard)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, lit(r.board))
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Cleared)
	assert.Empty(t, lit(r.board))
}

func TestMonitor_TellsLateRatherThanNever(t *testing.T) {
	r := testRig(t)
	r.fill(capacity)
	r.jam()
	_, err := r.Check(r.Engine, r.now)
	require.NoError(t, err)
	r.settle(kindShard)
	for range 5 { // all is well again, but nobody knows yet that it was not
		did, err := r.Check(r.Engine, r.now)
		require.NoError(t, err)
		require.Equal(t, []alarm.ID{alarm.QueueHigh}, did.Dropped)
	}
	r.settle(alarmShard)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	assert.Equal(t, int64(capacity), r.get(alarm.QueueHigh).Fields.Get("queued"), "as it was then")
	assert.Empty(t, r.check().Cleared)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Cleared)
}

func TestMonitor_RepeatsWhatHoldsForLateBoardsAndHastyHands(t *testing.T) {
	r := testRig(t, func(c *alarm.Config) { c.Repeat = 3 * time.Second })
	r.fill(capacity)
	r.check()
	late := r.open()
	require.NoError(t, r.board.Clear(alarm.QueueHigh, r.now))
	r.check()
	r.check()
	assert.Empty(t, lit(r.board))
	assert.Empty(t, lit(late))
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Raised)
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, lit(r.board))
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, lit(late))
	r.settle(kindShard)
	r.check()
	assert.Equal(t, []alarm.ID{alarm.QueueHigh}, r.check().Cleared, "repeating is no obstacle")
}

package notify_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// What Observers hear, and what they may do while they hear it.

func TestObserver_TheConfigsAndTheSubscribersHearTheSame(t *testing.T) {
	all := newListener()
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1}}, all)
	own, mute := witness{refusing(), newListener()}, refusing()
	s, m := r.join("g", own, nil), r.join("m", mute, nil)
	r.put(&notify.Event{Key: "a"})
	r.put(&notify.Event{Key: "b"}, "g")
	r.put(&notify.Event{Key: "b"}, "g")
	r.put(&notify.Event{}, "g", "m")
	r.settle()
	s.Close()
	r.settle()
	want := map[notify.Cause][]int{
		notify.Conflated: {2}, notify.Newest: {4}, notify.Closed: {1, 3},
	}
	assert.Equal(t, want, own.lost)
	want[notify.Newest] = []int{4, 4} // the mute one's too
	assert.Equal(t, want, all.lost)
	assert.Equal(t, map[*notify.Subscription][]error{s: {notify.ErrClosed}}, own.ends)
	assert.Equal(t, own.ends, all.ends)
	m.Close()
	r.settle()
	assert.Len(t, all.ends, 2)
	assert.Len(t, own.ends, 1, "nothing of others")
}

func TestObserver_EndedIsTheLastCall(t *testing.T) {
	for o := notify.Conflate; o <= notify.Block; o++ {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 2, Overflow: o}})
		c := witness{refusing(), newListener()}
		s := r.join("g", c, nil)
		r.keyed("a", "b", "c", "c")
		s.Close()
		r.put(&notify.Event{Key: "d"})
		r.settle()
		require.Len(t, c.ends[s], 1, "%v", o)
		assert.Zero(t, c.late, "%v", o)
	}
}

func TestObserver_MayCallTheEngineAndTheSubscription(t *testing.T) {
	obs := newListener()
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: notify.Flush}}, obs)
	again := eager()
	obs.onDrop = func(s *notify.Subscription, _ *notify.Event, _ notify.Cause) {
		s.StartAfter(0)
		s.Ready()
		_ = r.Stats()
		assert.NoError(t, r.Publish(context.Background(), newEvent(100), "again"))
		s.Close()
	}
	obs.onEnd = func(s *notify.Subscription, reason error) {
		assert.Equal(t, notify.ErrClosed, reason)
		assert.Equal(t, reason, s.Err())
		_, err := r.Subscribe(instance, subject, "again", again, nil)
		if err != nil {
			assert.ErrorIs(t, err, notify.ErrClosed)
		}
	}
	r.join("g", refusing(), nil)
	r.send(2)
	r.send(1, "again")
	assert.Contains(t, again.got(), 3)
	r.Close()
	r.settle()
	assert.Zero(t, r.Stats().Subscriptions)
}

// An Observer may close the subscription in the middle of a batch that overflows; whatever policy
// loses the rest, all of it must stand in the books.
func TestObserver_ClosingInTheMiddleOfABatchLosesCountOfNothing(t *testing.T) {
	for o := notify.Conflate; o <= notify.Block; o++ {
		for _, own := range []bool{true, false} {
			c := witness{refusing(), newListener()}
			hang := func(s *notify.Subscription, _ *notify.Event, _ notify.Cause) { s.Close() }
			obs := newListener()
			if own {
				c.onDrop = hang
			} else {
				obs.onDrop = hang
			}
			tc := notify.TypeConfig{Backlog: notify.Backlog{Size: 2, Overflow: o}}
			r := newRig(t, tc, obs)
			other := eager()
			r.join("g", c, nil)
			r.join("g", other, nil)
			r.keyed("a", "b", "c", "c", "", "d", "c", "e")
			r.wait(2 * notify.DefaultAddTimeout)
			st := r.Stats()
			assert.EqualValues(t, 16, st.Offered, "%v", o)
			assert.Zero(t, st.InFlight, "%v", o)
			assert.Zero(t, st.Parked, "%v", o)
			assert.EqualValues(t, 8, st.DroppedTotal()+st.Conflated, "%v", o)
			assert.Equal(t, seq(1, 8), other.got(), "%v", o)
			assert.Equal(t, 1, st.Subscriptions, "%v", o)
			assert.Zero(t, c.late, "%v", o)
		}
	}
}

func TestObserver_ASubscribersOwnMayPanicAndLosesItsSubscription(t *testing.T) {
	t.Run("Dropped", func(t *testing.T) {
		r := newRig(t, notify.TypeConfig{
			Backlog: notify.Backlog{Size: 1, Overflow: notify.DropNewest},
		})
		c, other := witness{refusing(), newListener()}, eager()
		c.onDrop = func(*notify.Subscription, *notify.Event, notify.Cause) { panic("no more") }
		s := r.join("g", c, nil)
		r.join("g", other, nil)
		r.send(4)
		var p *notify.PanicError
		require.ErrorAs(t, s.Err(), &p)
		assert.Equal(t, "no more", p.Value)
		assert.Len(t, c.ends[s], 1)
		assert.Equal(t, seq(1, 4), other.got())
		assert.EqualValues(t, 4, statsOf(r).DroppedTotal())
	})
	t.Run("Ended", func(t *testing.T) {
		r := newRig(t, notify.TypeConfig{})
		c, other := witness{eager(), newListener()}, eager()
		c.onEnd = func(*notify.Subscription, error) { panic("already?") }
		s := r.join("g", c, nil)
		r.join("g", other, nil)
		s.Close()
		r.send(1)
		assert.Equal(t, notify.ErrClosed, s.Err(), "the first reason stays")
		assert.Equal(t, []int{1}, other.got())
	})
}

func statsOf(r *rig) *notify.Stats {
	st := r.Stats()
	return &st
}

func TestObserver_EndsOfAShutdownComeInTheSameOrderEveryTime(t *testing.T) {
	run := func() (order []string) {
		obs := newListener()
		names := map[*notify.Subscription]string{}
		obs.onEnd = func(s *notify.Subscription, _ error) { order = append(order, names[s]) }
		r := newRig(t, notify.TypeConfig{Shards: 2}, obs)
		for _, subj := range []string{"/a/", "/b/", "/c/", "/d/", "/e/", "/f/", "/g/", "/h/"} {
			for _, group := range []string{"", "x", "y"} {
				s, err := r.Subscribe(instance, subj, group, eager(), nil)
				require.NoError(t, err)
				names[s] = subj + group
			}
		}
		r.settle()
		r.Close()
		r.settle()
		return order
	}
	want := run()
	assert.Len(t, want, 24)
	for range 5 {
		assert.Equal(t, want, run())
	}
}

package notify_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// StartAfter and Ready: the two words a subscriber says to its shard.

func revisions(r *rig, revs ...int64) {
	for _, rev := range revs {
		r.put(&notify.Event{Revision: rev})
	}
	r.settle()
}

func TestStartAfter_EventsAtOrBeforeTheListAreStale(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := witness{eager(), newListener()}
	s := r.join("g", c, nil)
	s.StartAfter(5)
	revisions(r, 3, 5, 0, 6, 4, 7) // 0 is never stale, and order holds for the rest
	assert.Equal(t, []int{3, 4, 6}, c.got())
	st := r.Stats()
	assert.EqualValues(t, 3, st.Stale)
	assert.Empty(t, c.lost, "stale is no loss")
}

func TestStartAfter_HeldEventsAreSplicedToTheList(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := refusing() // lists
	s := r.join("g", c, nil)
	revisions(r, 1, 2, 3, 0, 2, 4, 5)
	s.StartAfter(3)
	c.allow(unlimited)
	s.Ready()
	r.settle()
	assert.Equal(t, []int{4, 6, 7}, c.got())
	st := r.Stats()
	assert.EqualValues(t, 4, st.Stale)
	assert.Zero(t, st.InFlight)
	assert.Zero(t, st.Parked)
}

func TestStartAfter_AllThatWaitsIsStale(t *testing.T) {
	for _, prealloc := range []bool{false, true} {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 2, Prealloc: prealloc}})
		c := refusing()
		s := r.join("g", c, nil)
		for i, key := range []string{"a", "b", "c", "d", "c"} {
			r.put(&notify.Event{Key: key, Revision: int64(i + 1)})
		}
		r.settle()
		calls := c.calls
		s.StartAfter(9)
		s.Ready()
		r.settle()
		assert.Equal(t, calls, c.calls, "it is not called for nothing")
		st := r.Stats()
		assert.EqualValues(t, 4, st.Stale)
		assert.EqualValues(t, 1, st.Conflated)
		assert.Zero(t, st.InFlight)
		assert.Zero(t, st.Parked)
		revisions(r, 10)
		assert.Equal(t, 1, r.Stats().Parked, "it takes nothing yet")
	}
}

func TestStartAfter_ALowerRevisionLaterHasNoEffect(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	s := r.join("g", c, nil)
	s.StartAfter(5)
	s.StartAfter(2)
	revisions(r, 4, 6)
	assert.Equal(t, []int{2}, c.got())
	s.StartAfter(8)
	revisions(r, 7, 9)
	assert.Equal(t, []int{2, 4}, c.got())
}

func TestReady_BeforeItJoinedOrWithoutABacklogDoesNothing(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	s := r.join("g", c, nil)
	s.Ready()
	s.Ready()
	r.settle()
	s.Ready()
	r.settle()
	assert.Zero(t, c.calls)
	r.send(1)
	assert.Equal(t, []int{1}, c.got())
	s.Close()
	s.Ready()
	r.settle()
	s.Ready() // after the shard let go of it
	w, _ := r.settle()
	assert.True(t, w.Idle)
	r.Close()
	r.settle()
	s.Ready()
	s.Close()
}

func TestReady_FromWithinDeliverIsNotLost(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	var s *notify.Subscription
	c.on = func([]*notify.Event) (int, error) { // one at a time, and always ready
		s.Ready()
		return 1, nil
	}
	s = r.join("g", c, nil)
	r.send(5)
	assert.Equal(t, seq(1, 5), c.got())
	assert.Zero(t, r.Stats().Parked)
}

func TestReady_WithoutCreditParksAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := refusing()
	s := r.join("g", c, nil)
	r.send(2)
	for range 3 {
		calls := c.calls
		s.Ready()
		r.settle()
		assert.Equal(t, calls+1, c.calls)
		assert.Equal(t, 1, r.Stats().Parked)
	}
	c.allow(1)
	r.send(1)
	assert.Empty(t, c.got(), "parked until Ready, whatever comes")
	s.Ready()
	r.settle()
	assert.Equal(t, []int{1}, c.got())
}

func TestReady_ReadmitsInOrderWhenItRacesWithDelivery(t *testing.T) {
	// A consumer on a goroutine of its own frees places at any moment; a lost Ready would leave it
	// parked for ever, and the test would not end.
	events := 30_000
	if raceEnabled || testing.Short() {
		events = 5_000
	}
	e := newEngine(t, notify.TypeConfig{
		Shards: 2, QueueSize: 64, Backlog: notify.Backlog{Size: events},
	}, nil)
	stop := start(t, e)
	var consumers sync.WaitGroup
	for i := range 4 {
		room := make(chan *notify.Event, 1+i)
		sub := make(chan *notify.Subscription, 1)
		c := eager()
		c.on = func(batch []*notify.Event) (int, error) {
			for taken, ev := range batch {
				select {
				case room <- ev:
				default:
					return taken, nil
				}
			}
			return len(batch), nil
		}
		s, err := e.Subscribe(instance, subject, "g", c, nil)
		require.NoError(t, err)
		sub <- s
		consumers.Go(func() {
			s, rng := <-sub, rand.New(rand.NewPCG(1, uint64(i)))
			for want := range events {
				if ev := <-room; ev.Payload != want {
					assert.Equal(t, want, ev.Payload)
					return
				}
				s.Ready()
				if rng.IntN(8) == 0 {
					s.Ready()
				}
			}
		})
	}
	for i := range events {
		require.NoError(t, e.Publish(t.Context(), newEvent(i)))
	}
	consumers.Wait()
	stop()
	st := e.Stats()
	assert.EqualValues(t, 4*events, st.Delivered)
	assert.Zero(t, st.Balance())
}

package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// The two settings that make a shard wait, and that nothing else does.

const addTimeout = 300 * time.Millisecond

var blocks = notify.Backlog{Size: 2, Overflow: notify.Block, AddTimeout: addTimeout}
var waits = notify.Backlog{WaitForList: true, AddTimeout: addTimeout}

func TestBlocking_NobodyWaitsForOneThatTakesNothing(t *testing.T) {
	for _, o := range []notify.Overflow{
		notify.Conflate, notify.DropOldest, notify.DropNewest, notify.Flush, notify.Evict,
	} {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: o}})
		stuck, c := refusing(), eager()
		r.join("g", stuck, nil)
		r.join("g", c, nil)
		for range 10 {
			r.send(3)
		}
		last, _ := r.settle()
		assert.Zero(t, last.Next, "%v wants nothing later", o)
		assert.Equal(t, seq(1, 30), c.got(), "%v", o)
	}
}

func TestBlock_DropsTheEventAfterAddTimeoutAndHoldsUpTheOthers(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	obs := newListener()
	stuck, c := witness{refusing(), obs}, eager()
	r.join("g", stuck, &blocks)
	r.join("g", c, nil)
	r.put(&notify.Event{}) // each of them in a batch of its own
	r.put(&notify.Event{}, "g")
	r.put(&notify.Event{})
	r.put(&notify.Event{}, "g")

	w, sum := r.settle()
	assert.Equal(t, notify.Work{Routed: 3, Delivered: 2, Queued: 2}, sum)
	assert.True(t, w.Idle)
	assert.Equal(t, epoch.Add(addTimeout), w.Next)
	assert.Equal(t, []int{1, 2}, c.got(), "3 waits for room at the one before c")
	assert.EqualValues(t, 3, r.Stats().InFlight, "2 in the mailbox, 1 waiting for a place there")
	assert.Equal(t, 1, r.Stats().Queued, "4 is still in the task queue")

	w = r.wait(addTimeout - 1)
	assert.Equal(t, epoch.Add(addTimeout), w.Next, "too early")
	assert.Equal(t, []int{1, 2}, c.got())

	w = r.wait(1)
	assert.Equal(t, []int{3}, obs.lost[notify.TimedOut])
	assert.Equal(t, []int{1, 2, 3}, c.got(), "and now 4 waits")
	assert.Equal(t, epoch.Add(2*addTimeout), w.Next)

	stuck.allow(1)
	w = r.wait(addTimeout / 2)
	assert.Equal(t, epoch.Add(2*addTimeout), w.Next, "it has credit but didn't say so")
	assert.Empty(t, stuck.got())
}

func TestBlock_GoesOnAsSoonAsThereIsRoom(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	slow, c := refusing(), eager()
	s := r.join("g", slow, &blocks)
	r.join("g", c, nil)
	r.send(3)
	require.Empty(t, c.got(), "the three came as one batch")
	slow.allow(1)
	s.Ready()
	w, _ := r.settle()
	assert.True(t, w.Next.IsZero())
	assert.Equal(t, seq(1, 3), c.got())
	assert.Equal(t, seq(1, 1), slow.got())
	slow.allow(10)
	s.Ready()
	r.settle()
	assert.Equal(t, seq(1, 3), slow.got())
	assert.Equal(t, drops(nil), r.Stats().Dropped)
}

func TestBlock_EachEventOfABatchHasItsOwnTimeout(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	obs := newListener()
	slow := witness{refusing(), obs}
	s := r.join("g", slow, &blocks)
	r.send(6) // 1 and 2 wait in order, 3..6 for room
	for i := 1; i <= 2; i++ {
		w := r.wait(addTimeout)
		assert.Equal(t, epoch.Add(time.Duration(i+1)*addTimeout), w.Next)
		assert.Equal(t, seq(3, 2+i), obs.lost[notify.TimedOut])
	}
	slow.allow(1)
	s.Ready()
	w, _ := r.settle() // 5 has got the place of 1
	assert.Equal(t, epoch.Add(3*addTimeout), w.Next, "6 waits since now")
	w = r.wait(addTimeout)
	assert.True(t, w.Next.IsZero())
	assert.Equal(t, seq(3, 4), obs.lost[notify.TimedOut][:2])
	assert.Equal(t, []int{3, 4, 6}, obs.lost[notify.TimedOut])
	slow.allow(10)
	s.Ready()
	r.settle()
	assert.Equal(t, []int{1, 2, 5}, slow.got())
}

func TestBlock_AddTimeoutDefaultsToOneSecond(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: notify.Block}})
	r.join("g", refusing(), nil)
	r.send(2)
	w, _ := r.settle()
	assert.Equal(t, epoch.Add(time.Second), w.Next)
}

func TestBlock_EndsOfTheOneThatIsWaitedFor(t *testing.T) {
	for name, end := range map[string]func(*rig, *notify.Subscription, *client){
		"closed":        func(_ *rig, s *notify.Subscription, _ *client) { s.Close() },
		"engine closed": func(r *rig, _ *notify.Subscription, _ *client) { r.Close() },
		"fails when it is ready": func(_ *rig, s *notify.Subscription, c *client) {
			c.on = func([]*notify.Event) (int, error) { panic("late") }
			s.Ready()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, notify.TypeConfig{})
			stuck, c := refusing(), eager()
			s := r.join("g", stuck, &blocks)
			r.join("g", c, nil)
			r.send(5)
			end(r, s, stuck)
			w, _ := r.settle()
			assert.True(t, w.Next.IsZero())
			st := r.Stats()
			want := drops(map[notify.Cause]uint64{notify.Closed: 5})
			if name != "closed" && name != "engine closed" {
				want = drops(map[notify.Cause]uint64{notify.Failed: 5})
			}
			assert.Equal(t, want, st.Dropped)
			assert.Zero(t, st.InFlight)
			assert.Zero(t, st.Parked)
			if name != "engine closed" {
				assert.Equal(t, seq(1, 5), c.got(), "the others get what waited behind it")
				assert.Equal(t, 1, st.Subscriptions)
			} else {
				assert.Zero(t, st.Subscriptions)
			}
		})
	}
}

func TestBlock_JoinsAndEndsWaitForTheEndOfTheWalk(t *testing.T) {
	obs := newListener()
	r := newRig(t, notify.TypeConfig{}, obs)
	stuck, a, b := refusing(), eager(), eager()
	s := r.join("g", stuck, &blocks)
	sa := r.join("g", a, nil)
	r.join("g", b, nil)
	r.send(3)
	sa.Close()
	joined, gone := eager(), eager()
	r.join("g", joined, nil)
	r.join("g", gone, nil).Close() // joined and left while the shard waits
	r.settle()
	assert.Empty(t, obs.ends)
	assert.Equal(t, 3, r.Stats().Subscriptions)

	stuck.allow(5)
	s.Ready()
	r.settle()
	assert.Equal(t, seq(1, 3), b.got())
	assert.Empty(t, a.got(), "it has ended before its turn")
	assert.Equal(t, 3, r.Stats().Subscriptions)
	assert.Len(t, obs.ends, 2)
	r.send(1)
	assert.Equal(t, []int{4}, joined.got())
	assert.Empty(t, gone.got())
	assert.EqualValues(t, 3+3+3, r.Stats().Offered, "nothing was owed to those that were over")
}

func TestWaitForList_TheShardWaitsForStartAfter(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	lister, c := eager(), eager()
	s := r.join("g", lister, &waits)
	r.join("g", c, nil)
	for rev := range 4 {
		r.put(&notify.Event{Revision: int64(rev + 1)})
	}
	w, sum := r.settle()
	assert.Equal(t, epoch.Add(addTimeout), w.Next)
	assert.Zero(t, sum.Delivered)
	assert.Empty(t, c.got(), "head of line")
	assert.EqualValues(t, 4, r.Stats().InFlight)

	s.StartAfter(2)
	s.Ready()
	w, _ = r.settle()
	assert.True(t, w.Next.IsZero())
	assert.Equal(t, []int{3, 4}, lister.got())
	assert.Equal(t, seq(1, 4), c.got())
	assert.EqualValues(t, 2, r.Stats().Stale)
}

func TestWaitForList_TooLateAListDelaysEveryBatchButLosesNothing(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	lister, c := refusing(), eager()
	s := r.join("g", lister, &waits)
	r.join("g", c, nil)
	r.put(&notify.Event{Revision: 1}, "g")
	r.put(&notify.Event{Revision: 2})
	r.settle()
	assert.Empty(t, c.got())
	w := r.wait(addTimeout)
	assert.Equal(t, []int{1}, c.got())
	assert.Equal(t, epoch.Add(2*addTimeout), w.Next, "and again for the next one")
	w = r.wait(addTimeout)
	assert.Equal(t, []int{1, 2}, c.got())
	assert.True(t, w.Next.IsZero())

	lister.allow(9)
	s.StartAfter(1)
	s.Ready()
	r.settle()
	assert.Equal(t, []int{2}, lister.got())
	st := r.Stats()
	assert.EqualValues(t, 1, st.Stale)
	assert.Zero(t, st.DroppedTotal())
	r.send(1)
	assert.Equal(t, []int{1, 2, 3}, c.got(), "listed now: nobody waits any more")
}

func TestBlocking_UnderRunTheTimeoutIsTheClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, notify.TypeConfig{Shards: 1}, nil)
		stop := start(t, e)
		began := time.Now()
		var took time.Duration
		c := eager()
		c.on = func(batch []*notify.Event) (int, error) {
			took = time.Since(began)
			return len(batch), nil
		}
		_, err := e.Subscribe(instance, subject, "g", refusing(), &blocks)
		require.NoError(t, err)
		_, err = e.Subscribe(instance, subject, "g", c, nil)
		require.NoError(t, err)
		for i := range 3 {
			require.NoError(t, e.Publish(t.Context(), newEvent(i)))
			synctest.Wait()
		}
		time.Sleep(2 * addTimeout) // the bubble's time
		stop()
		assert.Equal(t, []int{0, 1, 2}, c.got())
		assert.Equal(t, addTimeout, took)
	})
}

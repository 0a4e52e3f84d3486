package notify_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// What becomes of events beyond Backlog.Size, exactly: how many, which, and what is left.

// drops is a Books.Dropped with the given counts.
func drops(counts map[notify.Cause]uint64) (out [7]uint64) {
	for cause, n := range counts {
		out[cause] = n
	}
	return out
}

func TestOverflow_CountsAndRemainders(t *testing.T) {
	type lost = map[notify.Cause][]int
	for _, tt := range []struct {
		overflow notify.Overflow
		size     int
		batches  []int // events sent together
		left     []int // what the subscriber gets in the end
		lost     lost
	}{
		{notify.DropOldest, 3, []int{7}, seq(5, 7), lost{notify.Oldest: seq(1, 4)}},
		{notify.DropOldest, 3, []int{2, 2, 3}, seq(5, 7), lost{notify.Oldest: seq(1, 4)}},
		{notify.DropOldest, 1, []int{1, 3}, seq(4, 4), lost{notify.Oldest: seq(1, 3)}},
		{notify.DropNewest, 3, []int{7}, seq(1, 3), lost{notify.Newest: seq(4, 7)}},
		{notify.DropNewest, 1, []int{1, 1, 1}, seq(1, 1), lost{notify.Newest: seq(2, 3)}},
		{notify.Flush, 3, []int{3}, seq(1, 3), nil},
		{notify.Flush, 3, []int{8}, []int{7, 8}, lost{notify.Flushed: seq(1, 6)}},
		{notify.Flush, 3, []int{1, 3}, []int{4}, lost{notify.Flushed: seq(1, 3)}},
		{notify.Flush, 1, []int{1, 2, 1}, []int{4}, lost{notify.Flushed: seq(1, 3)}},
		{notify.Conflate, 3, []int{5}, seq(1, 3), lost{notify.Newest: {4, 5}}},
		{notify.Evict, 3, []int{3}, seq(1, 3), nil},
	} {
		t.Run(fmt.Sprintf("%v/size=%d/%v", tt.overflow, tt.size, tt.batches), func(t *testing.T) {
			r := newRig(t, notify.TypeConfig{
				Backlog: notify.Backlog{Size: tt.size, Overflow: tt.overflow},
			})
			c := witness{refusing(), newListener()}
			s := r.join("g", c, nil)
			for _, n := range tt.batches {
				r.send(n)
			}
			st := r.Stats()
			want := map[notify.Cause]uint64{}
			for cause, events := range tt.lost {
				want[cause] = uint64(len(events))
				assert.Equal(t, events, c.lost[cause], "%v", cause)
			}
			assert.Equal(t, drops(want), st.Dropped)
			assert.EqualValues(t, len(tt.left), st.InFlight)
			assert.Equal(t, 1, st.Parked)

			c.allow(unlimited)
			s.Ready()
			r.send(1)
			assert.Equal(t, append(tt.left, r.next-1), c.got())
			st = r.Stats()
			assert.Zero(t, st.InFlight)
			assert.Zero(t, st.Parked)
			assert.EqualValues(t, r.next-1, st.Offered)
			assert.NoError(t, s.Err())
		})
	}
}

func TestOverflow_AfterAPartialTakeOnlyTheRestWaits(t *testing.T) {
	for o := notify.Conflate; o < notify.Evict; o++ {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 3, Overflow: o}})
		c := refusing()
		c.allow(2)
		s := r.join("g", c, nil)
		r.send(5)
		assert.Equal(t, seq(1, 2), c.got(), "%v", o)
		c.allow(2)
		s.Ready()
		r.settle()
		r.send(1)
		c.allow(2)
		s.Ready()
		r.settle()
		assert.Equal(t, seq(1, 6), c.got(), "%v: never more than 3 behind", o)
	}
}

func TestConflate_KeepsTheLatestOfEachKeyInPublishOrder(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 2}})
	c := witness{refusing(), newListener()}
	s := r.join("g", c, nil)
	//        1    2    3    4    5    6    7    8   9    10
	r.keyed("a", "b", "a", "c", "a", "b", "c", "d", "", "a")
	// 1 and 2 wait in order. Beyond: a3 c4 a5 b6 c7 d8 a10 → b6 c7 d8 a10.
	assert.Equal(t, []int{9}, c.lost[notify.Newest], "without a Key there is nothing to conflate")
	assert.Empty(t, c.lost[notify.Conflated], "before it comes to them")
	st := r.Stats()
	assert.Equal(t, drops(map[notify.Cause]uint64{notify.Newest: 1}), st.Dropped)
	assert.EqualValues(t, 9, st.InFlight)

	c.allow(3) // b6 moves up into the ring, then c7 and d8
	s.Ready()
	r.settle()
	assert.Equal(t, []int{1, 2, 6}, c.got())
	assert.Equal(t, []int{3, 4, 5}, c.lost[notify.Conflated])
	st = r.Stats()
	assert.EqualValues(t, 3, st.Conflated)
	assert.EqualValues(t, 3, st.InFlight)
	r.keyed("c", "d", "a", "a") // 11..14; c7 and d8 stand in order now and are not replaced
	c.allow(unlimited)
	s.Ready()
	r.settle()
	assert.Equal(t, []int{3, 4, 5, 10, 13}, c.lost[notify.Conflated])
	assert.Equal(t, []int{1, 2, 6, 7, 8, 11, 12, 14}, c.got())
	st = r.Stats()
	assert.Zero(t, st.InFlight)
	assert.Zero(t, st.Parked)
}

func TestConflate_IsBoundedByTheNumberOfKeysHoweverLongItLasts(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 4}})
	c := refusing()
	s := r.join("g", c, nil)
	keys := []string{"a", "b", "c", "d", "e"}
	for i := range 2000 {
		r.put(&notify.Event{Key: keys[i*i%5]})
		if i%50 == 49 {
			r.settle()
		}
		if i == 1000 { // take some, so that holes and positions move
			c.allow(3)
			s.Ready()
		}
	}
	r.settle()
	assert.LessOrEqual(t, r.Stats().InFlight, uint64(4+2*5+64))
	c.allow(unlimited)
	s.Ready()
	r.settle()
	latest := map[string]int{}
	last := 0
	for _, ev := range c.events {
		require.Greater(t, ev.Payload.(int), last, "publish order")
		last = ev.Payload.(int)
		latest[ev.Key] = last
	}
	for i := range 2000 {
		key := keys[i*i%5]
		require.GreaterOrEqual(t, latest[key], i+1, "the latest state of %s has arrived", key)
	}
}

func TestEvict_EndsWithErrSlowAndCountsAllOfIt(t *testing.T) {
	for _, tt := range []struct{ take, batch int }{{0, 4}, {0, 9}, {2, 9}, {5, 9}} {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 3, Overflow: notify.Evict}})
		c, other := witness{refusing(), newListener()}, eager()
		c.allow(tt.take)
		s := r.join("g", c, nil)
		r.join("g", other, nil)
		r.send(tt.batch)
		assert.ErrorIs(t, s.Err(), notify.ErrSlow)
		assert.Equal(t, []error{notify.ErrSlow}, c.ends[s])
		assert.ElementsMatch(t, seq(tt.take+1, tt.batch), c.lost[notify.Evicted])
		assert.Equal(t, seq(1, tt.take), c.got())
		st := r.Stats()
		lost := uint64(tt.batch - tt.take)
		assert.Equal(t, drops(map[notify.Cause]uint64{notify.Evicted: lost}), st.Dropped)
		assert.Zero(t, st.InFlight)
		assert.Zero(t, st.Parked)
		assert.Equal(t, 1, st.Subscriptions)
		r.send(1)
		assert.Len(t, other.got(), tt.batch+1, "the other one did not notice")
	}
}

func TestPrealloc_ChangesNothingButTheMemory(t *testing.T) {
	run := func(prealloc bool, o notify.Overflow) ([]int, notify.Stats) {
		r := newRig(t, notify.TypeConfig{
			Backlog: notify.Backlog{Size: 3, Overflow: o, Prealloc: prealloc},
		})
		c := refusing()
		s := r.join("g", c, nil)
		for i := range 12 { // fills, empties and wraps the ring several times
			r.keyed("k", fmt.Sprint(i), "k")
			c.allow(i % 5)
			s.Ready()
			r.settle()
		}
		st := r.Stats()
		s.Close()
		r.settle()
		end := r.Stats()
		assert.Zero(t, end.Parked, "%v prealloc=%v", o, prealloc)
		assert.Zero(t, end.InFlight, "%v prealloc=%v", o, prealloc)
		return c.got(), st
	}
	for o := notify.Conflate; o <= notify.Evict; o++ {
		got, stats := run(true, o)
		wantGot, wantStats := run(false, o)
		assert.Equal(t, wantGot, got, "%v", o)
		assert.Equal(t, wantStats, stats, "%v", o)
	}
}

func TestBacklog_OfTheSubscriptionGoesBeforeTheTypes(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: notify.DropNewest}})
	r.join("g", refusing(), nil)
	r.join("g", refusing(), &notify.Backlog{Size: 2, Overflow: notify.DropOldest})
	r.join("g", refusing(), &notify.Backlog{Overflow: notify.DropOldest}) // 256
	r.send(300)
	assert.Equal(t, drops(map[notify.Cause]uint64{
		notify.Newest: 299, notify.Oldest: 298 + 44,
	}), r.Stats().Dropped)
	assert.EqualValues(t, 1+2+256, r.Stats().InFlight)
}

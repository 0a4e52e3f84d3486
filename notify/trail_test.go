package notify_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

func TestConflate_AnEventCostsTheSameHoweverManyLag(t *testing.T) {
	work := func(members int) notify.Work {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1}})
		for range members {
			r.join("g", refusing(), nil)
		}
		r.keyed("a", "b") // b is beyond the mailbox
		r.put(&notify.Event{Key: "c"})
		_, w := r.settle()
		assert.EqualValues(t, 3*members, r.Stats().InFlight)
		assert.Equal(t, members, r.Stats().Parked)
		return w
	}
	assert.Equal(t, work(1), work(1000))
}

func TestConflate_ThoseWhoLagGoOnFromWhereTheyAre(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 2}})
	clients := []*client{refusing(), refusing(), refusing(), eager()}
	var subs []*notify.Subscription
	for i, c := range clients {
		c.allow(i) // so that they begin to lag one after the other, in one batch
		subs = append(subs, r.join("g", c, nil))
	}
	r.keyed("a", "b", "c", "d", "e", "a", "b", "c", "d")
	for i, want := range [][]int{
		{1, 2, 5, 6, 7, 8, 9}, {1, 2, 3, 5, 6, 7, 8, 9}, seq(1, 9), seq(1, 9),
	} {
		clients[i].allow(unlimited)
		subs[i].Ready()
		r.settle()
		assert.Equal(t, want, clients[i].got(), "member %d", i)
	}
	st := r.Stats()
	assert.EqualValues(t, 3, st.Conflated)
	assert.Zero(t, st.InFlight)
	assert.Zero(t, st.Parked)
	r.keyed("f")
	for _, c := range clients {
		assert.Equal(t, 10, c.got()[len(c.got())-1], "they are members like others again")
	}
}

// A shard that waits for the list of a member must neither pass over it nor serve it twice when
// that member's mailbox is then too small for the batch.
func TestConflate_AMemberThatIsWaitedForMayLagFromTheFirstBatch(t *testing.T) {
	for _, first := range []bool{true, false} {
		r := newRig(t, notify.TypeConfig{
			Backlog: notify.Backlog{Size: 1, WaitForList: true, AddTimeout: time.Second},
		})
		c, other := refusing(), eager()
		listed := func() { r.join("g", other, &notify.Backlog{}) }
		if !first {
			listed()
		}
		s := r.join("g", c, nil)
		if first {
			listed()
		}
		r.keyed("a", "b", "c", "d")
		r.wait(time.Second)
		assert.Equal(t, seq(1, 4), other.got())
		assert.EqualValues(t, 4, r.Stats().InFlight)
		assert.EqualValues(t, 8, r.Stats().Offered)
		c.allow(unlimited)
		s.Ready()
		r.settle()
		assert.Equal(t, seq(1, 4), c.got())
	}
}

// While Block suspends a walk, a member that lags and is ready must wait: served now, it could
// become one of those whom the walk has yet to reach, and get the batch twice.
func TestConflate_WhileTheShardWaitsThoseWhoLagStayWhereTheyAre(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1}})
	blocking := &notify.Backlog{Size: 1, Overflow: notify.Block}
	slow, stuck := refusing(), refusing()
	s := r.join("g", slow, nil)
	r.join("g", stuck, blocking)
	r.keyed("a")
	r.keyed("b") // slow lags, stuck is waited for
	require.EqualValues(t, 4, r.Stats().InFlight)
	slow.allow(unlimited)
	s.Ready()
	r.settle()
	assert.Empty(t, slow.got())
	s.Ready()
	r.wait(notify.DefaultAddTimeout)
	assert.Equal(t, seq(1, 2), slow.got())
	r.keyed("c")
	r.wait(notify.DefaultAddTimeout)
	assert.Equal(t, seq(1, 3), slow.got())
}

func TestConflate_OfManyChangesEachIsToldOnce(t *testing.T) {
	r := newRig(t, notify.TypeConfig{QueueSize: 1000, Backlog: notify.Backlog{Size: 1}})
	var all []witness
	for i := range 3 {
		c := witness{refusing(), newListener()}
		c.allow(i)
		all = append(all, c)
		r.join("g", c, nil)
	}
	for range 150 {
		r.keyed("a", "b")
	}
	assert.LessOrEqual(t, r.Stats().InFlight, uint64(3*(1+64+2)), "most are told by now")
	r.Close()
	r.settle()
	for i, c := range all {
		assert.Equal(t, seq(i+2, 298), c.lost[notify.Conflated], "member %d", i)
		assert.Equal(t, []int{i + 1, 299, 300}, c.lost[notify.Closed], "member %d", i)
	}
}

// What was skipped as stale in the batch in which a member begins to lag has been counted; on the
// trail it comes again.
func TestConflate_StaleEventsAmongThoseThatLagAreCountedOnce(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1}})
	c := refusing()
	s := r.join("g", c, nil)
	s.StartAfter(10)
	for _, revision := range []int64{0, 0, 9, 0, 10, 11} {
		r.put(&notify.Event{Key: "k", Revision: revision})
	}
	r.settle()
	assert.EqualValues(t, 6, r.Stats().Offered)
	c.allow(unlimited)
	s.Ready()
	r.settle()
	assert.Equal(t, []int{1, 6}, c.got())
	st := r.Stats()
	assert.EqualValues(t, 4, st.Conflated+st.Stale)
	assert.Zero(t, st.InFlight)
}

func TestConflate_OneWhomOnlyEventsWithoutKeyOverflowDoesNotLag(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1}})
	first, second := refusing(), refusing()
	first.allow(2)
	r.join("g", first, nil)
	s := r.join("g", second, nil)
	r.keyed("a", "b", "c", "") // first takes two, keeps one, loses one; second lags from b on
	st := r.Stats()
	assert.Equal(t, drops(map[notify.Cause]uint64{notify.Newest: 2}), st.Dropped)
	assert.EqualValues(t, 4, st.InFlight)
	second.allow(unlimited)
	s.Ready()
	r.settle()
	assert.Equal(t, seq(1, 3), second.got())
}

func TestConflate_WhatAllHaveBehindThemIsForgotten(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 2}})
	c := refusing()
	s := r.join("g", c, nil)
	var before, after runtime.MemStats
	for i := range 100_000 { // every event of a Key of its own, and one taken for each: never done
		if i == 1000 {
			c.events = nil
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		r.put(&notify.Event{Key: fmt.Sprint(i)})
		if i > 10 {
			c.allow(1)
			s.Ready()
		}
		r.settle()
		c.events = c.events[:0]
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.EqualValues(t, 11, r.Stats().InFlight)
	assert.Less(t, float64(after.HeapAlloc), float64(before.HeapAlloc)+1e6)
}

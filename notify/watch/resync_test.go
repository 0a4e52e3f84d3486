package watch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// small is a backlog that overflows soon.
func small(o notify.Overflow) notify.Backlog {
	return notify.Backlog{Size: 2, Overflow: o, AddTimeout: time.Millisecond}
}

// losing are the ways to lose an event and live on. With keyless the events have no Key.
var losing = []struct {
	overflow notify.Overflow
	keyless  bool
	cause    notify.Cause
}{
	{notify.DropOldest, false, notify.Oldest},
	{notify.DropNewest, false, notify.Newest},
	{notify.Flush, false, notify.Flushed},
	{notify.Block, false, notify.TimedOut},
	{notify.Conflate, true, notify.Newest},
}

func TestResync_AGapRepairsItself(t *testing.T) {
	for _, tt := range losing {
		t.Run(fmt.Sprintf("%v/keyless=%v", tt.overflow, tt.keyless), func(t *testing.T) {
			r := newRig(t, notify.TypeConfig{})
			s := r.open(watch.Config{Backlog: small(tt.overflow), Resync: true}, inline)
			s.needed, s.room = nil, 1
			for i := range 6 {
				ev := r.change(fmt.Sprint("k", i%4))
				if i == 4 {
					ev = r.remove("k1")
				}
				if tt.keyless {
					ev.Key = ""
				}
				r.publish(ev)
				r.pass(time.Millisecond)
			}
			require.Equal(t, 1, s.owed, "one list for all that was lost: %v", s.log)
			require.NotZero(t, r.Stats().Dropped[tt.cause])
			require.Equal(t, r.Stats().Dropped[tt.cause], r.lost())

			s.room = unlimited
			s.w.Ready()
			r.settle()
			require.EqualValues(t, 1, s.rev, "behind a gap nothing comes before the list")
			s.answer()
			r.publish(r.change("k1"), r.change("k9"))
			assert.Equal(t, r.truth, s.view, "%v", s.log)
			assert.Zero(t, s.owed)
			assert.Zero(t, r.Stats().InFlight)
		})
	}
}

func TestResync_WhatTheNewListCoversIsStale(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.DropOldest), Resync: true}, inline)
	s.needed, s.room = nil, 0
	r.changes(3)
	require.Equal(t, []string{"need", "list 0", "lost 1 oldest", "need"}, s.heard())
	s.room = unlimited
	s.listed(watch.List{Revision: 2})
	assert.Equal(t, []string{"list 2", "3"}, s.heard())
	assert.EqualValues(t, 1, r.Stats().Stale)
}

func TestResync_NeedListMayBeAnsweredWithinTheCallback(t *testing.T) {
	for _, tt := range losing {
		t.Run(fmt.Sprintf("%v/keyless=%v", tt.overflow, tt.keyless), func(t *testing.T) {
			r := newRig(t, notify.TypeConfig{})
			s := r.open(watch.Config{Backlog: small(tt.overflow), Resync: true}, inline)
			s.room = 0
			for range 9 {
				ev := r.change("")
				r.publish(ev)
				r.pass(time.Millisecond)
			}
			s.take(unlimited)
			r.publish(r.change("k"))
			assert.Equal(t, r.truth, s.view, "%v", s.log)
			assert.Zero(t, s.owed)
		})
	}
}

// TestResync_ListsOnceForAllThatOneListHas: each event of a flushed backlog is reported lost; the
// list that the first of them asks for has the others.
func TestResync_ListsOnceForAllThatOneListHas(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	backlog := notify.Backlog{Size: 100, Overflow: notify.Flush}
	s := r.open(watch.Config{Backlog: backlog, Resync: true}, inline)
	s.room = 0
	r.changes(101)
	assert.EqualValues(t, 100, r.Stats().Dropped[notify.Flushed])
	assert.Equal(t, 2, s.count("need"), "at the beginning and after the flush")
}

// Those that are lost together with what begins a resync are in its list, with a revision or
// without.
func TestResync_ListsOnceForWhatIsLostTogether(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{
		Backlog: notify.Backlog{Size: 4, Overflow: notify.Flush}, Resync: true,
	}, inline)
	s.room = 0
	for range 5 {
		r.publish(&notify.Event{Type: kind, Subject: subject})
	}
	assert.EqualValues(t, 4, r.Stats().Dropped[notify.Flushed])
	assert.Equal(t, 2, s.count("need"), "at the beginning and after the flush")
}

func TestResync_ALossWhileListingAsksAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.DropNewest), Resync: true})
	early := r.list()
	r.changes(4)
	require.Equal(t, []string{"need", "lost 3 newest", "lost 4 newest"}, s.heard())
	s.listed(early)
	require.Equal(t, []string{"list 0", "need"}, s.heard(), "3 and 4 are still missing")
	s.answer()
	r.changes(1)
	assert.Equal(t, []string{"list 4", "5"}, s.heard())
	assert.Equal(t, r.truth, s.view)
}

// TestResync_ALossJustBehindTheListAsksAgain: the list is delivered within the callback about two
// flushed events, and has the first only.
func TestResync_ALossJustBehindTheListAsksAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.Flush), Resync: true}, inline)
	s.room, s.needed = 0, func(w *watch.Watcher) {
		s.needed = nil
		w.Listed(watch.List{Revision: 1})
	}
	r.changes(3)
	s.room = unlimited
	s.answer()
	assert.Equal(t, []string{
		"need", "list 0", "lost 1 flushed", "lost 2 flushed", "need", "list 1", "need", "list 3",
	}, s.heard())
	assert.Equal(t, r.truth, s.view)
}

func TestResync_ALossThatTheListHasDoesNotAskAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.DropNewest), Resync: true})
	r.changes(4)
	s.answer()
	r.changes(1)
	assert.Equal(t, []string{"need", "lost 3 newest", "lost 4 newest", "list 4", "5"}, s.heard())
}

func TestResync_AListFromBeforeTheLossAsksAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.DropOldest), Resync: true}, inline)
	s.needed, s.room = nil, 0
	r.changes(3)
	s.heard()
	s.listed(watch.List{Revision: 0}) // a replica that lags
	require.Equal(t, []string{"list 0", "need"}, s.heard())
	s.answer()
	assert.Equal(t, []string{"list 3"}, s.heard())
	assert.Equal(t, r.truth, s.view)
}

// TestResync_ALossWithoutARevisionWhileListingAsksAgain: nobody can say whether a list has it.
func TestResync_ALossWithoutARevisionWhileListingAsksAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.DropNewest), Resync: true})
	unordered := &notify.Event{Type: kind, Subject: subject}
	r.publish(unordered, unordered, unordered)
	require.Equal(t, []string{"need", "lost 0 newest"}, s.heard())
	s.answer()
	require.Equal(t, []string{"list 0", "need"}, s.heard())
	s.answer()
	assert.Equal(t, []string{"list 0", "0", "0"}, s.heard(), "and no more than once for each loss")
}

func TestResync_ConflatedIsNoLoss(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.Conflate), Resync: true}, inline)
	s.room = 0
	for i := range 20 {
		r.publish(r.change(fmt.Sprint("k", i%3)))
	}
	s.take(unlimited)
	assert.Equal(t, 1, s.count("need"))
	assert.EqualValues(t, 15, r.Stats().Conflated)
	assert.Equal(t, r.truth, s.view)
}

func TestResync_WithoutItAGapIsSilent(t *testing.T) {
	for _, tt := range losing {
		r := newRig(t, notify.TypeConfig{})
		s := r.open(watch.Config{Backlog: small(tt.overflow)}, inline)
		s.room = 0
		for range 6 {
			ev := r.change("")
			r.publish(ev)
			r.pass(time.Millisecond)
		}
		s.take(unlimited)
		assert.Equal(t, 1, s.count("need"), "%v", tt.overflow)
		assert.NoError(t, s.w.Err(), "%v", tt.overflow)
		assert.NotZero(t, r.Stats().Dropped[tt.cause], "%v: but it is counted", tt.overflow)
	}
}

func TestEvict_EndsTheWatcherWithErrSlow(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Backlog: small(notify.Evict), Resync: true}, inline)
	s.room = 0
	r.changes(4)
	assert.Equal(t, notify.ErrSlow, s.w.Err())
	assert.Equal(t, 1, s.count("need"), "the end is no reason to list: %v", s.log)
	assert.EqualValues(t, 3, r.Stats().Dropped[notify.Evicted])
	assert.Equal(t, fmt.Sprint("end: ", notify.ErrSlow), s.log[len(s.log)-1])
}

func TestSlowWatchers_SizeEventsWaitInOrder(t *testing.T) {
	for o := notify.Conflate; o <= notify.Block; o++ {
		r := newRig(t, notify.TypeConfig{})
		backlog := notify.Backlog{Size: 5, Overflow: o}
		s := r.open(watch.Config{Backlog: backlog, Resync: true}, inline)
		s.room = 0
		r.changes(5)
		s.take(unlimited)
		assert.Equal(t, []string{"need", "list 0", "1", "2", "3", "4", "5"}, s.heard(), "%v", o)
		assert.Zero(t, r.lost(), "%v", o)
	}
}

// TestInit_OneThatPanicsLosesItsWatcherOnly: within the engine's callback a panic is the
// subscriber's failure, and later answers don't hang.
func TestInit_OneThatPanicsLosesItsWatcherOnly(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	other := r.open(watch.Config{}, inline)
	s := r.open(watch.Config{Backlog: small(notify.DropOldest), Resync: true}, inline)
	s.room, s.needed = 0, func(w *watch.Watcher) { w.Listed(watch.List{Revision: 3, State: 1}) }
	r.changes(4)
	var pe *notify.PanicError
	require.ErrorAs(t, s.w.Err(), &pe)
	s.w.Listed(r.list())
	assert.Equal(t, r.truth, other.view)
}

func TestPoll_TakesOneEventPerTick(t *testing.T) {
	for _, batch := range []int{1, 64} {
		r := newRig(t, notify.TypeConfig{Batch: batch})
		s := r.open(watch.Config{Poll: true}, inline)
		r.changes(3)
		require.Equal(t, []string{"need", "list 0"}, s.heard(), "nothing comes by itself")
		for i := 1; i <= 3; i++ {
			s.w.Tick()
			s.w.Tick() // an engine that has not come to the first one has nothing to add to it
			r.settle()
			require.Equal(t, []string{fmt.Sprint(i)}, s.heard(), "batch %d", batch)
		}
		s.w.Tick()
		r.settle()
		r.changes(2)
		require.Empty(t, s.heard(), "a tick that found nothing is gone")
		s.w.Tick()
		r.settle()
		require.Equal(t, []string{"4"}, s.heard())
		s.room = 0 // one that can't take it now has its turn when it can
		s.w.Tick()
		r.settle()
		require.Empty(t, s.heard())
		s.take(unlimited)
		require.Equal(t, []string{"5"}, s.heard())
	}
}

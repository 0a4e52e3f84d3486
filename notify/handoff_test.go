package notify_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// What a subscriber that blocks in Deliver does to the others: nothing, after a while.

// blocker is a subscriber that blocks at one event until it may go on, and then takes of the batch
// what it is told to.
type blocker struct {
	*client
	*listener
	at      int // Payload; 0 once it has
	goOn    chan answer
	blocked sync.Mutex // held while Deliver is under way
}

type answer struct {
	taken int
	err   error
}

func newBlocker(at int) *blocker {
	b := &blocker{
		client: eager(), listener: newListener(), at: at, goOn: make(chan answer),
	}
	b.on = func(batch []*notify.Event) (int, error) {
		for _, ev := range batch {
			if ev.Payload == b.at {
				b.at = 0
				a := <-b.goOn
				return a.taken, a.err
			}
		}
		return len(batch), nil
	}
	return b
}

func (b *blocker) Deliver(batch []*notify.Event) (int, error) {
	if !b.blocked.TryLock() {
		return 0, errors.New("Deliver while it is under way")
	}
	defer b.blocked.Unlock()
	return b.client.Deliver(batch)
}

func (b *blocker) Ended(s *notify.Subscription, reason error) {
	if !b.blocked.TryLock() {
		reason = errors.New("Ended while Deliver is under way")
	} else {
		defer b.blocked.Unlock()
	}
	b.listener.Ended(s, reason)
}

// blockRig is an engine under Run, in a bubble.
type blockRig struct {
	*notify.Engine
	t     *testing.T
	named []*notify.Subscription // by Blocked
	next  int
	stop  func()
}

func inBubble(t *testing.T, tc notify.TypeConfig, test func(t *testing.T, r *blockRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &blockRig{t: t, next: 1}
		if tc.Shards == 0 {
			tc.Shards = 1
		}
		e, err := notify.New(notify.Config{
			Types:   map[notify.Type]notify.TypeConfig{instance: tc},
			Blocked: func(s *notify.Subscription) { r.named = append(r.named, s) },
		})
		require.NoError(t, err)
		r.Engine = e
		r.stop = start(t, e)
		test(t, r)
	})
}

func (r *blockRig) join(to notify.Subscriber, b *notify.Backlog) *notify.Subscription {
	r.t.Helper()
	s, err := r.Subscribe(instance, subject, "g", to, b)
	require.NoError(r.t, err)
	synctest.Wait()
	return s
}

// send publishes n events, one by one, and lets the engine do what it can within its patience.
func (r *blockRig) send(n int) {
	r.t.Helper()
	for range n {
		require.NoError(r.t, r.Publish(context.Background(), newEvent(r.next)))
		r.next++
		synctest.Wait()
	}
}

// runOut lets all patience end.
func (r *blockRig) runOut() {
	time.Sleep(2 * notify.DefaultPatience)
	synctest.Wait()
}

func (r *blockRig) balanced(want notify.Books) {
	r.t.Helper()
	st := r.Stats()
	assert.Zero(r.t, st.Balance())
	assert.Equal(r.t, want, st.Books)
}

func TestBlocked_TheOthersGoOnAndItLosesNothing(t *testing.T) {
	inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
		before, after, b := eager(), eager(), newBlocker(2)
		r.join(before, nil)
		s := r.join(b, nil)
		r.join(after, nil)
		r.send(2)
		assert.Equal(t, seq(1, 2), before.got())
		assert.Equal(t, seq(1, 1), after.got(), "within the patience")
		assert.Zero(t, r.Stats().Blocked)

		r.runOut()
		r.send(3)
		assert.Equal(t, seq(1, 5), before.got())
		assert.Equal(t, seq(1, 5), after.got())
		assert.Equal(t, []*notify.Subscription{s}, r.named)
		st := r.Stats()
		assert.Equal(t, 1, st.Blocked)
		assert.Equal(t, 1, st.Parked)
		r.balanced(notify.Books{Offered: 15, Delivered: 11, InFlight: 4})

		b.goOn <- answer{taken: 1}
		synctest.Wait()
		assert.Equal(t, seq(1, 5), b.got(), "without Ready, for it took all it was offered")
		r.balanced(notify.Books{Offered: 15, Delivered: 15})
		st = r.Stats()
		assert.Zero(t, st.Blocked+st.Parked)
	})
}

func TestBlocked_WhatItDoesNotTakeComesFirst(t *testing.T) {
	for _, readyMeanwhile := range []bool{false, true} {
		inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
			b := newBlocker(1)
			blocking, calls := b.on, 0
			b.on = func(batch []*notify.Event) (int, error) {
				if calls++; calls == 1 {
					return 0, nil // so that several wait
				}
				return blocking(batch)
			}
			s := r.join(b, nil)
			r.send(5)
			s.Ready()
			r.runOut()
			r.send(2)
			require.Equal(t, 1, r.Stats().Blocked)
			if readyMeanwhile {
				s.Ready()
				synctest.Wait()
			}
			b.goOn <- answer{taken: 1}
			synctest.Wait()
			if !readyMeanwhile {
				assert.Equal(t, seq(1, 1), b.got(), "parked until it is ready")
				r.balanced(notify.Books{Offered: 7, Delivered: 1, InFlight: 6})
				s.Ready()
				synctest.Wait()
			}
			assert.Equal(t, seq(1, 7), b.got())
			r.balanced(notify.Books{Offered: 7, Delivered: 7})
			assert.Zero(t, r.Stats().Parked)
		})
	}
}

// What overflows meanwhile is lost by the policy, and counted exactly; what Deliver has in hand is
// beyond the size of the backlog.
func TestBlocked_ItsBacklogIsBounded(t *testing.T) {
	for o, want := range map[notify.Overflow]struct {
		cause notify.Cause
		lost  []int
		got   []int
	}{
		notify.DropOldest: {notify.Oldest, seq(2, 7), []int{1, 8, 9, 10}},
		notify.DropNewest: {notify.Newest, seq(5, 10), seq(1, 4)},
		notify.Flush:      {notify.Flushed, seq(2, 7), []int{1, 8, 9, 10}},
		notify.Conflate:   {notify.Newest, seq(5, 10), seq(1, 4)}, // they have no Key
	} {
		for _, prealloc := range []bool{false, true} {
			inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
				b := newBlocker(1)
				r.join(b, &notify.Backlog{Size: 3, Overflow: o, Prealloc: prealloc})
				r.send(1)
				r.runOut()
				r.send(9)
				assert.Equal(t, map[notify.Cause][]int{want.cause: want.lost}, b.lost, "%v", o)
				b.goOn <- answer{taken: 1}
				synctest.Wait()
				assert.Equal(t, want.got, b.got(), "%v", o)
				assert.Zero(t, r.Stats().InFlight)
			})
		}
	}
}

func TestBlocked_WhatConflatesMeanwhileCatchesUp(t *testing.T) {
	inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
		b := newBlocker(1)
		r.join(b, &notify.Backlog{Size: 2})
		keyed := func(key string) {
			ev := newEvent(r.next)
			ev.Key = key
			r.next++
			require.NoError(t, r.Publish(context.Background(), ev))
			synctest.Wait()
		}
		keyed("a")
		r.runOut()
		for _, key := range []string{"a", "b", "a", "b", "a", "c"} {
			keyed(key)
		}
		b.goOn <- answer{taken: 0} // what is in its mailbox goes beyond the size now
		synctest.Wait()
		assert.Equal(t, 7, int(r.Stats().InFlight))
		r.named[0].Ready()
		synctest.Wait()
		assert.Equal(t, []int{1, 2, 3, 5, 6, 7}, b.got())
		r.balanced(notify.Books{Offered: 7, Delivered: 6, Conflated: 1})
	})
}

func TestBlocked_ItsEndWaitsForTheCall(t *testing.T) {
	fault := errors.New("fault")
	for name, tt := range map[string]struct {
		end    func(*blockRig, *notify.Subscription)
		answer answer
		want   error
		cause  notify.Cause
	}{
		"closed": {
			func(_ *blockRig, s *notify.Subscription) { s.Close() },
			answer{1, nil}, notify.ErrClosed, notify.Closed,
		},
		"evicted": {
			func(r *blockRig, _ *notify.Subscription) { r.send(5) },
			answer{1, nil}, notify.ErrSlow, notify.Evicted,
		},
		"fails": {
			func(*blockRig, *notify.Subscription) {},
			answer{1, fault}, fault, notify.Failed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
				b, other := newBlocker(1), eager()
				s := r.join(b, &notify.Backlog{Size: 3, Overflow: notify.Evict})
				r.join(other, nil)
				r.send(1)
				r.runOut()
				r.send(2)
				tt.end(r, s)
				synctest.Wait()
				assert.Empty(t, b.ends, "not while it is in the call")
				b.goOn <- tt.answer
				synctest.Wait()
				assert.Equal(t, []error{tt.want}, b.ends[s])
				r.send(1)
				assert.Equal(t, seq(1, 1), b.got())
				assert.Equal(t, seq(1, r.next-1), other.got())
				assert.Zero(t, b.late)
				st := r.Stats()
				assert.Zero(t, st.Balance())
				assert.Zero(t, st.InFlight)
				assert.Zero(t, st.Parked+st.Blocked)
				assert.Equal(t, 1, st.Subscriptions)
				assert.Equal(t, st.Offered-st.Delivered, st.Dropped[tt.cause])
			})
		})
	}
}

// Members come and go while the walk that was handed over is under way.
func TestBlocked_JoinersAndLeaversWaitForTheWalk(t *testing.T) {
	inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
		b1, b2 := newBlocker(1), newBlocker(1)
		first, second, third := eager(), eager(), eager()
		leaver := r.join(first, nil)
		r.join(b1, nil)
		r.join(second, nil)
		r.join(b2, nil)
		r.join(third, nil)
		r.send(1)
		leaver.Close() // the last member would take its place, which the walk has passed
		late := eager()
		_, err := r.Subscribe(instance, subject, "g", late, nil)
		require.NoError(t, err)
		time.Sleep(notify.DefaultPatience * 3) // the one who comes first is given up first
		synctest.Wait()
		r.runOut()
		r.send(1)
		assert.Equal(t, seq(1, 1), first.got())
		assert.Equal(t, seq(1, 2), second.got())
		assert.Equal(t, seq(1, 2), third.got())
		assert.Equal(t, seq(2, 2), late.got())
		assert.Equal(t, 2, r.Stats().Blocked)
		b1.goOn <- answer{1, nil}
		b2.goOn <- answer{1, nil}
		synctest.Wait()
		assert.Equal(t, seq(1, 2), b1.got())
		assert.Equal(t, seq(1, 2), b2.got())
		r.balanced(notify.Books{Offered: 10, Delivered: 10})
	})
}

func TestBlocked_RunWaitsForTheCall(t *testing.T) {
	inBubble(t, notify.TypeConfig{Shards: 2}, func(t *testing.T, r *blockRig) {
		b := newBlocker(1)
		s := r.join(b, nil)
		r.send(1)
		r.runOut()
		r.send(1)
		ended := make(chan struct{})
		go func() {
			r.stop()
			close(ended)
		}()
		synctest.Wait()
		time.Sleep(time.Hour)
		assert.ErrorIs(t, s.Err(), notify.ErrClosed)
		assert.Empty(t, b.ends)
		select {
		case <-ended:
			assert.Fail(t, "Run has returned")
		default:
		}
		b.goOn <- answer{1, nil}
		<-ended
		assert.Equal(t, []error{notify.ErrClosed}, b.ends[s])
		r.balanced(notify.Books{Offered: 2, Delivered: 1,
			Dropped: drops(map[notify.Cause]uint64{notify.Closed: 1})})
	})
}

// The watchdog must come to look however often other workers wake up meanwhile.
func TestBlocked_IsNoticedWhileOthersComeAndGo(t *testing.T) {
	inBubble(t, notify.TypeConfig{Shards: 2}, func(t *testing.T, r *blockRig) {
		b, after, elsewhere := newBlocker(1), eager(), eager()
		r.join(b, nil)
		r.join(after, nil)
		_, err := r.Subscribe(instance, subject, "h", elsewhere, nil) // on the other shard
		require.NoError(t, err)
		r.runOut() // so that the watchdog sleeps
		for i := range 10 {
			require.NoError(t, r.Publish(t.Context(), newEvent(i+1), "h"))
			if i == 0 {
				require.NoError(t, r.Publish(t.Context(), newEvent(1), "g"))
			}
			time.Sleep(notify.DefaultPatience * 4 / 5)
			synctest.Wait()
		}
		assert.Equal(t, seq(1, 10), elsewhere.got())
		assert.Equal(t, seq(1, 1), after.got())
		b.goOn <- answer{taken: 1}
	})
}

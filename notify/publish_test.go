package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// Publish: what it refuses, and how it waits for room.

func TestPublish_RefusesWhatMakesNoSense(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	ctx := context.Background()
	assert.ErrorIs(t, r.Publish(ctx, nil), notify.ErrInvalid)
	assert.ErrorIs(t, r.Publish(ctx, &notify.Event{Type: instance}), notify.ErrInvalid)
	negative := &notify.Event{Type: instance, Subject: "s", Revision: -1}
	assert.ErrorIs(t, r.Publish(ctx, negative), notify.ErrInvalid)
	err := r.Publish(ctx, &notify.Event{Type: "ALARM", Subject: subject})
	assert.ErrorIs(t, err, notify.ErrUnknownType)
	assert.ErrorContains(t, err, `"ALARM"`)
	assert.ErrorContains(t, err, "INSTANCE", "it names those there are")
	assert.ErrorIs(t, r.Publish(ctx, &notify.Event{Subject: subject}), notify.ErrUnknownType)
	assert.Zero(t, r.Stats().Published)
	assert.Zero(t, r.Stats().Rejected)
}

func TestSubscribe_RefusesWhatMakesNoSense(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	_, err := r.Subscribe("ALARM", subject, "g", eager(), nil)
	assert.ErrorIs(t, err, notify.ErrUnknownType)
	_, err = r.Subscribe(instance, "", "g", eager(), nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
	_, err = r.Subscribe(instance, subject, "g", nil, nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
	_, err = r.Subscribe(instance, subject, "g", eager(), &notify.Backlog{Size: -1, Overflow: 9})
	assert.ErrorIs(t, err, notify.ErrInvalid)
	assert.ErrorContains(t, err, "Size = -1")
	assert.ErrorContains(t, err, "Overflow = Overflow(9)")
	w, _ := r.settle()
	assert.True(t, w.Idle)
	assert.Zero(t, r.Stats().Subscriptions)
}

func TestPublish_RejectReturnsErrFullAtOnce(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 2, QueueSize: 3, WhenFull: notify.Reject})
	c := eager()
	r.join("g", c, nil)
	r.join("h", eager(), nil) // on the other shard
	for range 3 {
		r.put(&notify.Event{})
	}
	assert.ErrorIs(t, r.Publish(context.Background(), newEvent(9)), notify.ErrFull)
	st := r.Stats()
	assert.EqualValues(t, 3, st.Published)
	assert.EqualValues(t, 1, st.Rejected)
	assert.Equal(t, 3, st.Queued)
	r.step() // one of the two shards has room now, which is not enough
	assert.ErrorIs(t, r.Publish(context.Background(), newEvent(9)), notify.ErrFull)
	r.settle()
	r.send(1)
	assert.Equal(t, seq(1, 4), c.got(), "all shards or none")
}

func TestPublish_WaitEndsWithItsContext(t *testing.T) {
	r := newRig(t, notify.TypeConfig{QueueSize: 1})
	ctx, cancel := context.WithCancelCause(context.Background())
	require.NoError(t, r.Publish(ctx, newEvent(1)))
	cancel(assert.AnError)
	err := r.Publish(ctx, newEvent(2))
	assert.ErrorIs(t, err, context.Canceled)
	st := r.Stats()
	assert.EqualValues(t, 1, st.Published)
	assert.EqualValues(t, 1, st.Rejected)
	r.settle()
	assert.NoError(t, r.Publish(ctx, newEvent(3)), "with room the context is not asked")
}

func TestPublish_WaitersAreServedInTheOrderOfTheirComing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, notify.TypeConfig{QueueSize: 2, Batch: 1})
		c := eager()
		r.join("g", c, nil)
		r.put(&notify.Event{})
		r.put(&notify.Event{})
		ctxs := make([]context.CancelFunc, 0, 10)
		var accepted sync.Map
		for i := 3; i < 13; i++ {
			ctx, cancel := context.WithCancel(t.Context())
			ctxs = append(ctxs, cancel)
			go func() { accepted.Store(i, r.Publish(ctx, newEvent(i))) }()
			synctest.Wait() // it stands in the line
		}
		result := func(i int) any { v, _ := accepted.Load(i); return v }
		ctxs[0]() // the first of the line
		ctxs[4]() // and one in the middle
		synctest.Wait()
		assert.ErrorIs(t, result(3).(error), context.Canceled)
		assert.ErrorIs(t, result(7).(error), context.Canceled)
		for range 13 {
			r.step()
			synctest.Wait()
			assert.LessOrEqual(t, r.Stats().Queued, 2)
		}
		r.settle()
		assert.Equal(t, []int{1, 2, 4, 5, 6, 8, 9, 10, 11, 12}, c.got())
		for _, cancel := range ctxs {
			cancel()
		}
	})
}

func TestPublish_ALateComerDoesNotJumpTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, notify.TypeConfig{QueueSize: 1})
		c := eager()
		r.join("g", c, nil)
		r.put(&notify.Event{})
		for i := 2; i < 5; i++ {
			go func() { assert.NoError(t, r.Publish(t.Context(), newEvent(i))) }()
			synctest.Wait()
		}
		r.step() // room for one, and nobody in the line has run yet
		require.NoError(t, func() error {
			errs := make(chan error, 1)
			go func() { errs <- r.Publish(t.Context(), newEvent(5)) }()
			for range 10 {
				synctest.Wait()
				r.step()
			}
			return <-errs
		}())
		assert.Equal(t, seq(1, 5), c.got())
	})
}

func TestPublish_TheLineMovesUnderRun(t *testing.T) {
	// Few places and many publishers: each hand-over of the line is a chance to lose a wake-up.
	publishers, each := 8, 2000
	if raceEnabled || testing.Short() {
		each = 300
	}
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint("shards=", shards), func(t *testing.T) {
			e := newEngine(t, notify.TypeConfig{Shards: shards, QueueSize: 1}, nil)
			c := eager()
			_, err := e.Subscribe(instance, subject, "g", c, nil)
			require.NoError(t, err)
			last := newFence(t, e)
			stop := start(t, e)
			var group sync.WaitGroup
			for p := range publishers {
				group.Go(func() {
					for i := range each {
						if p%2 == 0 && i%5 == 0 { // impatient ones leave the line
							ctx, cancel := context.WithCancel(t.Context())
							go cancel()
							err := e.Publish(ctx, newEvent(-1))
							assert.True(t, err == nil || ctx.Err() != nil)
							cancel()
						}
						assert.NoError(t, e.Publish(t.Context(), newEvent(p*each+i)))
					}
				})
			}
			group.Wait()
			last.wait()
			stop()
			assert.EqualValues(t, len(c.got()), e.Stats().Published-1, "all but the fence")
			next := make([]int, publishers)
			for p := range next {
				next[p] = p * each
			}
			for _, n := range c.got() {
				if n >= 0 {
					require.Equal(t, next[n/each], n, "of one publisher nothing is lost or late")
					next[n/each]++
				}
			}
			for p, n := range next {
				assert.Equal(t, (p+1)*each, n)
			}
		})
	}
}

func TestPublish_ALonePublisherIsWokenByTheRoomItSawTooLate(t *testing.T) {
	// The shard makes room between the look at the queue and the entry into the line: nobody is
	// waiting yet, so nobody is told. Only a second look helps.
	events := 300_000
	if raceEnabled || testing.Short() {
		events = 30_000
	}
	e := newEngine(t, notify.TypeConfig{Shards: 1, QueueSize: 1}, nil)
	c := eager()
	_, err := e.Subscribe(instance, subject, "g", c, nil)
	require.NoError(t, err)
	f := newFence(t, e)
	stop := start(t, e)
	for i := range events {
		require.NoError(t, e.Publish(t.Context(), newEvent(i)))
	}
	f.wait()
	stop()
	assert.Equal(t, seq(0, events-1), c.got())
}

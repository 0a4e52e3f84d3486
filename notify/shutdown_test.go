package notify_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// Shutdown, and who may drive an engine.

func TestShutdown_DiscardsAndCounts(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *notify.Engine){
		"Close and Step": func(t *testing.T, e *notify.Engine) {
			e.Close()
			e.Close()
			for closed := false; !closed; {
				w, err := e.Step(epoch)
				require.NoError(t, err)
				closed = w.Closed && w.Idle
			}
		},
		"Close and Run": func(t *testing.T, e *notify.Engine) {
			e.Close()
			require.NoError(t, e.Run(context.Background()))
			e.Close()
		},
		"the context of Run": func(t *testing.T, e *notify.Engine) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			require.NoError(t, e.Run(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			obs := newListener()
			r := newRig(t, notify.TypeConfig{Shards: 2}, obs)
			a, b := r.join("g", refusing(), nil), r.join("h", eager(), nil) // one on each shard
			r.send(3)
			if name == "the context of Run" { // the workers may route events before they hear of it
				r.Close()
			}
			if name == "Close and Step" {
				r.put(&notify.Event{})
				r.put(&notify.Event{})
			}
			end(t, r.Engine)

			assert.Equal(t, notify.ErrClosed, a.Err())
			assert.Equal(t, notify.ErrClosed, b.Err())
			assert.Equal(t, map[*notify.Subscription][]error{
				a: {notify.ErrClosed}, b: {notify.ErrClosed},
			}, obs.ends)
			st := r.Stats()
			assert.Equal(t, drops(map[notify.Cause]uint64{notify.Closed: 3}), st.Dropped)
			assert.EqualValues(t, 3, st.Delivered)
			assert.EqualValues(t, 2*(st.Published-3), st.Discarded, "on each of 2 shards")
			assert.Zero(t, st.InFlight+uint64(st.Parked+st.Queued))
			assert.Zero(t, st.Subjects+st.Groups+st.Subscriptions)
			assert.Zero(t, st.Balance())

			assert.ErrorIs(t, r.Publish(context.Background(), newEvent(1)), notify.ErrClosed)
			_, err := r.Subscribe(instance, subject, "g", eager(), nil)
			assert.ErrorIs(t, err, notify.ErrClosed)
		})
	}
}

func TestShutdown_RefusesFromTheMomentOfClose(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	r.join("g", c, nil)
	r.put(&notify.Event{})
	r.Close()
	assert.ErrorIs(t, r.Publish(context.Background(), newEvent(2)), notify.ErrClosed)
	_, err := r.Subscribe(instance, subject, "g", eager(), nil)
	assert.ErrorIs(t, err, notify.ErrClosed)
	w := r.step()
	assert.True(t, w.Closed)
	assert.False(t, w.Idle, "it has ended what there was")
	w = r.step()
	assert.True(t, w.Closed)
	assert.True(t, w.Idle)
	assert.Empty(t, c.got(), "not routed before the engine closed")
	assert.EqualValues(t, 1, r.Stats().Discarded)
	assert.EqualValues(t, 1, r.Stats().Published)
	assert.Zero(t, r.Stats().Rejected, "a refused event is neither published nor rejected")
}

func TestShutdown_OfAnIdleEngineAndOfOneThatWaits(t *testing.T) {
	for _, b := range []notify.Backlog{{}, {Size: 1, Overflow: notify.Block}, {WaitForList: true}} {
		b.AddTimeout = 1 << 60 // never by itself
		e := newEngine(t, notify.TypeConfig{Shards: 2, Backlog: b}, nil)
		stop := start(t, e)
		f := newFence(t, e)
		if !b.WaitForList {
			f.wait()
		}
		s, err := e.Subscribe(instance, subject, "g", refusing(), nil)
		require.NoError(t, err)
		for i := range 5 {
			require.NoError(t, e.Publish(t.Context(), newEvent(i)))
		}
		stop()
		assert.Equal(t, notify.ErrClosed, s.Err())
		st := e.Stats()
		assert.Zero(t, st.InFlight)
		assert.Zero(t, st.Balance())
	}
}

// The acceptance figure: 47 of 50 publishers hung for ever upstream.
func TestAcceptance_NoPublisherHangsAfterShutdown(t *testing.T) {
	const publishers = 400
	for name, cancelSome := range map[string]bool{"engine ends": false, "contexts end too": true} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, notify.TypeConfig{Shards: 2, QueueSize: 4}, nil)
			began, open := make(chan struct{}, 1), make(chan struct{})
			stuck := eager()
			stuck.on = func(batch []*notify.Event) (int, error) { // against the rules
				began <- struct{}{}
				<-open
				return len(batch), nil
			}
			_, err := e.Subscribe(instance, subject, "g", stuck, nil)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan error, 1)
			go func() { ran <- e.Run(ctx) }()
			require.NoError(t, e.Publish(ctx, newEvent(0)))
			<-began

			pctx, pcancel := context.WithCancel(context.Background())
			defer pcancel()
			var group sync.WaitGroup
			var mu sync.Mutex
			accepted := uint64(1)
			for i := range publishers {
				group.Go(func() {
					use := context.Background()
					if cancelSome && i%2 == 0 {
						use = pctx
					}
					for { // until there is no more room, and beyond
						err := e.Publish(use, newEvent(i))
						if err != nil {
							if !errors.Is(err, notify.ErrClosed) {
								assert.ErrorIs(t, err, context.Canceled)
							}
							return
						}
						mu.Lock()
						accepted++
						mu.Unlock()
					}
				})
			}
			for e.Stats().Queued < 4 { // the queue fills
				runtime.Gosched()
			}
			if cancelSome {
				pcancel()
			}
			cancel()
			group.Wait() // hangs here if one of them does: the worker is still stuck
			close(open)
			require.NoError(t, <-ran)
			st := e.Stats()
			assert.Equal(t, accepted, st.Published)
			assert.Zero(t, st.Balance())
			assert.Zero(t, st.InFlight)
		})
	}
}

func TestShutdown_PublishersOfAnEngineThatNeverRan(t *testing.T) {
	e := newEngine(t, notify.TypeConfig{Shards: 1, QueueSize: 1}, nil)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			for e.Publish(t.Context(), newEvent(i)) == nil {
			}
		})
	}
	e.Close()
	group.Wait()
}

func TestRun_ASecondTimeAndStepUnderItAreRefused(t *testing.T) {
	e := newEngine(t, notify.TypeConfig{}, nil)
	stop := start(t, e)
	newFence(t, e).wait() // it runs
	assert.ErrorIs(t, e.Run(t.Context()), notify.ErrRunning)
	w, err := e.Step(epoch)
	assert.ErrorIs(t, err, notify.ErrRunning)
	assert.True(t, w.Idle)
	stop()
	assert.ErrorIs(t, e.Run(t.Context()), notify.ErrRunning, "an engine runs once")
	_, err = e.Step(epoch)
	assert.ErrorIs(t, err, notify.ErrRunning)
}

func TestRun_GoesOnWhereStepStopped(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	r.join("g", c, nil)
	r.send(2)
	r.put(&notify.Event{})
	f := newFence(t, r.Engine)
	stop := start(t, r.Engine)
	f.wait()
	stop()
	assert.Equal(t, seq(1, 3), c.got())
}

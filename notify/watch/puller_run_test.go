package watch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// bubble runs f with an engine under Run, in a bubble whose clock moves when all wait.
func bubble(t *testing.T, f func(t *testing.T, e *notify.Engine)) {
	synctest.Test(t, func(t *testing.T) {
		e, err := notify.New(notify.Config{
			Types: map[notify.Type]notify.TypeConfig{kind: {Shards: 2}},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		f(t, e)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestPuller_AListThatTakesTooLongEndsItWithErrListTimeout(t *testing.T) {
	for _, limit := range []time.Duration{0, 3 * time.Second} {
		bubble(t, func(t *testing.T, e *notify.Engine) {
			hang := func(ctx context.Context) (watch.List, error) {
				<-ctx.Done()
				return watch.List{}, ctx.Err()
			}
			began := time.Now()
			p, err := watch.Pull(e, here, hang, &watch.Config{ListTimeout: limit},
				watch.PullOptions{})
			require.NoError(t, err)
			for range 2 {
				_, err = p.Next(t.Context())
				require.ErrorIs(t, err, watch.ErrListTimeout)
				require.ErrorIs(t, err, context.DeadlineExceeded, "what the list said, too")
			}
			require.ErrorIs(t, p.Err(), watch.ErrListTimeout)
			want := limit
			if want == 0 {
				want = watch.DefaultListTimeout
			}
			require.Equal(t, want, time.Since(began), "in the bubble's time, which is exact")
		})
	}
}

func TestPuller_NextWaitsForEventsForTheEndAndForItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, e *notify.Engine) {
		list := func(context.Context) (watch.List, error) { return watch.List{}, nil }
		p, err := watch.Pull(e, here, list, &watch.Config{}, watch.PullOptions{})
		require.NoError(t, err)
		u, err := p.Next(t.Context())
		require.NoError(t, err)
		require.NotNil(t, u.List)

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = p.Next(ctx)
		require.Equal(t, context.DeadlineExceeded, err)

		got := make(chan int64)
		go func() {
			defer close(got)
			for {
				u, err := p.Next(t.Context())
				if errors.Is(err, notify.ErrClosed) {
					return
				}
				for _, ev := range u.Events {
					got <- ev.Revision
				}
			}
		}()
		for rev := int64(1); rev <= 200; rev++ {
			synctest.Wait() // the goroutine waits for the event, or to hand one over
			ev := &notify.Event{Type: kind, Subject: subject, Revision: rev}
			require.NoError(t, e.Publish(t.Context(), ev))
			if rev%3 == 0 { // let up to three gather
				for want := rev - 2; want <= rev; want++ {
					require.Equal(t, want, <-got)
				}
			}
		}
		require.EqualValues(t, 199, <-got)
		require.EqualValues(t, 200, <-got)
		p.Close()
		_, open := <-got
		require.False(t, open, "Next ends with the watcher")
	})
}

// TestRun_PullersConverge: with backlogs that overflow all the time, what Next returns never goes
// back in time, a list comes before the events later than it, and all have the truth in the end.
func TestRun_PullersConverge(t *testing.T) {
	e, ctx := running(t, notify.TypeConfig{QueueSize: 64, Batch: 8}, endless)
	r := &registry{truth: state{}}
	events := int64(raceOr(2_000, 20_000))
	list := func(context.Context) (watch.List, error) { return r.list(), nil }

	var wg sync.WaitGroup
	var lists atomic.Int64
	const pullers = 20
	for i := range pullers {
		c := &watch.Config{Resync: true, Backlog: notify.Backlog{
			Size: 1 + i%5, Overflow: losing[i%len(losing)].overflow, AddTimeout: time.Microsecond,
		}}
		p, err := watch.Pull(e, here, list, c, watch.PullOptions{Size: 1 + i%3})
		require.NoError(t, err)
		wg.Go(func() {
			defer p.Close()
			view, rev := state{}, int64(0)
			for rev < events {
				u, err := p.Next(ctx)
				if !assert.NoError(t, err) {
					return
				}
				if u.List != nil {
					lists.Add(1)
					assert.GreaterOrEqual(t, u.List.Revision, rev, "a list goes back in time")
					view, rev = u.List.State.(state), u.List.Revision
				}
				for _, ev := range u.Events {
					assert.Greater(t, ev.Revision, rev, "an event goes back in time")
					view[ev.Key], rev = ev.Revision, ev.Revision
				}
			}
			assert.Equal(t, r.list().State, view)
		})
	}
	for range events {
		require.NoError(t, e.Publish(ctx, r.change(fmt.Sprint("k", r.rev%7))))
	}
	wg.Wait()
	assert.Greater(t, lists.Load(), int64(pullers), "nobody listed again: this tests nothing")
}

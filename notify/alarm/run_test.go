package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
)

// The monitor beside an engine under Run. The time of these tests is that of a synctest bubble.

// run runs engine and monitor until stop, which returns when both have.
func (r *rig) run(t *testing.T) (ctx context.Context, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- r.Engine.Run(ctx) }()
	go func() { ended <- r.Monitor.Run(ctx, r.Engine) }()
	return ctx, func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
	}
}

// pass lets fake time pass and everybody do what there is to do then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRun_SubscriberBlockedComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, stop := r.run(t)
		defer stop()
		release := make(chan struct{})
		r.join(deliver(func(batch []*notify.Event) (int, error) {
			<-release
			return len(batch), nil
		}), nil)
		r.fill(1)
		pass(2 * time.Second)
		require.Equal(t, []alarm.ID{alarm.SubscriberBlocked}, lit(r.board))
		a := r.get(alarm.SubscriberBlocked)
		assert.Equal(t, int64(1), a.Fields.Get("blocked"))
		assert.Equal(t, int64(1), a.Fields.Get("count"))
		assert.Equal(t, "alarm_test.deliver", a.Fields.Get(alarm.Detail))
		pass(time.Minute)
		assert.Greater(t, r.get(alarm.SubscriberBlocked).Count, uint64(1), "it still stands")
		close(release)
		pass(3 * time.Second)
		assert.Empty(t, lit(r.board))
	})
}

// What stands when the monitor looks is seen by an engine that tells nobody of it, too.
func TestRun_SubscriberBlockedNeedsNoHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := alarm.NewMonitor(alarm.Config{Types: types()})
		require.NoError(t, err)
		r := rigOf(t, m, notify.Config{Types: types(), Observer: m})
		_, stop := r.run(t)
		defer stop()
		release := make(chan struct{})
		r.join(deliver(func(batch []*notify.Event) (int, error) {
			<-release
			return len(batch), nil
		}), nil)
		r.fill(1)
		pass(2 * time.Second)
		assert.Equal(t, []alarm.ID{alarm.SubscriberBlocked}, lit(r.board))
		close(release)
		pass(3 * time.Second)
		assert.Empty(t, lit(r.board))
	})
}

func TestRun_SeesAFullQueueBehindABlockingShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, stop := r.run(t)
		defer stop()
		release := make(chan struct{})
		r.join(prompt(func(batch []*notify.Event) (int, error) { // a lie, which stops its shard
			<-release
			return len(batch), nil
		}), nil)
		r.fill(1)
		synctest.Wait()
		for r.publish() == nil {
		}
		pass(2 * time.Second)
		assert.Equal(t, []alarm.ID{alarm.QueueHigh}, lit(r.board))
		close(release)
		pass(4 * time.Second)
		assert.Empty(t, lit(r.board))
		assert.Equal(t, alarm.Cleared, r.get(alarm.QueueHigh).Status)
	})
}

// prompt is a subscriber that says that it can't block.
type prompt func(batch []*notify.Event) (int, error)

func (p prompt) Deliver(batch []*notify.Event) (int, error) { return p(batch) }
func (p prompt) Prompt() bool                               { return true }

func TestRun_EndsWithTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		go func() { assert.NoError(t, r.Engine.Run(context.Background())) }()
		ended := make(chan error, 1)
		go func() { ended <- r.Monitor.Run(context.Background(), r.Engine) }()
		r.join(refuse, &notify.Backlog{Size: 1, Overflow: notify.DropNewest})
		r.fill(3)
		synctest.Wait()
		r.Close()
		require.NoError(t, <-ended)
	})
}

func TestRun_ReturnsWhatKeepsItFromTelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
			kind: {QueueSize: 1, WhenFull: notify.Reject, Shards: 1},
		}})
		require.NoError(t, err)
		m, err := alarm.NewMonitor(alarm.Config{Types: types()})
		require.NoError(t, err)
		ev := &notify.Event{Type: kind, Subject: subject}
		require.NoError(t, e.Publish(context.Background(), ev))
		require.ErrorIs(t, e.Publish(context.Background(), ev), notify.ErrFull)
		assert.ErrorIs(t, m.Run(context.Background(), e), notify.ErrUnknownType)
	})
}

// TestRun_EverythingAtOnce is for the race detector, and for the agreement of two boards when one
// is cleared while alarms are raised all the time.
func TestRun_EverythingAtOnce(t *testing.T) {
	const rounds = 300
	r := newRig(t, func(c *alarm.Config) {
		c.Interval, c.Repeat = 100*time.Microsecond, time.Millisecond
	})
	other := r.open()
	ctx, stop := r.run(t)
	var wg sync.WaitGroup
	many := func(do func(i int)) {
		wg.Go(func() {
			for i := range rounds {
				do(i)
			}
		})
	}
	many(func(i int) {
		_, err := r.Subscribe(kind, subject, fmt.Sprint(i%7), refuse,
			&notify.Backlog{Size: 1 + i%2, Overflow: []notify.Overflow{
				notify.Evict, notify.DropNewest}[i%2]})
		assert.NoError(t, err)
	})
	many(func(int) { _ = r.publish() }) // full at times, as it should be
	many(func(i int) { _ = alarm.Raise(r.Engine, time.Now(), alarm.ID(fmt.Sprint(i%9))) })
	many(func(i int) { _ = r.board.Clear(alarm.ID(fmt.Sprint(i%9)), time.Now()) })
	many(func(i int) {
		if i%50 == 0 {
			_, _ = r.board.ClearAll(time.Now())
		}
		r.board.List()
		r.DroppedAlarms()
		_, err := r.Check(r.Engine, time.Now())
		assert.NoError(t, err)
	})
	wg.Wait()
	r.fence(ctx)
	stop()
	assert.Equal(t, lit(other), lit(r.board))
	st := r.Stats()
	assert.Zero(t, st.Balance(), "books: %+v", st.Books)
}

// TestRun_AClearNeverUndoesALaterRaise: when the engine brings a raise while somebody clears on the
// board, the one that was published last holds, on all boards.
func TestRun_AClearNeverUndoesALaterRaise(t *testing.T) {
	r := newRig(t)
	other := r.open()
	ctx, stop := r.run(t)
	defer stop()
	// Readers make a clear wait for the board between its event and its own entry.
	var readers sync.WaitGroup
	defer readers.Wait()
	reading, done := context.WithCancel(ctx)
	defer done()
	for range 2 {
		readers.Go(func() {
			for reading.Err() == nil {
				r.board.List()
				runtime.Gosched() // or with one processor each round takes as long as they like
			}
		})
	}
	for range 2000 {
		require.NoError(t, alarm.Raise(r.Engine, epoch, "x"))
		r.fence(ctx)
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, r.board.Clear("x", epoch)) })
		wg.Go(func() {
			for range 3 {
				assert.NoError(t, alarm.Raise(r.Engine, epoch, "x"))
				r.board.List()
			}
		})
		wg.Wait()
		r.fence(ctx)
		require.Equal(t, lit(other), lit(r.board))
	}
}

// fence returns when all that was published before has come to the boards, for everybody who hears
// of alarms is on one shard.
func (r *rig) fence(ctx context.Context) {
	r.t.Helper()
	passed := make(chan struct{})
	s, err := r.Subscribe(alarm.Events, "/fence/", "", deliver(
		func(batch []*notify.Event) (int, error) {
			close(passed)
			return len(batch), nil
		}), nil)
	require.NoError(r.t, err)
	defer s.Close()
	last := &notify.Event{Type: alarm.Events, Subject: "/fence/"}
	for err = notify.ErrFull; errors.Is(err, notify.ErrFull); {
		err = r.Publish(ctx, last)
	}
	require.NoError(r.t, err)
	<-passed
}

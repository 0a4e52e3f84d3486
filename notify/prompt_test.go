package notify_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// Who is watched, and when; and those who end the worker's goroutine.

// As a test's FailNow does.
func TestGoexit_InDeliverEndsItsSubscriptionOnly(t *testing.T) {
	for i := range 4 {
		wrap := func(s notify.Subscriber) notify.Subscriber { return s }
		if i&1 != 0 {
			wrap = func(s notify.Subscriber) notify.Subscriber { return prompt{s} }
		}
		inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
			other := eager()
			r.join(wrap(other), nil)
			exits := &client{on: func([]*notify.Event) (int, error) {
				runtime.Goexit()
				return 0, nil
			}}
			s := r.join(wrap(exits), &notify.Backlog{Prealloc: i&2 != 0})
			r.join(wrap(other), nil)
			r.send(1)
			r.send(2)
			assert.Equal(t, []int{1, 1, 2, 2, 3, 3}, other.got())
			var panicked *notify.PanicError
			require.ErrorAs(t, s.Err(), &panicked)
			assert.ErrorContains(t, panicked, "Goexit")
			st := r.Stats()
			assert.Equal(t, 2, st.Subscriptions)
			assert.Zero(t, st.Balance())
			assert.Zero(t, st.InFlight)
			assert.Empty(t, r.named, "it doesn't block")
		})
	}
}

// prompt is a subscriber that claims to be Prompt.
type prompt struct{ notify.Subscriber }

func (prompt) Prompt() bool { return true }

func TestPrompt_IsNotWatched(t *testing.T) {
	inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
		b, other := newBlocker(1), eager()
		r.join(prompt{b}, nil)
		r.join(prompt{other}, nil)
		r.send(2)
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Empty(t, other.got())
		assert.Zero(t, r.Stats().Blocked)
		b.goOn <- answer{taken: 1}
		synctest.Wait()
		assert.Equal(t, seq(1, 2), other.got())
		r.balanced(notify.Books{Offered: 4, Delivered: 4})
	})
}

// Whoever stands beside prompt ones is watched.
func TestPrompt_IsEachSubscribersOwn(t *testing.T) {
	inBubble(t, notify.TypeConfig{}, func(t *testing.T, r *blockRig) {
		var all []*client
		add := func(wrap func(*client) notify.Subscriber) {
			c := eager()
			all = append(all, c)
			r.join(wrap(c), nil)
		}
		plain := func(c *client) notify.Subscriber { return c }
		isPrompt := func(c *client) notify.Subscriber { return prompt{c} }
		add(isPrompt)
		add(isPrompt)
		add(plain)
		b := newBlocker(1)
		r.join(b, nil)
		add(plain)
		add(isPrompt)
		r.send(1)
		r.runOut()
		for _, c := range all {
			assert.Equal(t, seq(1, 1), c.got())
		}
		b.goOn <- answer{taken: 1}
		synctest.Wait()
		r.balanced(notify.Books{Offered: 6, Delivered: 6})
	})
}

// timersClock counts how often a timer is set.
type timersClock struct {
	clock.Real
	set atomic.Int64
}

type countedTimer struct {
	clock.Timer
	c *timersClock
}

func (c *timersClock) NewTimer(d time.Duration) clock.Timer {
	c.set.Add(1)
	return countedTimer{c.Real.NewTimer(d), c}
}

func (t countedTimer) Reset(d time.Duration) bool {
	t.c.set.Add(1)
	return t.Timer.Reset(d)
}

func TestPatience_AnIdleEngineLooksAtNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := new(timersClock)
		e, err := notify.New(notify.Config{
			Types: map[notify.Type]notify.TypeConfig{instance: {}}, Clock: clk,
		})
		require.NoError(t, err)
		start(t, e)
		_, err = e.Subscribe(instance, subject, "g", eager(), nil)
		require.NoError(t, err)
		time.Sleep(2 * notify.DefaultPatience) // the first look is at a worker that has just begun
		synctest.Wait()
		for range 3 {
			before := clk.set.Load()
			require.NoError(t, e.Publish(t.Context(), newEvent(1)))
			time.Sleep(2 * notify.DefaultPatience)
			synctest.Wait()
			idle := clk.set.Load()
			assert.Greater(t, idle, before, "it looks after a worker that woke up")
			time.Sleep(time.Hour)
			synctest.Wait()
			assert.Equal(t, idle, clk.set.Load())
		}
	})
}

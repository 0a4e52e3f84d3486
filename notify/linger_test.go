package notify_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// yieldClock is the clock of a host where the time from one look at it to the next is passing.
type yieldClock struct {
	clock.Real
	passing atomic.Int64 // ns
	ahead   atomic.Int64
	looks   atomic.Int64
}

func (c *yieldClock) Now() time.Time {
	c.looks.Add(1)
	return c.Real.Now().Add(time.Duration(c.ahead.Add(c.passing.Load())))
}

// How often a worker looks at the clock is how often it yields before it sleeps.
func TestLinger_EndsWhereYieldsAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := new(yieldClock)
		e, err := notify.New(notify.Config{
			Types: map[notify.Type]notify.TypeConfig{instance: {Shards: 1}}, Clock: clk,
		})
		require.NoError(t, err)
		start(t, e)
		c := eager()
		_, err = e.Subscribe(instance, subject, "g", c, nil)
		require.NoError(t, err)
		published := 0
		looks := func() int64 { // of one event
			synctest.Wait()
			before := clk.looks.Load()
			published++
			require.NoError(t, e.Publish(t.Context(), newEvent(published)))
			synctest.Wait()
			assert.Len(t, c.got(), published, "it is delivered, yielding or not")
			return clk.looks.Load() - before
		}
		free := looks()
		assert.Greater(t, free, int64(10), "nothing else is to be done: it yields")

		clk.passing.Store(int64(time.Millisecond))
		first := looks()
		assert.Less(t, first, free, "one slow yield is enough")
		for range 20 {
			require.Less(t, looks(), first, "and it doesn't try again")
		}
		for pause := 100 * time.Millisecond; pause <= 2*time.Minute; pause *= 2 {
			now := min(pause, time.Minute)
			time.Sleep(now * 3 / 4)
			assert.Less(t, looks(), first, "not before %v", now)
			time.Sleep(now / 4)
			assert.Equal(t, first, looks(), "after %v it does", now)
		}

		clk.passing.Store(0)
		time.Sleep(time.Minute)
		assert.Equal(t, free, looks(), "the host is free again")
		assert.Equal(t, free, looks())
		clk.passing.Store(int64(time.Millisecond))
		assert.Equal(t, first, looks())
		time.Sleep(200 * time.Millisecond)
		assert.Equal(t, first, looks(), "and all that was before is forgotten")
	})
}

package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/notify/clock"
)

var _ clock.Clock = clock.Real{}

func TestReal_IsTheSystemsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where time is exact
		began := time.Now()
		assert.Equal(t, began, clock.Real{}.Now())
		timer := clock.Real{}.NewTimer(time.Minute)
		assert.Equal(t, began.Add(time.Minute), <-timer.C())
		assert.Equal(t, began.Add(time.Minute), clock.Real{}.Now())
	})
}

func TestReal_ATimerThatIsDueFiresAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		for _, d := range []time.Duration{0, -1, -time.Hour} {
			assert.Equal(t, began, <-clock.Real{}.NewTimer(d).C())
		}
	})
}

func TestReal_NoStaleTimeAfterStopOrReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		timer := clock.Real{}.NewTimer(time.Second)
		<-clock.Real{}.NewTimer(2 * time.Second).C() // the first one has fired meanwhile
		timer.Reset(time.Minute)
		assert.Equal(t, began.Add(2*time.Second+time.Minute), <-timer.C())

		timer.Reset(time.Second)
		assert.True(t, timer.Stop())
		assert.False(t, timer.Stop())
		select {
		case at := <-timer.C():
			t.Errorf("a stopped timer sent %v", at)
		case <-clock.Real{}.NewTimer(time.Hour).C():
		}
		assert.False(t, timer.Reset(time.Second), "it was stopped")
		assert.True(t, timer.Reset(time.Second), "it was running")
	})
}

package notify

import (
	"runtime"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// Putting a worker to sleep and waking it costs more than most of what it does in between. So one
// that has run out of work yields a few times before it sleeps: where events come one after the
// other, the next is there by then.
//
// On a host with other goroutines to run, a yield lasts until they have had their turn, which can
// be a thousand times longer than a wake-up: waking is the better way in then. So one slow yield
// ends the habit for a while, and for twice as long when it is slow again.
type linger struct {
	until time.Time     // no lingering before
	pause time.Duration // the next one
}

const (
	yieldsMax = 50 // about the time of one sleep and one wake-up
	yieldSlow = 5 * time.Microsecond
	pauseMin  = 100 * time.Millisecond
	pauseMax  = time.Minute
)

// forWork yields until there is work, or it is time to sleep, and says which.
func (l *linger) forWork(clk clock.Clock, hasWork func() bool) bool {
	now := clk.Now()
	if now.Before(l.until) {
		return false
	}
	for range yieldsMax {
		runtime.Gosched()
		before := now
		now = clk.Now()
		if now.Sub(before) > yieldSlow {
			l.pause = min(max(2*l.pause, pauseMin), pauseMax)
			l.until = now.Add(l.pause)
			return false
		}
		if hasWork() {
			break
		}
	}
	l.pause = 0
	return hasWork()
}

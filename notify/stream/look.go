package stream

import (
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// looksMax is how often, in a heartbeat, drivers look whose time has come. With few looks many
// pings go out at once: where there is nothing else to do, to wake up for one costs several times
// as much as to send it.
const looksMax = 64

// origin is what looks are counted from, the same for all sessions, so that they coincide. Any time
// would do.
var origin = clock.Real{}.Now()

// look is when a driver looks after the session if it has nothing to do until a time: not before
// that, and less than a 64th of a heartbeat later, or of ReadTimeout if that is shorter.
func (s *Session) look(until time.Time) (afterOrigin time.Duration) {
	shortest := s.c.heartbeat()
	if !s.c.OneWay {
		shortest = min(shortest, s.c.readTimeout())
	}
	at, grain := until.Sub(origin), max(shortest/looksMax, 1)
	if past := at % grain; past > 0 { // it is negative where a clock is behind origin
		return at + grain - past
	}
	return at - at%grain
}

// Package clock is the only place where the engine meets real time. Everything that decides takes
// the time as an argument; what has to read it or to wait for it does so through a Clock.
package clock

import "time"

// Clock tells the time and makes timers.
type Clock interface {
	// Now is the current time. It carries a monotonic reading where the system has one.
	Now() time.Time
	// NewTimer sends the time on its channel once, after d; at once when d is not positive.
	NewTimer(d time.Duration) Timer
}

// Timer is one timer of a Clock. After Stop or Reset no stale time is received from C.
type Timer interface {
	C() <-chan time.Time
	Reset(d time.Duration) bool
	Stop() bool
}

// Real is the system's clock; its zero value is ready for use.
type Real struct{}

// Now is time.Now.
func (Real) Now() time.Time { return time.Now() }

// NewTimer is time.NewTimer.
func (Real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

type realTimer struct{ t *time.Timer }

func (r realTimer) C() <-chan time.Time        { return r.t.C }
func (r realTimer) Reset(d time.Duration) bool { return r.t.Reset(d) }
func (r realTimer) Stop() bool                 { return r.t.Stop() }

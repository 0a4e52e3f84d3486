package sim

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/notifylab/notifylab/notify/clock"
)

// newTimer is a timer that goes off within some 50 µs of its time. The runtime's own rounds its
// waits up to a whole millisecond when nothing else is to do, which is as long as what is to be
// measured here. A timerfd (timerfd_create(2)) has the kernel wake the poller instead.
func newTimer(clk clock.Clock, d time.Duration) clock.Timer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return clk.NewTimer(d)
	}
	t := &preciseTimer{
		fd: fd, f: os.NewFile(uintptr(fd), "timerfd"),
		c: make(chan time.Time, 1), ended: make(chan struct{}),
	}
	t.Reset(d)
	go t.run(clk)
	return t
}

// preciseTimer may send one stale time after a Reset.
type preciseTimer struct {
	fd    int
	f     *os.File
	c     chan time.Time
	ended chan struct{}
}

func (t *preciseTimer) run(clk clock.Clock) {
	defer close(t.ended)
	var expirations [8]byte
	for {
		if _, err := t.f.Read(expirations[:]); err != nil { // closed by Stop
			return
		}
		select {
		case t.c <- clk.Now():
		default:
		}
	}
}

func (t *preciseTimer) C() <-chan time.Time { return t.c }

func (t *preciseTimer) Reset(d time.Duration) bool {
	// Zero would disarm it.
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))}
	return unix.TimerfdSettime(t.fd, 0, &at, nil) == nil
}

// Stop ends the timer for good.
func (t *preciseTimer) Stop() bool {
	err := t.f.Close()
	<-t.ended
	return err == nil
}

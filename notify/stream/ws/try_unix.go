//go:build unix

package ws

import (
	"errors"
	"syscall"
)

// writeOnce writes once, and doesn't wait for room: to return true is to be done.
func (b *buffer) writeOnce(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), b.bytes)
		switch {
		case err == nil:
			b.written = n
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EAGAIN):
			b.err = err
		}
		return true
	}
}

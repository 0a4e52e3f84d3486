package ws

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/notifylab/notifylab/notify/stream"
)

// bufferKept is the largest buffer that is used again.
const bufferKept = 64 << 10

// opClose is the first byte of a close frame.
const opClose = 0x88

// cork is the net.Conn below the library. What we write goes through it as well as what the library
// writes, one frame or more at a time, so frames never mix. The library writes control frames only,
// and each in one call.
type cork struct {
	net.Conn
	raw    syscall.RawConn // nil: Conn can't write without waiting
	unread []byte          // what was read along with the request; owned by the reader

	mu      sync.Mutex // held while frames are written, until the last byte
	closing bool       // a close frame was written; RFC 6455, section 5.5.1: no data after it
}

func newCork(conn net.Conn, unread []byte) *cork {
	c := &cork{Conn: conn, unread: append([]byte(nil), unread...)}
	if sc, ok := conn.(syscall.Conn); ok { // one of TLS isn't
		c.raw, _ = sc.SyscallConn()
	}
	return c
}

func (c *cork) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	c.unread = nil
	return c.Conn.Read(p)
}

// Write is for the library.
func (c *cork) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = c.closing || len(p) > 0 && p[0] == opClose
	return c.Conn.Write(p)
}

// buffer is what is being written, and the state of an attempt to write it at once.
type buffer struct {
	bytes   []byte
	written int
	err     error
	try     func(fd uintptr) bool // a method of its own, made once
}

var buffers = sync.Pool{New: func() any {
	b := new(buffer)
	b.try = b.writeOnce
	return b
}}

// release gives a buffer back.
func (b *buffer) release() {
	if cap(b.bytes) > bufferKept {
		return
	}
	b.bytes, b.written, b.err = b.bytes[:0], 0, nil
	buffers.Put(b)
}

// add adds a frame with its header, as a server sends it: one frame for a message, not masked; RFC
// 6455, section 5.2.
func (b *buffer) add(first byte, payload []byte) {
	switch n := len(payload); {
	case n < 126:
		b.bytes = append(b.bytes, first, byte(n))
	case n <= math.MaxUint16:
		b.bytes = append(b.bytes, first, 126)
		b.bytes = binary.BigEndian.AppendUint16(b.bytes, uint16(n))
	default:
		b.bytes = append(b.bytes, first, 127)
		b.bytes = binary.BigEndian.AppendUint64(b.bytes, uint64(n))
	}
	b.bytes = append(b.bytes, payload...)
}

// write writes b, waiting for others that write and for the client.
func (c *cork) write(b *buffer, deadline time.Time) error {
	c.mu.Lock()
	return c.finishLocked(b, deadline)
}

// tryWrite writes what it can of b at once.
func (c *cork) tryWrite(b *buffer) (stream.Rest, error) {
	if !c.mu.TryLock() { // the library is writing, and may have to wait
		return func(deadline time.Time) error { return c.write(b, deadline) }, nil
	}
	var err error
	switch {
	case c.closing:
		err = net.ErrClosed
	case c.raw != nil:
		if err = c.raw.Write(b.try); err == nil {
			err = b.err
		}
	}
	if err == nil && b.written < len(b.bytes) {
		// With the lock, for nothing may come into the middle of a frame.
		return func(deadline time.Time) error { return c.finishLocked(b, deadline) }, nil
	}
	c.mu.Unlock()
	b.release()
	return nil, err
}

// finishLocked writes the rest of b and unlocks mu.
func (c *cork) finishLocked(b *buffer, deadline time.Time) error {
	defer c.mu.Unlock()
	defer b.release()
	if c.closing {
		return net.ErrClosed
	}
	if err := c.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Conn.Write(b.bytes[b.written:]); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{}) // the library has deadlines of its own for the rest
}

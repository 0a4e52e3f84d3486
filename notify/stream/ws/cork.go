package ws

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// What the library's buffers hold. It reads messages of up to 64 bytes, and what it writes is
// gathered in the cork anyway; a watcher that is idle should not pay for more.
const (
	readBufferSize  = 128
	writeBufferSize = 256
)

// bufferKept is the largest buffer of a cork that is used again.
const bufferKept = 64 << 10

// cork is a net.Conn that gathers what is written between hold and flow, so that many messages go
// out in one write. It lets go of the buffer in between.
type cork struct {
	net.Conn
	unread []byte // what was read along with the request; owned by the reader

	mu   sync.Mutex
	held *[]byte // nil: what is written flows at once
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (c *cork) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *cork) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return c.Conn.Write(p)
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// hold gathers what is written from now on.
func (c *cork) hold() {
	c.mu.Lock()
	c.held = buffers.Get().(*[]byte)
	c.mu.Unlock()
}

// flow writes what was gathered. What others write meanwhile waits; the deadline ends that, too.
func (c *cork) flow(deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held
	c.held = nil
	defer func() {
		if cap(*held) <= bufferKept {
			*held = (*held)[:0]
			buffers.Put(held)
		}
	}()
	if len(*held) == 0 {
		return nil
	}
	if err := c.Conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Conn.Write(*held); err != nil {
		return err
	}
	return c.Conn.SetWriteDeadline(time.Time{}) // the library has deadlines of its own for the rest
}

// hijacker hands the library a cork, and small buffers.
type hijacker struct {
	http.ResponseWriter
	cork *cork
}

// Hijack takes the connection over from the server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	unread, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	h.cork = &cork{Conn: conn, unread: append([]byte(nil), unread...)}
	return h.cork, bufio.NewReadWriter(
		bufio.NewReaderSize(h.cork, readBufferSize),
		bufio.NewWriterSize(h.cork, writeBufferSize)), nil
}

// canHijack says whether a server lets go of a connection; one of HTTP/2 doesn't.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch inner := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return false
		}
	}
}

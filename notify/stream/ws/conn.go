package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/notifylab/notifylab/notify/stream"
)

// conn is a stream.TryConn. The library upgrades, reads, answers pings and closes; texts and pings
// of ours go past it, into the cork that is below it.
type conn struct {
	ws   *websocket.Conn
	cork *cork

	// A goroutine that closes reads, too, and may hear something before Read was called.
	hear atomic.Pointer[func(what stream.Heard, size int)]
}

func (c *conn) heard(what stream.Heard) {
	if hear := c.hear.Load(); hear != nil {
		(*hear)(what, 0)
	}
}

// The first bytes of our frames: the last of a message, and its kind.
const (
	opText = 0x81
	opPing = 0x89
)

// Write frames the texts itself: the library has locks and timers for each of them.
func (c *conn) Write(deadline time.Time, frames [][]byte) error {
	return c.cork.write(texts(frames), deadline)
}

// TryWrite is Write as a pool wants it.
func (c *conn) TryWrite(frames [][]byte) (stream.Rest, error) {
	return c.cork.tryWrite(texts(frames))
}

// Ping writes the frame itself, too, for the library's Ping waits for the pong.
func (c *conn) Ping(deadline time.Time) error { return c.cork.write(ping(), deadline) }

// TryPing is Ping as a pool wants it.
func (c *conn) TryPing() (stream.Rest, error) { return c.cork.tryWrite(ping()) }

func texts(frames [][]byte) *buffer {
	b := buffers.Get().(*buffer)
	for _, frame := range frames {
		b.add(opText, frame)
	}
	return b
}

func ping() *buffer {
	b := buffers.Get().(*buffer)
	b.add(opPing, nil)
	return b
}

// Read reads until the connection ends.
func (c *conn) Read(heard func(what stream.Heard, size int)) error {
	c.hear.Store(&heard)
	for {
		_, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return readReason(err)
		}
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			return readReason(err)
		}
		heard(stream.Data, int(n))
	}
}

// Close closes with a handshake, or at once when code is 0.
func (c *conn) Close(code int, text string) error {
	if code == 0 {
		return c.ws.CloseNow()
	}
	return c.ws.Close(websocket.StatusCode(code), text)
}

// abandon cuts the connection.
func (c *conn) abandon() { _ = c.ws.CloseNow() }

// readReason makes a reason of the library's error.
func readReason(err error) error {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return fmt.Errorf("%w: code %d", stream.ErrLeft, closed.Code)
	case errors.Is(err, websocket.ErrMessageTooBig):
		return stream.ErrTooBig
	}
	return fmt.Errorf("%w: %w", stream.ErrVanished, err)
}

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

// conn is a stream.Conn. The library frames messages, answers pings and closes; the cork below it
// has the last word on when bytes are written.
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

// Write has the library write into the cork, which waits for nobody, and then lets it flow.
func (c *conn) Write(deadline time.Time, frames [][]byte) error {
	c.cork.hold()
	var err error
	for _, frame := range frames {
		if err = c.ws.Write(context.Background(), websocket.MessageText, frame); err != nil {
			break
		}
	}
	return errors.Join(err, c.cork.flow(deadline))
}

// pingFrame is a ping without payload, as a server sends it.
var pingFrame = []byte{0x89, 0}

// Ping writes the frame itself, for the library's Ping waits for the pong. It can't come within
// another frame: messages are written by the goroutine that calls Ping, and what the library writes
// on its own are control frames, which it writes at once.
func (c *conn) Ping(deadline time.Time) error {
	c.cork.hold()
	_, err := c.cork.Write(pingFrame)
	return errors.Join(err, c.cork.flow(deadline))
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

package grpc

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/notifylab/notifylab/notify/stream"
)

// conn is a stream.Conn. To send may have to wait for the client, with no deadline, and the one
// thing that ends the waiting is that the stream's handler returns. So the handler does nothing
// but wait for over, and others write.
type conn struct {
	stream grpc.ServerStream
	// leave ends what is done for a client that has left, as to list for it.
	leave context.CancelCauseFunc

	watchdog *time.Timer // of a write that takes too long; the writer's, nil before the first
	late     atomic.Bool // the watchdog has bitten

	once   sync.Once
	status error         // set before over
	over   chan struct{} // closed when the handler is to return
	closed chan struct{} // closed when the reader is to; not with over, for it would name a reason
}

func newConn(ss grpc.ServerStream, leave context.CancelCauseFunc) *conn {
	return &conn{
		stream: ss, leave: leave, over: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Write sends each frame as a message. The transport gathers them: it writes when it has sent all
// that there is.
func (c *conn) Write(deadline time.Time, frames [][]byte) error {
	if wait := time.Until(deadline); c.watchdog == nil {
		c.watchdog = time.AfterFunc(wait, c.bite)
	} else {
		c.watchdog.Reset(wait)
	}
	for _, frame := range frames {
		if err := c.stream.SendMsg(encoded(frame)); err != nil {
			c.watchdog.Stop()
			return c.reason(err)
		}
	}
	if !c.watchdog.Stop() { // it was sent, but the stream has ended
		return os.ErrDeadlineExceeded
	}
	return nil
}

// bite ends the stream of a client that doesn't read, and with it the write that waits: it fails
// because the handler returns.
func (c *conn) bite() {
	c.late.Store(true)
	c.end(codes.ResourceExhausted, textSlow)
}

// reason says why a write failed. What the transport says is about the stream's end only, not about
// who ended it.
func (c *conn) reason(err error) error {
	switch {
	case c.late.Load():
		return os.ErrDeadlineExceeded
	case c.stream.Context().Err() != nil:
		return c.left()
	}
	return err
}

func (c *conn) left() error {
	return fmt.Errorf("%w: %w", stream.ErrLeft, c.stream.Context().Err())
}

// Ping sends a heartbeat.
func (c *conn) Ping(deadline time.Time) error { return c.Write(deadline, [][]byte{heartbeat}) }

// Read waits for the stream's end, for nothing comes after the request.
func (c *conn) Read(func(stream.Heard, int)) error {
	reason := stream.ErrVanished // of no effect: the session has ended
	select {
	case <-c.closed:
	case <-c.stream.Context().Done():
		if reason = c.left(); c.late.Load() {
			reason = stream.ErrWriteTimeout
		}
	}
	c.leave(reason)
	return reason
}

// Close tells the client a status.
func (c *conn) Close(code int, text string) error {
	close(c.closed)
	c.end(statusCode(code), text)
	return nil
}

// end has the handler return; what came first counts.
func (c *conn) end(code codes.Code, text string) {
	c.once.Do(func() {
		c.status = status.Error(code, text)
		close(c.over)
	})
}

// textSlow is what stream.CloseCode says to one that was too slow for the engine.
const textSlow = "too slow: list again"

// statusCode makes a status of what stream.CloseCode says.
func statusCode(code int) codes.Code {
	switch code {
	case 0, stream.CodeGoingAway: // 0 is to cut the connection; here there may be others on it
		return codes.Unavailable
	case stream.CodePolicy:
		return codes.FailedPrecondition
	case stream.CodeTryAgainLater:
		return codes.ResourceExhausted
	case stream.CodeInternal:
		return codes.Internal
	}
	return codes.Unknown
}

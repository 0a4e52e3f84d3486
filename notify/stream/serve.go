package stream

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// Conn is one connection to a client. Read is called on one goroutine and the others on others, one
// at a time; after Close, which is called once, all of them must return soon.
type Conn interface {
	// Write writes each frame as one text message, all in one flush. It returns an error that is
	// os.ErrDeadlineExceeded when the deadline passes. It keeps none of the bytes.
	Write(deadline time.Time, frames [][]byte) error
	// Ping writes a ping; it doesn't wait for the pong.
	Ping(deadline time.Time) error
	// Read tells what comes until the connection ends, and returns the reason: ErrLeft or
	// ErrVanished, or ErrTooBig. It answers pings.
	Read(heard func(what Heard, size int)) error
	// Close tells the client the code and the text, or cuts the connection when code is 0.
	Close(code int, text string) error
}

// errAbandoned ends the session of a driver that panics.
var errAbandoned = errors.New("stream: abandoned")

// Serve drives a session over a connection until either ends, or ctx does. It returns the reason
// after its reader has ended and the connection is closed. A list is read on the goroutine that
// writes, so for up to the list's timeout nothing is written and no end is noticed.
func Serve(ctx context.Context, conn Conn, s *Session) error {
	var reader sync.WaitGroup
	clk := s.c.clock()
	reader.Go(func() {
		err := conn.Read(func(what Heard, size int) { s.Heard(clk.Now(), what, size) })
		s.End(cmp.Or(err, ErrVanished))
	})
	defer reader.Wait()
	defer func() {
		s.End(errAbandoned) // without effect but when the lister panics
		// The connection is given up, whatever its end looks like from here.
		_ = conn.Close(CloseCode(s.Err()))
	}()
	drive(ctx, conn, s, clk)
	return s.Err()
}

// drive does what the session says until it is over.
func drive(ctx context.Context, conn Conn, s *Session, clk clock.Clock) {
	wake := make(chan struct{}, 1)
	s.Drive(func() {
		select {
		case wake <- struct{}{}:
		default: // one is enough
		}
	})
	timer := clk.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		var err error
		switch step := s.Next(clk.Now()); {
		case step.Err != nil:
			return
		case step.Frames != nil:
			err = conn.Write(step.Deadline, step.Frames)
		case step.Ping:
			err = conn.Ping(step.Deadline)
		case step.List:
			s.List(ctx)
		default:
			timer.Reset(s.look(step.Until) - clk.Now().Sub(origin))
			select {
			case <-wake:
			case <-timer.C():
			case <-ctx.Done():
			}
		}
		if err != nil {
			s.End(writeReason(err))
		}
	}
	s.End(context.Cause(ctx))
}

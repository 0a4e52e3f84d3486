package stream

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/notify/watch"
)

// What a zero field of a Config means. ReadTimeout is four heartbeats.
const (
	DefaultHeartbeat    = 30 * time.Second
	DefaultWriteTimeout = 5 * time.Second
	DefaultReadLimit    = 64
	DefaultOutbox       = 64

	readTimeoutHeartbeats = 4
)

// Config is shared by many sessions and must not change once the first was opened. Encode is
// required; a zero in the rest stands for a default.
type Config struct {
	// Encode gives the text of an event. Many connections use the same bytes, so they must not
	// change; a Cache keeps them. An event without any is not sent. An error ends the session.
	Encode func(*notify.Event) ([]byte, error)
	// EncodeList gives the frames of a list; nil: lists are not sent.
	EncodeList func(watch.List) ([][]byte, error)

	// OneWay is for clients that can't answer. What they get is then all that shows life: a ping is
	// due only after a Heartbeat in which nothing was written, and there is no ReadTimeout.
	OneWay bool

	Heartbeat    time.Duration   // between pings; 0 means 30 s
	ReadTimeout  time.Duration   // without ping or pong; 0 means four heartbeats
	WriteTimeout time.Duration   // for one write; 0 means 5 s
	ReadLimit    int             // most bytes of a client's message; 0 means 64
	Outbox       int             // events taken ahead of the connection, frames in one write; 0: 64
	Clock        clock.Clock     // what Serve reads; nil means clock.Real
	Observer     notify.Observer // hears of losses and ends; may be nil

	// Sent hears of each event once its frame is written, with the time of the Next that said so.
	// It is called on the driver's goroutine, which has more to write: it must not block, and it
	// may not call the session. Many sessions may call it at once. May be nil.
	Sent func(ev *notify.Event, now time.Time)
}

// Validate reports everything that is wrong with c; the errors wrap notify.ErrInvalid.
func (c *Config) Validate() error {
	var errs []error
	if c.Encode == nil {
		errs = append(errs, fmt.Errorf("%w: stream: Encode: want a function", notify.ErrInvalid))
	}
	check := func(field string, value int64, zero any) {
		if value < 0 {
			errs = append(errs, fmt.Errorf("%w: stream: %s = %d: want 0 (%v) or more",
				notify.ErrInvalid, field, value, zero))
		}
	}
	check("Heartbeat", int64(c.Heartbeat), DefaultHeartbeat)
	check("ReadTimeout", int64(c.ReadTimeout), "four heartbeats")
	check("WriteTimeout", int64(c.WriteTimeout), DefaultWriteTimeout)
	check("ReadLimit", int64(c.ReadLimit), DefaultReadLimit)
	check("Outbox", int64(c.Outbox), DefaultOutbox)
	if c.OneWay && c.ReadTimeout > 0 {
		errs = append(errs, fmt.Errorf("%w: stream: ReadTimeout = %v: want 0 (none) with OneWay",
			notify.ErrInvalid, c.ReadTimeout))
	}
	return errors.Join(errs...)
}

func (c *Config) heartbeat() time.Duration { return cmp.Or(c.Heartbeat, DefaultHeartbeat) }

func (c *Config) readTimeout() time.Duration {
	return cmp.Or(c.ReadTimeout, readTimeoutHeartbeats*c.heartbeat())
}

func (c *Config) writeTimeout() time.Duration { return cmp.Or(c.WriteTimeout, DefaultWriteTimeout) }

func (c *Config) outbox() int { return cmp.Or(c.Outbox, DefaultOutbox) }

func (c *Config) clock() clock.Clock {
	if c.Clock == nil {
		return clock.Real{}
	}
	return c.Clock
}

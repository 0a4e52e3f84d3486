package alarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// TypeConfig is a configuration of Events that does for most: alarms are few, so one shard with a
// short queue is enough.
func TypeConfig() notify.TypeConfig {
	return notify.TypeConfig{QueueSize: 256, Shards: 1, WhenFull: notify.Reject}
}

// Raise publishes that what id names is wrong since now, or still is. It never waits: the errors
// are notify.ErrFull, notify.ErrClosed, notify.ErrUnknownType (Events is not in the engine's
// configuration) and ErrInvalid.
func Raise(e *notify.Engine, now time.Time, id ID, fields ...Field) error {
	return publish(e, &Report{ID: id, Status: Raised, Fields: fields, Timestamp: now})
}

// Clear publishes that it isn't any more. Without fields, a board keeps those of the last raise.
// The errors are those of Raise.
func Clear(e *notify.Engine, now time.Time, id ID, fields ...Field) error {
	return publish(e, &Report{ID: id, Status: Cleared, Fields: fields, Timestamp: now})
}

// over is a context that has ended: with it Publish does what it can do without waiting.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// publish never waits, even if the embedder's configuration of Events says Wait: who raises an
// alarm has a request to answer, or is the one whom a full queue waits for.
func publish(e *notify.Engine, r *Report) error {
	if err := r.validate(); err != nil {
		return err
	}
	r.Fields = slices.Clone(r.Fields) // the caller may go on with its slice
	ev := &notify.Event{
		Type: Events, Subject: Subject, Key: string(r.ID), Due: r.Timestamp, Payload: r,
	}
	err := e.Publish(over, ev)
	if errors.Is(err, context.Canceled) {
		err = notify.ErrFull
	}
	if err != nil {
		return fmt.Errorf("alarm %s: %w", r.ID, err)
	}
	return nil
}

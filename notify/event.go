package notify

import (
	"errors"
	"fmt"
	"time"
)

// Type selects the processor, and with it the task queue, that an event goes through. The types
// of an engine are those of its Config.
type Type string

// Event is one notification. All its receivers share it, so it must not change after Publish.
type Event struct {
	Type     Type      // selects the processor
	Subject  string    // what it is about; required
	Revision int64     // position in the source of truth; 0 if unordered
	Key      string    // identity for conflation (the instance); "" is never conflated
	Due      time.Time // when it was due; latency counts from here
	Payload  any       // the receivers' business
}

// The errors that a caller can act on. Those returned by Publish and Subscribe wrap one of them;
// those that end a Subscription are its reason (Subscription.Err).
var (
	// ErrClosed: the engine has shut down, or the subscription was closed by its owner.
	ErrClosed = errors.New("notify: closed")
	// ErrFull: the task queue is full and its type is configured to Reject. Publish again later.
	ErrFull = errors.New("notify: task queue is full")
	// ErrUnknownType: the event's or the subscription's type is not in the Config.
	ErrUnknownType = errors.New("notify: unknown type")
	// ErrInvalid: an argument is missing or out of range; the message names it.
	ErrInvalid = errors.New("notify: invalid argument")
	// ErrRunning: Run was called twice, or Step while Run drives the engine.
	ErrRunning = errors.New("notify: engine is running")
	// ErrSlow: the subscriber fell too far behind under Evict. List again and subscribe anew.
	ErrSlow = errors.New("notify: subscriber is too slow")
)

// PanicError is the reason of a subscription whose subscriber panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // where, as runtime/debug.Stack gives it
}

// Error gives the panic's value; the stack is in the field.
func (e *PanicError) Error() string {
	return fmt.Sprintf("notify: subscriber panicked: %v", e.Value)
}

// Unwrap gives the panic's value when that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/notifylab/notifylab/notify"
)

// The reasons of a session's end that come from the connection. Those from the engine are those of
// notify and watch.
var (
	// ErrWriteTimeout: a write took longer than Config.WriteTimeout.
	ErrWriteTimeout = errors.New("stream: write timed out")
	// ErrReadTimeout: neither ping nor pong came for Config.ReadTimeout.
	ErrReadTimeout = errors.New("stream: client is silent")
	// ErrTooBig: the client sent more than Config.ReadLimit bytes at once.
	ErrTooBig = errors.New("stream: client sent too much")
	// ErrLeft: the client closed the connection, and said so.
	ErrLeft = errors.New("stream: client left")
	// ErrVanished: the connection broke without a word.
	ErrVanished = errors.New("stream: client vanished")
	// ErrWrite: a write failed.
	ErrWrite = errors.New("stream: write failed")
)

// CloseError is a reason that says itself what to tell the client: what ends a watcher because its
// consumer was deleted is a CloseError of code 1008, for example.
type CloseError struct {
	Code int    // of RFC 6455, section 7.4
	Text string // up to 123 bytes of it are sent
}

// Error gives the text and the code.
func (e *CloseError) Error() string { return fmt.Sprintf("stream: %s (%d)", e.Text, e.Code) }

// The codes of RFC 6455 that CloseCode gives.
const (
	CodeGoingAway     = 1001
	CodePolicy        = 1008
	CodeTooBig        = 1009
	CodeInternal      = 1011
	CodeTryAgainLater = 1013
)

// closeTextMax is what fits into a close frame beside the code.
const closeTextMax = 123

// CloseCode says how to close a connection whose session ended with reason. Code 0 means that there
// is nobody to tell, so the connection is just cut. Errors that don't say what to tell are told as
// an internal error, for they may name what is no business of the client.
func CloseCode(reason error) (code int, text string) {
	var told *CloseError
	switch {
	case errors.As(reason, &told):
		return told.Code, shorten(told.Text)
	case errors.Is(reason, ErrTooBig):
		return CodeTooBig, ""
	case errors.Is(reason, ErrWriteTimeout), errors.Is(reason, ErrReadTimeout),
		errors.Is(reason, ErrLeft), errors.Is(reason, ErrVanished), errors.Is(reason, ErrWrite):
		return 0, ""
	case errors.Is(reason, notify.ErrClosed), errors.Is(reason, context.Canceled):
		return CodeGoingAway, "server is going away"
	case errors.Is(reason, notify.ErrSlow):
		return CodeTryAgainLater, "too slow: list again"
	}
	return CodeInternal, "internal error"
}

// shorten cuts a text where a rune begins.
func shorten(text string) string {
	if len(text) <= closeTextMax {
		return text
	}
	end := closeTextMax
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// writeReason makes a reason of a failed write.
func writeReason(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrWriteTimeout
	}
	return fmt.Errorf("%w: %w", ErrWrite, err)
}

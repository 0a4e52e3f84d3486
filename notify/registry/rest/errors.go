package rest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
)

// Error is what a client gets when a request fails: a JSON object.
type Error struct {
	Code    int    `json:"errorCode,string"` // one of service-center's
	Message string `json:"errorMessage"`     // what the code means
	Detail  string `json:"detail,omitempty"` // what is wrong with this request

	status int // of HTTP, where the code doesn't say it
}

// Error gives the message and the detail.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Message, e.Detail) }

// Status is the HTTP status that an error goes with. The first three digits of a code are one.
func (e *Error) Status() int {
	if e.status != 0 {
		return e.status
	}
	return e.Code / 1000
}

// The codes of service-center that occur here, from the list that it publishes for its clients
// (module github.com/go-chassis/cari, package discovery, error.go).
const (
	CodeInvalid        = 400001
	CodeServiceExists  = 400010
	CodeNoService      = 400012
	CodeHasInstances   = 400013
	CodeNoSchema       = 400016
	CodeNoInstance     = 400017
	CodeNoTag          = 400018
	CodeBlackAndWhite  = 400020
	CodeRuleType       = 400021
	CodeNoRule         = 400022
	CodeHasConsumers   = 400023
	CodeNotEnoughQuota = 400100
	CodeForbidden      = 403001
	CodeInternal       = 500003
	CodeUnavailable    = 500011
)

// messages are part of what clients compare, so they are those of service-center.
var messages = map[int]string{
	CodeInvalid:        "Invalid parameter(s)",
	CodeServiceExists:  "Micro-service already exists",
	CodeNoService:      "Micro-service does not exist",
	CodeHasInstances:   "Micro-service has deployed instance(s)",
	CodeNoSchema:       "Schema does not exist",
	CodeNoInstance:     "Instance does not exist",
	CodeNoTag:          "Tag does not exist",
	CodeBlackAndWhite:  "Can not have both 'BLACK' and 'WHITE'",
	CodeRuleType:       "Not allowed to modify the type of the rule",
	CodeNoRule:         "Rule does not exist",
	CodeHasConsumers:   "Consumer(s) depends on this micro-service",
	CodeNotEnoughQuota: "Not enough quota",
	CodeForbidden:      "Forbidden",
	CodeInternal:       "Internal server error",
	CodeUnavailable:    "Registry service is unavailable",
}

func fail(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: messages[code], Detail: fmt.Sprintf(format, args...)}
}

// invalid is the error of a field: what was found there, and what is accepted.
func invalid(field, got, want string) *Error {
	return fail(CodeInvalid, "%s %q: want %s", field, shorten(got), want)
}

// refused is an error of HTTP itself, for which service-center has no code.
func refused(status int, format string, args ...any) *Error {
	e := fail(CodeInvalid, format, args...)
	e.status = status
	return e
}

// shorten keeps a long value out of an error, which would give back megabytes for megabytes.
func shorten(s string) string {
	const runesMax = 64
	if runes := []rune(s); len(runes) > runesMax {
		return string(runes[:runesMax]) + "…"
	}
	return s
}

// asError says what to tell the client about any error. What isn't for clients isn't told: it may
// speak of the inside of the server.
func asError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e // made here, and so more exact than what it was made of
	case errors.Is(err, registry.ErrUnknownService):
		return fail(CodeNoService, "%v", err)
	case errors.Is(err, registry.ErrUnknownInstance):
		return fail(CodeNoInstance, "%v", err)
	case errors.Is(err, registry.ErrConflict):
		return fail(CodeServiceExists, "%v", err)
	case errors.Is(err, registry.ErrLimit):
		return fail(CodeNotEnoughQuota, "%v", err)
	case errors.Is(err, registry.ErrInvalid):
		return fail(CodeInvalid, "%v", err)
	case errors.Is(err, alarm.ErrUnknown):
		return refused(http.StatusNotFound, "alarmId: %v", err)
	case errors.Is(err, notify.ErrClosed), errors.Is(err, notify.ErrFull):
		e = fail(CodeUnavailable, "the engine has closed, or has no room: try again later")
		e.status = http.StatusServiceUnavailable
		return e
	}
	return fail(CodeInternal, "see the server")
}

package trace

import (
	"errors"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
)

// Schema names the form of a trace.
const Schema = "notifylab.trace/1"

// The limits of a trace.
const (
	LineBytesMax = 1 << 20
	LinesMax     = 1 << 22
)

// ErrTrace is what the errors of Read wrap, unless reading itself failed.
var ErrTrace = errors.New("trace: not a usable trace")

// Trace is a recording.
type Trace struct {
	Header
	Changes []Change // by time
	Gaps    []Gap    // in the order of the file
}

// Header says where a trace comes from.
type Header struct {
	Begin  time.Time // zero if unknown
	Source string    // where it was recorded, such as an URL; may be empty
}

// Change is what happened to one instance.
type Change struct {
	At       time.Duration // since the begin
	Action   registry.Action
	Service  Service
	Instance string // id; empty in an EXPIRE

	// What the instance is since then, as far as it is known.
	Status     string
	Endpoints  []string
	Properties map[string]string
}

// Service names a service as a trace does.
type Service struct {
	Name    string // "app/name", a name alone, or an id
	Env     string
	Version string
}

// Gap is a time for which nobody watched.
type Gap struct {
	At     time.Duration // its end, since the begin
	Length time.Duration
}

// Length is the time from the begin to the last change; 0 without any.
func (t *Trace) Length() time.Duration {
	if len(t.Changes) == 0 {
		return 0
	}
	return t.Changes[len(t.Changes)-1].At
}

// Services lists the services of all changes, in the order of their first.
func (t *Trace) Services() (list []Service) {
	seen := make(map[Service]bool)
	for i := range t.Changes {
		if s := t.Changes[i].Service; !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	return list
}

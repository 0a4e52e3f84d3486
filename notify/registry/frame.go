package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Frame is what a watcher reads of one change or of one instance of a list: a JSON object. Empty
// fields are omitted, timestamps are strings of Unix seconds, and the key of an INIT has no tenant,
// for so it is with the servers that clients know.
type Frame struct {
	Action   Action    `json:"action"`
	Key      Key       `json:"key"`
	Instance *Instance `json:"instance"` // never nil in a frame of NewFrame or DecodeFrame
}

var actions = []Action{Init, Create, Update, Delete, Expire}

// NewFrame makes the frame of something that happened to an instance of a service. Without an
// instance, as in an EXPIRE, the frame has an empty one: clients read it unchecked.
func NewFrame(action Action, s *Service, in *Instance) Frame {
	f := Frame{Action: action, Key: s.Key, Instance: in}
	if action == Init {
		f.Key.Tenant = ""
	}
	if in == nil {
		f.Instance = &Instance{}
	}
	return f
}

// DecodeFrame reads a frame. It ignores fields it doesn't know, and gives an ErrInvalid for what
// is no JSON object of this form or has none of the actions.
func DecodeFrame(text []byte) (Frame, error) {
	var f Frame
	if err := json.Unmarshal(text, &f); err != nil {
		return Frame{}, fmt.Errorf(
			"%w: Frame: %w: want a JSON object with action, key and instance", ErrInvalid, err)
	}
	if !slices.Contains(actions, f.Action) {
		return Frame{}, invalid("Action", string(f.Action),
			"INIT, CREATE, UPDATE, DELETE or EXPIRE")
	}
	if f.Instance == nil {
		f.Instance = &Instance{}
	}
	return f, nil
}

// Encode gives the frame as JSON.
func (f Frame) Encode() []byte {
	if f.Instance == nil {
		f.Instance = &Instance{}
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // it has strings, numbers and nothing that json could refuse
	}
	return text
}

// Encoded gives the frame of the change as JSON. However many ask, and from however many
// goroutines, it is encoded once: the slice is shared and must not be modified.
func (c *Change) Encoded() []byte {
	lazy, ok := c.frame.Load().(*lazyFrame)
	if !ok {
		// Of those who come first together one wins, and all use its cell.
		c.frame.CompareAndSwap(nil, &lazyFrame{})
		lazy = c.frame.Load().(*lazyFrame)
	}
	lazy.once.Do(func() { lazy.text = NewFrame(c.Action, c.Service, c.Instance).Encode() })
	return lazy.text
}

// lazyFrame hangs in a change only once somebody wants its JSON: most changes of a simulation
// are never encoded.
type lazyFrame struct {
	once sync.Once
	text []byte
}

package alarm

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// What a zero field of a Config means.
const (
	DefaultHigh       = 0.8
	DefaultClearAfter = 2
	DefaultInterval   = time.Second
	DefaultRepeat     = 30 * time.Second
)

// lowShare is what a zero Low is of High: a half at the default of 0.8.
const lowShare = 0.625

// Config says what a Monitor looks at, and what it takes for alarming. Types is required.
type Config struct {
	// Types are those of the engine, Events among them; from here the capacities are known. Their
	// queues are looked at, but for that of the alarms: what doesn't get through there is counted.
	Types map[notify.Type]notify.TypeConfig

	High       float64       // share of its capacity at which a queue is too full; 0 means 0.8
	Low        float64       // share below which it is well again; 0 means 5/8 of High
	ClearAfter int           // checks in a row that find all well, to clear; 0 means 2
	Interval   time.Duration // between checks; 0 means 1 s
	Repeat     time.Duration // how often a lit alarm is raised again; 0 means 30 s

	// ListFailed reports whether a watcher's end has this reason because there was no list. It is
	// asked on a shard's goroutine, so it must not block. Of package watch and what stands on it
	// that is errors.Is(reason, watch.ErrList). Nil knows of none.
	ListFailed func(reason error) bool

	Observer notify.Observer // hears everything that the Monitor hears; may be nil
	Clock    clock.Clock     // what Run reads; nil means clock.Real
}

// Validate reports everything that is wrong with c, each mistake with the field's name and the
// accepted form; the errors wrap ErrInvalid.
func (c Config) Validate() error {
	var errs []error
	bad := func(field string, got any, want string) {
		errs = append(errs, fmt.Errorf("%w: %s = %v: want %s", ErrInvalid, field, got, want))
	}
	if _, ok := c.Types[Events]; !ok {
		errs = append(errs, fmt.Errorf("%w: Types: want the engine's types, with %q among them",
			ErrInvalid, Events))
	}
	if !(c.High >= 0 && c.High <= 1) { // so that NaN is bad, too
		bad("High", c.High, "0 (0.8) to 1")
	} else if high := cmp.Or(c.High, DefaultHigh); !(c.Low >= 0 && c.Low <= high) {
		bad("Low", c.Low, fmt.Sprintf("0 (5/8 of High) to High, which is %v", high))
	}
	if c.ClearAfter < 0 {
		bad("ClearAfter", c.ClearAfter, "0 (2) or more")
	}
	if c.Interval < 0 {
		bad("Interval", c.Interval, "0 (1s) or more")
	}
	if c.Repeat < 0 {
		bad("Repeat", c.Repeat, "0 (30s) or more")
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	c.High = cmp.Or(c.High, DefaultHigh)
	c.Low = cmp.Or(c.Low, lowShare*c.High)
	c.ClearAfter = cmp.Or(c.ClearAfter, DefaultClearAfter)
	c.Interval = cmp.Or(c.Interval, DefaultInterval)
	c.Repeat = cmp.Or(c.Repeat, DefaultRepeat)
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	return c
}

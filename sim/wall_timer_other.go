//go:build !linux

package sim

import (
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// newTimer is the runtime's: nothing finer is to be had here.
func newTimer(clk clock.Clock, d time.Duration) clock.Timer { return clk.NewTimer(d) }

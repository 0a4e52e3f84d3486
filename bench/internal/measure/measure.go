// Package measure is what every benchmark of a way to fan out shares, be it a floor, the engine or
// another engine: the events, the receiver at the end of every delivery, waiting for the last of
// them, and the loops and figures of each mode. So the definitions in the doc of package bench are
// written once.
package measure

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifylab/notifylab/notify"
)

const (
	// EventsPerBurst is also the number of distinct events of a run.
	EventsPerBurst = 256
	// StallAfter is how long nothing must arrive until a wait has lost something.
	StallAfter = 10 * time.Second
)

// Events makes the events of a run: EventsPerBurst of them, with revisions 1, 2, 3 and so on. A run
// publishes them in this order, over and over.
func Events(typ notify.Type, subject string) []*notify.Event {
	evs := make([]*notify.Event, EventsPerBurst)
	for i := range evs {
		evs[i] = &notify.Event{Type: typ, Subject: subject, Revision: Revision(i)}
	}
	return evs
}

// Revision is that of the event published after n others.
func Revision(n int) int64 { return int64(n%EventsPerBurst) + 1 }

// GroupNames names n groups.
func GroupNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("group-%d", i)
	}
	return names
}

// Receiver is the subscriber's end of every delivery. One goroutine at a time may use it.
type Receiver struct {
	Count uint64 // deliveries
	Wrong uint64 // those that weren't the event expected next
}

// Take makes a delivery: it counts the event and compares it with the one expected next.
func (r *Receiver) Take(ev *notify.Event) {
	if ev.Revision != int64(r.Count%EventsPerBurst)+1 {
		r.Wrong++
	}
	r.Count++
}

// Verify fails the benchmark unless the receiver took exactly the first want events, in order.
func (r *Receiver) Verify(tb testing.TB, want int) {
	tb.Helper()
	if r.Count != uint64(want) || r.Wrong != 0 {
		tb.Fatalf("receiver took %d events, %d of them wrong; want %d", r.Count, r.Wrong, want)
	}
}

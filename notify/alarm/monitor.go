package alarm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Monitor raises and clears the alarms that one engine gives cause for. Make it with NewMonitor,
// make it the engine's Observer, and call Check every now and then, or Run. All methods are safe
// for concurrent use.
type Monitor struct {
	cfg   Config
	types []notify.Type // whose queues are looked at, sorted

	queue, evicted, listFailed, blocked, lost, panicked condition // their tallies need no lock

	mu       sync.Mutex
	rejected map[notify.Type]uint64 // at the last check
	dropped  uint64
}

// Checked is what a check did.
type Checked struct {
	Raised  []ID // for the first time or again
	Cleared []ID
	Dropped []ID      // neither: the alarm queue was full; tried again at the next check
	Next    time.Time // when to check again
}

// NewMonitor makes a monitor from a valid configuration and starts nothing.
func NewMonitor(c Config) (*Monitor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Monitor{cfg: c.withDefaults(), rejected: map[notify.Type]uint64{}}
	for _, t := range slices.Sorted(maps.Keys(c.Types)) {
		if t != Events {
			m.types = append(m.types, t)
		}
	}
	m.queue.id, m.evicted.id, m.listFailed.id = QueueHigh, Evicted, ListFailed
	m.blocked.id, m.lost.id, m.panicked.id = SubscriberBlocked, EventsLost, SubscriberPanicked
	return m, nil
}

// DroppedAlarms counts the raises and clears that a full alarm queue did not take.
func (m *Monitor) DroppedAlarms() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}

// Check looks at what has happened since the last check and at how e stands now, which must be the
// same engine each time, and raises and clears alarms through it. It never waits. A full alarm
// queue is no error; the errors are notify.ErrClosed and notify.ErrUnknownType, and what they kept
// from being told is told at the next check that can.
func (m *Monitor) Check(e *notify.Engine, now time.Time) (Checked, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	did := Checked{Next: now.Add(m.cfg.Interval)}
	err := errors.Join(
		m.tellLocked(e, now, &m.queue, m.readQueuesLocked(e), &did),
		m.tellLocked(e, now, &m.evicted, m.evicted.read(), &did),
		m.tellLocked(e, now, &m.listFailed, m.listFailed.read(), &did),
		m.tellLocked(e, now, &m.blocked, m.readBlocked(e), &did),
		m.tellLocked(e, now, &m.lost, m.lost.read(), &did),
		m.tellLocked(e, now, &m.panicked, m.panicked.read(), &did),
	)
	return did, err
}

// tellLocked publishes what a reading gives cause for. When that fails nobody knows it, so the next
// check tries again.
func (m *Monitor) tellLocked(
	e *notify.Engine, now time.Time, c *condition, r reading, did *Checked,
) error {
	c.see(r, m.cfg.ClearAfter)
	status, fields := c.due(now, m.cfg.Repeat, r)
	if status == "" {
		return nil
	}
	err := publish(e, &Report{ID: c.id, Status: status, Fields: fields, Timestamp: now})
	switch {
	case errors.Is(err, notify.ErrFull):
		m.dropped++
		did.Dropped = append(did.Dropped, c.id)
		return nil
	case err != nil:
		return err
	case status == Raised:
		did.Raised = append(did.Raised, c.id)
	default:
		did.Cleared = append(did.Cleared, c.id)
	}
	c.told, c.toldAt = c.lit, now
	return nil
}

// Run checks e until ctx ends, or a check finds that e has closed, and returns nil then. Another
// error of Check ends it, too, and is returned.
func (m *Monitor) Run(ctx context.Context, e *notify.Engine) error {
	look := m.cfg.Clock.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C():
		}
		now := m.cfg.Clock.Now()
		did, err := m.Check(e, now)
		if errors.Is(err, notify.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		look.Reset(did.Next.Sub(now))
	}
}

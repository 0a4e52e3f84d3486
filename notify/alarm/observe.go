package alarm

import (
	"errors"
	"fmt"

	"github.com/notifylab/notifylab/notify"
)

// What a Monitor hears on the shards, where it only counts, and what it reads at a check.

// Dropped counts what living subscribers will never get, for want of room. Who was ended knows why,
// and an event that a newer one replaced is no loss. Lost alarms count nowhere but in the engine's
// books, or the alarm about them might be the next one lost.
func (m *Monitor) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	switch cause {
	case notify.Oldest, notify.Newest, notify.Flushed, notify.TimedOut:
		if ev := events[0]; ev.Type != Events {
			m.lost.add(len(events), func() string {
				return fmt.Sprintf("%s %s: %s", ev.Type, ev.Subject, cause)
			})
		}
	}
	if m.cfg.Observer != nil {
		m.cfg.Observer.Dropped(s, events, cause)
	}
}

// Ended counts the ends that are a cause for alarm.
func (m *Monitor) Ended(s *notify.Subscription, reason error) {
	var panicked *notify.PanicError
	switch {
	case errors.Is(reason, notify.ErrSlow):
		m.evicted.add(1, reason.Error)
	case errors.As(reason, &panicked):
		m.panicked.add(1, reason.Error)
	case m.cfg.ListFailed != nil && m.cfg.ListFailed(reason):
		m.listFailed.add(1, reason.Error)
	}
	if m.cfg.Observer != nil {
		m.cfg.Observer.Ended(s, reason)
	}
}

// Blocked counts subscribers that block. It is for notify.Config.Blocked: without it, one that
// blocks for less than the time between two checks may go unnoticed.
func (m *Monitor) Blocked(s *notify.Subscription) {
	m.blocked.add(1, func() string { return fmt.Sprintf("%T", s.Subscriber()) })
}

// readQueuesLocked reads the fullest queue of all types. One that refused events since the last
// check was full then, however empty it is now.
func (m *Monitor) readQueuesLocked(e *notify.Engine) reading {
	fullest, r := -1.0, reading{low: true}
	for _, t := range m.types {
		st := e.Stats(t)
		refused := st.Rejected - m.rejected[t]
		m.rejected[t] = st.Rejected
		capacity := m.cfg.Types[t].Effective().QueueSize
		share := float64(st.Queued) / float64(capacity)
		if refused > 0 {
			share = 1
		}
		if share <= fullest {
			continue
		}
		fullest = share
		r.high, r.low = share >= m.cfg.High, share < m.cfg.Low
		r.fields = Fields{
			String("type", string(t)), Int("queued", int64(st.Queued)),
			Int("capacity", int64(capacity)), Int("rejected", int64(refused)),
		}
	}
	return r
}

// readBlocked adds those that block right now to what was counted.
func (m *Monitor) readBlocked(e *notify.Engine) reading {
	r := m.blocked.read()
	if now := e.Stats(m.types...).Blocked; len(m.types) > 0 && now > 0 {
		r.high, r.low = true, false
		r.fields = append(r.fields, Int("blocked", int64(now)))
	}
	return r
}

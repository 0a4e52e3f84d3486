package alarm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// OthersMax is how many alarms with ids that are not of this package a Board holds. Whoever can
// publish can raise any id, so their number must be bounded.
const OthersMax = 64

// Board holds the last state of each alarm. Make it with Open. All methods are safe for concurrent
// use.
type Board struct {
	engine *notify.Engine
	sub    *notify.Subscription

	mu      sync.Mutex
	alarms  map[ID]*Alarm // an Alarm in it doesn't change; it is replaced
	refused uint64
}

// Open makes a board that hears all alarms raised or cleared after it returned. The errors are
// those of notify.Engine.Subscribe.
func Open(e *notify.Engine) (*Board, error) {
	b := &Board{engine: e, alarms: map[ID]*Alarm{}}
	sub, err := e.Subscribe(Events, Subject, "", b, nil)
	if err != nil {
		return nil, fmt.Errorf("alarm: board: %w", err)
	}
	b.sub = sub
	return b, nil
}

// Close has the board hear no more. It still shows what it has.
func (b *Board) Close() { b.sub.Close() }

// List is the last state of every alarm, cleared ones too, by id.
func (b *Board) List() []Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Alarm, 0, len(b.alarms))
	for _, id := range slices.Sorted(maps.Keys(b.alarms)) {
		out = append(out, *b.alarms[id])
	}
	return out
}

// Get is the last state of one alarm, if there ever was one.
func (b *Board) Get(id ID) (a Alarm, ok bool) {
	if a := b.get(id); a != nil {
		return *a, true
	}
	return Alarm{}, false
}

func (b *Board) get(id ID) *Alarm {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.alarms[id]
}

// Clear clears an alarm here and with all who subscribed to alarms; one that is cleared already
// stays so, and nobody is told. It never waits. The errors are ErrUnknown and those of Raise; then
// nothing has changed.
func (b *Board) Clear(id ID, now time.Time) error {
	a := b.get(id)
	if a == nil {
		return fmt.Errorf("%w: id %.80q: want one that is listed", ErrUnknown, id)
	}
	_, err := b.clear(a, now)
	return err
}

// ClearAll clears all alarms that are lit and says how many it could. The errors are those of Raise
// for those that it could not, joined.
func (b *Board) ClearAll(now time.Time) (cleared int, err error) {
	var errs []error
	for _, a := range b.List() {
		switch did, err := b.clear(b.get(a.ID), now); {
		case err != nil:
			errs = append(errs, err)
		case did:
			cleared++
		}
	}
	return cleared, errors.Join(errs...)
}

// clear publishes first: it is better not to clear than to clear for some only. The event will come
// back to the board in its place among the others, so doing it here at once is for the caller, who
// wants to see it done. Where the board has heard something meanwhile, that may have come after the
// clear, so it is left to the event.
func (b *Board) clear(a *Alarm, now time.Time) (did bool, err error) {
	if a == nil || a.Status == Cleared {
		return false, nil
	}
	if err := Clear(b.engine, now, a.ID); err != nil {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alarms[a.ID] == a {
		b.applyLocked(&Report{ID: a.ID, Status: Cleared, Timestamp: now})
	}
	return true, nil
}

// Refused counts the events that were no valid *Report or had no place on the board.
func (b *Board) Refused() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

// Deliver is the engine's way in. It takes everything: a bad event must not cost the board its
// subscription.
func (b *Board) Deliver(batch []*notify.Event) (taken int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ev := range batch {
		r, ok := ev.Payload.(*Report)
		if !ok || r == nil || r.validate() != nil || !b.applyLocked(r) {
			b.refused++
		}
	}
	return len(batch), nil
}

// Prompt: nobody holds the lock for longer than it takes to copy the list.
func (b *Board) Prompt() bool { return true }

// applyLocked enters a report; false means that there is no place for it.
func (b *Board) applyLocked(r *Report) bool {
	old := b.alarms[r.ID]
	lit := old != nil && old.Status == Raised
	if r.Status == Cleared {
		if lit { // else there is nothing to clear
			a := *old
			a.Status, a.Timestamp = Cleared, r.Timestamp
			if len(r.Fields) > 0 {
				a.Fields = r.Fields
			}
			b.alarms[r.ID] = &a
		}
		return true
	}
	if old == nil && !b.makePlaceLocked(r.ID) {
		return false
	}
	a := &Alarm{Report: *r, FirstRaised: r.Timestamp, LastRaised: r.Timestamp, Count: 1}
	if lit {
		a.FirstRaised, a.Count = old.FirstRaised, old.Count+1
	}
	b.alarms[r.ID] = a
	return true
}

// makePlaceLocked reports whether a new id has a place, which may be that of the oldest cleared
// one. It looks at all of them: there are few, and new ids are rare.
func (b *Board) makePlaceLocked(id ID) bool {
	if own[id] {
		return true
	}
	others, oldest := 0, (*Alarm)(nil)
	for _, a := range b.alarms {
		if own[a.ID] {
			continue
		}
		others++
		if a.Status == Cleared && (oldest == nil || older(a, oldest)) {
			oldest = a
		}
	}
	if others < OthersMax {
		return true
	}
	if oldest == nil {
		return false
	}
	delete(b.alarms, oldest.ID)
	return true
}

// older orders by time, and by id where that is the same, so that runs can be repeated.
func older(a, b *Alarm) bool {
	return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.ID, b.ID)) < 0
}

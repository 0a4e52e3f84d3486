package sim

import (
	"math"

	"github.com/notifylab/notifylab/notify"
)

// view is what one consumer knows of its providers: the truth as of a position in its group's log,
// less the changes before that which it missed. It finds out about those by itself: they are what
// lies between one event's place in the log and the next one's. What the engine says it lost is
// only held against that.
//
// An EXPIRE tells a consumer to forget a service and to ask for it again. It does so as part of
// handling that, and what it gets is taken as of the EXPIRE: the answer is no older, and what is
// newer in it comes as an event, too. So it then misses nothing of the service, whether it may see
// it or not. Who misses an EXPIRE misses that, until the next one of the service, a list or a pull:
// no event of an instance says all that it would have learned.
type view struct {
	log      *groupLog
	position int   // log entries up to here are applied or missed
	floor    int64 // revisions up to here are known from a list or a pull

	staleFrom int64 // the stale interval that is open or was the last: its begin…
	freshFrom int64 // …and its end; never while something is missed
	missed    *missed
}

const never = math.MaxInt64

// missed exists while the consumer lacks a change, or was told that it will.
type missed struct {
	lacks   bitset // keys of which the view lacks the latest event, by slot…
	lacking int    // …and how many
	base    int    // position that the first bit of told is about
	told    bitset // i: the engine said that base+i will not come
	next    int    // position after the last that it said so of
	runEnd  int    // position of the last loss that was told
	runLen  int64  // losses in a row up to there
}

// interval is a stretch of staleness that is over; the zero value means that none ended.
type interval struct{ from, length int64 }

// applied says what an event did to a view.
type applied struct {
	known  bool     // the view had it already, from a list or a pull
	alien  bool     // it isn't in the log
	due    int64    // of the change
	untold int      // changes missed before it that the engine didn't own up to
	ended  interval // the interval before the one that this change began
}

// apply makes the event of a revision part of the view at time now.
func (v *view) apply(revision, now int64) (a applied) {
	if revision <= v.floor {
		return applied{known: true}
	}
	tail := v.log.from(v.position)
	n := 0
	for n < len(tail) && tail[n].revision < revision {
		n++
	}
	if n == len(tail) || tail[n].revision != revision {
		return applied{alien: true}
	}
	a.due, a.ended = tail[n].due, v.stale(tail[0].due)
	for i := range tail[:n] {
		if !v.miss(v.position+i, &tail[i]) {
			a.untold++
		}
	}
	v.position += n + 1
	v.freshFrom = now
	if m := v.missed; m != nil {
		switch {
		case tail[n].expire && m.lacking > 0:
			m.lacking -= v.log.settle(m.lacks, tail[n].slot)
		case m.lacks.unset(int(tail[n].slot)):
			m.lacking--
		}
		if m.lacking > 0 {
			v.freshFrom = never
		} else {
			v.missed = m.keep(v.position)
		}
	}
	return a
}

// begin makes the view that of a consumer which is born at time now, with a list. What was told
// before that stays: the list may be older than those changes.
func (v *view) begin(revision int64, position int, now int64) {
	v.floor, v.position = revision, position
	v.staleFrom, v.freshFrom = now, now
	if v.missed != nil {
		v.missed = v.missed.keep(position)
	}
}

// stale opens an interval at the due time of the first change not yet known, unless the last one
// lasts until then; else that one has ended and is returned. Due times never decrease along a log,
// so the last one began no later, or it began with the view.
func (v *view) stale(due int64) (ended interval) {
	if due <= v.freshFrom {
		return interval{}
	}
	ended = interval{v.staleFrom, v.freshFrom - v.staleFrom}
	v.staleFrom = due
	return ended
}

// miss notes that the change at position never came and reports whether that was told.
func (v *view) miss(position int, e *entry) (told bool) {
	if v.missed == nil {
		v.missed = newMissed(v.position)
	}
	if v.missed.lacks.set(int(e.slot)) {
		v.missed.lacking++
	}
	return e.unsent || v.missed.wasTold(position)
}

// reset makes the view the truth as of a list or pull, which was read at that position and
// revision. What came since it was read is known already.
func (v *view) reset(revision int64, position int, now int64) (ended interval) {
	v.floor = max(v.floor, revision)
	if v.position < position {
		ended = v.stale(v.log.from(v.position)[0].due)
		v.position = position
		v.freshFrom = now
	}
	if m := v.missed; m != nil {
		if m.lacking > 0 {
			clear(m.lacks)
			m.lacking = 0
			v.freshFrom = now
		}
		v.missed = m.keep(v.position)
	}
	return ended
}

// end closes the books at time now: the last interval and the one before it, and whether the last
// is still open, for the view is wrong.
func (v *view) end(now int64) (before, last interval, open bool) {
	if tail := v.log.from(v.position); len(tail) > 0 {
		before = v.stale(tail[0].due)
		v.freshFrom = never
	}
	if v.freshFrom == never {
		return before, interval{v.staleFrom, now - v.staleFrom}, true
	}
	return before, interval{v.staleFrom, v.freshFrom - v.staleFrom}, false
}

// right reports whether the view equals the truth.
func (v *view) right() bool {
	return v.position == v.log.len() && (v.missed == nil || v.missed.lacking == 0)
}

// told notes that the engine will not deliver these events. With lost, and not conflated, ended is
// called with the length of each run of losses that is over.
func (v *view) told(events []*notify.Event, lost bool, ended func(run int64)) {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	near := math.MaxInt // what is lost first has mostly just come
	if v.missed != nil && v.missed.next > 0 {
		near = v.missed.next
	}
	for _, ev := range events {
		position, ok := v.log.findLocked(ev.Revision, near)
		if !ok || position < v.position {
			continue
		}
		if v.missed == nil {
			v.missed = newMissed(v.position)
		}
		m := v.missed
		m.told.set(position - m.base)
		m.next, near = position+1, position+1
		if !lost {
			continue
		}
		if m.runLen > 0 && position == m.runEnd+1 {
			m.runEnd, m.runLen = position, m.runLen+1
			continue
		}
		if m.runLen > 0 {
			ended(m.runLen)
		}
		m.runEnd, m.runLen = position, 1
	}
}

func newMissed(base int) *missed { return &missed{base: base} }

func (m *missed) wasTold(position int) bool { return m.told.has(position - m.base) }

// keep is m as long as it says something about positions from this one on, else nil. A run of
// losses that has ended is kept until the next one, for its length is still to be recorded.
func (m *missed) keep(position int) *missed {
	if position-m.base < 64*len(m.told) || m.runLen > 0 {
		if drop := (position - m.base) / 64; drop > 0 && drop <= len(m.told) {
			m.told = append(bitset(nil), m.told[drop:]...)
			m.base += 64 * drop
		} else if drop > len(m.told) {
			m.told, m.base = nil, position
		}
		return m
	}
	return nil
}

package alarm

import (
	"sync/atomic"
	"time"
)

// tally counts on the shards what a check looks at later. It never waits.
type tally struct {
	n     atomic.Uint64
	first atomic.Pointer[string] // a word about the first of them
}

// add counts one. The word is made only for the first since the last check: a storm of a million
// evictions must not make a million texts.
func (t *tally) add(n int, word func() string) {
	t.n.Add(uint64(n))
	if t.first.Load() == nil {
		s := cut(word(), StringMax)
		t.first.CompareAndSwap(nil, &s)
	}
}

// take returns what was counted since it was last called. A word that comes just behind its count
// is told with the next one.
func (t *tally) take() (n uint64, first string) {
	n = t.n.Swap(0)
	if s := t.first.Swap(nil); s != nil {
		first = *s
	}
	return n, first
}

// reading is what a check finds about one condition. Between high and low nothing changes.
type reading struct {
	high, low bool
	fields    Fields
}

// condition is what one alarm is about. One high reading lights it, and several low ones in a row
// put it out, so that what goes up and down about a threshold raises one alarm.
type condition struct {
	id ID
	tally

	lit    bool
	calm   int       // low readings in a row, since it was told
	told   bool      // the alarm was raised, and not cleared since
	toldAt time.Time // when it was raised last
	high   Fields    // of the last high reading

	total  uint64 // counted since it was lit
	detail string // the latest word
}

// see lights the condition or puts it out. What was not told yet stays lit: otherwise an alarm that
// the full queue did not take would never be heard of, once its cause has gone.
func (c *condition) see(r reading, clearAfter int) {
	switch {
	case r.high:
		c.lit, c.calm, c.high = true, 0, r.fields
	case !r.low:
		c.calm = 0
	case c.lit && c.told:
		c.calm++
		c.lit = c.calm < clearAfter
	}
}

// due says what others don't know yet, or may have forgotten: nothing if the status is "". What is
// told late is told with the fields that were the reason.
func (c *condition) due(now time.Time, repeat time.Duration, r reading) (Status, Fields) {
	switch {
	case c.lit && !c.told:
		return Raised, c.high
	case c.lit && now.Sub(c.toldAt) >= repeat:
		return Raised, r.fields
	case !c.lit && c.told:
		return Cleared, r.fields
	}
	return "", nil
}

// read takes the tally. The sum begins anew after each time that the condition was lit.
func (c *condition) read() reading {
	n, word := c.take()
	if !c.lit {
		c.total, c.detail = 0, ""
	}
	c.total += n
	if word != "" {
		c.detail = word
	}
	r := reading{high: n > 0, low: n == 0, fields: Fields{Int("count", int64(c.total))}}
	if c.detail != "" {
		r.fields = append(r.fields, String(Detail, c.detail))
	}
	return r
}

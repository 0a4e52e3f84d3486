package stream

import (
	"container/heap"
	"time"
)

// line is a queue that needs no memory of its own.
type line struct{ first, last *member }

func (l *line) push(m *member) {
	if l.first == nil {
		l.first = m
	} else {
		l.last.after = m
	}
	l.last = m
}

func (l *line) pop() *member {
	m := l.first
	l.first, m.after = m.after, nil
	return m
}

// lines are those of the members that are ready: the ones that were woken or have more to do, and
// the ones whose time has come. They are served by turns, so that many pings hold no event up.
type lines struct {
	woken, due line
	dueNext    bool
}

func (l *lines) empty() bool { return l.woken.first == nil && l.due.first == nil }

// pop is not called when both are empty.
func (l *lines) pop() *member {
	l.dueNext = l.woken.first == nil || l.dueNext && l.due.first != nil
	if l.dueNext {
		l.dueNext = false
		return l.due.pop()
	}
	l.dueNext = true
	return l.woken.pop()
}

// slot is the time of a look, and the members it is for.
type slot struct {
	at      time.Duration
	members []*member
}

// timers is a heap of slots by at. It is touched when a time has come or one comes sooner than
// before, not with each event.
type timers struct {
	slots []*slot
	byAt  map[time.Duration]*slot
}

// add puts a member that is in no slot into that of a time; first says that there was no earlier
// one, nor this one.
func (t *timers) add(m *member, at time.Duration) (first bool) {
	s := t.byAt[at]
	if s == nil {
		s = &slot{at: at}
		t.byAt[at] = s
		heap.Push(t, s)
		first = t.slots[0] == s
	}
	m.slot, m.place = s, len(s.members)
	s.members = append(s.members, m)
	return first
}

// remove takes a member out of its slot, if it is in one. The slot stays until its time.
func (t *timers) remove(m *member) {
	if m.slot == nil {
		return
	}
	in, last := m.slot.members, len(m.slot.members)-1
	in[m.place], in[last].place = in[last], m.place
	in[last] = nil
	m.slot.members, m.slot = in[:last], nil
}

// next takes the first slot out. Its members are in none then.
func (t *timers) next() []*member {
	s := heap.Pop(t).(*slot)
	delete(t.byAt, s.at)
	for _, m := range s.members {
		m.slot = nil
	}
	return s.members
}

func (t *timers) Len() int           { return len(t.slots) }
func (t *timers) Less(i, j int) bool { return t.slots[i].at < t.slots[j].at }
func (t *timers) Swap(i, j int)      { t.slots[i], t.slots[j] = t.slots[j], t.slots[i] }

// Push is for package heap.
func (t *timers) Push(x any) { t.slots = append(t.slots, x.(*slot)) }

// Pop is for package heap.
func (t *timers) Pop() any {
	last := len(t.slots) - 1
	s := t.slots[last]
	t.slots[last], t.slots = nil, t.slots[:last]
	return s
}

package stream

import "container/heap"

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

// timers is a heap by at. It is touched when a time has come or one comes sooner than before, not
// with each event.
type timers []*member

// noTimer is the index of a member that isn't in the heap.
const noTimer = -1

// fix puts a member where its time belongs.
func (t *timers) fix(m *member) {
	if m.timer == noTimer {
		heap.Push(t, m)
	} else {
		heap.Fix(t, m.timer)
	}
}

func (t *timers) remove(m *member) {
	if m.timer != noTimer {
		heap.Remove(t, m.timer)
	}
}

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }

func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].timer, t[j].timer = i, j
}

// Push is for package heap.
func (t *timers) Push(x any) {
	m := x.(*member)
	m.timer = len(*t)
	*t = append(*t, m)
}

// Pop is for package heap.
func (t *timers) Pop() any {
	last := len(*t) - 1
	m := (*t)[last]
	m.timer, (*t)[last] = noTimer, nil
	*t = (*t)[:last]
	return m
}

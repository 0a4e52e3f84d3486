package sim_test

import (
	"maps"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// viewModel is a view that keeps everything: the whole log, the revision of every instance at any
// time, and all that was told. What a view derives step by step it recomputes from scratch.
type viewModel struct {
	log      []modelChange
	known    map[string]int64 // instance → revision
	position int              // changes before it are known or missed
	floor    int64
	told     map[int]bool
	moments  []moment // since the birth
	losses   []int    // positions in the order they were told
}

type modelChange struct {
	revision, due int64
	key           string
	unsent        bool
	service       string
	expire        bool
}

// moment is what the view was from one time on.
type moment struct {
	at    int64
	known map[string]int64
}

func (m *viewModel) born(revision int64, position int, now int64) {
	m.known, m.moments = make(map[string]int64), nil
	m.position = 0
	m.list(revision, position, now)
	m.floor = revision
	m.note(now)
}

func (m *viewModel) note(now int64) {
	m.moments = append(m.moments, moment{now, maps.Clone(m.known)})
}

// list adds what was true at a position.
func (m *viewModel) list(revision int64, position int, now int64) {
	for _, c := range m.log[:position] {
		m.known[c.key] = max(m.known[c.key], c.revision)
	}
	m.position, m.floor = max(m.position, position), max(m.floor, revision)
	m.note(now)
}

// event adds one change, and counts the ones before it that are passed over without a word.
func (m *viewModel) event(position int, now int64) (untold int) {
	for i := m.position; i < position; i++ {
		if !m.told[i] && !m.log[i].unsent {
			untold++
		}
	}
	c := m.log[position]
	m.known[c.key] = c.revision
	m.position = position + 1
	for _, other := range m.log[:position] {
		if c.expire && other.service == c.service { // it asks for all of that
			m.known[other.key] = max(m.known[other.key], other.revision)
		}
	}
	m.note(now)
	return untold
}

func (m *viewModel) tell(position int, lost bool) {
	if position < m.position {
		return // no news: it is known, or was missed before
	}
	m.told[position] = true
	if lost {
		m.losses = append(m.losses, position)
	}
}

// latest is the revision of every instance after so many changes.
func (m *viewModel) latest(position int) map[string]int64 {
	out := make(map[string]int64)
	for _, c := range m.log[:position] {
		out[c.key] = c.revision
	}
	return out
}

func (m *viewModel) right() bool { return maps.Equal(m.known, m.latest(len(m.log))) }

func (m *viewModel) missing() []string {
	out := []string{}
	for key, revision := range m.latest(m.position) {
		if m.known[key] != revision {
			out = append(out, key)
		}
	}
	return out
}

// staleness is the intervals, from birth to now, in which the view differed from what was due.
func (m *viewModel) staleness(now int64) (out []sim.Ended) {
	born := m.moments[0].at
	times := []int64{now}
	for _, s := range m.moments {
		times = append(times, s.at)
	}
	for _, c := range m.log {
		times = append(times, max(c.due, born))
	}
	slices.Sort(times)
	times = slices.Compact(times)
	for i, from := range times[:len(times)-1] {
		length := times[i+1] - from
		switch n := len(out); {
		case from >= now || !m.staleAt(from):
		case n > 0 && out[n-1].From+out[n-1].Length == from:
			out[n-1].Length += length
		default:
			out = append(out, sim.Ended{From: from, Length: length})
		}
	}
	return out
}

func (m *viewModel) staleAt(t int64) bool {
	var known map[string]int64
	for _, s := range m.moments {
		if s.at <= t {
			known = s.known
		}
	}
	due := 0
	for due < len(m.log) && m.log[due].due <= t {
		due++
	}
	for key, revision := range m.latest(due) {
		if known[key] < revision {
			return true
		}
	}
	return false
}

// runs is the lengths of the runs of neighbours among the losses.
func (m *viewModel) runs() (out []int64) {
	for i, at := range m.losses {
		if i > 0 && at == m.losses[i-1]+1 {
			out[len(out)-1]++
		} else {
			out = append(out, 1)
		}
	}
	return out
}

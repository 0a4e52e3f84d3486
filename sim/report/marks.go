package report

import (
	"fmt"
	"html"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
)

// marks say what a scenario did when: its stages as bands behind the lines, and its faults above
// them, each with its name and length. They are the same in all drawings over time of a document.
type marks struct {
	bands    []mark
	troubles []mark
	lanes    int // of the labels of the troubles
}

// mark is one of them. Times are in s since the begin of the warm-up, as in a run's series.
type mark struct {
	name     string
	says     string // all about it
	from, to float64
	class    string
	lane     int // of the label; -1: there is no room for it
}

const (
	bandHeight = 15 // of the names of the stages
	laneHeight = 14
	lanesMax   = 5
	letter     = 6.3 // width of one, on average
)

// newMarks marks what the scenario says up to end.
func newMarks(s *sim.Scenario, end float64) marks {
	var m marks
	warm, over := s.Warmup.Seconds(), (s.Warmup + s.Duration).Seconds()
	m.band("warm-up", "idle", 0, warm, end)
	at := warm
	for i, st := range s.Stages {
		to := at + st.Length.Seconds()
		m.band(stageName(st.Name, i), fmt.Sprintf("b%d", i%2), at, to, end)
		at = to
	}
	if len(s.Stages) > 0 {
		m.band("", "after", at, over, end)
	}
	m.band("healing", "idle", over, end, end)
	if s.Storm > 0 {
		m.trouble("storm", fmt.Sprintf("storm of %d changes", s.Storm), warm,
			s.Duration/4, s.StormLength, end)
	}
	if s.Partition > 0 {
		m.trouble("partition", fmt.Sprintf("partition of %g of the consumers", s.Partition), warm,
			s.Duration/2, s.PartitionLength, end)
	}
	for _, f := range s.Faults {
		name := f.Name
		if name == "" {
			name = f.Kind
		}
		m.trouble(name, f.String(), warm, f.Start, f.Length, end)
	}
	m.arrange(end)
	return m
}

// stageName is that of the i-th stage, which needs none.
func stageName(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("stage %d", i+1)
	}
	return name
}

func (m *marks) band(name, class string, from, to, end float64) {
	if from = max(from, 0); min(to, end) > from {
		says := name
		if says == "" {
			says = "after the stages"
		}
		m.bands = append(m.bands, mark{name: name, class: class, from: from, to: min(to, end),
			says: fmt.Sprintf("%s, from %.4g s to %.4g s", says, from, to)})
	}
}

func (m *marks) trouble(name, says string, warm float64, start, length time.Duration, end float64) {
	from := warm + start.Seconds()
	if from >= end {
		return
	}
	m.troubles = append(m.troubles, mark{name: name, from: from,
		to:   min(from+length.Seconds(), end),
		says: fmt.Sprintf("%s, from %.4g s for %v", says, from, length)})
}

// arrange gives each label the first lane in which it covers no other. Those that find none stay
// without: their marks still say all about them.
func (m *marks) arrange(end float64) {
	slices.SortStableFunc(m.troubles, func(a, b mark) int {
		return int(max(-1, min(1, 1e6*(a.from-b.from))))
	})
	var taken [lanesMax]float64 // up to here
	for i := range m.troubles {
		t := &m.troubles[i]
		from, to := m.extent(t, end)
		t.lane = slices.IndexFunc(taken[:], func(up float64) bool { return up <= from })
		if t.lane >= 0 {
			taken[t.lane] = to + 8
			m.lanes = max(m.lanes, t.lane+1)
		}
	}
}

// across is where a time is in the drawings.
func across(at, end float64) float64 {
	const width = svgWidth - rightMargin - leftMargin
	return leftMargin + width*at/end
}

// extent is the part of the width that a trouble's bar and label take.
func (m *marks) extent(t *mark, end float64) (from, to float64) {
	from = across(t.from, end)
	text := letter*float64(utf8.RuneCountInString(t.name)) + 6
	if from+text > svgWidth { // it stands before its begin
		return from - text, across(t.to, end)
	}
	return from, max(across(t.to, end), from+text)
}

// height is the room that the names need above the drawing's own.
func (m *marks) height() float64 {
	h := float64(laneHeight * m.lanes)
	if slices.ContainsFunc(m.bands, func(b mark) bool { return b.name != "" }) {
		h += bandHeight
	}
	return h
}

// draw draws the marks behind everything else.
func (m *marks) draw(d *drawing) {
	if len(m.bands)+len(m.troubles) == 0 {
		return
	}
	d.b.WriteString(`<g class="marks">`)
	for _, b := range m.bands {
		x, width := d.x.at(b.from), d.x.at(b.to)-d.x.at(b.from)
		d.box("band "+b.class, x, 0, width, d.y.from, b.says)
		if name := cut(b.name, width); name != "" {
			d.text(x+width/2, 11, "middle", name)
		}
	}
	top := m.height() - float64(laneHeight*m.lanes)
	for _, t := range m.troubles {
		x := d.x.at(t.from)
		width := max(d.x.at(t.to)-x, 2)
		y := top + laneHeight*float64(max(t.lane, 0))
		d.box("trouble", x, y, width, d.y.from-y, t.says)
		if t.lane < 0 {
			continue
		}
		d.box("strip", x, y, width, laneHeight-2, t.says)
		if from, _ := m.extent(&t, d.x.max); from < x-1 {
			d.text(x-4, y+11, "end", t.name)
		} else {
			d.text(x+4, y+11, "start", t.name)
		}
	}
	d.b.WriteString(`</g>`)
}

// box draws a rectangle that says what it is.
func (d *drawing) box(class string, x, y, width, height float64, says string) {
	fmt.Fprintf(&d.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"><title>%s</title>`+
		`</rect>`, class, num(x), num(y), num(width), num(height), html.EscapeString(says))
}

// cut shortens a name to what has room in width, to nothing if that would say nothing.
func cut(name string, width float64) string {
	room := int((width - 4) / letter)
	if utf8.RuneCountInString(name) <= room {
		return name
	}
	if room < 4 {
		return ""
	}
	return string([]rune(name)[:room-1]) + "…"
}

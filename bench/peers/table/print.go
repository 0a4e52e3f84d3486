package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	floorPeer = "ring"      // what the ratios are to
	thisPeer  = "notifylab" // comes next

	stuckLoad = "subs=1000/mode=stuck"
)

// column is one of the table.
type column struct {
	title  string
	load   string
	unit   string
	format func(float64) string
}

var columns = []column{
	{"burst 10 000", "subs=10000/mode=burst", "ns/delivery", nanoseconds},
	{"lockstep 10 000", "subs=10000/mode=lockstep", "ns/delivery", nanoseconds},
	{"lockstep p99", "subs=10000/mode=lockstep", "p99-ns", nanoseconds},
	{"unicast", "groups=10000/mode=unicast", "ns/delivery", nanoseconds},
	{"idle/sub", "subs=10000/mode=idle", "B/sub", bytes},
	{"stuck p99", stuckLoad, "p99-ns", nanoseconds},
}

// What is wrong with a peer's figures stands below the table, once for all cells that have it.
var marks = []struct{ letter, text string }{
	{"a", "loses events, so there is no figure"},
	{"b", "delivers out of order"},
	{"c", "blocks the publisher for good, and with it everybody"},
	{"d", "the others get less than 99.9 % of the events in time; p99 is over these"},
	{"e", "can't address one of so many groups by name"},
	{"f", "what is beyond the stuck one's queue is lost to it"},
	{"g", "everything is kept for the stuck one, however far behind it is"},
	{"h", "the publisher was late, p99 5 ms or more: the machine was busy, or publishing waits"},
}

// rows are the peers: the floor, this engine, and then by what a burst costs.
func (f *figures) rows() []string {
	cost := func(peer string) (class int, ns float64) {
		ns, ok := f.median(peer, columns[0].load, columns[0].unit)
		switch {
		case peer == floorPeer:
			return 0, 0
		case peer == thisPeer:
			return 1, 0
		case !ok || f.any(peer, columns[0].load, "lost"):
			return 3, 0
		}
		return 2, ns
	}
	return slices.SortedFunc(maps.Keys(f.peers), func(p, q string) int {
		pClass, pCost := cost(p)
		qClass, qCost := cost(q)
		return cmp.Or(
			cmp.Compare(pClass, qClass), cmp.Compare(pCost, qCost), strings.Compare(p, q))
	})
}

// print writes the header line, the table, the footnotes that it refers to, and the peers' notes.
func (f *figures) print(w io.Writer) error {
	var sb strings.Builder
	sb.WriteString(f.header() + "\n\n")
	used := f.writeTable(&sb)
	sb.WriteString("\n")
	for _, m := range marks {
		if peers := used[m.letter]; len(peers) > 0 {
			fmt.Fprintf(&sb, "- (%s) %s%s\n", m.letter, m.text, f.lostTo(m.letter, peers))
		}
	}
	for _, note := range f.configs("note-") {
		sb.WriteString("- " + note + "\n")
	}
	_, err := io.WriteString(w, sb.String())
	return err
}

// writeTable writes the table and returns the peers that have a mark, by its letter.
func (f *figures) writeTable(sb *strings.Builder) (used map[string][]string) {
	sb.WriteString("| engine |")
	for _, c := range columns {
		sb.WriteString(" " + c.title + " |")
	}
	sb.WriteString("\n|---|" + strings.Repeat("---:|", len(columns)) + "\n")
	used = map[string][]string{}
	for _, peer := range f.rows() {
		sb.WriteString("| " + peer + " |")
		for _, c := range columns {
			text, letters := f.cell(peer, c)
			for _, l := range letters {
				used[l] = append(used[l], peer)
			}
			if len(letters) > 0 {
				text += " (" + strings.Join(letters, ", ") + ")"
			}
			sb.WriteString(" " + text + " |")
		}
		sb.WriteString("\n")
	}
	return used
}

// lostTo is how many events the stuck one of each of the peers has lost, where the mark is about
// that.
func (f *figures) lostTo(letter string, peers []string) string {
	if letter != "f" {
		return ""
	}
	var counts []string
	for _, peer := range peers {
		n, _ := f.median(peer, stuckLoad, "stuck-lost")
		counts = append(counts, peer+" "+significant(n))
	}
	return ": " + strings.Join(counts, ", ")
}

// header says when, on what and of which versions.
func (f *figures) header() string {
	known := func(key string) string { return cmp.Or(f.config[key], "unknown "+key) }
	runs := "1 run"
	if n := f.runs(); n > 1 {
		runs = fmt.Sprintf("medians of %d runs", n)
	}
	return fmt.Sprintf("%s, %s, %s, %s. %s. In brackets: ratio to the %s floor.",
		known("date"), known("cpu"), known("go"), runs,
		strings.Join(f.configs("version-"), ", "), floorPeer)
}

// configs are the values of the keys that begin so, in the order of the keys.
func (f *figures) configs(prefix string) []string {
	var values []string
	for _, key := range slices.Sorted(maps.Keys(f.config)) {
		if strings.HasPrefix(key, prefix) {
			values = append(values, f.config[key])
		}
	}
	return values
}

// cell is a figure, its ratio to the floor's, and the letters of its marks.
func (f *figures) cell(peer string, c column) (text string, letters []string) {
	mark := func(letter string, on bool) {
		if on {
			letters = append(letters, letter)
		}
	}
	lost, blocked := f.any(peer, c.load, "lost"), f.any(peer, c.load, "blocked")
	value, ok := f.median(peer, c.load, c.unit)
	mark("a", lost)
	mark("b", f.any(peer, c.load, "reordered"))
	mark("c", blocked)
	if strings.HasSuffix(c.load, "mode=unicast") {
		mark("e", slices.Contains(strings.Fields(f.config["no-unicast"]), peer))
	}
	if inTime, has := f.median(peer, c.load, "in-time-%"); has && !blocked {
		mark("d", inTime < 99.9)
		mark("f", f.any(peer, c.load, "stuck-lost"))
		mark("g", !f.any(peer, c.load, "stuck-lost"))
		lag, _ := f.median(peer, c.load, "lag-p99-ns")
		mark("h", lag >= 5e6)
	}
	if !ok || lost || blocked {
		return "–", letters
	}
	text = c.format(value)
	if floor, has := f.median(floorPeer, c.load, c.unit); has && floor > 0 {
		text += " (" + significant(value/floor) + "×)"
	}
	return text, letters
}

// nanoseconds writes a time in a unit that suits it.
func nanoseconds(ns float64) string {
	switch {
	case ns >= 1e9:
		return significant(ns/1e9) + " s"
	case ns >= 1e6:
		return significant(ns/1e6) + " ms"
	case ns >= 1e4:
		return significant(ns/1e3) + " µs"
	}
	return significant(ns) + " ns"
}

func bytes(n float64) string { return significant(n) + " B" }

// significant writes a number with two digits, or all of those before the point, these in groups
// of three.
func significant(x float64) string {
	if x < 9.95 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
)

// Text writes the document as tables for a terminal. The error is w's, or that of a histogram that
// can't be read, with its name.
func Text(w io.Writer, d *sim.Document) error {
	var b strings.Builder
	for _, line := range traceLines(d) {
		b.WriteString("trace: " + line + "\n")
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	outcomes(&b, d)
	latencies(&b, d)
	pulls(&b, d)
	streams(&b, d)
	for _, p := range []detail{stageTable(d), objectiveTable(d)} {
		p.writeText(&b, d)
	}
	for _, h := range []histogram{
		{"Propagation: share of the deliveries, by the time it took", "propagation_ns",
			latencyEdges, true, func(r *sim.Run) *sim.Summary { return &r.Propagation }},
		{"Drops: number of consumers, by the number of events each lost", "drops_per_consumer",
			countEdges, false, func(r *sim.Run) *sim.Summary { return &r.Drops }},
	} {
		if err := h.write(&b, d); err != nil {
			return err
		}
	}
	reasons(&b, d)
	virtualCost(&b, d)
	_, err := io.WriteString(w, b.String())
	return err
}

// Label names a configuration in a table.
func Label(c *sim.Config) string {
	return fmt.Sprintf("%-9s %-11s %5d %5d", c.Engine, c.Policy, c.QueueSize, c.WatcherQueue)
}

// rowLabel names a run in a table: its configuration, and what else was set for it alone.
func rowLabel(r *sim.Run) string {
	return strings.TrimSuffix(Label(&r.Config)+"  "+varied(r), "  ")
}

const labelHead = "engine    policy      queue watch"

// table is rows of cells under a head; all but the first cell, and those of some more columns, are
// set to the right.
type table struct {
	rows [][]string
	left []int // the columns
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(b *strings.Builder) {
	var width []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			switch {
			case i == 0:
				line.WriteString(c + pad)
			case slices.Contains(t.left, i):
				line.WriteString("  " + c + pad)
			default:
				line.WriteString("  " + pad + c)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// edge is the upper end of a column of a spread.
type edge struct {
	name string
	at   int64
}

var latencyEdges = []edge{
	{"2ms", 2e6}, {"5ms", 5e6}, {"10ms", 10e6}, {"20ms", 20e6}, {"50ms", 50e6}, {"100ms", 100e6},
	{"200ms", 200e6}, {"500ms", 500e6}, {"1s", 1e9}, {"2s", 2e9}, {"5s", 5e9},
}

var countEdges = []edge{
	{"0", 0}, {"1", 1}, {"3", 3}, {"10", 10}, {"30", 30}, {"100", 100}, {"300", 300},
	{"1000", 1000}, {"3000", 3000},
}

// histogram is shown as one line per run: how much lies between one edge and the next.
type histogram struct {
	title  string
	field  string // in the document
	edges  []edge
	shares bool // of the whole, instead of counts
	pick   func(*sim.Run) *sim.Summary
}

func (h *histogram) write(b *strings.Builder, d *sim.Document) error {
	b.WriteString("\n" + h.title + "\n")
	var t table
	head := []string{labelHead}
	for _, e := range h.edges {
		head = append(head, "≤"+e.name)
	}
	t.row(append(head, "more")...)
	for i, r := range d.Runs {
		counts, total, err := h.count(h.pick(r))
		if err != nil {
			return fmt.Errorf("runs[%d].%s.%w", i, h.field, err)
		}
		row := []string{rowLabel(r)}
		for _, n := range counts {
			switch {
			case n == 0:
				row = append(row, "·")
			case h.shares:
				row = append(row, Share(n, total))
			default:
				row = append(row, Count(n))
			}
		}
		t.row(row...)
	}
	t.write(b)
	return nil
}

// count sorts a summary's values by edges; the last count is of those beyond all of them.
func (h *histogram) count(s *sim.Summary) (counts []uint64, total uint64, err error) {
	counts = make([]uint64, len(h.edges)+1)
	if s.Count == 0 && s.HDR == "" { // as in a run that was never begun
		return counts, 0, nil
	}
	hdr, err := s.Decode()
	if err != nil {
		return nil, 0, err
	}
	for _, bar := range hdr.Distribution() {
		k, _ := slices.BinarySearchFunc(h.edges, bar.From, func(e edge, v int64) int {
			return cmp.Compare(e.at, v)
		})
		counts[k] += uint64(bar.Count)
	}
	return counts, uint64(hdr.TotalCount()), nil
}

func reasons(b *strings.Builder, d *sim.Document) {
	for _, r := range d.Runs {
		for _, why := range r.Reasons {
			fmt.Fprintf(b, "\n%s: %s: %s", RunName(r), Verdict(r), why)
		}
	}
	b.WriteString("\n")
}

// virtualCost says what a virtual run believed about the machine and what it took.
func virtualCost(b *strings.Builder, d *sim.Document) {
	e := &d.Environment
	if e.CostModel == nil || e.Took == nil {
		return
	}
	simulated := simulatedSeconds(d)
	fmt.Fprintf(b, "virtual clock, cost model of %q; simulated %.3gs in %.3gs (%.3g×real time), "+
		"%.3g CPU s, %s\n", e.CostModel.Machine, simulated, e.Took.WallSeconds,
		simulated/e.Took.WallSeconds, e.Took.CPUSeconds, Bytes(e.Took.PeakRSS))
}

// simulatedSeconds is without the healing, and what an interrupted run left out.
func simulatedSeconds(d *sim.Document) (sum float64) {
	whole := (d.Scenario.Warmup + d.Scenario.Duration).Seconds()
	for _, r := range d.Runs {
		if n := len(r.Series); n > 0 {
			sum += min(whole, r.Series[n-1].At)
		}
	}
	return sum
}

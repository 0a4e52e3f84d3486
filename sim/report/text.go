package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
)

// Text writes the document as tables for a terminal. The error is w's, or that of a histogram that
// can't be read, with its name.
func Text(w io.Writer, d *sim.Document) error {
	var b strings.Builder
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

func outcomes(b *strings.Builder, d *sim.Document) {
	b.WriteString("What became of the deliveries\n")
	var t table
	t.row(labelHead, "offered", "delivered", "conflated", "stale", "in flight", "dropped",
		"of offered", "why", "resyncs", "verdict")
	for _, r := range d.Runs {
		k := &r.Books
		t.row(rowLabel(r), Count(k.Offered), Count(k.Delivered), Count(k.Conflated),
			Count(k.Stale), Count(k.InFlight), Count(k.DroppedTotal()),
			Share(k.DroppedTotal(), k.Offered), causes(k.Dropped), Count(uint64(r.Resyncs)),
			Verdict(r))
	}
	t.write(b)
}

// Verdict is a run's verdict in a table: a baseline's harms are what it is run for.
func Verdict(r *sim.Run) string {
	if r.Baseline && r.Verdict == sim.Failed {
		return "harmed"
	}
	return r.Verdict
}

// causes lists causes with their counts, the largest first.
func causes(dropped map[string]uint64) string {
	if len(dropped) == 0 {
		return "-"
	}
	names := make([]string, 0, len(dropped))
	for name := range dropped {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(dropped[b], dropped[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + Count(dropped[name])
	}
	return strings.Join(names, ", ")
}

func latencies(b *strings.Builder, d *sim.Document) {
	what := "How long it took, and what it cost"
	if d.Environment.Clock == sim.VirtualClock {
		what = "How long it took, in virtual time"
	}
	b.WriteString("\n" + what +
		" (propagation: due to handled; stale: a view differs from the truth)\n")
	var t table
	head := []string{labelHead, "p50", "p99", "p99.9", "max", "stale p99", "stale max",
		"publish wait", "queue high", "ev/s/watcher", "healed in"}
	if d.Environment.Clock != sim.VirtualClock {
		head = append(head, "CPU s", "peak mem", "B/consumer")
	}
	t.row(head...)
	for _, r := range d.Runs {
		p, healed := &r.Propagation, "never"
		if r.HealNS >= 0 {
			healed = Duration(r.HealNS)
		}
		row := []string{rowLabel(r), Duration(p.P50), Duration(p.P99), Duration(p.P999),
			Duration(p.Max), Duration(r.Staleness.P99), Duration(r.Staleness.Max),
			Duration(r.PublishWait.Max), Count(uint64(r.QueueHigh)),
			strconv.FormatFloat(r.WatcherRateMax, 'f', 1, 64), healed}
		if d.Environment.Clock != sim.VirtualClock {
			row = append(row, strconv.FormatFloat(r.CPUSeconds, 'f', 2, 64), Bytes(r.PeakRSS),
				strconv.FormatInt(r.BytesPerWatcher, 10))
		}
		t.row(row...)
	}
	t.write(b)
}

// pulls says what the find cache did for the consumers' pulls, where there were any.
func pulls(b *strings.Builder, d *sim.Document) {
	var t table
	t.row(labelHead, "pulls", "pulls/s", "shared", "finds", "from cache", "not modified", "evicted")
	for _, r := range d.Runs {
		if f := r.Finds; f != nil {
			t.row(rowLabel(r), Count(uint64(r.Pulls)),
				strconv.FormatFloat(f.PullRate, 'f', 1, 64),
				Share(uint64(f.SharedPulls), uint64(r.Pulls)), Count(f.Finds),
				Share(f.Hits, f.Finds), Share(f.NotModified, f.Finds), Count(f.Evicted))
		}
	}
	if len(t.rows) > 1 {
		b.WriteString("\nPulls (a find per provider, but shared ones take another's answers; " +
			"not modified: it had that answer)\n")
		t.write(b)
	}
}

// streams says what the sessions did, where there were any.
func streams(b *strings.Builder, d *sim.Document) {
	var t table
	t.row(labelHead, "opened", "heartbeats", "encoded", "frames", "unsent", "refused",
		"write timeouts", "read timeouts", "ended otherwise")
	for _, r := range d.Runs {
		s := r.Stream
		if s == nil {
			continue
		}
		others := make(map[string]uint64)
		for reason, n := range s.Ended {
			others[reason] = uint64(n)
		}
		write, read := others[sim.EndedByWrite], others[sim.EndedByRead]
		delete(others, sim.EndedByWrite)
		delete(others, sim.EndedByRead)
		t.row(rowLabel(r), Count(uint64(s.Opened)), Count(uint64(s.Heartbeats)),
			Count(uint64(s.Encoded)), Count(uint64(s.Frames)), Count(uint64(s.Unsent)),
			Count(uint64(s.Refused)), Count(write), Count(read), causes(others))
	}
	if len(t.rows) > 1 {
		fmt.Fprintf(b, "\nSessions (transport %s)\n", d.Scenario.Transport)
		t.write(b)
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
	hdr, err := s.Decode()
	if err != nil {
		return nil, 0, err
	}
	counts = make([]uint64, len(h.edges)+1)
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
	s := &d.Scenario
	simulated := float64(len(d.Runs)) * (s.Warmup + s.Duration).Seconds()
	fmt.Fprintf(b, "virtual clock, cost model of %q; simulated %.3gs in %.3gs (%.3g×real time), "+
		"%.3g CPU s, %s\n", e.CostModel.Machine, simulated, e.Took.WallSeconds,
		simulated/e.Took.WallSeconds, e.Took.CPUSeconds, Bytes(e.Took.PeakRSS))
}

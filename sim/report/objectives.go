package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// detail is a table about parts of runs: their stages, or what was asked of them. The first cell of
// a row is a name; one under "verdict" is words.
type detail struct {
	title string
	head  []string
	rows  []detailRow
}

type detailRow struct {
	run   int // in the document, from 0
	cells []string
}

// stageTable has a row per stage of each run that has any.
func stageTable(d *sim.Document) detail {
	p := detail{title: "Stages (by the changes that were due in each)", head: []string{"stage",
		"from", "to", "changes", "offered", "dropped", "of offered", "p50", "p99", "p99.9", "max",
		"stale p99", "stale max"}}
	wall := d.Environment.Clock != sim.VirtualClock
	if wall {
		p.head = append(p.head, "peak mem")
	}
	for i, r := range d.Runs {
		for k := range r.Stages {
			s := &r.Stages[k]
			cells := []string{cmp.Or(s.Name, "#"+strconv.Itoa(k+1)), seconds(s.From),
				seconds(s.To), Count(uint64(s.Changes)), Count(s.Offered), Count(s.Dropped),
				Share(s.Dropped, s.Offered), Duration(s.Propagation.P50),
				Duration(s.Propagation.P99), Duration(s.Propagation.P999),
				Duration(s.Propagation.Max), Duration(s.Staleness.P99),
				Duration(s.Staleness.Max)}
			if wall {
				cells = append(cells, Bytes(s.Memory))
			}
			p.rows = append(p.rows, detailRow{i, cells})
		}
	}
	return p
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'g', 6, 64) + "s" }

// objectiveTable has a row per objective of each run that has any.
func objectiveTable(d *sim.Document) detail {
	p := detail{title: "Objectives", head: []string{"objective", "limit", "value", "verdict"}}
	for i, r := range d.Runs {
		for k := range r.SLOs {
			x := &r.SLOs[k]
			verdict := x.Verdict
			if x.Reason != "" {
				verdict += ": " + x.Reason
			}
			name := strings.TrimSuffix(x.SLO.String(), " < "+x.SLO.Limit())
			p.rows = append(p.rows,
				detailRow{i, []string{name, "< " + x.SLO.Limit(), shown(x), verdict}})
		}
	}
	return p
}

// writeText writes a detail that has any rows as a table for a terminal.
func (p *detail) writeText(b *strings.Builder, d *sim.Document) {
	if len(p.rows) == 0 {
		return
	}
	t := table{left: []int{1}}
	if last := len(p.head); p.head[last-1] == "verdict" {
		t.left = append(t.left, last)
	}
	t.row(append([]string{labelHead}, p.head...)...)
	for _, r := range p.rows {
		t.row(append([]string{rowLabel(d.Runs[r.run])}, r.cells...)...)
	}
	fmt.Fprintf(b, "\n%s\n", p.title)
	t.write(b)
}

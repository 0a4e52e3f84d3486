package report

import (
	"fmt"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// unitOf is that of a metric; "" for one that this version doesn't know.
func unitOf(metric string) sim.SLOUnit {
	for _, m := range sim.SLOMetrics() {
		if m.Name == metric {
			return m.Unit
		}
	}
	return ""
}

// objectivesOf are those of all runs, in the order of the first run that has them.
func objectivesOf(d *sim.Document) []sim.SLO {
	var out []sim.SLO
	for _, r := range d.Runs {
		for i := range r.SLOs {
			if !slices.Contains(out, r.SLOs[i].SLO) {
				out = append(out, r.SLOs[i].SLO)
			}
		}
	}
	return out
}

// shown is the value of an objective wherever a report has it; "-" where there is none, so also
// where nothing was sampled.
func shown(r *sim.SLOResult) string {
	if r.Needed > 0 && r.Samples == 0 {
		return "-"
	}
	return r.Shown()
}

// resultOf is what became of an objective in a run, or nil.
func resultOf(r *sim.Run, o *sim.SLO) *sim.SLOResult {
	for i := range r.SLOs {
		if r.SLOs[i].SLO == *o {
			return &r.SLOs[i]
		}
	}
	return nil
}

// objectives says of each objective who met it. Baselines don't count.
func objectives(d *sim.Document) []string {
	var out []string
	for _, o := range objectivesOf(d) {
		var judged, failed, unknown int
		var worst *sim.SLOResult
		for _, r := range d.Runs {
			res := resultOf(r, &o)
			if res == nil || r.Baseline {
				continue
			}
			judged++
			switch res.Verdict {
			case sim.Failed:
				failed++
				if worst == nil || res.Value > worst.Value {
					worst = res
				}
			case sim.Invalid:
				unknown++
			}
		}
		if judged > 0 {
			out = append(out, o.String()+" "+metBy(judged, failed, unknown, worst))
		}
	}
	return out
}

// metBy ends the sentence about an objective.
func metBy(judged, failed, unknown int, worst *sim.SLOResult) string {
	text := fmt.Sprintf("is met by all %d", judged)
	switch {
	case failed > 0 && worst.Reason == "":
		text = fmt.Sprintf("isn't met by %d of %d (the worst has %s)", failed, judged,
			shown(worst))
	case failed > 0:
		text = fmt.Sprintf("isn't met by %d of %d", failed, judged)
	case judged == 1:
		text = "is met"
	}
	if unknown > 0 {
		if failed == 0 {
			text = fmt.Sprintf("is met by %d of %d", judged-unknown, judged)
		}
		text += fmt.Sprintf(", and of %d it can't be said", unknown)
	}
	return text + "."
}

// sloGrid has a row per run that is shown and a column per objective.
func sloGrid(p *picked) grid {
	g := grid{Title: "Objectives", PerRun: true, Text: "What was measured, and whether it is " +
		"below the limit."}
	all := objectivesOf(p.Document)
	if len(all) == 0 {
		return g
	}
	for i := range all {
		g.Head = append(g.Head, all[i].String())
	}
	for _, i := range p.shown {
		var cells []cell
		for k := range all {
			cells = append(cells, sloCell(resultOf(p.Runs[i], &all[k])))
		}
		g.row(p, i, cells...)
	}
	return g
}

// sloCell is a value with its verdict in a word, for whoever doesn't see the colour.
func sloCell(r *sim.SLOResult) cell {
	if r == nil {
		return cell{Text: "–"}
	}
	c := cell{Text: shown(r), Word: r.Verdict, Says: "met", About: r.Reason}
	switch {
	case r.Verdict == sim.Failed:
		c.Says = "not met"
	case r.Verdict == sim.Invalid && r.Needed > r.Samples:
		c.Says = fmt.Sprintf("%s samples of %s", Count(uint64(r.Samples)), Count(uint64(r.Needed)))
	case r.Verdict == sim.Invalid:
		c.Says = "can't be said"
	}
	return c
}

// stagesGrid has a row per run and stage.
func stagesGrid(p *picked) grid {
	g := grid{Title: "Stages", PerRun: true, Left: 1, Text: "The changes that were due in each " +
		"stage, also those that arrived later.",
		Head: []string{"stage", "from", "to", "changes", "owed", "dropped", "p50", "p99", "p99.9",
			"stale p99", "memory"}}
	memory := false
	for _, i := range p.shown {
		for _, st := range p.Runs[i].Stages {
			memory = memory || st.Memory > 0
		}
	}
	if !memory {
		g.Head = g.Head[:len(g.Head)-1]
	}
	for _, i := range p.shown {
		for k := range p.Runs[i].Stages {
			st := &p.Runs[i].Stages[k]
			cells := []cell{{Text: stageName(st.Name, k), Left: true},
				{Text: fmt.Sprintf("%.4g s", st.From)}, {Text: fmt.Sprintf("%.4g s", st.To)},
				counted(st.Changes), counted(int64(st.Offered)), newCell(st.Dropped, st.Offered),
				{Text: Duration(st.Propagation.P50)}, {Text: Duration(st.Propagation.P99)},
				{Text: Duration(st.Propagation.P999)}, {Text: Duration(st.Staleness.P99)}}
			if memory {
				cells = append(cells, cell{Text: Bytes(st.Memory)})
			}
			g.row(p, i, cells...)
		}
	}
	return g
}

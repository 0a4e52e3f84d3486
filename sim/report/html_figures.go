package report

import (
	"fmt"

	"github.com/notifylab/notifylab/sim"
)

// figuresIn draws what the document has the data for.
func figuresIn(id string, r *Result, best int) ([]figure, error) {
	propagation, err := spectrum(id+"-propagation", "Propagation by percentile",
		&allLatencies[0], r)
	if err != nil {
		return nil, err
	}
	staleness, err := spectrum(id+"-staleness", "Staleness by percentile", &allLatencies[1], r)
	if err != nil {
		return nil, err
	}
	o := newOver(r)
	all := []figure{
		{ID: id + "-propagation", Title: "Propagation by percentile", SVG: propagation,
			Text: "From the moment a change was due until a consumer had handled it. Every step " +
				"to the right is ten times rarer."},
		{ID: id + "-heat", Title: "Propagation over time", Key: heatKey(),
			SVG: o.heat(id+"-heat", "Propagation over time"),
			Text: "The p99 of the events that arrived in each second. Where there is no colour, " +
				"none arrived."},
		{ID: id + "-staleness", Title: "Staleness by percentile", SVG: staleness,
			Text: "For how long a consumer's view differed from the truth, whatever repaired " +
				"it: an event, a new list or a pull. A view that was still wrong at the end " +
				"isn't in here: it is counted in the table above."},
	}
	all = append(all, sizeFigures(id, r, best)...)
	all = append(all,
		figure{ID: id + "-drops", Title: "Drops over time",
			SVG: o.lines(id+"-drops", "Drops over time", "dropped per second",
				func(p *sim.Point) float64 { return float64(p.Dropped) }),
			Text: "By all causes together, those for consumers that had left included."},
		figure{ID: id + "-backlog", Title: "Backlog over time",
			SVG: o.lines(id+"-backlog", "Backlog over time", "events in flight",
				func(p *sim.Point) float64 { return float64(p.InFlight) }),
			Text: "Events that wait in watcher queues, or for room in one."})
	kept := all[:0]
	for _, f := range all {
		if f.SVG != "" {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// sizeFigures are what queue sizes cost and gain.
func sizeFigures(id string, r *Result, best int) []figure {
	inNS := func(v float64) string { return Duration(int64(v)) }
	inPercent := func(v float64) string { return fmt.Sprintf("%.3g%%", v) }
	percentTick := func(v float64) string { return fmt.Sprintf("%g%%", v) }
	lost := func(run *sim.Run) float64 {
		if run.Books.Offered == 0 {
			return -1
		}
		return 100 * float64(Lost(&run.Books)) / float64(run.Books.Offered)
	}
	ifAny := func(s *sim.Summary, v int64) float64 {
		if s.Count == 0 {
			return -1
		}
		return float64(v)
	}
	return []figure{
		{ID: id + "-size-loss", Title: "Queue sizes and loss",
			SVG: bySize(id+"-size-loss", "Queue sizes and loss", "lost, of what was owed", r,
				best, 0.01, lost, inPercent, percentTick),
			Text: "Lost is what was dropped though its consumer was there. A line joins the " +
				"sizes of one engine and policy."},
		{ID: id + "-size-latency", Title: "Queue sizes and latency",
			SVG: bySize(id+"-size-latency", "Queue sizes and latency", "propagation p99", r, best,
				1, func(run *sim.Run) float64 {
					return ifAny(&run.Propagation, run.Propagation.P99)
				}, inNS, tickDuration),
			Text: "A longer queue loses less and lets events wait longer."},
		{ID: id + "-size-staleness", Title: "Queue sizes and staleness",
			SVG: bySize(id+"-size-staleness", "Queue sizes and staleness", "staleness p99", r,
				best, 1, func(run *sim.Run) float64 {
					return ifAny(&run.Staleness, run.Staleness.P99)
				}, inNS, tickDuration),
			Text: "What users of a registry suffer from, and what the recommendation goes by."},
	}
}

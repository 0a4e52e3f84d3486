package report

import (
	"fmt"

	"github.com/notifylab/notifylab/sim"
)

// figuresIn draws what the document has the data for.
func figuresIn(id string, p *picked) ([]figure, error) {
	propagation, err := spectrum(id+"-propagation", "Propagation by percentile",
		&allLatencies[0], p)
	if err != nil {
		return nil, err
	}
	staleness, err := spectrum(id+"-staleness", "Staleness by percentile", &allLatencies[1], p)
	if err != nil {
		return nil, err
	}
	all := []figure{
		{ID: id + "-propagation", Title: "Propagation by percentile", SVG: propagation,
			Text: "From the moment a change was due until a consumer had handled it. Every step " +
				"to the right is ten times rarer."},
		{ID: id + "-staleness", Title: "Staleness by percentile", SVG: staleness,
			Text: "For how long a consumer's view differed from the truth, whatever repaired " +
				"it: an event, a new list or a pull. A view that was still wrong at the end " +
				"isn't in here: it is counted in the table above."},
	}
	all = append(all, overFigures(id, p)...)
	all = append(all, sizeFigures(id, p)...)
	kept := all[:0]
	for _, f := range all {
		if f.SVG != "" {
			kept = append(kept, f)
		}
	}
	return kept, nil
}

// overFigures are the drawings over time.
func overFigures(id string, p *picked) []figure {
	o := newOver(p)
	heat := figure{ID: id + "-heat", Title: "Propagation over time",
		SVG: o.spread(id+"-heat", "Propagation over time"),
		Text: "How long events took that arrived then, and in colour how many they were. " +
			"Where there is no colour, none arrived."}
	if heat.SVG != "" {
		heat.Key = o.spreadKey()
	} else {
		heat.SVG, heat.Key = o.heat(id+"-heat", "Propagation over time"), heatKey()
		heat.Text = "The p99 of the events that arrived in each second. Where there is no " +
			"colour, none arrived."
	}
	drops := figure{ID: id + "-drops", Title: "Drops over time",
		SVG: o.drops(id+"-drops", "Drops over time"), Key: o.dropsKey(),
		Text: "By cause. Closed ones were on their way to a consumer that left."}
	if drops.SVG == "" {
		drops.SVG = o.counts(id+"-drops", "Drops over time", "dropped per second",
			func(p *sim.Point) float64 { return float64(p.Dropped) })
		drops.Text = "By all causes together, those for consumers that had left included."
	}
	return []figure{heat, drops,
		{ID: id + "-stale-time", Title: "Staleness over time",
			SVG: o.times(id+"-stale-time", "Staleness over time", "staleness",
				func(p *sim.Point) int64 { return p.StaleP50 },
				func(p *sim.Point) int64 { return p.StaleP99 }),
			Text: "Of the views that became right in each second: for how long they had been " +
				"out of date. The strong line is the p99, the faint one the p50."},
		{ID: id + "-backlog", Title: "Backlog over time",
			SVG: o.counts(id+"-backlog", "Backlog over time", "events in flight",
				func(p *sim.Point) float64 { return float64(p.InFlight) }),
			Text: "Events that wait in watcher queues, or for room in one."},
	}
}

// percentText shows a share of 100 with three digits; below 0 there is none.
func percentText(v float64) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf("%.3g%%", v)
}

func percentTick(v float64) string { return fmt.Sprintf("%g%%", v) }

// sizeFigures are what queue sizes cost and gain. A sweep has drawings of its own for that.
func sizeFigures(id string, p *picked) []figure {
	if p.Sweep != nil || p.Capacity != nil || p.Recommendation != nil {
		return nil
	}
	draw := func(key, title string, m *measure) figure {
		return figure{ID: id + "-size-" + key, Title: title, SVG: bySize(id+"-size-"+key, title,
			m.name, p, m.least, m.value, m.label, m.tick)}
	}
	loss := draw("loss", "Queue sizes and loss", &lossMeasure)
	loss.Text = "Lost is what was dropped though its consumer was there. A line joins the " +
		"sizes of one engine and policy."
	latency := draw("latency", "Queue sizes and latency", &propagated)
	latency.Text = "A longer queue loses less and lets events wait longer."
	stale := draw("staleness", "Queue sizes and staleness", &staleFor)
	stale.Text = "What users of a registry suffer from, and what the recommendation goes by."
	return []figure{loss, latency, stale}
}

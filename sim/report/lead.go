package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// keyFigure is one of the few that a reader looks for first.
type keyFigure struct{ Value, Name string }

// keyFigures are those behind the headline: of the answer, or else of the recommended run.
func keyFigures(d *sim.Document, a Advice) []keyFigure {
	switch c, rec := d.Capacity, d.Recommendation; {
	case c != nil && c.Limit > 0:
		return capacityFigures(c)
	case c != nil:
		return nil
	case rec != nil && rec.Choice >= 0 && rec.Choice < len(rec.Options):
		o := &rec.Options[rec.Choice]
		sure := keyFigure{percentText(100 * rec.Headroom), "headroom on the load"}
		if len(rec.Fresh) > 0 {
			sure = keyFigure{fmt.Sprintf("%d of %d", o.Confirmed, len(rec.Fresh)),
				"fresh seeds met the objectives"}
		}
		return []keyFigure{{Duration(o.Staleness), "staleness p99"},
			{percentText(100 * o.Loss), "lost"}, {Bytes(o.Memory), "memory of full queues"}, sure}
	}
	if a.Run < 0 || a.Run >= len(d.Runs) {
		return nil
	}
	if d.Sweep != nil {
		all := combos(d)
		if best := bestCombo(d, all); best >= 0 {
			return figuresOver(d, all[best].runs)
		}
		return nil
	}
	r := d.Runs[a.Run]
	return append(figuresOver(d, []int{a.Run}), keyFigure{healed(r.HealNS), "until all was right"})
}

// figuresOver are medians over runs, as the evidence has them.
func figuresOver(d *sim.Document, runs []int) []keyFigure {
	mid := func(m *measure) string {
		x := middleOf(d, runs, m.value)
		if x.n == 0 {
			return "–"
		}
		return m.label(x.mid)
	}
	return []keyFigure{{mid(&staleFor), "staleness p99"}, {mid(&propagated), "propagation p99"},
		{mid(&lossMeasure), "lost"}}
}

func capacityFigures(c *sim.Capacity) []keyFigure {
	out := []keyFigure{{LoadText(c.Limit), LoadUnit(c.Find)}}
	if text := interval(c); text != "" {
		out = append(out, keyFigure{text, confidence(c) + " interval over the seeds"})
	}
	if c.Beyond > 0 {
		out = append(out, keyFigure{LoadText(c.Beyond), "was too much"})
	}
	if len(c.Fresh) > 0 {
		out = append(out, keyFigure{fmt.Sprintf("%d of %d", c.Confirmed, len(c.Fresh)),
			"fresh seeds confirm it"})
	}
	return out
}

// interval shows the interval of a limit; "" where it is unknown.
func interval(c *sim.Capacity) string {
	switch {
	case c.Low <= 0 && c.High <= 0:
		return ""
	case c.High <= 0:
		return LoadText(c.Low) + " or more"
	}
	return LoadText(c.Low) + "–" + LoadText(c.High)
}

// LimitText shows a limit with its interval.
func LimitText(c *sim.Capacity) string {
	if text := interval(c); text != "" {
		return fmt.Sprintf("%s (%s: %s)", LoadText(c.Limit), confidence(c), text)
	}
	return LoadText(c.Limit)
}

// confidence is that of the interval; documents that don't say it have 95 %.
func confidence(c *sim.Capacity) string {
	if c.Level <= 0 {
		return "95%"
	}
	return percentText(100 * c.Level)
}

// loadText says in sentences what the runs were exposed to. What was varied is told elsewhere.
func loadText(d *sim.Document) string {
	s := &d.Scenario
	var text []string
	switch {
	case s.Trace != "":
		text = append(text, fmt.Sprintf("the changes of trace %s for %s", s.Trace,
			span(s.Duration)))
	case len(s.Stages) > 0:
		var stages []string
		for i, st := range s.Stages {
			stages = append(stages, fmt.Sprintf("%s: %s at %s", stageName(st.Name, i),
				span(st.Length), rateText(&st)))
		}
		text = append(text, fmt.Sprintf("%s in stages (%s)", span(s.Duration),
			strings.Join(stages, ", ")))
	default:
		text = append(text, fmt.Sprintf("%s changes per second for %s", plain(s.Rate),
			span(s.Duration)))
	}
	if s.Storm > 0 && s.Trace == "" {
		text = append(text, fmt.Sprintf("a storm of %d in %s", s.Storm, span(s.StormLength)))
	}
	if s.Partition > 0 {
		text = append(text, fmt.Sprintf("a partition of %s of the consumers for %s",
			percentText(100*s.Partition), span(s.PartitionLength)))
	}
	for _, f := range s.Faults {
		name := f.Kind
		if f.Name != "" {
			name = f.Name + " (" + f.Kind + ")"
		}
		text = append(text, fmt.Sprintf("%s from %s for %s", name, span(f.Start),
			span(f.Length)))
	}
	return "Load: " + strings.Join(text, "; ") + "."
}

// rateText is the rate of a stage, and what comes at once.
func rateText(st *sim.Stage) string {
	text := plain(st.From)
	if st.To != st.From {
		text += " to " + plain(st.To)
	}
	text += "/s"
	if st.Burst > 0 {
		text += fmt.Sprintf(" and %d at once", st.Burst)
	}
	return text
}

// span is a duration of a scenario, without the zeros at its end: 1m instead of 1m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

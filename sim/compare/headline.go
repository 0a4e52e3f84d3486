package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim/report"
)

// headline says what was found, in one line.
func headline(r *Result) string {
	const shown = 3
	var changed, only []string
	both, more, tested := 0, 0, r.Tests > 0
	for _, c := range r.Configurations {
		if c.Only != "" {
			only = append(only, fmt.Sprintf("%s only in %s", c.Label(), c.Only))
			continue
		}
		both++
		tested = tested || c.Verdict == Equal || slices.ContainsFunc(c.Figures,
			func(f *Figure) bool { return f.Outcome != Unclear && f.Outcome != Missing })
		if c.Changed && len(changed) < shown {
			changed = append(changed, c.Label()+" ("+strings.Join(changes(c), ", ")+")")
		} else if c.Changed {
			more++
		}
	}
	line := fmt.Sprintf("%d of %d configurations changed", len(changed)+more, both)
	if both == 0 {
		line = "no configuration is in both A and B"
	}
	if len(r.Limits) > 0 { // what the documents are about comes first
		line = limitLine(r.Limits) + "; " + line
	}
	if more > 0 {
		changed = append(changed, fmt.Sprintf("and %d more", more))
	}
	switch {
	case len(changed) > 0:
		line += ": " + strings.Join(changed, "; ")
	case both > 0 && !tested:
		line += ": no figure could be tested, the notes say why"
	}
	if len(only) > 0 {
		line += "; " + strings.Join(only, ", ")
	}
	return line
}

// changes names the first of what changed.
func changes(c *Configuration) []string {
	const shown = 2
	var out []string
	if isChange(c.Verdict) {
		out = append(out, fmt.Sprintf("verdict %s, was %s", c.VerdictB, c.VerdictA))
	}
	for _, o := range c.Objectives {
		if isChange(o.Outcome) {
			out = append(out, fmt.Sprintf("objective %s %s, was %s", o.SLO, o.B, o.A))
		}
	}
	for _, f := range c.Figures {
		if isChange(f.Outcome) {
			out = append(out, fmt.Sprintf("%s %s %s", f.Metric, change(f), f.Outcome))
		}
	}
	if more := len(out) - shown; more > 0 {
		out = append(out[:shown], fmt.Sprintf("%d more", more))
	}
	return out
}

// statistics says how the outcomes came about.
func statistics(r *Result) []string {
	exact, runs, seconds := false, false, false
	for _, c := range r.Configurations {
		exact = exact || c.Verdict == Equal
		for _, f := range c.Figures {
			runs = runs || strings.HasSuffix(f.Samples, "runs")
			seconds = seconds || strings.HasSuffix(f.Samples, " s")
			exact = exact || isChange(f.Outcome) && f.Samples == "" || f.Outcome == Equal
		}
	}
	var out []string
	if exact {
		out = append(out, "Virtual time, the same seeds: every difference is one; \"=\" is equal.")
	}
	if runs {
		out = append(out, "Samples are the runs; Welch's t interval of the change.")
	}
	if seconds {
		out = append(out, "Samples are the seconds of one run a side, the same seconds paired; "+
			"Student's t interval of the change over batches of them. It covers the noise within "+
			"the runs, not that from run to run.")
	}
	if r.Tests > 0 {
		out = append(out, fmt.Sprintf("%d tests share the 5 %% of false alarms, so each interval "+
			"has %.6g %% confidence; times are compared by geometric mean.", r.Tests,
			100*r.Confidence))
	}
	if r.Tests > 0 || !exact {
		out = append(out, "\"~\": not distinguishable, or not tested where no samples are given.")
	}
	return out
}

// limitLine says what became of the limits.
func limitLine(all []*Limit) string {
	var said []string
	for _, l := range all {
		unit := report.LoadUnit(l.Find)
		switch {
		case l.A == nil || l.B == nil || l.Outcome == Missing:
			said = append(said, fmt.Sprintf("limit of %s: %s", unit, l.Note))
		case l.Outcome == Equal:
			said = append(said, fmt.Sprintf("the limit of %s is equal: %s", unit, l.A))
		default:
			word := string(l.Outcome)
			if l.Outcome == Unclear {
				word = "which can't be told apart"
			}
			said = append(said, fmt.Sprintf("the limit of %s went from %s to %s: %s", unit, l.A,
				l.B, word))
		}
	}
	return strings.Join(said, "; ")
}

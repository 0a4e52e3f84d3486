package compare

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

var head = []string{"metric", "A", "B", "change", "interval", "", "samples", "note"}

// Text writes a result as tables for a terminal, the finding first. The error is w's.
func Text(w io.Writer, r *Result) error {
	var b strings.Builder
	b.WriteString(r.Headline + "\n\n")
	for _, s := range r.Warnings {
		b.WriteString("warning: " + s + "\n")
	}
	for _, s := range sides(r) {
		b.WriteString(s + "\n")
	}
	if len(r.Limits) > 0 {
		b.WriteString("\nLimits\n")
		align(&b, append([][]string{head}, limitRows(r.Limits)...))
	}
	for _, c := range r.Configurations {
		b.WriteString("\n" + c.Label() + "\n")
		if c.Only != "" {
			fmt.Fprintf(&b, "  only in %s (%s)\n", c.Only, c.VerdictA+c.VerdictB)
			continue
		}
		align(&b, append([][]string{head}, rows(c)...))
		for _, note := range c.Notes {
			b.WriteString("  " + note + "\n")
		}
	}
	b.WriteString("\n")
	for _, s := range r.Statistics {
		b.WriteString(s + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes a result in GitHub's flavour, for a pull request. The error is w's.
func Markdown(w io.Writer, r *Result) error {
	var b strings.Builder
	b.WriteString("**" + report.EscapeMarkdown(r.Headline) + "**\n\n")
	for _, s := range r.Warnings {
		b.WriteString("- warning: " + report.EscapeMarkdown(s) + "\n")
	}
	for _, s := range sides(r) {
		b.WriteString("- " + report.EscapeMarkdown(s) + "\n")
	}
	if len(r.Limits) > 0 {
		b.WriteString("\n### Limits\n\n")
		tabulate(&b, limitRows(r.Limits))
	}
	for _, c := range r.Configurations {
		b.WriteString("\n### " + report.EscapeMarkdown(c.Label()) + "\n\n")
		if c.Only != "" {
			fmt.Fprintf(&b, "Only in %s (%s).\n", c.Only, c.VerdictA+c.VerdictB)
			continue
		}
		tabulate(&b, rows(c))
		for _, note := range c.Notes {
			b.WriteString("\n" + report.EscapeMarkdown(note) + "\n")
		}
	}
	for _, s := range r.Statistics {
		b.WriteString("\n" + report.EscapeMarkdown(s) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Name names a configuration: engine, policy, task queue and watcher queue.
func Name(c *sim.Config) string {
	name := fmt.Sprintf("%s %s %d/%d", c.Engine, c.Policy, c.QueueSize, c.WatcherQueue)
	if c.Shards != 1 {
		name += fmt.Sprintf(", %d shards", c.Shards)
	}
	if c.NoResync {
		name += ", no resync"
	}
	return name
}

// sides says where the documents are from.
func sides(r *Result) []string {
	var out []string
	for _, side := range []struct {
		name string
		of   []Source
	}{{"A", r.A}, {"B", r.B}} {
		for _, s := range side.of {
			text := fmt.Sprintf("%s: %s, %s, %s clock, seed %d, scenario %s, %s", side.name, s.Name,
				s.Time.Format("2006-01-02 15:04 MST"), s.Clock, s.Seed, s.Scenario, s.GoVersion)
			if s.Revision != "" {
				text += ", " + s.Revision
			}
			out = append(out, text)
		}
	}
	return out
}

// rows are the cells of a configuration's table: the verdict, the objectives, then the figures.
func rows(c *Configuration) [][]string {
	out := [][]string{verdictRow("verdict", c.VerdictA, c.VerdictB, c.Verdict)}
	for _, o := range c.Objectives {
		out = append(out, verdictRow(o.SLO, o.A, o.B, o.Outcome))
	}
	for _, f := range c.Figures {
		shown, interval := change(f), "-"
		if f.Outcome == Unclear || f.Outcome == Equal || f.Outcome == Missing {
			shown = string(f.Outcome)
		}
		if f.Low != nil && f.High != nil {
			interval = "[" + difference(f, *f.Low) + ", " + difference(f, *f.High) + "]"
		}
		word := ""
		if isChange(f.Outcome) {
			word = string(f.Outcome)
		}
		out = append(out, []string{f.Metric, value(f.A, f.Unit), value(f.B, f.Unit), shown,
			interval, word, f.Samples, f.Note})
	}
	return out
}

// limitRows are the cells of the table of limits. The intervals are beside the values.
func limitRows(all []*Limit) [][]string {
	var out [][]string
	for _, l := range all {
		row := []string{Name(&l.Config) + ", " + report.LoadUnit(l.Find), l.A.String(),
			l.B.String(), string(l.Outcome), "-", "", "", l.Note}
		if isChange(l.Outcome) {
			row[3], row[5] = "-", string(l.Outcome)
			if l.Change != nil {
				row[3] = fmt.Sprintf("%+.1f%%", 100**l.Change)
			}
		}
		out = append(out, row)
	}
	return out
}

func verdictRow(name, a, b string, o Outcome) []string {
	row := []string{name, cmp.Or(a, "-"), cmp.Or(b, "-"), "", "", "", "", ""}
	switch {
	case isChange(o):
		row[5] = string(o)
	case o == Equal || a != b:
		row[3] = string(o)
	}
	return row
}

// align writes rows as columns; the names and the notes are set to the left.
func align(b *strings.Builder, rows [][]string) {
	width := make([]int, len(head))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		var text strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch left := i == 0 || i == 5 || i == len(r)-1; {
			case width[i] == 0:
			case left:
				text.WriteString("  " + cell + pad)
			default:
				text.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

// tabulate writes rows as a table of Markdown.
func tabulate(b *strings.Builder, rows [][]string) {
	line(b, head)
	line(b, []string{":--", "--:", "--:", "--:", "--:", ":--", "--:", ":--"})
	for _, row := range rows {
		line(b, row)
	}
}

func line(b *strings.Builder, cells []string) {
	for _, c := range cells {
		if !strings.Contains(c, "--") {
			c = report.EscapeMarkdown(c)
		}
		b.WriteString("| " + c + " ")
	}
	b.WriteString("|\n")
}

func change(f *Figure) string {
	if f.Change == nil {
		return "-"
	}
	return difference(f, *f.Change)
}

// difference shows a change: a share in per cent, or in the figure's unit, with its sign.
func difference(f *Figure, v float64) string {
	switch {
	case !f.Relative && v < 0:
		return "-" + value(new(-v), f.Unit)
	case !f.Relative:
		return "+" + value(&v, f.Unit)
	case v >= 9.995:
		return fmt.Sprintf("×%.3g", 1+v)
	case v != 0 && math.Abs(v) < 0.0001:
		return fmt.Sprintf("%+.2g%%", 100*v)
	}
	return fmt.Sprintf("%+.2f%%", 100*v)
}

// value shows a figure with three significant digits or more, in a unit that suits it.
func value(v *float64, unit string) string {
	switch {
	case v == nil:
		return "-"
	case unit == Nanoseconds:
		return scaled(*v, 1000, "ns", "µs", "ms", "s")
	case unit == Bytes:
		return scaled(*v, 1024, "B", "KiB", "MiB", "GiB", "TiB")
	case unit == Share:
		return fmt.Sprintf("%.2f%%", 100**v)
	case unit == Seconds:
		return fmt.Sprintf("%.3gs", *v)
	case *v == math.Trunc(*v) && *v < 1e15:
		return fmt.Sprintf("%.0f", *v)
	}
	return fmt.Sprintf("%.1f", *v)
}

func scaled(v, step float64, units ...string) string {
	u := 0
	for v >= 0.9995*step && u < len(units)-1 {
		v, u = v/step, u+1
	}
	if v >= 100 || v == math.Trunc(v) && u == 0 {
		return fmt.Sprintf("%.0f%s", v, units[u])
	}
	return fmt.Sprintf("%.3g%s", v, units[u])
}

package report

import (
	"bytes"
	"fmt"
	"strings"
)

// writeMarkdown writes what a pull request needs: the verdict, the advice and one table. It is
// GitHub's flavour of Markdown, for its tables.
func writeMarkdown(b *bytes.Buffer, results []Result) error {
	for i, r := range results {
		if i > 0 {
			b.WriteString("\n")
		}
		d := r.Document
		verdict, sentence := Conclusion(d)
		advice := Recommend(d)
		fmt.Fprintf(b, "## %s: %s\n\n%s **%s** %s\n\n", EscapeMarkdown(r.Name), verdict,
			EscapeMarkdown(sentence), EscapeMarkdown(advice.Headline),
			EscapeMarkdown(advice.Evidence))
		for _, text := range traceLines(d) {
			fmt.Fprintf(b, "Trace: %s.\n\n", EscapeMarkdown(text))
		}
		line(b, "", "configuration", "offered", "lost", "conflated", "p50", "p99", "p99.9", "max",
			"stale p99", "healed in", "verdict")
		line(b, "--:", ":--", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:", ":--")
		for i, run := range d.Runs {
			k, p, mark := &run.Books, &run.Propagation, ""
			if i == advice.Run {
				mark = " (recommended)"
			}
			line(b, fmt.Sprint(i+1), EscapeMarkdown(RunName(run))+mark, Count(k.Offered),
				Count(Lost(k)), Count(k.Conflated), Duration(p.P50), Duration(p.P99),
				Duration(p.P999), Duration(p.Max), Duration(run.Staleness.P99), healed(run.HealNS),
				Verdict(run))
		}
		for _, p := range []detail{stageTable(d), objectiveTable(d)} {
			p.writeMarkdown(b)
		}
		for i, run := range d.Runs {
			for _, why := range run.Reasons {
				fmt.Fprintf(b, "\n- %d, %s: %s", i+1, Verdict(run), EscapeMarkdown(why))
			}
		}
		fmt.Fprintf(b, "\n\nSeed %d, %s clock, %s, %d CPUs, %s.\n", d.Seed, d.Environment.Clock,
			EscapeMarkdown(d.Environment.GoVersion), d.Environment.CPUs,
			d.Environment.Time.Format("2006-01-02 15:04 MST"))
	}
	return nil
}

// writeMarkdown writes a detail that has any rows; runs have their numbers in the table before.
func (p *detail) writeMarkdown(b *bytes.Buffer) {
	if len(p.rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", p.title)
	line(b, append([]string{""}, p.head...)...)
	rule := []string{"--:", ":--"}
	for _, name := range p.head[1:] {
		if name == "verdict" {
			rule = append(rule, ":--")
		} else {
			rule = append(rule, "--:")
		}
	}
	line(b, rule...)
	for _, r := range p.rows {
		cells := []string{fmt.Sprint(r.run + 1)}
		for _, c := range r.cells {
			cells = append(cells, EscapeMarkdown(c))
		}
		line(b, cells...)
	}
}

func line(b *bytes.Buffer, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// EscapeMarkdown makes a text in one line in which Markdown has nothing to read.
func EscapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\n', '\r':
			r = ' '
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '~':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

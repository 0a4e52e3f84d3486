package gate

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// Form is a form that a report can be written in.
type Form struct {
	Name  string
	Write func(io.Writer, *Report) error
}

// Forms lists them, the default first.
func Forms() []Form {
	return []Form{{"text", Text}, {"json", JSON}, {"junit", JUnit}, {"github", GitHub}}
}

// JSON writes the report as it is. The error is w's.
func JSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// detailsMax is how many fields the text shows of a scenario that differs; JSON has all.
const detailsMax = 20

// Text writes the answer, one table over all tiers, and below it what was noted and what differs.
// The error is w's.
func Text(w io.Writer, r *Report) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", r.Headline()); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "tier\tname\tmetric\tbase\thead\tchange\tinterval\tverdict\treason")
	for _, tier := range r.Tiers {
		for i := range tier.Lines {
			l := &tier.Lines[i]
			interval := ""
			if l.Low != nil && l.High != nil {
				interval = percent(l.Low) + " to " + percent(l.High)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", tier.Name, l.Name, l.Metric,
				figure(l.Base), figure(l.Head), percent(l.Change), interval, l.Verdict, l.Reason)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for _, tier := range r.Tiers {
		fmt.Fprintf(&b, "\n%s: %s%s\n", tier.Name, tier.Verdict, colon(tier.Reason))
		for _, note := range tier.Notes {
			fmt.Fprintf(&b, "  %s\n", note)
		}
		for _, l := range tier.Lines {
			writeDetails(&b, l)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(string(r.Verdict)))
	_, err := io.WriteString(w, b.String())
	return err
}

func writeDetails(b *strings.Builder, l Line) {
	for i, d := range l.Details {
		if i == detailsMax {
			fmt.Fprintf(b, "  %s: and %d more; --format json has all\n", l.Name, len(l.Details)-i)
			return
		}
		fmt.Fprintf(b, "  %s: %s\n", l.Name, d)
	}
}

func colon(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func figure(v *float64) string {
	if v == nil {
		return ""
	}
	return Number(*v)
}

func percent(v *float64) string {
	if v == nil {
		return ""
	}
	p := 100 * *v
	if p != 0 && math.Abs(p) < 0.05 { // one allocation more of thousands is no +0.0%
		return fmt.Sprintf("%+.1g%%", p)
	}
	return fmt.Sprintf("%+.1f%%", p)
}

// GitHub writes an annotation for each line that isn't as it was, and one for each tier that says
// nothing: the commands of GitHub Actions, which it reads from a job's output, and hides. Behind
// them is the text, for those who read the log. The error is w's.
func GitHub(w io.Writer, r *Report) error {
	var b strings.Builder
	level := map[Verdict]string{Failed: "error", Invalid: "error", Slower: "warning",
		Better: "notice"}
	for _, tier := range r.Tiers {
		if as := level[tier.Verdict]; as != "" && len(tier.Lines) == 0 {
			fmt.Fprintf(&b, "::%s title=%s::%s\n", as, property("gate "+tier.Name),
				message(tier.Reason))
		}
		for i := range tier.Lines {
			l := &tier.Lines[i]
			if as := level[l.Verdict]; as != "" {
				fmt.Fprintf(&b, "::%s title=%s::%s\n", as, property("gate "+tier.Name),
					message(strings.Join(append([]string{l.text()}, l.Details...), "\n")))
			}
		}
	}
	fmt.Fprintf(&b, "::notice title=gate::%s\n", message(r.Headline()))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return Text(w, r)
}

// text is a line as a sentence.
func (l *Line) text() string {
	s := l.key() + ": " + string(l.Verdict)
	if l.Base != nil && l.Head != nil {
		s += fmt.Sprintf(", %s is now %s", Number(*l.Base), Number(*l.Head))
	}
	if l.Change != nil {
		s += " (" + percent(l.Change) + ")"
	}
	return s + colon(l.Reason)
}

// message and property escape what ends a command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(s))
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Failure *junitReason `xml:"failure"`
		Error   *junitReason `xml:"error"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a suite per tier: what failed is a failure, what can't be told an error. The error
// is w's.
func JUnit(w io.Writer, r *Report) error {
	all := junitSuites{Name: "gate"}
	for _, tier := range r.Tiers {
		s := junitSuite{Name: tier.Name}
		lines := tier.Lines
		if len(lines) == 0 { // or a tier without data would vanish
			lines = []Line{{Name: tier.Name, Verdict: tier.Verdict, Reason: tier.Reason}}
		}
		for i := range lines {
			l := &lines[i]
			c := junitCase{Name: l.key(), Class: "gate." + tier.Name}
			why := &junitReason{l.text(), strings.Join(l.Details, "\n")}
			switch l.Verdict {
			case Failed:
				c.Failure = why
				s.Failures++
			case Invalid:
				c.Error = why
				s.Errors++
			}
			s.Cases = append(s.Cases, c)
		}
		s.Tests = len(s.Cases)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

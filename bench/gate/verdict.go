package gate

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Schema names the form of a Report in JSON.
const Schema = "notifylab.gate/1"

// Verdict is what came out for a line, a tier or all.
type Verdict string

// The verdicts. Failed is the only one that blocks; Invalid says nothing about the code.
const (
	Passed  Verdict = "passed"
	Failed  Verdict = "failed"
	Invalid Verdict = "invalid"
	Slower  Verdict = "slower" // by time, but not known to be beyond the threshold
	Faster  Verdict = "faster"
	Better  Verdict = "better" // than what is kept: worth keeping
	New     Verdict = "new"    // only the head has it
)

// The names of the tiers.
const (
	Exact   = "exact"
	Counted = "counted"
	Timed   = "timed"
	History = "history"
)

// ErrBaseline is what a baseline that can't be used wraps; the message names the file.
var ErrBaseline = errors.New("unusable baseline")

// Line is one comparison: of a scenario, or of one metric of a benchmark.
type Line struct {
	Name    string   `json:"name"`
	Metric  string   `json:"metric,omitempty"` // its unit, as in the benchmark format
	Base    *float64 `json:"base,omitempty"`   // nil: not there, or not one number
	Head    *float64 `json:"head,omitempty"`
	Change  *float64 `json:"change,omitempty"` // a share of Base; of the timed tier an estimate…
	Low     *float64 `json:"low,omitempty"`    // …with the ends of its interval
	High    *float64 `json:"high,omitempty"`
	Verdict Verdict  `json:"verdict"`
	Reason  string   `json:"reason,omitempty"`
	Details []string `json:"details,omitempty"` // each field that differs
}

// Tier is one of the four, judged.
type Tier struct {
	Name    string   `json:"tier"`
	Verdict Verdict  `json:"verdict"`
	Reason  string   `json:"reason,omitempty"`
	Notes   []string `json:"notes,omitempty"` // how it was measured
	Lines   []Line   `json:"lines"`
}

// Report is a whole gate.
type Report struct {
	Schema  string  `json:"schema"`
	Commit  string  `json:"commit,omitempty"` // of the head
	Base    string  `json:"base,omitempty"`   // of the base, with the timed tier
	Machine string  `json:"machine"`
	Verdict Verdict `json:"verdict"`
	Tiers   []Tier  `json:"tiers"`
}

// worthSaying are the verdicts of lines that the reason of a tier counts, with its words.
var worthSaying = []struct {
	verdict Verdict
	words   string
}{
	{Failed, "failed"},
	{Invalid, "can't be told"},
	{Slower, "slower, not known to be grossly so"},
	{Better, "better than what is kept: keep it with --update"},
	{New, "new, with nothing to compare with"},
}

// judge sets the verdict of a tier from its lines, the worst of them, and says how many there are.
func (t *Tier) judge() {
	count := make(map[Verdict]int)
	for i := range t.Lines {
		count[t.Lines[i].Verdict]++
	}
	of := len(t.Lines)
	switch {
	case of == 0:
		t.Verdict, t.Reason = Invalid, "there is nothing to compare"
		return
	case count[Failed] > 0:
		t.Verdict = Failed
	case count[Invalid] > 0, count[New] == of:
		t.Verdict = Invalid
	case count[Slower] > 0:
		t.Verdict = Slower
	default:
		t.Verdict = Passed
	}
	var said []string
	for _, s := range worthSaying {
		if n := count[s.verdict]; n > 0 {
			said = append(said, fmt.Sprintf("%d of %d %s", n, of, s.words))
		}
	}
	t.Reason = strings.Join(said, "; ")
}

// Conclude sets the verdict over all tiers: Failed if one failed, else Invalid if one is, or if
// there is none; else Passed.
func (r *Report) Conclude() {
	r.Schema, r.Verdict = Schema, Passed
	if len(r.Tiers) == 0 {
		r.Verdict = Invalid
	}
	for _, t := range r.Tiers {
		if t.Verdict == Failed || t.Verdict == Invalid && r.Verdict != Failed {
			r.Verdict = t.Verdict
		}
	}
}

// Headline is the answer in one line: the verdict, and what each tier has to say for it.
func (r *Report) Headline() string {
	said := make([]string, len(r.Tiers))
	for i, t := range r.Tiers {
		said[i] = fmt.Sprintf("%s %s", t.Name, t.Verdict)
		if t.Reason != "" {
			said[i] += " (" + t.Reason + ")"
		}
	}
	return strings.ToUpper(string(r.Verdict)) + ": " + strings.Join(said, ", ")
}

// nameLine is an empty line for a figure, whose key is "name unit".
func nameLine(key string) Line {
	name, unit, _ := strings.Cut(key, " ")
	return Line{Name: name, Metric: unit}
}

// key is what nameLine was given.
func (l *Line) key() string { return strings.TrimSpace(l.Name + " " + l.Metric) }

func because(key string, v Verdict, format string, args ...any) Line {
	l := nameLine(key)
	l.Verdict, l.Reason = v, fmt.Sprintf(format, args...)
	return l
}

func ptr(v float64) *float64 { return &v }

func byName(a, b Line) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Metric, b.Metric))
}

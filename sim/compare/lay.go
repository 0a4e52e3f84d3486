package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// lay lays the runs of one configuration beside each other. What has to be tested is returned: how
// sure a test must be depends on how many there are.
func lay(c sim.Config, a, b []sample, chosen []metric) (*Configuration, []*test) {
	out := &Configuration{Config: c, VerdictA: verdicts(a), VerdictB: verdicts(b)}
	if len(a) == 0 || len(b) == 0 {
		if out.Only = "A"; len(a) == 0 {
			out.Only = "B"
		}
		return out, nil
	}
	exact := exactly(a, b)
	if out.Verdict = judge(a, b, exact); !exact {
		a = validOnly(a, "A", &out.Notes)
		b = validOnly(b, "B", &out.Notes)
	}
	var tests []*test
	for i := range chosen {
		m := &chosen[i]
		t := &test{metric: m, figure: &Figure{Metric: m.name, Unit: m.unit}}
		out.Figures = append(out.Figures, t.figure)
		if t.prepare(a, b, exact) {
			tests = append(tests, t)
		}
	}
	return out, tests
}

// exactly reports whether the runs are functions of the same inputs, and brings them in one order.
func exactly(a, b []sample) bool {
	for _, side := range [][]sample{a, b} {
		if slices.ContainsFunc(side, func(s sample) bool { return !s.virtual() }) {
			return false
		}
		slices.SortFunc(side, func(x, y sample) int { return cmp.Compare(x.in.Seed, y.in.Seed) })
	}
	return slices.EqualFunc(a, b, func(x, y sample) bool { return x.in.Seed == y.in.Seed })
}

// verdicts are those of some runs, each once with how many have it, if not all.
func verdicts(runs []sample) string {
	var out []string
	for _, v := range []string{sim.Passed, sim.Failed, sim.Invalid} {
		switch n := len(withVerdict(runs, v)); {
		case n == len(runs) && n > 0:
			return v
		case n > 0:
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(out, ", ")
}

func withVerdict(runs []sample, v string) []sample {
	var out []sample
	for _, s := range runs {
		if s.Verdict == v {
			out = append(out, s)
		}
	}
	return out
}

// judge compares verdicts. An invalid run in real time has none.
func judge(a, b []sample, exact bool) Outcome {
	same := slices.EqualFunc(a, b, func(x, y sample) bool { return x.Verdict == y.Verdict })
	passedA, failedA := len(withVerdict(a, sim.Passed)), len(withVerdict(a, sim.Failed))
	passedB, failedB := len(withVerdict(b, sim.Passed)), len(withVerdict(b, sim.Failed))
	apart := passedA+passedB > 0 && failedA+failedB > 0 &&
		(passedA == 0) != (passedB == 0) && (failedA == 0) != (failedB == 0)
	switch {
	case exact && same:
		return Equal
	case !exact && !apart:
		return Unclear
	case passedB > passedA:
		return Better
	case passedB < passedA:
		return Worse
	}
	return Changed
}

// validOnly leaves out the runs whose figures say nothing, if others remain, and notes it.
func validOnly(runs []sample, side string, notes *[]string) []sample {
	bad := withVerdict(runs, sim.Invalid)
	if len(bad) == 0 {
		return runs
	}
	for _, s := range bad {
		*notes = append(*notes, fmt.Sprintf("the run of %s in %s is invalid and isn't tested: %s",
			side, s.in.Name, strings.Join(s.Reasons, "; ")))
	}
	if len(bad) == len(runs) {
		return runs
	}
	return slices.DeleteFunc(slices.Clone(runs), func(s sample) bool {
		return s.Verdict == sim.Invalid
	})
}

// values are those of a metric in the runs that have one. The reason is that of the others.
func (m *metric) values(runs []sample) (values []float64, reason string) {
	for _, s := range runs {
		v, none := m.value(s)
		if none != "" {
			reason = none
			continue
		}
		values = append(values, v)
	}
	return values, reason
}

func (m *metric) value(s sample) (v float64, none string) {
	if !s.in.has(s.index, m.field) {
		return 0, m.field + " isn't in " + s.in.Name
	}
	if m.whole != nil {
		return m.whole(s.Run)
	}
	var seconds []float64
	for _, v := range m.series(s) {
		if !math.IsNaN(v) {
			seconds = append(seconds, v)
		}
	}
	switch {
	case len(seconds) == 0:
		return 0, "no full second in the recorded part of the series"
	case m.unit == Nanoseconds:
		return math.Exp(mean(logs(seconds))), ""
	}
	return mean(seconds), ""
}

// series gives a metric's value in each second of the recorded time, NaN in one without any. What
// is shorter than half a second, at the end, isn't one; nor is what belongs in part to the warm-up.
func (m *metric) series(s sample) []float64 {
	const slack = 0.1 // s by which the clock of the series may be late
	var out []float64
	from, to := s.in.Scenario.Warmup.Seconds(), s.in.Scenario.Duration.Seconds()
	to += from + slack
	begin := 0.0
	for i := range s.Series {
		p := &s.Series[i]
		length := p.At - begin
		if begin >= from-slack && p.At <= to && length >= 0.5 {
			v, ok := m.second(p, length)
			if !ok {
				v = math.NaN()
			}
			out = append(out, v)
		}
		begin = p.At
	}
	return out
}

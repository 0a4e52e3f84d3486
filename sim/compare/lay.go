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
func lay(l load, a, b []sample, chosen []metric) (*Configuration, []*test) {
	out := &Configuration{Config: l.config, VerdictA: verdictsOf(a).String(),
		VerdictB: verdictsOf(b).String()}
	for _, s := range slices.Concat(a, b) {
		out.Settings = s.Settings
		break
	}
	if len(a) == 0 || len(b) == 0 {
		if out.Only = "A"; len(a) == 0 {
			out.Only = "B"
		}
		return out, nil
	}
	exact := exactly(a, b)
	out.Verdict = judge(verdictsOf(a), verdictsOf(b), exact)
	out.Objectives = objectives(a, b, exact)
	if !exact {
		a = validOnly(a, "A", &out.Notes)
		b = validOnly(b, "B", &out.Notes)
	}
	stages, differ := commonStages(a, b)
	if differ != "" {
		out.Notes = append(out.Notes, differ)
	}
	var tests []*test
	for _, m := range expand(chosen, stages) {
		if m.optional && !m.in(a) && !m.in(b) {
			continue
		}
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
		slices.SortFunc(side, func(x, y sample) int { return cmp.Compare(x.seed(), y.seed()) })
	}
	return slices.EqualFunc(a, b, func(x, y sample) bool { return x.seed() == y.seed() })
}

// ruling is the verdicts of some runs, or of an objective in them.
type ruling []string

func verdictsOf(runs []sample) ruling {
	var out ruling
	for _, s := range runs {
		out = append(out, s.Verdict)
	}
	return out
}

// String has each verdict once with how many have it, if not all.
func (r ruling) String() string {
	var out []string
	for _, v := range []string{sim.Passed, sim.Failed, sim.Invalid} {
		switch n := r.count(v); {
		case n == len(r) && n > 0:
			return v
		case n > 0:
			out = append(out, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(out, ", ")
}

func (r ruling) count(verdict string) (n int) {
	for _, v := range r {
		if v == verdict {
			n++
		}
	}
	return n
}

// judge compares verdicts. An invalid run in real time has none.
func judge(a, b ruling, exact bool) Outcome {
	passedA, failedA := a.count(sim.Passed), a.count(sim.Failed)
	passedB, failedB := b.count(sim.Passed), b.count(sim.Failed)
	apart := passedA+passedB > 0 && failedA+failedB > 0 &&
		(passedA == 0) != (passedB == 0) && (failedA == 0) != (failedB == 0)
	switch {
	case exact && slices.Equal(a, b):
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

// objectives compares what became of each objective that either side has.
func objectives(a, b []sample, exact bool) []*Objective {
	var out []*Objective
	rulings := make(map[string]*[2]ruling)
	for side, runs := range [][]sample{a, b} {
		for _, s := range runs {
			for i := range s.SLOs {
				name := s.SLOs[i].SLO.String()
				if rulings[name] == nil {
					rulings[name] = new([2]ruling)
					out = append(out, &Objective{SLO: name})
				}
				rulings[name][side] = append(rulings[name][side], s.SLOs[i].Verdict)
			}
		}
	}
	for _, o := range out {
		x, y := rulings[o.SLO][0], rulings[o.SLO][1]
		o.A, o.B, o.Outcome = x.String(), y.String(), Missing
		if len(x) > 0 && len(y) > 0 {
			o.Outcome = judge(x, y, exact)
		}
	}
	return out
}

// validOnly leaves out the runs whose figures say nothing, if others remain, and notes it.
func validOnly(runs []sample, side string, notes *[]string) []sample {
	bad := 0
	for _, s := range runs {
		if s.Verdict != sim.Invalid {
			continue
		}
		bad++
		*notes = append(*notes, fmt.Sprintf("the run of %s in %s is invalid and isn't tested: %s",
			side, s.in.Name, strings.Join(s.Reasons, "; ")))
	}
	if bad == len(runs) {
		return runs
	}
	return slices.DeleteFunc(slices.Clone(runs), func(s sample) bool {
		return s.Verdict == sim.Invalid
	})
}

// in reports whether one of the runs has the metric.
func (m *metric) in(runs []sample) bool {
	return slices.ContainsFunc(runs, func(s sample) bool { return s.in.has(s.index, m.field) })
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

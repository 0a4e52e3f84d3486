package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// test is a figure under test: its samples on both sides.
type test struct {
	metric *metric
	figure *Figure
	a, b   []float64
	paired bool // they are the same seconds, in order
	exact  bool
}

// prepare collects the samples. It reports whether there is something to test; if not, the figure
// is settled.
func (t *test) prepare(a, b []sample, exact bool) bool {
	f := t.figure
	var whyA, whyB string
	t.a, whyA = t.metric.values(a)
	t.b, whyB = t.metric.values(b)
	t.exact = exact
	if f.Note = absent(whyA, whyB); len(t.a) == 0 || len(t.b) == 0 ||
		exact && len(t.a) != len(t.b) {
		f.Outcome, f.A, f.B = Missing, t.center(t.a), t.center(t.b)
		return false
	}
	if exact {
		t.settleExact()
		return false
	}
	invalid := slices.ContainsFunc(slices.Concat(a, b), func(s sample) bool {
		return s.Verdict == sim.Invalid
	})
	testable := false
	switch {
	case invalid:
		f.Note = "invalid run"
	case len(t.a) >= runsMin && len(t.b) >= runsMin:
		f.Samples = fmt.Sprintf("%d+%d runs", len(t.a), len(t.b))
		return true
	case len(a) > 1 || len(b) > 1:
		f.Note = fmt.Sprintf("%d+%d runs: want %d of each", len(t.a), len(t.b), runsMin)
	case t.metric.second == nil:
		f.Note = fmt.Sprintf("1+1 runs: want %d of each", runsMin)
	default:
		testable = t.pair(a[0], b[0])
	}
	if !testable {
		t.show(0)
		f.Outcome = Unclear
	}
	return testable
}

// absent says what isn't there on which side.
func absent(a, b string) string {
	switch {
	case a == "" && b == "":
		return ""
	case a == b:
		return "A and B: " + a
	case b == "":
		return "A: " + a
	case a == "":
		return "B: " + b
	}
	return "A: " + a + "; B: " + b
}

// pair makes the seconds of two runs the samples, if there are enough.
func (t *test) pair(a, b sample) bool {
	x, y := t.metric.series(a), t.metric.series(b)
	var both [2][]float64
	for i := range min(len(x), len(y)) {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			both[0], both[1] = append(both[0], x[i]), append(both[1], y[i])
		}
	}
	n := len(both[0])
	if n < secondsMin {
		t.figure.Note = fmt.Sprintf("%d s: want %d, or %d runs of each", n, secondsMin, runsMin)
		return false
	}
	t.a, t.b, t.paired = both[0], both[1], true
	t.figure.Samples = fmt.Sprintf("%d s", n)
	return true
}

// ratio reports whether the sides are compared by their ratio.
func (t *test) ratio() bool {
	return !t.exact && t.metric.unit == Nanoseconds &&
		min(slices.Min(t.a), slices.Min(t.b)) > 0
}

func (t *test) center(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	return new(mean(values))
}

// settle tests; alpha is the share of false alarms that this test may have.
func (t *test) settle(alpha float64) {
	x, y := t.a, t.b
	if t.ratio() {
		x, y = logs(x), logs(y)
	}
	share, units := t.metric.rounding()
	half := units
	if t.ratio() {
		half = share
	} else if share > 0 {
		half = share * max(slices.Max(x), slices.Max(y))
	}
	if t.paired {
		differences := slices.Clone(y)
		for i := range differences {
			differences[i] -= x[i]
		}
		half += batchMeans(differences, alpha)
	} else {
		half += welch(x, y, alpha)
	}
	t.show(half)
	switch change := mean(y) - mean(x); {
	case math.Abs(change) <= half:
		t.figure.Outcome = Unclear
	default:
		t.figure.Outcome = t.direction(change)
	}
}

// settleExact compares what has no noise: the runs are in the order of their seeds.
func (t *test) settleExact() {
	t.show(0)
	if t.figure.Outcome = Equal; !slices.Equal(t.a, t.b) {
		t.figure.Outcome = t.direction(mean(t.b) - mean(t.a))
	}
}

func (t *test) direction(change float64) Outcome {
	switch good := float64(t.metric.good) * change; {
	case good > 0:
		return Better
	case good < 0:
		return Worse
	}
	return Changed
}

// show puts values and change into the figure, and the interval if it has a width.
func (t *test) show(half float64) {
	f := t.figure
	a, b := mean(t.a), mean(t.b)
	if t.ratio() {
		x, y := mean(logs(t.a)), mean(logs(t.b))
		half = min(half, halfMax)
		f.A, f.B, f.Relative = new(math.Exp(x)), new(math.Exp(y)), true
		f.Change = new(math.Expm1(y - x))
		if half > 0 {
			f.Low, f.High = new(math.Expm1(y-x-half)), new(math.Expm1(y-x+half))
		}
		return
	}
	unit := 1.0
	if f.Relative = a > 0; f.Relative {
		unit = a
	}
	f.A, f.B, f.Change = &a, &b, new((b-a)/unit)
	if half > 0 {
		f.Low, f.High = new((b-a-half)/unit), new((b-a+half)/unit)
	}
}

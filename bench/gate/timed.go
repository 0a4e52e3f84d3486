package gate

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Figures are what one run of a test binary measured, by benchmark and unit. Less is better.
type Figures map[string]float64

// Pair is two runs of each side, base, head, head, base in time.
type Pair struct{ Base, Head [2]Figures }

// Phase is what pairs are measured for.
type Phase string

// The phases, in their order. The last one is left out if nothing is suspect.
const (
	AA      Phase = "A/A"
	First   Phase = "base against head"
	Confirm Phase = "confirmation"
)

// Rule is how the timed tier judges. Its zero value judges nothing: take SharedMachine or
// DedicatedMachine.
type Rule struct {
	Threshold float64 // a slowdown beyond it is gross; a share, 0.25 being 25 %
	Pairs     int     // at least
}

// PairsMin is how many pairs an interval needs.
const PairsMin = 10

// SharedMachine is the rule for a machine on which others work, too.
func SharedMachine() Rule { return Rule{Threshold: 0.25, Pairs: PairsMin} }

// DedicatedMachine is the rule for a machine that does nothing else.
func DedicatedMachine() Rule { return Rule{Threshold: 0.05, Pairs: 16} }

// Measure measures so many pairs for a phase.
type Measure func(phase Phase, pairs int) ([]Pair, error)

// Judge has measured what is needed and judges. The errors are those of measure.
func (r Rule) Judge(measure Measure) (Tier, error) {
	t := Tier{Name: Timed}
	aa, err := measure(AA, r.Pairs)
	if err != nil {
		return t, err
	}
	if r.tooNoisy(&t, aa) {
		return t, nil
	}
	pairs, err := measure(First, r.Pairs)
	if err != nil {
		return t, err
	}
	first, lines := r.estimates(pairs)
	suspects := make(map[string]bool)
	for _, e := range first {
		if e.low > 0 {
			suspects[e.metric] = true
		}
	}
	var slower, gross map[string]bool
	if len(suspects) > 0 {
		again, err := measure(Confirm, r.Pairs)
		if err != nil {
			return t, err
		}
		var more []Line
		first, slower, gross, more = r.confirm(first, suspects, again)
		lines = append(lines, more...)
	}
	for _, e := range first {
		l := r.line(e, slower[e.metric], gross[e.metric])
		l.Base, l.Head = medians(pairs, e.metric)
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, byName)
	t.Lines = lines
	t.judge()
	return t, nil
}

// confirm asks of the suspects alone, with fresh figures, what is slower and what grossly so. The
// metrics share the false alarms here and not before: the first measurement only chose what to ask,
// and whatever it chose, a confirmation that says too much is as rare. What is grossly slower must
// have been so in the first one, too. A suspect that can't be measured again is neither confirmed
// nor passed: it gets a line of its own.
func (r Rule) confirm(first []*estimate, suspects map[string]bool, again []Pair) (
	rest []*estimate, slower, gross map[string]bool, lines []Line) {
	bound := math.Log1p(r.Threshold)
	es, wrong := r.estimates(again)
	second := make(map[string]*estimate)
	for _, e := range es {
		if suspects[e.metric] {
			second[e.metric] = e
		}
	}
	es = slices.DeleteFunc(es, func(e *estimate) bool { return second[e.metric] == nil })
	gross, slower = beyond(es, bound), beyond(es, 0)
	for _, e := range first {
		s := second[e.metric]
		switch {
		case !suspects[e.metric]:
			rest = append(rest, e)
		case s != nil:
			gross[e.metric] = gross[e.metric] && e.low > bound
			rest = append(rest, s)
		case !slices.ContainsFunc(wrong, func(l Line) bool { return l.key() == e.metric }):
			lines = append(lines, because(e.metric, Invalid,
				"it was suspect, and wasn't measured again"))
		}
	}
	for _, l := range wrong {
		if suspects[l.key()] {
			lines = append(lines, l)
		}
	}
	return rest, slower, gross, lines
}

// tooNoisy judges base against itself, and says whether there is no need to go on.
func (r Rule) tooNoisy(t *Tier, aa []Pair) bool {
	es, lines := r.estimates(aa)
	for _, e := range es {
		if (e.high-e.low)/2 > math.Log1p(r.Threshold) {
			l := r.line(e, false, false)
			l.Verdict, l.Reason = Invalid, fmt.Sprintf("machine too noisy: base against itself is "+
				"known to between %+.1f%% and %+.1f%% only, and ±%.0f%% is to be told", 100**l.Low,
				100**l.High, 100*r.Threshold)
			lines = append(lines, l)
		}
	}
	// A base that lacks a metric in some of its runs is no reason to fail the head.
	for i := range lines {
		lines[i].Verdict = Invalid
	}
	if len(es) == 0 && len(lines) == 0 {
		t.judge()
		return true
	}
	if len(lines) > 0 {
		t.Lines = lines
		t.judge()
		t.Reason += ": " + lines[0].Reason
	}
	return len(lines) > 0
}

func (r Rule) line(e *estimate, slower, gross bool) Line {
	l := nameLine(e.metric)
	l.Verdict, l.Change = Passed, ptr(math.Expm1(e.median))
	l.Low, l.High = ptr(math.Expm1(e.low)), ptr(math.Expm1(e.high))
	switch {
	case gross:
		l.Verdict = Failed
		l.Reason = fmt.Sprintf("slower by more than %.0f%%, twice", 100*r.Threshold)
	case slower:
		l.Verdict = Slower
	case e.high < 0:
		l.Verdict = Faster
	}
	return l
}

// estimates turns pairs into one log-ratio each per metric. What can't be estimated comes as lines.
func (r Rule) estimates(pairs []Pair) (es []*estimate, lines []Line) {
	for _, m := range metricsOf(pairs) {
		ratios, inBase, inHead := logRatios(pairs, m)
		switch {
		case inBase == 0:
			lines = append(lines, because(m, New, "only head has it"))
		case inHead < inBase:
			lines = append(lines, because(m, Failed,
				"missing: base has it in %d runs, head in %d", inBase, inHead))
		case len(ratios) < max(r.Pairs, PairsMin):
			lines = append(lines, because(m, Invalid, "too few samples: %d pairs, want %d",
				len(ratios), max(r.Pairs, PairsMin)))
		default:
			es = append(es, newEstimate(m, ratios))
		}
	}
	return es, lines
}

func metricsOf(pairs []Pair) []string {
	all := make(map[string]bool)
	for _, p := range pairs {
		for _, side := range [][2]Figures{p.Base, p.Head} {
			for _, f := range side {
				for m := range f {
					all[m] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// logRatios gives the ratio of head to base of each pair that has all four figures, and how many
// runs of each side have one. A figure that isn't positive can't be: it counts as none.
func logRatios(pairs []Pair, metric string) (ratios []float64, inBase, inHead int) {
	for _, p := range pairs {
		sum, whole := 0.0, true
		for i := range 2 {
			base, head := p.Base[i][metric], p.Head[i][metric]
			if base > 0 {
				inBase++
			}
			if head > 0 {
				inHead++
			}
			whole = whole && base > 0 && head > 0
			sum += math.Log(head) - math.Log(base)
		}
		if whole && !math.IsInf(sum, 0) && !math.IsNaN(sum) {
			ratios = append(ratios, sum/2)
		}
	}
	return ratios, inBase, inHead
}

// medians are the middle figures of each side over all runs.
func medians(pairs []Pair, metric string) (base, head *float64) {
	middle := func(side func(Pair) [2]Figures) *float64 {
		var all []float64
		for _, p := range pairs {
			for _, f := range side(p) {
				all = append(all, f[metric])
			}
		}
		slices.Sort(all)
		return ptr((all[(len(all)-1)/2] + all[len(all)/2]) / 2)
	}
	return middle(func(p Pair) [2]Figures { return p.Base }),
		middle(func(p Pair) [2]Figures { return p.Head })
}

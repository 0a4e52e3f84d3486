package gate

import (
	"fmt"
	"math"
	"slices"
)

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
	es, lines := r.estimates(pairs, metricsOf(pairs))
	if suspects := r.mark(es); len(suspects) > 0 {
		again, err := measure(Confirm, r.Pairs)
		if err != nil {
			return t, err
		}
		second, wrong := r.confirm(suspects, again)
		es = slices.DeleteFunc(es, func(e *estimate) bool { return e.slower })
		es, lines = append(es, second...), append(lines, wrong...)
	}
	for _, e := range es {
		lines = append(lines, r.line(e))
	}
	slices.SortFunc(lines, byName)
	t.Lines = lines
	t.judge()
	return t, nil
}

// mark decides what of the estimates is slower, and grossly so, and gives those that are slower.
func (r Rule) mark(es []*estimate) (slower []*estimate) {
	gross, above := beyond(es, math.Log1p(r.Threshold)), beyond(es, 0)
	for _, e := range es {
		e.gross, e.slower = gross[e], above[e]
		if e.slower {
			slower = append(slower, e)
		}
	}
	return slower
}

// confirm asks of the suspects alone, with fresh figures, which of them are slower. What is grossly
// so must have been in the first measurement, too. A suspect that can't be measured again is
// neither confirmed nor passed: it comes as a line.
func (r Rule) confirm(suspects []*estimate, again []Pair) (es []*estimate, wrong []Line) {
	gross := make(map[string]bool)
	var metrics []string
	for _, e := range suspects {
		metrics, gross[e.metric] = append(metrics, e.metric), e.gross
	}
	es, wrong = r.estimates(again, metrics)
	r.mark(es)
	for _, e := range es {
		e.gross = e.gross && gross[e.metric]
	}
	for i := range wrong {
		if l := &wrong[i]; l.Verdict == New {
			l.Verdict, l.Reason = Invalid, "base had it at first, and not in the confirmation"
		}
	}
	return es, wrong
}

// tooNoisy judges base against itself, and says whether there is no need to go on.
func (r Rule) tooNoisy(t *Tier, aa []Pair) bool {
	es, lines := r.estimates(aa, metricsOf(aa))
	for _, e := range es {
		if low, high := e.interval(); (high-low)/2 > math.Log1p(r.Threshold) {
			l := r.line(e)
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

func (r Rule) line(e *estimate) Line {
	l := nameLine(e.metric)
	l.Verdict, l.Base, l.Head = Passed, ptr(e.base), ptr(e.head)
	l.Change = ptr(math.Expm1(e.mean))
	low, high := e.interval()
	l.Low, l.High = ptr(math.Expm1(low)), ptr(math.Expm1(high))
	switch {
	case e.gross:
		l.Verdict = Failed
		l.Reason = fmt.Sprintf("slower by more than %.0f%%, twice", 100*r.Threshold)
	case e.slower:
		l.Verdict = Slower
	case high < 0:
		l.Verdict = Faster
	}
	return l
}

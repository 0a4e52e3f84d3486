package queueing

import (
	"errors"
	"math"
)

// MD1 is M/D/1: Poisson arrivals, one server that takes exactly D for each job, no bound. It needs
// r = Lambda·D < 1.
//
// Tails and quantiles come from two forms. Up to 12 D it is the finite series
//
//	P(W≤t) = (1−r) Σ_{k=0}^{⌊t/D⌋} [λ(kD−t)]^k/k! · e^(−λ(kD−t))
//
// Its terms alternate and grow, so it loses digits with t/D: its absolute error is below 1e-10 up
// to 12, reaches 1e-6 at 20, and at 40 nothing is left of it. From 12 D on the tail is C·e^(−θt),
// θ > 0 being the root of λ(e^(θD)−1) = θ and C = (1−r)/(λDe^(θD)−1). That is what remains of the
// exact tail when all that decays faster has died out: at 12 D it is good to 1e-6 of itself for
// r ≥ 0.2, to 1e-10 for r ≥ 0.7, and for small r it is nothing anyway.
//
// In all, tails have an absolute error below 1e-10; so a quantile below 12 D whose 1−q is not well
// above that is rough.
//
// Source: Erlang (1909) and Crommelin (1932) for the series; Tijms, A First Course in Stochastic
// Models, for both and for the mean.
type MD1 struct {
	Lambda float64 // arrival rate
	D      float64 // service time
}

// seamMD1 is the t/D from which the exponential tail is the better of the two forms.
const seamMD1 = 12

func (s MD1) check() error {
	err := errors.Join(positive("Lambda", s.Lambda), positive("D", s.D))
	if err != nil {
		return err
	}
	return stable("Lambda·D", s.Lambda*s.D)
}

// WaitMean is the mean wait, rD/(2(1−r)).
func (s MD1) WaitMean() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	r := s.Lambda * s.D
	return r * s.D / (2 * (1 - r)), nil
}

// WaitCDF is the probability of a wait of at most t ≥ 0.
func (s MD1) WaitCDF(t float64) (float64, error) {
	tail, err := s.WaitTail(t)
	if err != nil {
		return 0, err
	}
	return 1 - tail, nil
}

// WaitTail is the probability of a wait longer than t ≥ 0.
func (s MD1) WaitTail(t float64) (float64, error) {
	if err := errors.Join(s.check(), zeroOrMore("t", t)); err != nil {
		return 0, err
	}
	r, u := s.Lambda*s.D, t/s.D
	if u >= seamMD1 {
		factor, theta := expTailMD1(r)
		return factor * math.Exp(-theta*u), nil
	}
	return seriesTailMD1(r, u), nil
}

// WaitQuantile is the wait that a fraction q in [0, 1) of the jobs don't exceed.
func (s MD1) WaitQuantile(q float64) (float64, error) {
	if err := errors.Join(s.check(), level(q)); err != nil {
		return 0, err
	}
	r, p := s.Lambda*s.D, 1-q
	if seriesTailMD1(r, 0) <= p {
		return 0, nil
	}
	factor, theta := expTailMD1(r)
	if p < factor*math.Exp(-theta*seamMD1) {
		return s.D * max(math.Log(factor/p)/theta, seamMD1), nil
	}
	tail := func(u float64) bool { return seriesTailMD1(r, u) <= p }
	return s.D * bisect(tail, 0, seamMD1), nil
}

// seriesTailMD1 is P(W > u) in units of D, by the series.
func seriesTailMD1(r, u float64) float64 {
	if u == 0 {
		return r
	}
	var total float64
	factorial := 1.0
	for k := 0; float64(k) <= u; k++ {
		factorial *= float64(max(k, 1))
		y := r * (u - float64(k))
		total += math.Pow(-y, float64(k)) / factorial * math.Exp(y)
	}
	return min(max(1-(1-r)*total, 0), 1)
}

// expTailMD1 gives the exponential tail, factor·e^(−theta·u) in units of D.
func expTailMD1(r float64) (factor, theta float64) {
	spare := (1 - r) / r
	// (e^θ−1)/θ − 1 = spare grows from 0; both bounds of the root follow from its power series.
	hi := min(2*spare, 2-2*math.Log(r))
	theta = bisect(func(x float64) bool { return expm1Excess(x) >= spare }, 0, hi)
	return (1 - r) / (theta - (1 - r)), theta // as r·e^θ = θ + r
}

// expm1Excess is (e^x − 1)/x − 1 for x > 0.
func expm1Excess(x float64) float64 {
	if x > 0.5 {
		return math.Expm1(x)/x - 1
	}
	term, total := x/2, 0.0
	for k := 3.0; k < 20; k++ {
		total += term
		term *= x / k
	}
	return total
}

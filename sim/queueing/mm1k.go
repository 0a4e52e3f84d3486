package queueing

import (
	"errors"
	"math"
)

// MM1K is M/M/1/K with tail drop: Poisson arrivals, one server with exponential service times, K
// places (the one in service counts); a job that finds all of them taken is lost.
//
// With r = Lambda/Mu, P_n = (1−r) rⁿ/(1−r^(K+1)), and 1/(K+1) at r = 1. Every r is fine.
// Source: Gross and Harris, Fundamentals of Queueing Theory; Kleinrock, Queueing Systems, vol. 1.
type MM1K struct {
	Lambda float64 // arrival rate
	Mu     float64 // service rate, 1/E[S]
	K      int     // places, 1 to KMax
}

func (s MM1K) check() error {
	return errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu), count("K", s.K, 1))
}

// states are the numbers of jobs in the system, found those that an accepted job can find, waiting
// those less the one in service that a job which must wait finds.
func (s MM1K) states() geometric  { return geometric{logRatio(s.Lambda, s.Mu), s.K + 1} }
func (s MM1K) found() geometric   { return geometric{logRatio(s.Lambda, s.Mu), s.K} }
func (s MM1K) waiting() geometric { return geometric{logRatio(s.Lambda, s.Mu), s.K - 1} }

// States is P_0 to P_K: element n is the probability of n jobs in the system.
func (s MM1K) States() ([]float64, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p, g := make([]float64, s.K+1), s.states()
	for n := range p {
		p[n] = g.prob(n)
	}
	return p, nil
}

// Loss is the fraction of arrivals that are lost, P_K. It takes no longer for a large K.
func (s MM1K) Loss() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	return s.states().prob(s.K), nil
}

// L is the mean number of jobs in the system.
func (s MM1K) L() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	return s.states().mean(), nil
}

// WaitMean is the mean wait of an accepted job.
func (s MM1K) WaitMean() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	return s.found().mean() / s.Mu, nil
}

// WaitTail is the probability that an accepted job waits longer than t ≥ 0:
//
//	P(W>t) = Σ_{n=1}^{K−1} P_n/(1−P_K) · Σ_{j=0}^{n−1} e^(−μt) (μt)^j/j!
func (s MM1K) WaitTail(t float64) (float64, error) {
	if err := errors.Join(s.check(), zeroOrMore("t", t)); err != nil {
		return 0, err
	}
	return s.waitTail(t), nil
}

func (s MM1K) waitTail(t float64) float64 {
	if s.K == 1 {
		return 0
	}
	return s.found().tail(1) * s.waiting().erlangTail(s.Mu*t)
}

// WaitQuantile is the wait that a fraction q in [0, 1) of the accepted jobs don't exceed.
func (s MM1K) WaitQuantile(q float64) (float64, error) {
	if err := errors.Join(s.check(), level(q)); err != nil {
		return 0, err
	}
	if s.waitTail(0) <= 1-q {
		return 0, nil
	}
	return invertTail(s.waitTail, 1-q, 1/s.Mu), nil
}

// PatienceM1 is M/M/1+D: an M/M/1 queue without a bound where a job gives up when its wait has
// lasted Tau; once in service it stays.
//
// Every r = Lambda/Mu is fine. Source: Barrer, "Queuing with impatient customers and ordered
// service", Operations Research 5 (1957); Baccelli and Hebuterne, "On queues with impatient
// customers", Performance '81.
type PatienceM1 struct {
	Lambda float64 // arrival rate
	Mu     float64 // service rate, 1/E[S]
	Tau    float64 // the longest wait, 0 or more
}

// Timeout is the fraction of arrivals that give up. With e = exp(−μ(1−r)τ) it is
//
//	r(1−r)e/(1 − r²e), and 1/(2 + μτ) at r = 1
func (s PatienceM1) Timeout() (float64, error) {
	err := errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu),
		zeroOrMore("Tau", s.Tau))
	if err != nil {
		return 0, err
	}
	r, x := s.Lambda/s.Mu, logRatio(s.Lambda, s.Mu)
	spare := (s.Mu - s.Lambda) / s.Mu // 1 − r
	decay := (s.Mu - s.Lambda) * s.Tau
	switch {
	case x == 0:
		return 1 / (2 + s.Mu*s.Tau), nil
	case x < 0:
		return r * spare * math.Exp(-decay) / -math.Expm1(2*x-decay), nil
	}
	return spare / r / math.Expm1(decay-2*x), nil // both fractions by r²e, lest e overflows
}

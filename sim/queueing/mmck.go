package queueing

import "errors"

// MMcK is M/M/c/K with tail drop: Poisson arrivals, C servers with exponential service times, K
// places in all (those in service count); a job that finds all of them taken is lost. With K = C
// nobody waits and Loss is the Erlang B formula.
//
// The states are a birth–death chain with the death rates min(n, C)·Mu; a job that finds n ≥ C
// others waits an Erlang(n−C+1, C·Mu) time. Every load Lambda/(C·Mu) is fine.
// Source: Gross and Harris, Fundamentals of Queueing Theory.
type MMcK struct {
	Lambda float64 // arrival rate
	Mu     float64 // service rate of one server, 1/E[S]
	C      int     // servers, 1 to K
	K      int     // places, C to KMax
}

func (s MMcK) check() error {
	return ErlangA{Lambda: s.Lambda, Mu: s.Mu, C: s.C, K: s.K}.check()
}

// States is P_0 to P_K: element n is the probability of n jobs in the system.
func (s MMcK) States() ([]float64, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	down := func(n int) float64 { return float64(min(n, s.C)) * s.Mu }
	return birthDeath(s.K, s.Lambda, down), nil
}

// Loss is the fraction of arrivals that are lost, P_K.
func (s MMcK) Loss() (float64, error) {
	p, err := s.States()
	if err != nil {
		return 0, err
	}
	return p[s.K], nil
}

// L is the mean number of jobs in the system.
func (s MMcK) L() (float64, error) {
	p, err := s.States()
	return meanAbove(p, 0), err
}

// Lq is the mean number of jobs that wait.
func (s MMcK) Lq() (float64, error) {
	p, err := s.States()
	return meanAbove(p, s.C), err
}

// WaitMean is the mean wait of an accepted job.
func (s MMcK) WaitMean() (float64, error) {
	p, err := s.States()
	if err != nil {
		return 0, err
	}
	// The sum is over what accepted jobs find: one that finds n waits for n−C+1 services.
	services := meanAbove(p[:s.K], s.C-1) / sum(p[:s.K])
	return services / (float64(s.C) * s.Mu), nil
}

// WaitTail is the probability that an accepted job waits longer than t ≥ 0.
func (s MMcK) WaitTail(t float64) (float64, error) {
	if err := errors.Join(s.check(), zeroOrMore("t", t)); err != nil {
		return 0, err
	}
	return s.waitTail()(t), nil
}

// waitTail is the function of t. That of a job which must wait is that of one server of rate C·Mu,
// since the states from C on are geometric.
func (s MMcK) waitTail() func(t float64) float64 {
	if s.K == s.C {
		return func(float64) float64 { return 0 }
	}
	p, _ := s.States()
	mustWait := sum(p[s.C:s.K]) / sum(p[:s.K])
	rate := float64(s.C) * s.Mu
	waiting := geometric{logRatio(s.Lambda, rate), s.K - s.C}
	return func(t float64) float64 { return mustWait * waiting.erlangTail(rate*t) }
}

// WaitQuantile is the wait that a fraction q in [0, 1) of the accepted jobs don't exceed.
func (s MMcK) WaitQuantile(q float64) (float64, error) {
	if err := errors.Join(s.check(), level(q)); err != nil {
		return 0, err
	}
	tail := s.waitTail()
	if tail(0) <= 1-q {
		return 0, nil
	}
	return invertTail(tail, 1-q, 1/s.Mu), nil
}

// ErlangA is M/M/c/K+M: MMcK where a waiting job loses patience at the rate Theta, that is after
// an exponential time of mean 1/Theta, and leaves. In service it stays. Theta = 0 is MMcK; a K
// large enough that Loss is negligible is the Erlang-A model, which has no bound.
//
// The states are a birth–death chain with the death rates min(n, C)·Mu + (n−C)⁺·Theta. Source:
// Palm, "Research on telephone traffic carried by full availability groups" (1957); Garnett,
// Mandelbaum and Reiman, "Designing a call center with impatient customers", MSOM 4 (2002).
type ErlangA struct {
	Lambda float64 // arrival rate
	Mu     float64 // service rate of one server, 1/E[S]
	Theta  float64 // rate of losing patience, 0 or more
	C      int     // servers, 1 to K
	K      int     // places, C to KMax
}

func (s ErlangA) check() error {
	return errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu),
		zeroOrMore("Theta", s.Theta), count("C", s.C, 1), count("K", s.K, max(s.C, 1)))
}

// States is P_0 to P_K: element n is the probability of n jobs in the system.
func (s ErlangA) States() ([]float64, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	down := func(n int) float64 {
		return float64(min(n, s.C))*s.Mu + float64(max(n-s.C, 0))*s.Theta
	}
	return birthDeath(s.K, s.Lambda, down), nil
}

// Loss is the fraction of arrivals that find no place, P_K. Those that abandon aren't in it.
func (s ErlangA) Loss() (float64, error) {
	p, err := s.States()
	if err != nil {
		return 0, err
	}
	return p[s.K], nil
}

// Abandon is the fraction of all arrivals, lost ones included, that are accepted and lose patience
// before their service: Theta·Lq/Lambda.
func (s ErlangA) Abandon() (float64, error) {
	lq, err := s.Lq()
	if err != nil {
		return 0, err
	}
	return min(s.Theta*lq/s.Lambda, 1), nil
}

// L is the mean number of jobs in the system.
func (s ErlangA) L() (float64, error) {
	p, err := s.States()
	return meanAbove(p, 0), err
}

// Lq is the mean number of jobs that wait.
func (s ErlangA) Lq() (float64, error) {
	p, err := s.States()
	return meanAbove(p, s.C), err
}

// WaitMean is the mean time that an accepted job waits, until it is served or loses patience.
func (s ErlangA) WaitMean() (float64, error) {
	p, err := s.States()
	if err != nil {
		return 0, err
	}
	return meanAbove(p, s.C) / (s.Lambda * sum(p[:s.K])), nil // Little's law
}

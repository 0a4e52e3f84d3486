package queueing

import "errors"

// FlushM1 is a queue of Q slots in front of one server with exponential service times, and Poisson
// arrivals; an arrival that finds the slots full throws the Q queued jobs away and takes the first
// slot. This is what the Flush overflow policy does to a mailbox of capacity Q. The job in service
// stays, so there are Q+1 places, and MM1K with K = Q+1 is the same system under tail drop.
//
// Balance across each level gives, with r = Lambda/Mu and a = P_{Q+1}:
//
//	P_1 = rP_0, P_2 = r²P_0, P_{n+1} = r(P_n − a) for 2 ≤ n ≤ Q, loss = Q·P_{Q+1}
//
// of which the solution, here used, is P_n ∝ (r^(n−2) − r^Q)/(1 − r^Q) from n = 2 on, P_2 being 1.
// Every r is fine. Source: level-crossing balance, as in Brill, Level Crossing Methods in
// Stochastic Models; derived for this system.
type FlushM1 struct {
	Lambda float64 // arrival rate
	Mu     float64 // service rate, 1/E[S]
	Q      int     // slots, the one in service not counted; 1 to KMax
}

func (s FlushM1) check() error {
	return errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu), count("Q", s.Q, 1))
}

// queued is the distribution whose tails are the P_n from n = 2 on, relative to P_2.
func (s FlushM1) queued() geometric { return geometric{logRatio(s.Lambda, s.Mu), s.Q} }

// States is P_0 to P_{Q+1}: element n is the probability of n jobs in the system.
func (s FlushM1) States() ([]float64, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p, g, r := make([]float64, s.Q+2), s.queued(), s.Lambda/s.Mu
	p[0], p[1] = 1, r
	for n := 2; n <= s.Q+1; n++ {
		p[n] = r * r * g.tail(n-2)
	}
	return normalised(p), nil
}

// Loss is the fraction of arrivals that are thrown away, sooner or later. It takes no longer for a
// large Q.
func (s FlushM1) Loss() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	g, r := s.queued(), s.Lambda/s.Mu
	tails := 1 + g.mean() // their sum
	lost := float64(s.Q) * g.tail(s.Q-1)
	if r > 1 {
		return min(lost/(1/r/r+1/r+tails), 1), nil
	}
	return min(lost*r*r/(1+r+r*r*tails), 1), nil
}

// L is the mean number of jobs in the system.
func (s FlushM1) L() (float64, error) {
	p, err := s.States()
	return meanAbove(p, 0), err
}

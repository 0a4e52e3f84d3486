package queueing

import (
	"errors"
	"fmt"
	"math"
)

// FixedBatchM1 is M^[b]/M/1: batches of exactly Size jobs arrive, one server with exponential
// service times, no bound. It needs r = Lambda·Size/Mu < 1.
// Source: Gross and Harris, Fundamentals of Queueing Theory (bulk input).
type FixedBatchM1 struct {
	Lambda float64 // arrival rate of batches
	Mu     float64 // service rate of one job, 1/E[S]
	Size   int     // jobs in a batch, 1 to KMax
}

func (s FixedBatchM1) check() error {
	err := errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu),
		count("Size", s.Size, 1))
	if err != nil {
		return err
	}
	return stable("Lambda·Size/Mu", s.load())
}

func (s FixedBatchM1) load() float64 { return s.Lambda * float64(s.Size) / s.Mu }

// L is the mean number of jobs in the system, r(1+b)/(2(1−r)).
func (s FixedBatchM1) L() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	r := s.load()
	return r * float64(1+s.Size) / (2 * (1 - r)), nil
}

// SojournMean is the mean time in system of a job, by Little's law.
func (s FixedBatchM1) SojournMean() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	return float64(1+s.Size) / (2 * (1 - s.load())) / s.Mu, nil
}

// GeoBatchM1 is M^[Geo p]/M/1: batches of n ≥ 1 jobs with probability P(1−P)^(n−1) arrive, one
// server with exponential service times, no bound. It needs r = Lambda/(P·Mu) < 1. P = 1 is M/M/1.
//
// A geometric number of exponential services is one exponential service of rate P·Mu, so the time
// in system of a job, whichever of its batch, is exponential of rate P·Mu·(1−r).
// Source: Chaudhry and Templeton, A First Course in Bulk Queues.
type GeoBatchM1 struct {
	Lambda float64 // arrival rate of batches
	Mu     float64 // service rate of one job, 1/E[S]
	P      float64 // 1/P is the mean size of a batch; from 1e-9 to 1
}

func (s GeoBatchM1) check() error {
	err := errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu))
	if !(s.P >= 1e-9 && s.P <= 1) {
		err = errors.Join(err, outOfRange("P", s.P, "a number from 1e-9 to 1"))
	}
	if err != nil {
		return err
	}
	return stable("Lambda/(P·Mu)", s.Lambda/(s.P*s.Mu))
}

// rate is that of the time in system.
func (s GeoBatchM1) rate() float64 {
	batches := s.P * s.Mu
	return batches * (1 - s.Lambda/batches)
}

// L is the mean number of jobs in the system, r/(P(1−r)).
func (s GeoBatchM1) L() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	r := s.Lambda / (s.P * s.Mu)
	return r / (1 - r) / s.P, nil
}

// SojournMean is the mean time in system of a job.
func (s GeoBatchM1) SojournMean() (float64, error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	return 1 / s.rate(), nil
}

// SojournTail is the probability of a time in system longer than t ≥ 0.
func (s GeoBatchM1) SojournTail(t float64) (float64, error) {
	if err := errors.Join(s.check(), zeroOrMore("t", t)); err != nil {
		return 0, err
	}
	return math.Exp(-s.rate() * t), nil
}

// SojournQuantile is the time in system that a fraction q in [0, 1) of the jobs don't exceed,
// −ln(1−q)/(P·Mu·(1−r)).
func (s GeoBatchM1) SojournQuantile(q float64) (float64, error) {
	if err := errors.Join(s.check(), level(q)); err != nil {
		return 0, err
	}
	return -math.Log1p(-q) / s.rate(), nil
}

// BatchM1K is M^[X]/M/1/K with partial acceptance: batches of any distribution, one server with
// exponential service times, K places (the one in service counts). Of a batch that finds fewer
// places than jobs, as many as fit are accepted and the others are lost. Every load is fine.
//
// The states are solved numerically from the bottom, by balancing each level against the batches
// that step over it: Mu·P_{n+1} = Lambda·Σ_{i≤n} P_i·P(X>n−i). All terms are positive. The time is
// of the order of K·len(Batch), which may be 1e9: about a second.
// Source: Chaudhry and Templeton, A First Course in Bulk Queues.
type BatchM1K struct {
	Lambda float64   // arrival rate of batches
	Mu     float64   // service rate of one job, 1/E[S]
	Batch  []float64 // Batch[i] is the probability of i+1 jobs; they add up to 1 within 1e-9
	K      int       // places, 1 to KMax
}

// FixedBatch is the Batch of exactly size jobs, 1 to KMax.
func FixedBatch(size int) ([]float64, error) {
	if err := count("size", size, 1); err != nil {
		return nil, err
	}
	batch := make([]float64, size)
	batch[size-1] = 1
	return batch, nil
}

func (s BatchM1K) check() error {
	const workMax = 1e9
	err := errors.Join(positive("Lambda", s.Lambda), positive("Mu", s.Mu), count("K", s.K, 1),
		count("len(Batch)", len(s.Batch), 1))
	for i, p := range s.Batch {
		if !(p >= 0 && p <= 1) {
			field := fmt.Sprintf("Batch[%d]", i)
			return errors.Join(err, outOfRange(field, p, "a probability from 0 to 1"))
		}
	}
	if total := sum(s.Batch); math.Abs(total-1) > 1e-9 {
		err = errors.Join(err, outOfRange("the sum of Batch", total, "1 within 1e-9"))
	}
	if work := float64(s.K) * float64(min(len(s.Batch), s.K)); work > workMax {
		err = errors.Join(err, outOfRange("K·len(Batch)", work, "at most 1e9"))
	}
	return err
}

// tails gives the P(X>d) and the E(X−m)⁺ of the batch size X, m up to len(Batch).
func (s BatchM1K) tails() (over, excess []float64) {
	n := len(s.Batch)
	over, excess = make([]float64, n+1), make([]float64, n+1)
	for d := n - 1; d >= 0; d-- {
		over[d] = over[d+1] + s.Batch[d]
		excess[d] = excess[d+1] + over[d]
	}
	return over[:n], excess
}

// States is P_0 to P_K: element n is the probability of n jobs in the system.
func (s BatchM1K) States() ([]float64, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	const large, smaller = 1e100, 1e-100
	over, _ := s.tails()
	p, r := make([]float64, s.K+1), s.Lambda/s.Mu
	p[0] = 1
	low := 0 // below it p is 0 by now
	for n := range s.K {
		var up float64
		for i := max(low, n+1-len(over)); i <= n; i++ {
			up += p[i] * over[n-i]
		}
		p[n+1] = r * up
		if p[n+1] > large {
			low = shrink(p[:n+2], low, smaller)
		} else if p[n+1] < negligible {
			p[n+1] = 0
		}
	}
	return normalised(p), nil
}

// shrink scales p, of which those below low are 0, and returns the new low. As what is negligible
// becomes 0, an element is scaled a few times at most, however often all of them are.
func shrink(p []float64, low int, by float64) int {
	for i := low; i < len(p); i++ {
		if p[i] *= by; p[i] < negligible {
			p[i] = 0
		}
		if p[i] == 0 && i == low {
			low++
		}
	}
	return low
}

// Loss is the fraction of jobs (not of batches) that are lost: Σ P_n·E(X−(K−n))⁺/E[X].
func (s BatchM1K) Loss() (float64, error) {
	p, err := s.States()
	if err != nil {
		return 0, err
	}
	_, excess := s.tails()
	var lost float64
	for n := max(0, s.K+1-len(excess)); n <= s.K; n++ {
		lost += p[n] * excess[s.K-n]
	}
	return min(lost/excess[0], 1), nil
}

// L is the mean number of jobs in the system.
func (s BatchM1K) L() (float64, error) {
	p, err := s.States()
	return meanAbove(p, 0), err
}

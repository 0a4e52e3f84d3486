package queueing

import (
	"math"
	"sort"
)

// erlangTail is P(W > y) where W is a sum of m+1 exponential variables of mean 1 and m is drawn
// from g: the wait, in services, of a job that must wait and finds m others waiting. Exchanging
// the sums over m and over the terms of the Erlang tail gives
//
//	Σ_{j<n} e^(−y) y^j/j! · P(m ≥ j)
//
// whose terms are positive and have one peak. They are added from there to both sides until they
// no longer count, so the time grows with the width of the peak and not with n.
func (g geometric) erlangTail(y float64) float64 {
	if y == 0 {
		return 1
	}
	peak := sort.Search(g.n-1, func(j int) bool {
		here, next := g.tail(j), g.tail(j+1)
		return here == 0 || next*y/float64(j+1) < here
	})
	const enough = 1e-18
	total, atPeak := 0.0, poisson(peak, y)
	add := func(term float64) (counts bool) {
		total += term
		return term > enough*total
	}
	for j, p := peak, atPeak; j < g.n && add(p*g.tail(j)); j++ {
		p *= y / float64(j+1)
	}
	for j, p := peak, atPeak; j > 0; j-- {
		p *= float64(j) / y
		if !add(p * g.tail(j-1)) {
			break
		}
	}
	return min(total, 1)
}

// poisson is e^(−y) y^j/j!, y > 0, by the saddle-point form of Loader, "Fast and accurate
// computation of binomial probabilities" (2000), which keeps its digits where j and y are large.
func poisson(j int, y float64) float64 {
	if j == 0 {
		return math.Exp(-y)
	}
	n := float64(j)
	return math.Exp(-stirlingError(n)-deviance(n, y)) / math.Sqrt(2*math.Pi*n)
}

// stirlingError is ln n! minus Stirling's formula for it.
func stirlingError(n float64) float64 {
	if n < 16 {
		lg, _ := math.Lgamma(n + 1)
		return lg - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	z := n * n
	return (1./12 - (1./360-(1./1260-1./1680/z)/z)/z) / n
}

// deviance is n ln(n/y) + y − n.
func deviance(n, y float64) float64 {
	if d := (n - y) / y; math.Abs(d) < 0.1 {
		return y * ((1+d)*math.Log1p(d) - d)
	}
	return n*math.Log(n/y) + y - n
}

// invertTail is the least t with tail(t) ≤ p, p > 0, for a tail that doesn't increase and falls to
// 0; scale is a first guess of where.
func invertTail(tail func(t float64) float64, p, scale float64) float64 {
	lo, hi := 0.0, scale
	for tail(hi) > p {
		lo, hi = hi, hi*2
	}
	return bisect(func(t float64) bool { return tail(t) <= p }, lo, hi)
}

// bisect is where between lo and hi, positive, ok turns from false to true.
func bisect(ok func(float64) bool, lo, hi float64) float64 {
	for range 200 {
		mid := lo + (hi-lo)/2
		if hi-lo <= 1e-14*hi || mid <= lo || mid >= hi {
			break
		}
		if ok(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

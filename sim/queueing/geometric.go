package queueing

import (
	"math"
	"sort"
)

// geometric is the truncated geometric distribution, P(m) ∝ r^m on 0..n−1, that the states of one
// server with n−1 places have. It keeps x = ln r, not r: with expm1 every figure of it is free of
// cancellation at r = 1, and mirroring r > 1 into 1/r keeps it free of overflow.
type geometric struct {
	x float64
	n int
}

// prob is P(m).
func (g geometric) prob(m int) float64 {
	x := g.x
	switch {
	case x == 0:
		return 1 / float64(g.n)
	case x > 0:
		x, m = -x, g.n-1-m
	}
	return math.Exp(float64(m)*x) * math.Expm1(x) / math.Expm1(float64(g.n)*x)
}

// tail is P(at least m) = (r^m − r^n)/(1 − r^n), for m up to n.
func (g geometric) tail(m int) float64 {
	n, left := float64(g.n), float64(g.n-m)
	switch {
	case g.x == 0:
		return left / n
	case g.x > 0:
		return math.Expm1(-left*g.x) / math.Expm1(-n*g.x)
	}
	return math.Exp(float64(m)*g.x) * math.Expm1(left*g.x) / math.Expm1(n*g.x)
}

// mean is Σ m P(m).
func (g geometric) mean() float64 {
	n, x := float64(g.n), math.Abs(g.x)
	var fromLightEnd float64
	if n*x < 0.25 {
		fromLightEnd = (n-1)/2 + bend(x) - n*bend(n*x)
	} else {
		fromLightEnd = 1/math.Expm1(x) - n/math.Expm1(n*x)
	}
	if g.x > 0 {
		return n - 1 - fromLightEnd
	}
	return fromLightEnd
}

// bend is 1/(e^y − 1) − 1/y + 1/2 for y below 1/4, by its Taylor series (Bernoulli numbers).
func bend(y float64) float64 {
	z := y * y
	return y * (1./12 - z*(1./720-z*(1./30240-z*(1./1209600-z/47900160))))
}

// birthDeath is the steady state of a chain on 0..k that goes up at the rate up and from n down at
// the rate down(n), which must not decrease with n. It starts from the likeliest state, so that
// nothing can overflow and only what is negligible underflows.
func birthDeath(k int, up float64, down func(n int) float64) []float64 {
	p := make([]float64, k+1)
	peak := sort.Search(k, func(n int) bool { return up < down(n+1) })
	p[peak] = 1
	for n := peak; n < k && p[n] > negligible; n++ {
		p[n+1] = p[n] * (up / down(n+1))
	}
	for n := peak; n > 0 && p[n] > negligible; n-- {
		p[n-1] = p[n] * (down(n) / up)
	}
	return normalised(p)
}

// normalised scales p in place so that it adds up to 1.
func normalised(p []float64) []float64 {
	total := sum(p)
	for i := range p {
		p[i] /= total
	}
	return p
}

// sum adds with compensation (Kahan), as there may be millions of terms.
func sum(p []float64) float64 {
	var total, lost float64
	for _, v := range p {
		v -= lost
		next := total + v
		lost = (next - total) - v
		total = next
	}
	return total
}

// meanAbove is Σ (n−c)⁺ p[n]: with c = 0 the mean.
func meanAbove(p []float64, c int) float64 {
	var total float64
	for n := c + 1; n < len(p); n++ {
		total += float64(n-c) * p[n]
	}
	return total
}

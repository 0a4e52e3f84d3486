package queueing_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/queueing"
)

// References computed from the textbook recursions with 80 digits.
func TestFigures_KeepTheirDigits(t *testing.T) {
	calm := queueing.ErlangA{Lambda: 90, Mu: 1, Theta: 0.5, C: 100, K: 150}
	busy := queueing.ErlangA{Lambda: 120, Mu: 1, Theta: 0.1, C: 100, K: 300}
	rare := queueing.BatchM1K{Lambda: 0.05, Mu: 1, Batch: []float64{0.5, 0, 0, 0.5}, K: 60}
	over := queueing.BatchM1K{Lambda: 2, Mu: 1, Batch: []float64{.25, .25, .25, .25}, K: 20}
	for _, tt := range []struct {
		name string
		got  figure
		want float64
	}{
		{"M/M/1/900 r=1/2", mm1k(0.5, 900).Loss, 5.9152609308338736e-272},
		{"M/M/1/1000 r=1-1e-9", mm1k(1-1e-9, 1000).Loss, 9.9900049950059654e-4},
		{"M/M/1/1e6 r=1+1e-6", mm1k(1+1e-6, 1_000_000).Loss, 1.5819746645038642e-6},
		{"M/D/1/10 r=0.1", md1k(0.1, 10).Loss, 2.2133058897579926e-15},
		{"M/D/1/50 r=0.5", md1k(0.5, 50).Loss, 6.0502688172495938e-28},
		{"M/D/1/100 r=1", md1k(1, 100).Loss, 0.005008347245409015},
		{"M/D/1/30 r=1.5", md1k(1.5, 30).Loss, 0.33333333333495729},
		{"M/D/1/5 r=40", md1k(40, 5).Loss, 0.975},
		{"flush Q=30 r=0.1", flush(0.1, 30).Loss, 2.4300000000000042e-30},
		{"flush Q=100 r=1+1e-9", flush(1+1e-9, 100).Loss, 0.019047619689251759},
		{"flush Q=40 r=5", flush(5, 40).Loss, 0.80020005001250313},
		{"Erlang-A 90/100 abandon", calm.Abandon, 0.00568585273141787},
		{"Erlang-A 90/100 loss", calm.Loss, 3.2280731045660933e-7},
		{"Erlang-A 120/100 abandon", busy.Abandon, 0.14398359113671092},
		{"Erlang-A 120/100 loss", busy.Loss, 0.02268307560868258},
		{"batches, rare loss", rare.Loss, 2.1020900433731983e-20},
		{"batches, overload", over.Loss, 0.80000000035876732},
	} {
		assert.InEpsilon(t, tt.want, must(t, tt.got), 1e-9, tt.name)
	}
}

func TestMD1_TailIsExactOnBothSidesOfItsSeam(t *testing.T) {
	for _, tt := range []struct{ r, t, want float64 }{
		{0.3, 2.5, 0.0029688821390456775},
		{0.5, 8, 2.8504357332334546e-5},
		{0.5, 14, 1.5168568412486165e-8},
		{0.9, 5, 0.33129084949155933},
		{0.9, 11.9, 0.079335444465351725},
		{0.9, 12.1, 0.076115787067946981},
		{0.9, 20, 0.014817343039492238},
		{0.9, 40, 0.00023524406315090544},
		{0.999, 100, 0.81813035231959726},
		{1 - 1e-12, 1e12, 0.13534127106740904},
	} {
		got := must(t, at(md1(tt.r).WaitTail, tt.t))
		assert.InDelta(t, tt.want, got, 1e-10, "r=%v: WaitTail(%v)", tt.r, tt.t)
	}
}

// The mean is the integral of the tail: two formulas that share nothing.
func TestMD1_MeanIsTheIntegralOfItsTail(t *testing.T) {
	const step = 1. / 64
	for _, r := range []float64{0.05, 0.3, 0.8, 0.95} {
		var got float64
		for u := step / 2; u < 400; u += step {
			got += step * must(t, at(md1(r).WaitTail, u))
		}
		assert.InEpsilon(t, must(t, md1(r).WaitMean), got, 1e-4, "r=%v", r)
	}
}

// waitTailByHand is the double sum of the documentation, term by term.
func waitTailByHand(p []float64, c int, rate, t float64) float64 {
	k := len(p) - 1
	var late, accepted float64
	for n := range k {
		accepted += p[n]
		term, erlang := math.Exp(-rate*t), 0.0
		for j := 0; j <= n-c; j++ {
			erlang += term
			term *= rate * t / float64(j+1)
		}
		late += p[n] * erlang
	}
	return late / accepted
}

func TestWaitTail_IsTheDoubleSum(t *testing.T) {
	for _, r := range []float64{1e-3, 0.5, 0.999999, 1, 1.3, 20} {
		for _, k := range []int{1, 2, 3, 10, 150} {
			one, three := mm1k(r, k), mmck(3*r, min(3, k), k)
			p, err := one.States()
			require.NoError(t, err)
			p3, err := three.States()
			require.NoError(t, err)
			for _, u := range []float64{0, 0.01, 1, 7, 60, 200} {
				assert.InDelta(t, waitTailByHand(p, 1, 1, u), must(t, at(one.WaitTail, u)), 1e-12,
					"%+v.WaitTail(%v)", one, u)
				assert.InDelta(t, waitTailByHand(p3, three.C, float64(three.C), u),
					must(t, at(three.WaitTail, u)), 1e-12, "%+v.WaitTail(%v)", three, u)
			}
		}
	}
}

// A million places, on both sides of r = 1 and on it: no overflow, no long wait, and limits that
// are known.
func TestFigures_StandAMillionPlaces(t *testing.T) {
	const k = 1_000_000
	began := time.Now()
	pair := []float64{0, 1}
	agents := queueing.ErlangA{Lambda: 1.25, Mu: 1, Theta: 1e-9, C: 1, K: k}
	for _, tt := range []struct {
		name string
		got  figure
		want float64
	}{
		{"M/M/1/K r=0.5 loss", mm1k(0.5, k).Loss, 0},
		{"M/M/1/K r=1 loss", mm1k(1, k).Loss, 1. / (k + 1)},
		{"M/M/1/K r=1.25 loss", mm1k(1.25, k).Loss, 0.2},
		{"M/M/1/K r=0.5 L", mm1k(0.5, k).L, 1},
		{"M/M/1/K r=1 L", mm1k(1, k).L, k / 2},
		{"M/M/1/K r=1.25 L", mm1k(1.25, k).L, k - 4},
		{"M/M/1/K r=0.5 p75", at(mm1k(0.5, k).WaitQuantile, 0.75), 2 * math.Ln2},
		{"M/M/1/K r=1 p50", at(mm1k(1, k).WaitQuantile, 0.5), k/2 - 0.5},
		{"M/M/c/K r=1.25 loss", mmck(12.5, 10, k).Loss, 0.2},
		{"M/M/c/K r=0.5 L", mmck(0.5, 1, k).L, 1},
		{"M/M/1/K r=1.25, patient, L", agents.L, k - 4},
		{"M/D/1/K r=0.5 loss", md1k(0.5, k).Loss, 0},
		{"M/D/1/K r=1 loss", md1k(1, k).Loss, 1. / (2 * k)},
		{"M/D/1/K r=1.25 loss", md1k(1.25, k).Loss, 0.2},
		{"pairs r=1.25 loss", queueing.BatchM1K{Lambda: 0.625, Mu: 1, Batch: pair, K: k}.Loss, 0.2},
		{"flush r=0.5 loss", flush(0.5, k).Loss, 0},
		{"flush r=1 loss", flush(1, k).Loss, 2. / (k + 5)},
		{"flush r=1.25 loss", flush(1.25, k).Loss, 0.2},
	} {
		got := must(t, tt.got)
		assert.InDelta(t, tt.want, got, 2e-5*math.Abs(tt.want)+1e-300, tt.name)
	}
	assert.Less(t, time.Since(began), 10*time.Second)
}

// Far from everything usual but in range: still numbers, and fractions still between 0 and 1.
func TestFigures_AreFiniteInAllCorners(t *testing.T) {
	scales := []float64{1e-49, 1e-7, 1, 1e7, 1e49}
	for _, lambda := range scales {
		for _, mu := range scales {
			for _, k := range []int{1, 2, 3, 1000} {
				for name, f := range fractions(lambda, mu, k) {
					got := must(t, f)
					assert.True(t, got >= 0 && got <= 1, "λ=%v μ=%v K=%d: %s = %v",
						lambda, mu, k, name, got)
				}
				for name, f := range numbers(lambda, mu, k) {
					got := must(t, f)
					assert.False(t, math.IsNaN(got) || math.IsInf(got, 0) || got < 0,
						"λ=%v μ=%v K=%d: %s = %v", lambda, mu, k, name, got)
				}
			}
		}
	}
}

func fractions(lambda, mu float64, k int) map[string]figure {
	one := queueing.MM1K{Lambda: lambda, Mu: mu, K: k}
	many := queueing.MMcK{Lambda: lambda, Mu: mu, C: (k + 1) / 2, K: k}
	hasty := queueing.ErlangA{Lambda: lambda, Mu: mu, Theta: 1e50, C: (k + 1) / 2, K: k}
	batches := queueing.BatchM1K{Lambda: lambda, Mu: mu, Batch: []float64{0.5, 0.25, 0.25}, K: k}
	return map[string]figure{
		"MM1K.Loss":        one.Loss,
		"MM1K.WaitTail(0)": at(one.WaitTail, 0),
		"MM1K.WaitTail(9)": at(one.WaitTail, 9),
		"MM1K.WaitTail(∞)": at(one.WaitTail, 1e50),
		"MMcK.Loss":        many.Loss,
		"MMcK.WaitTail(0)": at(many.WaitTail, 0),
		"MMcK.WaitTail(9)": at(many.WaitTail, 9),
		"ErlangA.Loss":     hasty.Loss,
		"ErlangA.Abandon":  hasty.Abandon,
		"MD1K.Loss":        queueing.MD1K{Lambda: lambda, D: 1 / mu, K: k}.Loss,
		"BatchM1K.Loss":    batches.Loss,
		"FlushM1.Loss":     queueing.FlushM1{Lambda: lambda, Mu: mu, Q: k}.Loss,
		"Timeout(9)":       queueing.PatienceM1{Lambda: lambda, Mu: mu, Tau: 9}.Timeout,
		"Timeout(0)":       queueing.PatienceM1{Lambda: lambda, Mu: mu}.Timeout,
		"Timeout(∞)":       queueing.PatienceM1{Lambda: lambda, Mu: mu, Tau: 1e50}.Timeout,
	}
}

func numbers(lambda, mu float64, k int) map[string]figure {
	one := queueing.MM1K{Lambda: lambda, Mu: mu, K: k}
	many := queueing.MMcK{Lambda: lambda, Mu: mu, C: (k + 1) / 2, K: k}
	hasty := queueing.ErlangA{Lambda: lambda, Mu: mu, Theta: 1e50, C: (k + 1) / 2, K: k}
	batches := queueing.BatchM1K{Lambda: lambda, Mu: mu, Batch: []float64{0.5, 0.25, 0.25}, K: k}
	return map[string]figure{
		"MM1K.L":                  one.L,
		"MM1K.WaitMean":           one.WaitMean,
		"MM1K.WaitQuantile(0.99)": at(one.WaitQuantile, 0.99),
		"MM1K.WaitQuantile(→1)":   at(one.WaitQuantile, math.Nextafter(1, 0)),
		"MMcK.WaitMean":           many.WaitMean,
		"MMcK.Lq":                 many.Lq,
		"MMcK.WaitQuantile(0.99)": at(many.WaitQuantile, 0.99),
		"ErlangA.L":               hasty.L,
		"ErlangA.WaitMean":        hasty.WaitMean,
		"BatchM1K.L":              batches.L,
		"FlushM1.L":               queueing.FlushM1{Lambda: lambda, Mu: mu, Q: k}.L,
	}
}

package queueing_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim/queueing"
)

// drawLoad draws an offered load, every third time one that is next to 1 or on it.
func drawLoad(t *rapid.T, label string) float64 {
	far := rapid.Float64Range(0.01, 5)
	near := rapid.Map(rapid.Float64Range(-1, 1), func(d float64) float64 { return 1 + d*1e-7 })
	return rapid.OneOf(far, near, far, rapid.Just(1.0)).Draw(t, label)
}

func drawStableLoad(t *rapid.T) float64 { return rapid.Float64Range(0.01, 0.995).Draw(t, "r") }
func drawK(t *rapid.T) int              { return rapid.IntRange(1, 300).Draw(t, "k") }

func drawBatch(t *rapid.T) []float64 {
	weights := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 12).Draw(t, "batch")
	weights[len(weights)-1]++
	var total int
	for _, w := range weights {
		total += w
	}
	batch := make([]float64, len(weights))
	for i, w := range weights {
		batch[i] = float64(w) / float64(total)
	}
	return batch
}

// bounded draws the same load for each system that has a bound.
func bounded(t *rapid.T, r float64, k int) map[string]func(r float64, k int) figure {
	c := rapid.IntRange(1, k).Draw(t, "c")
	theta := rapid.Float64Range(0.001, 10).Draw(t, "theta")
	batch := drawBatch(t)
	return map[string]func(r float64, k int) figure{
		"M/M/1/K": func(r float64, k int) figure { return mm1k(r, k).Loss },
		"M/M/c/K": func(r float64, k int) figure { return mmck(r*float64(c), c, k).Loss },
		"M/D/1/K": func(r float64, k int) figure { return md1k(r, k).Loss },
		"batches": func(r float64, k int) figure {
			return queueing.BatchM1K{Lambda: r, Mu: 1, Batch: batch, K: k}.Loss
		},
		"Erlang-A": func(r float64, k int) figure {
			lambda := r * float64(c)
			return queueing.ErlangA{Lambda: lambda, Mu: 1, Theta: theta, C: c, K: k}.Loss
		},
	}
}

// atMost allows for rounding.
func atMost(t *rapid.T, small, large float64, what string) {
	assert.LessOrEqual(t, small, large+1e-11*math.Abs(large)+1e-300, what)
}

func same(t *rapid.T, want, got float64, what string) {
	assert.InDelta(t, want, got, 1e-9*math.Abs(want)+1e-14, what)
}

func TestStates_AddUpToOneAndTellLossAndL(t *testing.T) {
	type chain interface {
		States() ([]float64, error)
		Loss() (float64, error)
		L() (float64, error)
	}
	rapid.Check(t, func(t *rapid.T) {
		r, k := drawLoad(t, "r"), drawK(t)
		c := rapid.IntRange(1, k).Draw(t, "c")
		batches := queueing.BatchM1K{Lambda: r, Mu: 1, Batch: drawBatch(t), K: k}
		for name, q := range map[string]chain{
			"M/M/1/K":  mm1k(r, k),
			"M/M/c/K":  mmck(r*float64(c), c, k),
			"Erlang-A": queueing.ErlangA{Lambda: r, Mu: 1, Theta: 0.3, C: c, K: k},
			"batches":  batches,
			"flush":    flush(r, k),
		} {
			p, err := q.States()
			require.NoError(t, err)
			var total, mean float64
			for n, v := range p {
				assert.True(t, v >= 0 && v <= 1, "%s: P_%d = %v", name, n, v)
				total, mean = total+v, mean+float64(n)*v
			}
			same(t, 1, total, name+": sum of states")
			same(t, mean, must(t, q.L), name+": L")
			loss, full := must(t, q.Loss), p[len(p)-1]
			switch name {
			case "flush":
				same(t, float64(k)*full, loss, name+": loss")
			case "batches":
				atMost(t, full, loss, name+": what finds it full is lost")
			default:
				same(t, full, loss, name+": loss")
			}
		}
	})
}

func TestLoss_FallsWithKAndRisesWithR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, k := drawLoad(t, "r"), drawK(t)
		moreK := k + rapid.IntRange(0, 50).Draw(t, "more k")
		moreR := r + rapid.Float64Range(0, 2).Draw(t, "more r")
		for name, loss := range bounded(t, r, k) {
			here := must(t, loss(r, k))
			atMost(t, must(t, loss(r, moreK)), here, name+": more places")
			atMost(t, here, must(t, loss(moreR, k)), name+": more load")
			assert.True(t, here >= 0 && here <= 1, "%s: loss = %v", name, here)
		}
		atMost(t, must(t, flush(r, moreK).Loss), must(t, flush(r, k).Loss), "flush: more slots")
		atMost(t, must(t, flush(r, k).Loss), must(t, flush(moreR, k).Loss), "flush: more load")
	})
}

func TestFlush_LosesNoLessThanTailDrop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, q := drawLoad(t, "r"), drawK(t)
		atMost(t, must(t, mm1k(r, q+1).Loss), must(t, flush(r, q).Loss), "loss")
	})
}

// M/M/1 is the geometric batch of one; its wait is its time in system times r.
func TestMD1_WaitsNoLongerThanMM1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawStableLoad(t)
		mm1 := queueing.GeoBatchM1{Lambda: r, Mu: 1, P: 1}
		mean := r * must(t, mm1.SojournMean)
		same(t, mean/2, must(t, md1(r).WaitMean), "half the mean wait")
		p := rapid.Float64Range(0.0001, 0.5).Draw(t, "1-q")
		exponential := max(0, math.Log(r/p)/(1-r))
		atMost(t, must(t, at(md1(r).WaitQuantile, 1-p)), exponential+1e-9, "quantile")
		atMost(t, must(t, md1k(r, 20).Loss), must(t, mm1k(r, 20).Loss), "loss")
	})
}

func TestMMcK_WithOneServerIsMM1K(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, k := drawLoad(t, "r"), drawK(t)
		one, c := mm1k(r, k), mmck(r, 1, k)
		u := rapid.Float64Range(0, 400).Draw(t, "t")
		q := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.001, 0.9999)).Draw(t, "q")
		same(t, must(t, one.Loss), must(t, c.Loss), "loss")
		same(t, must(t, one.L), must(t, c.L), "L")
		same(t, must(t, one.WaitMean), must(t, c.WaitMean), "mean wait")
		same(t, must(t, at(one.WaitTail, u)), must(t, at(c.WaitTail, u)), "wait tail")
		same(t, must(t, at(one.WaitQuantile, q)), must(t, at(c.WaitQuantile, q)), "quantile")
		batches := queueing.BatchM1K{Lambda: r, Mu: 1, Batch: []float64{1}, K: k}
		same(t, must(t, one.Loss), must(t, batches.Loss), "loss of batches of one")
	})
}

func TestErlangA_WithoutImpatienceIsMMcK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawK(t)
		c := rapid.IntRange(1, k).Draw(t, "c")
		lambda := float64(c) * drawLoad(t, "r")
		patient := mmck(lambda, c, k)
		for _, theta := range []float64{0, 1e-40, 1e-18} {
			q := queueing.ErlangA{Lambda: lambda, Mu: 1, Theta: theta, C: c, K: k}
			same(t, must(t, patient.Loss), must(t, q.Loss), "loss")
			same(t, must(t, patient.Lq), must(t, q.Lq), "Lq")
			same(t, must(t, patient.WaitMean), must(t, q.WaitMean), "mean wait")
			same(t, 0, must(t, q.Abandon), "abandonment")
		}
	})
}

func TestQuantile_InvertsTheDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := math.Pow(10, rapid.Float64Range(-7, -0.01).Draw(t, "log10(1-q)"))
		q, r, k := 1-p, drawLoad(t, "r"), drawK(t)
		c := rapid.IntRange(1, k).Draw(t, "c")
		inverts := func(name string, quantile, tail func(float64) (float64, error), eps float64) {
			u := must(t, at(quantile, q))
			got := must(t, at(tail, u))
			if u == 0 {
				atMost(t, got, p, name+": enough don't wait at all")
				return
			}
			assert.InDelta(t, p, got, eps*p+1e-12, "%s: WaitTail(%v)", name, u)
		}
		many, still := mmck(r*float64(c), c, k), md1(drawStableLoad(t))
		geo := queueing.GeoBatchM1{Lambda: 0.3 * min(r, 3), Mu: 1, P: 0.95}
		inverts("M/M/1/K", mm1k(r, k).WaitQuantile, mm1k(r, k).WaitTail, 1e-9)
		inverts("M/M/c/K", many.WaitQuantile, many.WaitTail, 1e-9)
		inverts("M/D/1", still.WaitQuantile, still.WaitTail, 1e-3)
		inverts("batches", geo.SojournQuantile, geo.SojournTail, 1e-9)
	})
}

// L = λ(1−loss)·(time in system), with L and the wait from sums of their own; and what is accepted
// is served or abandons.
func TestFigures_KeepLittlesLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, k := drawLoad(t, "r"), drawK(t)
		c := rapid.IntRange(1, k).Draw(t, "c")
		scale := math.Pow(10, rapid.Float64Range(-6, 6).Draw(t, "log10(mu)"))
		one := queueing.MM1K{Lambda: r * scale, Mu: scale, K: k}
		taken := one.Lambda * (1 - must(t, one.Loss))
		same(t, must(t, one.L), taken*(must(t, one.WaitMean)+1/scale), "M/M/1/K")

		many := queueing.MMcK{Lambda: r * scale * float64(c), Mu: scale, C: c, K: k}
		taken = many.Lambda * (1 - must(t, many.Loss))
		same(t, must(t, many.Lq), taken*must(t, many.WaitMean), "M/M/c/K queue")
		same(t, must(t, many.L), taken*(must(t, many.WaitMean)+1/scale), "M/M/c/K system")

		theta := rapid.Float64Range(0.01, 10).Draw(t, "theta")
		a := queueing.ErlangA{Lambda: r, Mu: 1, Theta: theta, C: c, K: k}
		served := must(t, a.L) - must(t, a.Lq) // busy servers, at rate 1
		same(t, r*(1-must(t, a.Loss)), served+r*must(t, a.Abandon), "Erlang-A")

		b := queueing.BatchM1K{Lambda: r, Mu: 1, Batch: drawBatch(t), K: k}
		p, err := b.States()
		require.NoError(t, err)
		var size float64
		for i, v := range b.Batch {
			size += float64(i+1) * v
		}
		same(t, r*size*(1-must(t, b.Loss)), 1-p[0], "batches: accepted = served")
	})
}

// With many places a system with a bound is the one without.
func TestBounds_ThatAreNeverReachedDontMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, size := rapid.Float64Range(0.01, 0.9).Draw(t, "r"), rapid.IntRange(1, 20).Draw(t, "size")
		batch, err := queueing.FixedBatch(size)
		require.NoError(t, err)
		free := queueing.FixedBatchM1{Lambda: r / float64(size), Mu: 1, Size: size}
		fixed := queueing.BatchM1K{Lambda: free.Lambda, Mu: 1, Batch: batch, K: 10_000}
		same(t, must(t, free.L), must(t, fixed.L), "fixed batches: L")
		little := must(t, free.SojournMean) * free.Lambda * float64(size)
		same(t, must(t, free.L), little, "fixed batches: Little's law")

		mm1 := queueing.GeoBatchM1{Lambda: r, Mu: 1, P: 1}
		same(t, must(t, mm1.L), must(t, mm1k(r, 10_000).L), "M/M/1: L")
		same(t, r*must(t, mm1.SojournMean), must(t, mm1k(r, 10_000).WaitMean), "M/M/1: wait")
	})
}

package gate_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/bench/gate"
)

// steady measures pairs without any noise; twist may change them.
func steady(twist func(phase gate.Phase, pairs []gate.Pair) []gate.Pair) gate.Measure {
	return func(phase gate.Phase, n int) ([]gate.Pair, error) {
		pairs := make([]gate.Pair, n)
		for i := range pairs {
			for j := range 2 {
				pairs[i].Base[j] = gate.Figures{"a ns": 100, "b ns": 10}
				pairs[i].Head[j] = gate.Figures{"a ns": 100, "b ns": 10}
			}
		}
		return twist(phase, pairs), nil
	}
}

// headTimes multiplies a metric of head in one of the phases.
func headTimes(metric string, factor float64, phases ...gate.Phase) gate.Measure {
	return steady(func(phase gate.Phase, pairs []gate.Pair) []gate.Pair {
		for _, p := range phases {
			for i := range pairs {
				if p == phase {
					pairs[i].Head[0][metric] *= factor
					pairs[i].Head[1][metric] *= factor
				}
			}
		}
		return pairs
	})
}

func TestTimed_Verdicts(t *testing.T) {
	both := []gate.Phase{gate.First, gate.Confirm}
	without := func(side func(*gate.Pair) *gate.Figures, only gate.Phase) gate.Measure {
		return steady(func(phase gate.Phase, pairs []gate.Pair) []gate.Pair {
			for i := range pairs {
				if phase == only {
					delete(*side(&pairs[i]), "b ns")
				}
			}
			return pairs
		})
	}
	for _, c := range []struct {
		name    string
		measure gate.Measure
		want    gate.Verdict
		reason  string
	}{
		{"the same", headTimes("a ns", 1), gate.Passed, ""},
		{"slower", headTimes("a ns", 1.2, both...), gate.Slower, ""},
		{"grossly slower", headTimes("a ns", 1.3, both...), gate.Failed, "slower by more than 25%"},
		{"grossly slower, then slower", steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
			factor := map[gate.Phase]float64{gate.AA: 1, gate.First: 1.3, gate.Confirm: 1.1}[p]
			for i := range x {
				x[i].Head[0]["a ns"] *= factor
				x[i].Head[1]["a ns"] *= factor
			}
			return x
		}), gate.Slower, ""},
		{"slower at first, then not", headTimes("a ns", 2, gate.First), gate.Passed, ""},
		{"faster", headTimes("a ns", 0.5, gate.First), gate.Passed, ""},
		{"two bad pairs of ten", steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
			for i := range 2 {
				if p != gate.AA {
					x[3*i].Head[0]["a ns"], x[3*i].Head[1]["a ns"] = 9000, 9000
				}
			}
			return x
		}), gate.Passed, ""},
		{"no figure above zero", steady(func(_ gate.Phase, x []gate.Pair) []gate.Pair {
			for i := range x {
				for j := range 2 {
					x[i].Base[j]["b ns"], x[i].Head[j]["b ns"] = 0, 0
				}
			}
			return x
		}), gate.Invalid, "not one figure above zero"},
		{"too few pairs", steady(func(p gate.Phase, x []gate.Pair) []gate.Pair { return x[:9] }),
			gate.Invalid, "too few samples: 9 pairs, want 10"},
		{"too few pairs in the end", steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
			if p == gate.First {
				return x[:9]
			}
			return x
		}), gate.Invalid, "too few samples"},
		{"no data", steady(func(gate.Phase, []gate.Pair) []gate.Pair { return nil }), gate.Invalid,
			""},
		{"vanished", without(func(p *gate.Pair) *gate.Figures { return &p.Head[1] }, gate.First),
			gate.Failed, "missing: base has it in 20 runs, head in 10"},
		{"too noisy", steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
			for i := range x {
				if p == gate.AA && i%2 == 0 {
					x[i].Head[0]["b ns"] *= 9
				}
			}
			return x
		}), gate.Invalid, "machine too noisy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tier, err := gate.SharedMachine().Judge(c.measure)
			require.NoError(t, err)
			assert.Equal(t, c.want, tier.Verdict, "%+v", tier)
			reasons := ""
			for _, l := range tier.Lines {
				reasons += l.Reason + "\n"
			}
			assert.Contains(t, reasons, c.reason)
		})
	}
}

// A metric that was suspect and can't be measured again must not get through.
func TestTimed_AVanishedSuspectFails(t *testing.T) {
	tier, err := gate.SharedMachine().Judge(steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
		for i := range x {
			for j := range 2 {
				x[i].Head[j]["a ns"] *= map[gate.Phase]float64{gate.AA: 1, gate.First: 2}[p]
			}
			if p == gate.Confirm {
				x[i].Head[0] = gate.Figures{"b ns": 10}
			}
		}
		return x
	}))
	require.NoError(t, err)
	assert.Equal(t, gate.Failed, tier.Verdict, "%+v", tier)
}

// Nor if it is base that doesn't measure it again.
func TestTimed_ASuspectWithoutABaseIsInvalid(t *testing.T) {
	tier, err := gate.SharedMachine().Judge(steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
		for i := range x {
			for j := range 2 {
				switch p {
				case gate.First:
					x[i].Head[j]["a ns"] = 200
				case gate.Confirm:
					delete(x[i].Base[j], "a ns")
				}
			}
		}
		return x
	}))
	require.NoError(t, err)
	assert.Equal(t, gate.Invalid, tier.Verdict, "%+v", tier)
}

// With so many metrics Holm's method asks for more than the resamples can tell: then all pairs have
// to agree.
func TestTimed_ManyMetrics(t *testing.T) {
	judge := func(exceptions int) gate.Verdict {
		tier, err := gate.SharedMachine().Judge(steady(
			func(p gate.Phase, x []gate.Pair) []gate.Pair {
				for i := range x {
					for j := range 2 {
						for m := range 500 {
							name := fmt.Sprintf("m%d ns", m)
							x[i].Base[j][name], x[i].Head[j][name] = 100, 100
						}
						if p != gate.AA && i >= exceptions {
							x[i].Head[j]["m7 ns"] = 200
						}
					}
				}
				return x
			}))
		require.NoError(t, err)
		return tier.Verdict
	}
	assert.Equal(t, gate.Failed, judge(0))
	assert.Equal(t, gate.Passed, judge(1))
}

// nth is what sorting would give.
func TestInterval_NthIsWhatSortingGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 50).Draw(t, "x")
		if rapid.Bool().Draw(t, "with ties") {
			for i := range x {
				x[i] = math.Round(x[i])
			}
		}
		k := rapid.IntRange(0, len(x)-1).Draw(t, "k")
		want := slices.Sorted(slices.Values(x))[k]
		assert.Equal(t, want, gate.Nth(slices.Clone(x), k), "%v", x)
	})
}

func TestTimed_WhatOnlyHeadHasIsNew(t *testing.T) {
	tier, err := gate.SharedMachine().Judge(steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
		for i := range x {
			x[i].Head[0]["c ns"], x[i].Head[1]["c ns"] = 1, 1
		}
		return x
	}))
	require.NoError(t, err)
	assert.Equal(t, gate.Invalid, tier.Verdict, "base against itself has it on one side only")
	tier, err = gate.SharedMachine().Judge(steady(func(p gate.Phase, x []gate.Pair) []gate.Pair {
		for i := range x {
			if p == gate.First {
				x[i].Head[0]["c ns"], x[i].Head[1]["c ns"] = 1, 1
			}
		}
		return x
	}))
	require.NoError(t, err)
	assert.Equal(t, gate.Passed, tier.Verdict)
	assert.Equal(t, gate.New, tier.Lines[2].Verdict)
}

// The estimate is the one of the definition, with both sides' figures beside it, and the same every
// time.
func TestTimed_SaysByHowMuch(t *testing.T) {
	judge := func() gate.Line {
		tier, err := gate.SharedMachine().Judge(headTimes("a ns", 1.2, gate.First, gate.Confirm))
		require.NoError(t, err)
		return tier.Lines[0]
	}
	l := judge()
	assert.Equal(t, "a", l.Name)
	assert.Equal(t, "ns", l.Metric)
	assert.Equal(t, []float64{100, 120}, []float64{*l.Base, *l.Head})
	assert.InDelta(t, 0.2, *l.Change, 1e-9)
	assert.LessOrEqual(t, *l.Low, *l.Change)
	assert.GreaterOrEqual(t, *l.High, *l.Change)
	assert.Equal(t, l, judge())
}

func TestTimed_AMeasurementThatFailsIsItsError(t *testing.T) {
	broken := errors.New("broken")
	_, err := gate.SharedMachine().Judge(func(gate.Phase, int) ([]gate.Pair, error) {
		return nil, broken
	})
	assert.ErrorIs(t, err, broken)
}

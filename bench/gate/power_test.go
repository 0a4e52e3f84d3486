package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

// noise is the factor by which a run differs from what it should take.
type noise func(rng *rand.Rand, spread float64, run int) float64

// noises have a standard deviation of spread within a run, each in a way of its own.
var noises = map[string]noise{
	"normal": func(rng *rand.Rand, spread float64, _ int) float64 {
		return max(1+spread*rng.NormFloat64(), 0.1)
	},
	"log-normal": logNormal,
	"bimodal": func(rng *rand.Rand, spread float64, _ int) float64 { // one run in five is slow
		f := math.Exp(spread / 4 * rng.NormFloat64())
		if rng.Float64() < 0.2 {
			f += spread / 0.4
		}
		return f
	},
	"drifting": func(rng *rand.Rand, spread float64, run int) float64 { // 1 % with every run
		return (1 + 0.01*float64(run)) * logNormal(rng, spread, run)
	},
}

func logNormal(rng *rand.Rand, spread float64, _ int) float64 {
	return math.Exp(spread * rng.NormFloat64())
}

const (
	gates   = 1000
	metrics = 4 // of which one is slower
)

// simulated measures a machine with noise, on which one metric of head takes longer by effect.
func simulated(seed uint64, n noise, spread, effect float64) gate.Measure {
	rng, run := rand.New(rand.NewPCG(1, seed)), 0
	figures := func(slow float64) gate.Figures {
		f := make(gate.Figures)
		for m := range metrics {
			f[fmt.Sprintf("m%d ns", m)] = 100 * n(rng, spread, run)
		}
		f["m0 ns"] *= slow
		run++
		return f
	}
	return func(phase gate.Phase, count int) ([]gate.Pair, error) {
		slow := 1 + effect
		if phase == gate.AA {
			slow = 1
		}
		pairs := make([]gate.Pair, count)
		for i := range pairs {
			p := &pairs[i]
			p.Base[0], p.Head[0] = figures(1), figures(slow)
			p.Head[1], p.Base[1] = figures(slow), figures(1)
		}
		return pairs, nil
	}
}

// rate is how many of the gates end in one of the verdicts.
func rate(t *testing.T, r gate.Rule, n noise, spread, effect float64, of ...gate.Verdict) float64 {
	t.Helper()
	hits := 0
	for i := range gates {
		tier, err := r.Judge(simulated(uint64(i), n, spread, effect))
		require.NoError(t, err)
		for _, v := range of {
			if tier.Verdict == v {
				hits++
			}
		}
	}
	return float64(hits) / gates
}

// The rates that the README states. Seeds are fixed, so they are the same on every machine but for
// the last bits of the noise.
func TestPower(t *testing.T) {
	shared, dedicated := gate.SharedMachine(), gate.DedicatedMachine()
	said := []gate.Verdict{gate.Slower, gate.Failed}
	for name, n := range noises {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 10, shared.Pairs)
			assert.LessOrEqual(t, rate(t, shared, n, 0.15, 0, said...), 0.01, "A/A, shared")
			assert.LessOrEqual(t, rate(t, dedicated, n, 0.03, 0, said...), 0.01, "A/A, dedicated")
			assert.Zero(t, rate(t, shared, n, 0.15, 0, gate.Failed), "A/A that blocks")
			assert.GreaterOrEqual(t, rate(t, shared, n, 0.15, 0.3, said...), 0.95, "+30%% is said")
			assert.GreaterOrEqual(t, rate(t, shared, n, 0.15, 0.75, gate.Failed), 0.95,
				"+75%% blocks")
			assert.GreaterOrEqual(t, rate(t, dedicated, n, 0.03, 0.1, gate.Failed), 0.95,
				"+10%% blocks on a dedicated machine")
		})
	}
}

// POWER=1 prints the table for the README.
func TestPower_Table(t *testing.T) {
	if os.Getenv("POWER") == "" {
		t.Skip("want POWER=1")
	}
	for _, name := range []string{"normal", "log-normal", "bimodal", "drifting"} {
		for _, c := range []struct {
			machine string
			rule    gate.Rule
			spread  float64
			effects []float64
		}{
			{"shared", gate.SharedMachine(), 0.15, []float64{0, 0.3, 0.5, 0.75, 1}},
			{"dedicated", gate.DedicatedMachine(), 0.03, []float64{0, 0.05, 0.1, 0.15}},
		} {
			for _, e := range c.effects {
				r := func(v ...gate.Verdict) float64 {
					return 100 * rate(t, c.rule, noises[name], c.spread, e, v...)
				}
				t.Logf("| %s | %s | +%.0f %% | %.1f %% | %.1f %% | %.1f %% |", c.machine, name,
					100*e, r(gate.Slower, gate.Failed), r(gate.Failed), r(gate.Invalid))
			}
		}
	}
}

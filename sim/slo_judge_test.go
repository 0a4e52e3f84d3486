package sim_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// objectives reads them.
func objectives(t require.TestingT, texts ...string) sim.Scenario {
	s := sim.DefaultScenario()
	s.Stages = []sim.Stage{{Name: "up", Length: 1}, {Length: 1}, {Name: "peak", Length: 1}}
	require.NoError(t, s.Set("slos", strings.Join(texts, ";")))
	return s
}

// measured is a run with figures that a test can tell apart.
func measured(t require.TestingT) *sim.Run {
	times := make([]int64, 10_000) // so that p99.9 counts
	for i := range times {
		times[i] = int64(i+1) * 1000
	}
	propagation, err := sim.SummaryOf(times...)
	require.NoError(t, err)
	staleness, err := sim.SummaryOf(times[:999]...)
	require.NoError(t, err)
	few, err := sim.SummaryOf(5e6, 7e6)
	require.NoError(t, err)
	return &sim.Run{
		Propagation: propagation, Staleness: staleness, HealNS: 25e6, PeakRSS: 100 << 20,
		Books: sim.Books{Offered: 1000, Dropped: map[string]uint64{"newest": 20, "closed": 5}},
		Stages: []sim.StageRun{{}, {}, {Name: "peak", Offered: 100, Dropped: 10, Staleness: few,
			Propagation: propagation, Memory: 90 << 20}},
	}
}

func TestSLO_IsMetWhenTheFigureIsBelowTheLimit(t *testing.T) {
	for _, c := range []struct {
		slo     string
		verdict string
		value   float64
	}{
		{"propagation_p50 < 6ms", sim.Passed, 5e6},
		{"propagation_p50 < 4ms", sim.Failed, 5e6},
		{"propagation_p90 < 9.5ms", sim.Passed, 9e6},
		{"propagation_p99 < 9.8ms", sim.Failed, 9.9e6},
		{"propagation_p999 < 10ms", sim.Passed, 9.99e6},
		{"propagation_max < 9ms", sim.Failed, 10e6},
		{"staleness_p90 < 1ms", sim.Passed, 0.9e6},
		{"dropped < 3%", sim.Passed, 0.025},
		{"dropped < 2.5%", sim.Failed, 0.025}, // it has to be below
		{"lost < 2.1%", sim.Passed, 0.02},
		{"heal < 26ms", sim.Passed, 25e6},
		{"heal < 25ms", sim.Failed, 25e6},
		{"memory < 101MiB", sim.Passed, 100 << 20},
		{"memory < 100MiB", sim.Failed, 100 << 20},
		{"peak: dropped < 11%", sim.Passed, 0.1},
		{"peak: memory < 1MB", sim.Failed, 90 << 20},
		{"peak: staleness_max < 8ms", sim.Passed, 7e6},
		{"peak: propagation_p99 < 1us", sim.Failed, 9.9e6},
	} {
		s, run := objectives(t, c.slo), measured(t)
		run.Judge(&s, nil, "", false)
		require.Len(t, run.SLOs, 1)
		got := run.SLOs[0]
		assert.Equal(t, s.SLOs[0], got.SLO)
		assert.InEpsilon(t, c.value, got.Value, 0.002, c.slo) // of a histogram
		assert.Equal(t, c.verdict, got.Verdict, c.slo)
		assert.Equal(t, c.verdict, run.Verdict, c.slo)
		assert.Empty(t, got.Reason)
		assert.Len(t, run.Reasons, map[string]int{sim.Passed: 0, sim.Failed: 1}[c.verdict])
	}
}

func TestSLO_WithoutEnoughToGoByIsInvalid(t *testing.T) {
	for slo, want := range map[string]string{
		"staleness_p99 < 1h":       "needs 1000 samples, has 999",
		"staleness_p999 < 1h":      "needs 10000 samples, has 999",
		"peak: staleness_p50 < 1h": "needs 20 samples, has 2",
		"up: propagation_max < 1h": "needs 1 samples, has 0",
		"up: dropped < 1%":         "needs 1 samples, has 0",
		"up: memory < 1GB":         "memory is measured on the wall clock only",
	} {
		s, run := objectives(t, slo), measured(t)
		run.Judge(&s, nil, "", false)
		assert.Equal(t, sim.Invalid, run.SLOs[0].Verdict, slo)
		assert.Equal(t, want, run.SLOs[0].Reason, slo)
		assert.Equal(t, sim.Invalid, run.Verdict)
		assert.Equal(t, []string{"objective " + s.SLOs[0].String() + ": " + want}, run.Reasons)
	}
}

func TestSLO_OneThatFailsOutweighsOneThatIsInvalid(t *testing.T) {
	texts := []string{"dropped < 1%", "staleness_p999 < 1s", "heal < 1s"}
	for range 2 {
		slices.Reverse(texts)
		s, run := objectives(t, texts...), measured(t)
		run.Judge(&s, nil, "", false)
		assert.Equal(t, sim.Failed, run.Verdict)
		assert.Len(t, run.Reasons, 2)
		assert.Contains(t, run.Reasons, "objective dropped < 1%: it is 2.5%")
		s.LagBound, run.GeneratorLag.P99 = 1, 2
		run.Judge(&s, nil, "", false)
		assert.Equal(t, sim.Invalid, run.Verdict, "no figure says anything")
		run.GeneratorLag.P99 = 0
	}
}

func TestSLO_OfHealingFailsWhenItNeverDoes(t *testing.T) {
	s, run := objectives(t, "heal < 1h"), measured(t)
	run.HealNS = -1
	run.Judge(&s, nil, "5 views still wrong", false)
	assert.Equal(t, sim.Failed, run.SLOs[0].Verdict)
	assert.Equal(t, "not all views were right within 3s", run.SLOs[0].Reason)
	assert.Equal(t, "-", run.SLOs[0].Shown())

	run.Judge(&s, nil, "", true)
	assert.Equal(t, sim.Invalid, run.SLOs[0].Verdict)
	assert.Equal(t, "the run ended before all views were right", run.SLOs[0].Reason)
}

// Whatever the figures, each objective has one result that survives JSON and a limit to compare
// with; the run passes only if all do.
func TestSLO_TheVerdictIsThatOfAllObjectives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := objectives(t)
		for range rapid.IntRange(0, 4).Draw(t, "objectives") {
			s.SLOs = append(s.SLOs, anySLO(t, s.Stages[2:]))
		}
		run := measured(t)
		run.PeakRSS = rapid.SampledFrom([]int64{0, 1 << 30}).Draw(t, "memory")
		run.Judge(&s, nil, "", false)
		require.Len(t, run.SLOs, len(s.SLOs))
		want := sim.Passed
		for i, x := range run.SLOs {
			require.Equal(t, s.SLOs[i], x.SLO)
			if x.Verdict == sim.Failed || want == sim.Passed {
				want = x.Verdict
			}
			if x.Verdict != sim.Invalid {
				require.Equal(t, x.Value < x.SLO.Below, x.Verdict == sim.Passed)
			}
		}
		require.Equal(t, want, run.Verdict)
		text, err := json.Marshal(run.SLOs)
		require.NoError(t, err)
		var again []sim.SLOResult
		require.NoError(t, json.Unmarshal(text, &again))
		require.ElementsMatch(t, run.SLOs, again)
	})
}

// The figures of a real run: those of the result, on both clocks.
func TestSLO_OfAVirtualRunIsJudgedByItsFigures(t *testing.T) {
	s := quiet(50)
	s.Rate, s.Duration = 200, 2*time.Second
	require.NoError(t, s.Set("slos", "propagation_p99 < 1ns; dropped < 1%; memory < 1GB"))
	run := virtual(t, s, oneService(t, 20), notifylabAlone, sim.DefaultCost())
	require.Len(t, run.SLOs, 3)
	assert.EqualValues(t, run.Propagation.P99, run.SLOs[0].Value)
	assert.Equal(t, run.Propagation.Count, run.SLOs[0].Samples)
	var verdicts []string
	for _, x := range run.SLOs {
		verdicts = append(verdicts, x.Verdict)
	}
	assert.Equal(t, []string{sim.Failed, sim.Passed, sim.Invalid}, verdicts)
	assert.Equal(t, sim.Failed, run.Verdict)
}

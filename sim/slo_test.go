package sim_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// anySLO draws an objective that Validate accepts, of one of the stages or of none. Limits are such
// as people write.
func anySLO(t *rapid.T, stages []sim.Stage) sim.SLO {
	m := rapid.SampledFrom(sim.SLOMetrics()).Draw(t, "metric")
	o := sim.SLO{Metric: m.Name}
	switch m.Unit {
	case sim.TimeUnit:
		o.Below = float64(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "time"))
	case sim.ShareUnit:
		o.Below = rapid.Float64Range(math.SmallestNonzeroFloat64, 1).Draw(t, "share")
	case sim.SizeUnit:
		o.Below = rapid.Float64Range(1, 1<<50).Draw(t, "size")
	}
	staged := !slices.Contains([]string{"heal", "lost"}, m.Name)
	if len(stages) > 0 && staged && rapid.Bool().Draw(t, "of a stage") {
		o.Stage = rapid.SampledFrom(stages).Draw(t, "stage").Name
	}
	return o
}

func TestSLO_AsTextReadsBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := []sim.SLO{anySLO(t, anyStages(t, time.Hour))}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got []sim.SLO
		require.NoError(t, json.Unmarshal(text, &got), "%s", text)
		require.Equal(t, want, got, "%s", text)
	})
}

func TestSLO_LimitsHaveTheUnitOfTheirMetric(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  sim.SLO
		again string
	}{
		{"propagation_p99 < 500ms", sim.SLO{"", "propagation_p99", 5e8}, ""},
		{"  peak:dropped<0.1% ", sim.SLO{"peak", "dropped", 0.001}, "peak: dropped < 0.1%"},
		{"dropped < 0.001", sim.SLO{"", "dropped", 0.001}, "dropped < 0.1%"},
		{"memory < 2GiB", sim.SLO{"", "memory", 2 << 30}, ""},
		{"memory < 500MB", sim.SLO{"", "memory", 5e8}, ""},
		{"memory < 1.5 kB", sim.SLO{"", "memory", 1500}, "memory < 1500B"},
		{"heal < 5m", sim.SLO{"", "heal", 3e11}, ""},
		{"x-1: staleness_max < 1h", sim.SLO{"x-1", "staleness_max", 3.6e12}, ""},
		{"staleness_p999 < 1m30s", sim.SLO{"", "staleness_p999", 9e10}, ""},
	} {
		var got sim.SLO
		require.NoError(t, got.UnmarshalText([]byte(c.text)))
		assert.Equal(t, c.want, got)
		if c.again == "" {
			c.again = c.text
		}
		assert.Equal(t, c.again, got.String())
	}
}

func TestSLO_ATextThatCannotBeReadSaysWhy(t *testing.T) {
	const form = `want METRIC < LIMIT, such as propagation_p99 < 500ms`
	for text, want := range map[string]string{
		"":                        `"": ` + form,
		"fast":                    `"fast": ` + form,
		"dropped > 1%":            `operator ">": want <`,
		"dropped = 1%":            `operator "=": want <: a figure has to be below its limit`,
		"dropped <= 1%":           `operator "<=": want <`,
		"dropped ≥ 1%":            `operator "≥": want <`,
		"dropped < 5ms":           `dropped < "5ms": want a share above 0, up to 1`,
		"dropped < 0":             `dropped < "0": want a share above 0`,
		"dropped < 101%":          `dropped < "101%": want a share above 0`,
		"dropped < NaN":           `dropped < "NaN": want a share above 0`,
		"heal < 5":                `heal < "5": want a duration above 0, up to 1h, such as 500ms`,
		"heal < -5s":              `heal < "-5s": want a duration above 0`,
		"heal < 61m":              `heal < "61m": want a duration above 0, up to 1h`,
		"memory < 5":              `memory < "5": want a size above 0, up to 1PiB, such as 500MB`,
		"memory < 5gb":            `memory < "5gb": want a size above 0`,
		"memory < 2000TiB":        `memory < "2000TiB": want a size above 0`,
		"latency < 5ms":           `metric "latency": want one of propagation_p50, `,
		"propagation_p98 < 5ms":   `metric "propagation_p98": want one of propagation_p50, `,
		"< 5ms":                   `metric "": want one of propagation_p50, `,
		": heal < 5ms":            `stage "": want a name of letters, digits, - and _`,
		"the peak: heal < 5ms":    `stage "the peak": want a name of letters`,
		"a: b: heal < 5ms":        `metric "b: heal": want one of`,
		"heal < 5ms, dropped < 1": `heal < "5ms, dropped < 1": want a duration`,
	} {
		var o sim.SLO
		err := o.UnmarshalText([]byte(text))
		require.ErrorIs(t, err, sim.ErrText, text)
		assert.ErrorContains(t, err, want, text)
		assert.Zero(t, o, text)
	}
}

func TestSLO_MetricsAreDescribedAndOfOneUnit(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range sim.SLOMetrics() {
		assert.False(t, seen[m.Name], m.Name)
		seen[m.Name] = true
		assert.NotEmpty(t, m.About, m.Name)
		limit := map[sim.SLOUnit]string{
			sim.TimeUnit: "1s", sim.ShareUnit: "1%", sim.SizeUnit: "1MB"}[m.Unit]
		s := sim.DefaultScenario()
		assert.NoError(t, s.Set("slos", m.Name+" < "+limit))
		assert.NoError(t, s.Validate())
	}
}

func TestSLO_MistakesNameTheStagesThatThereAre(t *testing.T) {
	up := sim.Stage{Name: "up", Length: time.Second}
	peak := sim.Stage{Name: "peak", Length: time.Second}
	nameless := sim.Stage{Length: time.Second}
	for _, c := range []struct {
		stages []sim.Stage
		slo    sim.SLO
		want   sim.Mistake
	}{
		{[]sim.Stage{up, nameless, peak}, sim.SLO{"top", "dropped", 0.1},
			sim.Mistake{"slos[0].stage", `"top"`, "one of up, peak"}},
		{[]sim.Stage{nameless}, sim.SLO{"top", "dropped", 0.1},
			sim.Mistake{"slos[0].stage", `"top"`, "none: no stage has a name"}},
		{[]sim.Stage{up, peak, up}, sim.SLO{"up", "dropped", 0.1},
			sim.Mistake{"slos[0].stage", `"up"`, "a name that one stage has"}},
		{[]sim.Stage{up}, sim.SLO{"up", "heal", 1e9},
			sim.Mistake{"slos[0].metric", "heal", "it without a stage, or one of propagation_p50"}},
		{nil, sim.SLO{"", "speed", 1},
			sim.Mistake{"slos[0].metric", `"speed"`, "one of propagation_p50, "}},
		{nil, sim.SLO{"", "dropped", 1.5},
			sim.Mistake{"slos[0].below", "1.5", "a share above 0, up to 1"}},
		{nil, sim.SLO{"", "heal", math.NaN()},
			sim.Mistake{"slos[0].below", "NaN", "a duration above 0, up to 1h"}},
	} {
		s := sim.DefaultScenario()
		s.Stages, s.SLOs = c.stages, []sim.SLO{c.slo}
		ms := mistakes(t, s.Validate())
		require.Len(t, ms, 1, "%v", ms)
		assert.Equal(t, c.want.Field, ms[0].Field)
		assert.Equal(t, c.want.Got, ms[0].Got)
		assert.True(t, strings.HasPrefix(ms[0].Want, c.want.Want), ms[0].Want)
	}
}

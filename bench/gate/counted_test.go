package gate_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

const benchOutput = `goos: linux
BenchmarkStep/kind=fanout-2  	 20	 3383 ns/op	 3.383 ns/delivery	 1.001 units/delivery	 130 B/op	 3 allocs/op
BenchmarkStep/kind=fanout-2  	 20	 3083 ns/op	 3.083 ns/delivery	 1.001 units/delivery	 100 B/op	 2 allocs/op
Unit p99-ns better=lower
PASS
`

func TestReadBench_TakesTheLeastOfTheRounds(t *testing.T) {
	results, err := gate.ReadBench(strings.NewReader(benchOutput))
	require.NoError(t, err)
	assert.Len(t, results, 2)
	assert.Equal(t, gate.Figures{
		"Step/kind=fanout allocs/op": 2, "Step/kind=fanout B/op": 100,
		"Step/kind=fanout units/delivery": 1.001,
	}, gate.Least(results, gate.IsCounted))
	assert.Equal(t, gate.Figures{"Step/kind=fanout ns/delivery": 3.083},
		gate.Least(results, gate.IsTime))
}

func TestReadBench_WithoutAResultIsAnError(t *testing.T) {
	for _, text := range []string{"", "PASS\n", "BenchmarkX 1\n"} {
		_, err := gate.ReadBench(strings.NewReader(text))
		assert.ErrorIs(t, err, gate.ErrBench, "%q", text)
	}
}

func TestCounted_Tolerances(t *testing.T) {
	for _, c := range []struct {
		unit        string
		before, now float64
		want        gate.Verdict
		reason      string
	}{
		{"allocs/op", 1000, 1000, gate.Passed, ""},
		{"allocs/op", 1000, 1001, gate.Failed, "worse"},
		{"allocs/op", 0, 1, gate.Failed, "worse"},
		{"allocs/op", 1000, 999, gate.Better, "keep it with --update"},
		{"units/delivery", 1, 1.001, gate.Failed, "worse"},
		{"goroutines", 4, 5, gate.Failed, "worse"},
		{"B/op", 1000, 1019, gate.Passed, ""},
		{"B/op", 1000, 1021, gate.Failed, "worse"},
		{"B/sub", 100, 97, gate.Better, "keep it with --update"},
		{"B/sub", 100, 98.5, gate.Passed, ""},
	} {
		dir := t.TempDir()
		require.NoError(t, gate.UpdateCounted(dir, "go1.26.1", "amd64",
			gate.Figures{"x " + c.unit: c.before}))
		tier, err := gate.CheckCounted(dir, "go1.26.9", "amd64", gate.Figures{"x " + c.unit: c.now})
		require.NoError(t, err)
		assert.Equal(t, c.want, tier.Lines[0].Verdict, "%+v", c)
		assert.Equal(t, c.want == gate.Failed, tier.Verdict == gate.Failed, "%+v", c)
		assert.Equal(t, c.reason, tier.Lines[0].Reason, "%+v", c)
		assert.Empty(t, tier.Notes)
	}
}

func TestCounted_NoDataNeverPasses(t *testing.T) {
	dir := t.TempDir()
	both := gate.Figures{"a allocs/op": 1, "b allocs/op": 1}
	one := gate.Figures{"a allocs/op": 1}
	verdict := func(now gate.Figures) gate.Tier {
		tier, err := gate.CheckCounted(dir, "go1.26", "amd64", now)
		require.NoError(t, err)
		return tier
	}
	assert.Equal(t, gate.Failed, verdict(one).Verdict, "nothing is kept")
	assert.ErrorIs(t, gate.UpdateCounted(dir, "go1.26", "amd64", nil), gate.ErrBench)
	require.NoError(t, gate.UpdateCounted(dir, "go1.26", "amd64", both))
	vanished := verdict(one)
	assert.Equal(t, gate.Failed, vanished.Verdict)
	assert.Equal(t, "missing: it is kept, and wasn't measured", vanished.Lines[1].Reason)
	assert.Equal(t, gate.Failed, verdict(nil).Verdict)
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1} {
		now := gate.Figures{"a allocs/op": 1, "b allocs/op": bad}
		assert.Equal(t, gate.Failed, verdict(now).Verdict, "%v is no count", bad)
	}
	require.NoError(t, gate.UpdateCounted(dir, "go1.26", "amd64", one))
	assert.Equal(t, gate.Failed, verdict(both).Verdict, "a figure that nothing is kept for")
}

func TestCounted_SaysWhatItCannotCompare(t *testing.T) {
	dir, f := t.TempDir(), gate.Figures{"a allocs/op": 1}
	require.NoError(t, gate.UpdateCounted(dir, "go1.26", "amd64", f))
	tier, err := gate.CheckCounted(dir, "go1.26", "arm64", f)
	require.NoError(t, err)
	assert.Equal(t, gate.Invalid, tier.Verdict)
	tier, err = gate.CheckCounted(dir, "go1.27", "amd64", f)
	require.NoError(t, err)
	assert.Equal(t, gate.Passed, tier.Verdict)
	assert.Contains(t, tier.Notes[0], "kept with go1.26, this is go1.27")

	change(t, filepath.Join(dir, "counted.json"), "counted/1", "counted/2")
	_, err = gate.CheckCounted(dir, "go1.26", "amd64", f)
	assert.ErrorIs(t, err, gate.ErrBaseline)
	assert.ErrorContains(t, err, "newer than this program")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "counted.json"), []byte("{"), 0o644))
	_, err = gate.CheckCounted(dir, "go1.26", "amd64", f)
	assert.ErrorIs(t, err, gate.ErrBaseline)
}

package gate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

func quiet(string) {}

// brief is one case, cut short.
func brief(name string) []gate.Case {
	c := gate.Cases()[0]
	c.Name, c.Scenario.Consumers = name, 20
	c.Scenario.Storm, c.Scenario.Duration = 50, 2*time.Second
	return []gate.Case{c}
}

// change replaces a text in a file, which must have it.
func change(t *testing.T, file, old, changed string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), old)
	text := strings.Replace(string(data), old, changed, 1)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

func check(t *testing.T, dir string, cases []gate.Case) gate.Tier {
	t.Helper()
	tier, err := gate.CheckExact(t.Context(), dir, cases, quiet)
	require.NoError(t, err)
	return tier
}

func TestExact_AnyDifferenceFailsFieldByField(t *testing.T) {
	dir, cases := t.TempDir(), brief("case")
	require.NoError(t, gate.UpdateExact(t.Context(), dir, cases, quiet))
	file := filepath.Join(dir, "exact-case.json")
	assert.Equal(t, gate.Passed, check(t, dir, cases).Verdict)

	change(t, file, `"reconnects": `, `"reconnects": 9`)
	change(t, file, `"resyncs": 0`, `"unknown": 0`)
	tier := check(t, dir, cases)
	assert.Equal(t, gate.Failed, tier.Verdict)
	require.Len(t, tier.Lines, 1)
	details := tier.Lines[0].Details
	require.Len(t, details, 3)
	assert.Regexp(t, `^run.reconnects: 9\d+ is now \d+$`, details[0])
	assert.Equal(t, "run.resyncs: none is now 0", details[1])
	assert.Equal(t, "run.unknown: 0 is now none", details[2])
}

func TestExact_NoDataNeverPasses(t *testing.T) {
	dir, cases := t.TempDir(), brief("case")
	assert.Equal(t, gate.Failed, check(t, dir, cases).Verdict, "nothing is kept")
	assert.Equal(t, gate.Invalid, check(t, dir, nil).Verdict, "nothing is run")
	require.NoError(t, gate.UpdateExact(t.Context(), dir, append(cases, brief("other")...), quiet))
	tier := check(t, dir, cases)
	assert.Equal(t, gate.Failed, tier.Verdict, "kept, and not run")
	assert.Equal(t, "other", tier.Lines[1].Name)
	require.NoError(t, gate.UpdateExact(t.Context(), dir, cases, quiet))
	assert.NoFileExists(t, filepath.Join(dir, "exact-other.json"))
}

func TestExact_AnotherScenarioOrModelIsCalledSo(t *testing.T) {
	dir, cases := t.TempDir(), brief("case")
	require.NoError(t, gate.UpdateExact(t.Context(), dir, cases, quiet))
	cases[0].Scenario.Consumers = 21
	tier := check(t, dir, cases)
	assert.Contains(t, tier.Lines[0].Reason, "another scenario")
	assert.Contains(t, tier.Lines[0].Details, "scenario.consumers: 20 is now 21")

	change(t, filepath.Join(dir, "exact-case.json"), `"model": 1`, `"model": 0`)
	assert.Contains(t, check(t, dir, cases).Lines[0].Reason, "kept under model 0, this is 1")
}

func TestExact_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ old, changed, want string }{
		{`"notifylab.baseline/1"`, `"notifylab.baseline/2"`, "is newer than this program"},
		{`"notifylab.baseline/1"`, `"other"`, `schema "other": want "notifylab.baseline/1"`},
		{`"model": 1`, `"model": 2`, "model 2 is newer than this program"},
		{`{`, `[`, "exact-case.json"},
	} {
		t.Run(c.changed, func(t *testing.T) {
			dir, cases := t.TempDir(), brief("case")
			require.NoError(t, gate.UpdateExact(t.Context(), dir, cases, quiet))
			change(t, filepath.Join(dir, "exact-case.json"), c.old, c.changed)
			_, err := gate.CheckExact(t.Context(), dir, cases, quiet)
			assert.ErrorIs(t, err, gate.ErrBaseline)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestExact_AnInterruptedUpdateChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "baseline")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := gate.UpdateExact(ctx, dir, brief("case"), quiet)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoDirExists(t, dir)
}

// What is kept in the repository is what this tree does, for each of the scenarios.
func TestExact_TheKeptResultsAreOfTheseScenarios(t *testing.T) {
	for _, c := range gate.Cases() {
		assert.FileExists(t, filepath.Join("../../results/baseline", "exact-"+c.Name+".json"))
		assert.NoError(t, c.Scenario.Validate(), c.Name)
	}
}

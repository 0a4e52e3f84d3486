package gate_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

func number(v float64) *float64 { return &v }

// mixed is a report with something of each kind.
func mixed() *gate.Report {
	r := &gate.Report{Machine: "test", Tiers: []gate.Tier{
		{Name: gate.Exact, Verdict: gate.Failed, Reason: "1 of 1 differ", Lines: []gate.Line{
			{Name: "faults", Verdict: gate.Failed, Reason: "2 fields differ",
				Details: []string{"run.resyncs: 1 is now 2", "run.pulls: 100% <3 is now 4"}}}},
		{Name: gate.Timed, Verdict: gate.Slower, Lines: []gate.Line{
			{Name: "Step", Metric: "ns/delivery", Base: number(10), Head: number(12),
				Change: number(0.2), Low: number(0.1), High: number(0.3), Verdict: gate.Slower},
			{Name: "Fanout", Metric: "ns/delivery", Verdict: gate.Passed}}},
		{Name: gate.Counted, Verdict: gate.Invalid, Reason: "kept on amd64, this is arm64"},
	}}
	r.Conclude()
	return r
}

func written(t *testing.T, write func(w *strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, write(&b))
	return b.String()
}

func TestConclude_TheWorstCounts(t *testing.T) {
	for _, c := range []struct {
		tiers []gate.Verdict
		want  gate.Verdict
	}{
		{nil, gate.Invalid},
		{[]gate.Verdict{gate.Passed, gate.Slower}, gate.Passed},
		{[]gate.Verdict{gate.Invalid, gate.Passed}, gate.Invalid},
		{[]gate.Verdict{gate.Invalid, gate.Failed, gate.Invalid}, gate.Failed},
	} {
		var r gate.Report
		for _, v := range c.tiers {
			r.Tiers = append(r.Tiers, gate.Tier{Verdict: v})
		}
		r.Conclude()
		assert.Equal(t, c.want, r.Verdict, "%v", c.tiers)
	}
}

// One more of thousands shows.
func TestText_ShowsEachCount(t *testing.T) {
	dir := t.TempDir()
	before := gate.Figures{"a allocs/op": 4778726, "a B/op": 4778726, "a units/delivery": 1.001}
	now := gate.Figures{"a allocs/op": 4778727, "a B/op": 4778727, "a units/delivery": 1.001}
	require.NoError(t, gate.UpdateCounted(dir, "go1.26", "amd64", before))
	tier, err := gate.CheckCounted(dir, "go1.26", "amd64", now)
	require.NoError(t, err)
	r := &gate.Report{Tiers: []gate.Tier{tier}}
	r.Conclude()
	text := written(t, func(w *strings.Builder) error { return gate.Text(w, r) })
	assert.Regexp(t, `allocs/op +4778726 +4778727 +\+2e-05% +failed +worse`, text)
	assert.Regexp(t, `units/delivery +1.001 +1.001 +\+0.0% `, text)
	assert.True(t, strings.HasPrefix(text, "FAILED: counted failed (1 of 3 failed)\n"), text)
}

func TestText_IsOneTableAndWhatDiffers(t *testing.T) {
	text := written(t, func(w *strings.Builder) error { return gate.Text(w, mixed()) })
	assert.Regexp(t, `(?m)^timed  Step +ns/delivery  10 +12 +\+20.0%  \+10.0% to \+30.0%  slower`,
		text)
	assert.Contains(t, text, "\nexact: failed: 1 of 1 differ\n  faults: run.resyncs: 1 is now 2\n")
	assert.Contains(t, text, "\ncounted: invalid: kept on amd64, this is arm64\n")
	answer, _, _ := strings.Cut(text, "\n")
	assert.Equal(t, "FAILED: exact failed (1 of 1 differ), timed slower, "+
		"counted invalid (kept on amd64, this is arm64)", answer)
	assert.True(t, strings.HasSuffix(text, "\nFAILED\n"), text)
}

func TestJSON_HoldsAll(t *testing.T) {
	text := written(t, func(w *strings.Builder) error { return gate.JSON(w, mixed()) })
	var r gate.Report
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	assert.Equal(t, *mixed(), r)
	assert.Equal(t, gate.Schema, r.Schema)
}

func TestJUnit_HasAFailureAndAnError(t *testing.T) {
	text := written(t, func(w *strings.Builder) error { return gate.JUnit(w, mixed()) })
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Failure *string `xml:"failure"`
				Error   *string `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(text), &suites))
	assert.Equal(t, []int{4, 1, 1}, []int{suites.Tests, suites.Failures, suites.Errors})
	assert.Contains(t, *suites.Suites[0].Cases[0].Failure, "run.pulls: 100% <3 is now 4")
	assert.NotNil(t, suites.Suites[2].Cases[0].Error, "a tier without data")
}

func TestGitHub_EscapesItsCommands(t *testing.T) {
	text := written(t, func(w *strings.Builder) error { return gate.GitHub(w, mixed()) })
	log := written(t, func(w *strings.Builder) error { return gate.Text(w, mixed()) })
	commands, found := strings.CutSuffix(text, log)
	assert.True(t, found, "the text is behind them: %s", text)
	assert.Equal(t, []string{
		"::error title=gate exact::faults: failed: 2 fields differ%0Arun.resyncs: 1 is now 2" +
			"%0Arun.pulls: 100%25 <3 is now 4",
		"::warning title=gate timed::Step ns/delivery: slower, 10 is now 12 (+20.0%25)",
		"::error title=gate counted::kept on amd64, this is arm64",
		"::notice title=gate::FAILED: exact failed (1 of 1 differ), timed slower, " +
			"counted invalid (kept on amd64, this is arm64)",
	}, strings.Split(strings.TrimSpace(commands), "\n"))
}

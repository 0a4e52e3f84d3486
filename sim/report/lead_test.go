package report_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// lead are the key figures of a page, by their names, and what it says about the load.
func lead(t *testing.T, d *sim.Document) (map[string]string, string) {
	t.Helper()
	page := write(t, "html", []report.Result{{Name: "x", Document: d}})
	figures := make(map[string]string)
	for _, m := range regexp.MustCompile(`<div><dd>([^<]*)</dd><dt>([^<]*)</dt></div>`).
		FindAllStringSubmatch(page, -1) {
		figures[html.UnescapeString(m[2])] = html.UnescapeString(m[1])
	}
	world := regexp.MustCompile(`(?s)<p class="world">(.*?)</p>`).FindStringSubmatch(page)
	require.NotNil(t, world)
	return figures, html.UnescapeString(world[1])
}

// What stands beside the headline is what the document says of the recommended run.
func TestTheKeyFiguresAreThoseOfTheRecommendedRun(t *testing.T) {
	d := document(t)
	d.Scenario = sim.DefaultScenario()
	got, _ := lead(t, d)
	r := d.Runs[0]
	assert.Equal(t, map[string]string{
		"staleness p99":       report.Duration(r.Staleness.P99),
		"propagation p99":     report.Duration(r.Propagation.P99),
		"lost":                "0%",
		"until all was right": "20.0ms",
	}, got)
	d.Runs = d.Runs[1:] // nothing is recommended
	got, _ = lead(t, d)
	assert.Empty(t, got)
}

func TestTheKeyFiguresOfACapacityAreItsLimit(t *testing.T) {
	d := document(t)
	for _, x := range []struct {
		c    sim.Capacity
		want map[string]string
	}{
		{sim.Capacity{Find: "rate", Limit: 1500, Beyond: 1600, Low: 1400, High: 1580, Level: 0.969},
			map[string]string{"changes per second": "1\u00a0500",
				"96.9% interval over the seeds": "1\u00a0400–1\u00a0580",
				"was too much":                  "1\u00a0600"}},
		{sim.Capacity{Find: "consumers", Limit: 422, Low: 422, Fresh: []uint64{7, 8}, Confirmed: 2},
			map[string]string{"consumers": "422", "95% interval over the seeds": "422 or more",
				"fresh seeds confirm it": "2 of 2"}},
		{sim.Capacity{Find: "consumers"}, map[string]string{}},
	} {
		d.Capacity = &x.c
		got, _ := lead(t, d)
		assert.Equal(t, x.want, got)
	}
}

// The load is told as the scenario has it: what takes the place of the rate isn't told with it.
func TestThePageSaysWhatTheLoadWas(t *testing.T) {
	d := document(t)
	d.Scenario = sim.DefaultScenario()
	d.Scenario.Duration = time.Minute
	_, got := lead(t, d)
	assert.Contains(t, got, "Load: 100 changes per second for 1m; a storm of 5500 in 1s.")

	d.Scenario.Storm = 0
	require.NoError(t, d.Scenario.Set("stages",
		"name=peak,length=20s,rate=50..500 length=2s,rate=7"))
	require.NoError(t, d.Scenario.Set("faults", "zone-loss:start=25s,length=10s"))
	_, got = lead(t, d)
	assert.Contains(t, got, "Load: 1m in stages (peak: 20s at 50 to 500/s, stage 2: 2s at 7/s); "+
		"zone-loss from 25s for 10s.")

	d.Scenario.Trace = "my@1234"
	_, got = lead(t, d)
	assert.Contains(t, got, "Load: the changes of trace my@1234 for 1m; zone-loss")
}

// What became of a trace is in all forms for people: once, or for each run where it differs.
func TestATraceIsToldInAllForms(t *testing.T) {
	d := document(t)
	d.Scenario = sim.DefaultScenario()
	for _, r := range d.Runs {
		r.Trace = &sim.TraceRun{Changes: 9, Applied: 5, StandIns: 2,
			Refused: map[string]int64{"already gone": 1, "service unknown": 2}}
	}
	const all = "5 of 9 changes made; unknown instances that others of their service stood in " +
		"for: 2; refused: 1 already gone, 2 service unknown; due after the end: 1"
	results := []report.Result{{Name: "x", Document: d}}
	for _, form := range []string{"text", "markdown", "html"} {
		out := write(t, form, results)
		assert.Equal(t, 1, strings.Count(out, all), form)
		assert.Regexp(t, `(?i)trace: 5 of 9`, out, form)
	}
	d.Runs[1].Trace = &sim.TraceRun{Changes: 9, Applied: 1}
	for _, form := range []string{"text", "markdown", "html"} {
		out := write(t, form, results)
		assert.Equal(t, 2, strings.Count(out, all), form)
		assert.Contains(t, out, "sc-2.x flush 5000/16: 1 of 9 changes made; due after the end: 8",
			form)
	}
	d.Runs[0].Trace, d.Runs[1].Trace, d.Runs[2].Trace = nil, nil, nil
	assert.NotContains(t, strings.ToLower(write(t, "text", results)), "trace")
}

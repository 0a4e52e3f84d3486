package report_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// set gives the text of a document in which the value at a path is another one.
func set(t testing.TB, text []byte, value any, path ...any) string {
	t.Helper()
	var doc any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&doc))
	at := doc
	for i, p := range path {
		last := i == len(path)-1
		switch p := p.(type) {
		case string:
			if m := at.(map[string]any); last {
				m[p] = value
			} else {
				at = m[p]
			}
		case int:
			if list := at.([]any); last {
				list[p] = value
			} else {
				at = list[p]
			}
		}
	}
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(out)
}

type list = []any

// Whatever is wrong in a document is refused with its field and what is wanted there.
func TestReadNamesTheFieldThatIsWrong(t *testing.T) {
	staged, err := runStaged()
	require.NoError(t, err)
	loaded, err := runLoaded()
	require.NoError(t, err)
	advised, err := runAdvised()
	require.NoError(t, err)
	swept, err := runSwept()
	require.NoError(t, err)
	huge := json.Number("1e300")
	for _, x := range []struct {
		doc   []byte
		path  list
		value any
		want  string
	}{
		// Other types.
		{staged, list{"runs", 1, "books", "delivered"}, "many",
			"runs[1].books.delivered: is a string: want a whole number, 0 or more"},
		{staged, list{"runs", 1, "reasons"}, 7, "runs[1].reasons: is a number: want an array"},
		{staged, list{"runs", 1, "config"}, list{}, "runs[1].config: is an array: want an object"},
		{staged, list{"runs", 1, "baseline"}, "no", "runs[1].baseline: is a string: want true or"},
		{staged, list{"runs", 0, "series", 3, "at_s"}, list{},
			"runs[0].series[3].at_s: is an array: want a number"},
		{staged, list{"environment", "time"}, "noon", "environment.time: parsing time"},
		{staged, list{"runs", 0, "slos", 1, "slo"}, "speed < 1s",
			`runs[0].slos[1].slo: sim: can't be read: metric "speed": want one of propagation_p50`},
		{staged, list{"scenario", "faults", 0}, "flood:start=1s", "scenario.faults[0]: "},
		{staged, list{"scenario", "stages"}, "calm", "scenario.stages: is a string: want an array"},
		{staged, list{"runs", 0, "books", "dropped"}, map[string]any{"newest": -1},
			"runs[0].books.dropped.newest: is a number -1: want a whole number, 0 or more"},
		{staged, list{"runs", 2}, nil, "runs[2] is null: want the object of a run"},

		// Figures that no run has.
		{staged, list{"runs", 1, "resyncs"}, -5, "runs[1].resyncs is -5: want 0 or more"},
		{staged, list{"runs", 1, "heal_ns"}, -2, "runs[1].heal_ns is -2: want -1 or more"},
		{staged, list{"runs", 1, "cpu_seconds"}, huge,
			"runs[1].cpu_seconds is 1e+300: want 0 to 1e+18"},
		{staged, list{"runs", 1, "changes"}, huge,
			"runs[1].changes: is a number 1e300: want a whole number"},
		{staged, list{"runs", 1, "propagation_ns", "p99"}, -1,
			"runs[1].propagation_ns.p99 is -1: want 0 or more"},
		{staged, list{"runs", 0, "stages", 1, "from_s"}, -1, "runs[0].stages[1].from_s is -1"},
		{staged, list{"runs", 0, "slos", 0, "value"}, huge, "runs[0].slos[0].value is 1e+300"},
		{staged, list{"runs", 0, "series", 3, "at_s"}, 0.5,
			"runs[0].series[3].at_s is 0.5: want 3 or more, as the point before has it"},
		{staged, list{"runs", 0, "series", 3, "propagation_spread"},
			map[string]any{"from": 1 << 40, "counts": list{1}},
			"runs[0].series[3].propagation_spread: goes up to"},
		{staged, list{"scenario", "warmup"}, -1, "scenario.warmup is -1"},
		{staged, list{"environment", "cpus"}, -1, "environment.cpus is -1: want 0 or more"},

		// Histograms.
		{staged, list{"runs", 1, "propagation_ns", "hdr"}, "x",
			"runs[1].propagation_ns.hdr: want a base64 V2 HdrHistogram"},
		{staged, list{"runs", 1, "drops_per_consumer", "hdr"}, "AAAA",
			"runs[1].drops_per_consumer.hdr: want a base64 V2 HdrHistogram"},
		{staged, list{"runs", 3, "consumer_lag_ns", "hdr"}, "HISTFAAAAAAAAA==",
			"runs[3].consumer_lag_ns.hdr: want a base64 V2 HdrHistogram"},

		// Answers about runs that aren't there.
		{loaded, list{"capacity", "trials", 0, "run"}, 99,
			"capacity.trials[0].run is 99: want the number of one of "},
		{loaded, list{"capacity", "knee", 1, "run"}, -1, "capacity.knee[1].run is -1: want 0"},
		{loaded, list{"capacity", "limit"}, -3, "capacity.limit is -3: want 0 to 1e+18"},
		{advised, list{"recommendation", "options", 0, "runs", 0}, 99,
			"recommendation.options[0].runs[0] is 99: want the number of one of "},
		{advised, list{"recommendation", "choice"}, 99,
			"recommendation.choice is 99: want the number of one of "},
		{advised, list{"recommendation", "choice"}, -2, "recommendation.choice is -2: want -1"},
		{swept, list{"sweep", "knobs"}, list{},
			"sweep.knobs is missing or empty: want one or more"},
		{swept, list{"sweep", "knobs", 0, "values"}, 7, "sweep.knobs[0].values: is a number"},
	} {
		_, err := report.Read(strings.NewReader(set(t, x.doc, x.value, x.path...)))
		assert.ErrorContains(t, err, x.want)
	}
	_, err = report.Read(bytes.NewReader(staged[:len(staged)/2]))
	assert.ErrorContains(t, err, "want a result document (JSON), as simulate --out writes it")
	assert.ErrorContains(t, err, "at runs[")
}

// What else a document says about runs that aren't selected says it about none of the others.
func TestSelectKeepsAnswersAboutTheSameRuns(t *testing.T) {
	results, _ := searched(t, runLoaded)
	c := results[0].Capacity
	last := c.Knee[len(c.Knee)-1].Run
	some, err := report.Select(results, []int{last + 1})
	require.NoError(t, err)
	got := some[0].Capacity
	for i, k := range c.Knee {
		want := -1
		if k.Run == last {
			want = 0
		}
		assert.Equal(t, want, got.Knee[i].Run)
	}
	assert.Equal(t, last, c.Knee[len(c.Knee)-1].Run, "the document itself is as it was")
	write(t, "html", some)
	write(t, "text", some)

	results, _ = searched(t, runAdvised)
	some, err = report.Select(results, []int{1})
	require.NoError(t, err)
	write(t, "html", some)
	assert.NotEqual(t, results[0].Recommendation.Options, []sim.Option{})
}

package compare_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

// What can't be used is refused with the names of the document and the field, and what is wanted.
func TestRead_RefusesWithTheField(t *testing.T) {
	d := document(sim.WallClock, 1, 2)
	withSeries(d, 12, 1, 0.1, 0, 1)
	data, err := json.Marshal(d)
	require.NoError(t, err)
	good := string(data)
	replaced := func(old, with string) string {
		require.Contains(t, good, old)
		at := strings.LastIndex(good, old) // in the second run
		return good[:at] + with + good[at+len(old):]
	}
	cut := func(after string) string { return good[:strings.LastIndex(good, after)+len(after)] }
	for _, x := range []struct{ name, text, want string }{
		{"empty", "", "ends after 0 bytes at its top: want a result document"},
		{"no JSON", "hello", "byte 1, at its top: "},
		{"another document", "{}", `schema "": want notifylab.result/1`},
		{"newer", replaced("result/1", "result/2"),
			`schema "notifylab.result/2" is newer than this program: want notifylab.result/1`},
		{"newer in form", `{"schema":"notifylab.result/3","scenario":[],"runs":7}`, "is newer"},
		{"of another program", replaced("result/1", "result/x"),
			`schema "notifylab.result/x": want`},
		{"no scenario", `{"schema":"notifylab.result/1","runs":[]}`, "scenario is missing: want"},
		{"no clock", replaced(`"clock":"wall"`, `"clock":"sun"`),
			`environment.clock "sun": want wall or virtual`},
		{"no runs", `{"schema":"notifylab.result/1","scenario":{},"environment":{"clock":"wall"}}`,
			"runs is missing or empty: want an array"},
		{"null run", `{"schema":"notifylab.result/1","scenario":{},
			"environment":{"clock":"wall"},"runs":[null]}`, "runs[0] is null: want"},
		{"no engine", replaced(`"engine":"notifylab"`, `"engine":""`),
			"runs[1].config.engine is missing: want"},
		{"no verdict", replaced(`"verdict":"passed"`, `"verdict":"fine"`),
			`runs[1].verdict "fine": want passed, failed or invalid`},
		{"twice", replaced(`"queue_size":200`, `"queue_size":100`),
			"runs[1].config is that of runs[0]: want each once, or with other"},
		{"other worlds", replaced(`"a world"`, `"b world"`),
			`runs[1].world "b world": want that of runs[0], "a world", without settings`},
		{"wrong type", replaced(`"delivered":5000,`, `"delivered":"many",`),
			"runs[1].books.delivered: is a string: want a whole number, 0 or more"},
		{"negative count", replaced(`"delivered":5000,`, `"delivered":-1,`),
			"runs[1].books.delivered: is a number -1: want"},
		{"wrong type in an array", replaced(`"at_s":12.024`, `"at_s":"noon"`),
			"runs[1].series[11].at_s: is a string: want"},
		{"time runs back", replaced(`"at_s":12.024`, `"at_s":1`),
			"runs[1].series[11].at_s is 1: want 11.022 or more"},
		{"cut in a value", cut(`"resyncs":7`), "at runs[1].resyncs: want a result document"},
		{"cut in a series", cut(`"at_s":12.02`),
			"at runs[1].series[11].at_s: want a result document"},
		{"cut in the scenario", cut(`"rate":10`), "at scenario.rate: want a result document"},
		{"broken", replaced(`"resyncs":7`, `"resyncs":7 7`), "at runs[1].resyncs: "},
		{"more behind it", good + "{}", "after top-level value"},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, err := compare.Read("A.json", strings.NewReader(x.text))
			require.ErrorIs(t, err, compare.ErrDocument)
			assert.ErrorContains(t, err, "A.json: ")
			assert.ErrorContains(t, err, x.want)
		})
	}
}

// However a document is damaged, Read refuses it, or it can be compared and shown: nothing breaks.
func TestRead_SurvivesDamage(t *testing.T) {
	d := loaded(100, 90, 110)
	withSeries(d, 2, 1, 0.1, 0, 1)
	data, err := json.Marshal(d)
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.IntRange(0, len(data)-1).Draw(rt, "at")
		_, err := compare.Read("cut", bytes.NewReader(data[:at]))
		require.ErrorIs(rt, err, compare.ErrDocument)
		bent := bytes.Clone(data)
		bent[at] = rapid.SampledFrom([]byte(`{}[]",:0-ntf x`)).Draw(rt, "byte")
		other, err := compare.Read("bent", bytes.NewReader(bent))
		if err != nil {
			require.ErrorIs(rt, err, compare.ErrDocument)
			return
		}
		r, err := compare.Compare(one(t, "good", d), []*compare.Document{other},
			compare.Options{Force: true})
		require.NoError(rt, err)
		forms(t, r)
	})
}

// The kept results can be read, and compared with themselves.
func TestRead_ReadsTheKeptResult(t *testing.T) {
	d := one(t, "medium", keptResult(t))
	r := compared(t, d, d)
	assert.Len(t, r.Configurations, len(d[0].Runs))
	assert.Empty(t, changedFigures(r))
}

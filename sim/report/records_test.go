package report_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// csvRows are the rows of a table by the names of its columns.
func csvRows(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// csv has two columns per objective of any of the results, with the value as a number in a unit;
// json has the same.
func TestCSVHasColumnsForTheObjectives(t *testing.T) {
	results := made(t)
	asked(t, results[0].Document)
	plain := report.Result{Name: "plain", Document: document(t)}
	rows := csvRows(t, write(t, "csv", append(results, plain)))
	require.Len(t, rows, 6)
	var all []report.Record
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", results)), &all))
	for i, r := range results[0].Runs {
		for k := range r.SLOs {
			x := &r.SLOs[k]
			unit := " (ns)"
			if strings.Contains(x.SLO.Metric, "dropped") {
				unit = " (share)"
			}
			name := x.SLO.String()
			assert.Equal(t, x.Verdict, rows[i][name+" verdict"], name)
			o := all[i].Objectives[k]
			assert.Equal(t, []string{name, x.Verdict, x.Reason},
				[]string{o.SLO, o.Verdict, o.Reason})
			if o.Value == nil {
				assert.Empty(t, rows[i][name+unit])
				continue
			}
			assert.Equal(t, x.Value, *o.Value)
			var value float64
			require.NoError(t, json.Unmarshal([]byte(rows[i][name+unit]), &value), name)
			assert.Equal(t, x.Value, value, name)
			assert.Contains(t, rows[3], name+unit)
			assert.Empty(t, rows[3][name+unit], "the other result wasn't asked")
		}
	}
}

// csv-stages has a row per stage, beside what tells the runs apart; json has the same.
func TestCSVStagesHasARowPerStage(t *testing.T) {
	results := made(t)
	d := asked(t, results[0].Document)
	d.Runs[0].Seed, d.Runs[0].Settings = 7, []sim.Setting{{Path: "rate", Value: "5"}}
	rows := csvRows(t, write(t, "csv-stages", results))
	var all []report.Record
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", results)), &all))
	at := 0
	for i, r := range d.Runs {
		require.Len(t, all[i].Stages, len(r.Stages))
		for k := range r.Stages {
			row, st := rows[at], &r.Stages[k]
			at++
			assert.Equal(t, r.Config.Engine, row["engine"])
			assert.JSONEq(t, row["propagation_p99_ns"], toJSON(t, st.Propagation.P99))
			assert.JSONEq(t, row["offered"], toJSON(t, st.Offered))
			assert.Equal(t, st.Name, row["name"])
			assert.JSONEq(t, row["stage"], toJSON(t, k+1))
			assert.Equal(t, st.Propagation.P99, all[i].Stages[k].PropagationP99)
		}
	}
	assert.Len(t, rows, at)
	require.Positive(t, at)
	assert.Equal(t, "7", rows[0]["seed"])
	assert.Equal(t, "rate=5", rows[0]["settings"])
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

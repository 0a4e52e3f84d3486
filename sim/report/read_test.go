package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

func TestReadGivesTheDocumentBack(t *testing.T) {
	want := document(t)
	data, err := json.Marshal(want)
	require.NoError(t, err)
	got, err := report.Read(strings.NewReader(string(data)))
	require.NoError(t, err)
	assert.Equal(t, text(t, want), text(t, got))
}

func TestReadRefusesWhatItCannotShow(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		schema         bool
	}{
		{"nothing", "", "want a result document (JSON), as simulate --out writes it", false},
		{"no JSON", "Benchmark 1", "want a result document (JSON)", false},
		{"cut", `{"schema":"notifylab.result/1","runs":[`, "want a result document", false},
		{"another object", `{}`, `schema "": want notifylab.result/1`, true},
		{"another program's", `{"schema":"x/2"}`, `schema "x/2": want notifylab.result/1`, true},
		{"newer", `{"schema":"notifylab.result/2","runs":7}`,
			`schema "notifylab.result/2" is newer than this program: want ` + sim.Schema, true},
		{"older", `{"schema":"notifylab.result/0"}`,
			`schema "notifylab.result/0": want notifylab.result/1`, true},
		{"wrong type", `{"schema":"notifylab.result/1","runs":7}`,
			"runs: is a number: want an array", false},
		{"no run", `{"schema":"notifylab.result/1","runs":[null]}`,
			"runs[0] is null: want the object of a run", false},
	} {
		_, err := report.Read(strings.NewReader(c.in))
		assert.ErrorContains(t, err, c.want, c.name)
		assert.Equal(t, c.schema, assert.ErrorIs(new(testing.T), err, report.ErrSchema), c.name)
	}
}

func TestSelectKeepsTheRunsWithTheseNumbers(t *testing.T) {
	all := []report.Result{{Name: "a", Document: document(t)}}
	got, err := report.Select(all, []int{3, 1})
	require.NoError(t, err)
	assert.Equal(t, []*sim.Run{all[0].Runs[2], all[0].Runs[0]}, got[0].Runs)
	assert.Len(t, all[0].Runs, 3, "the document itself is as it was")

	for _, n := range []int{0, 4, -1} {
		_, err := report.Select(all, []int{n})
		assert.ErrorContains(t, err, "a has runs 1 to 3")
	}
}

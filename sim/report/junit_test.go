package report_test

import (
	"encoding/xml"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

func TestJUnitHasFailuresAndErrorsButNotOfBaselines(t *testing.T) {
	r := made(t)
	d := r[0].Document
	failed := *d.Runs[0]
	failed.Verdict, failed.Reasons = sim.Failed, []string{"a gap at <b> & \x01", "another"}
	d.Runs = append(d.Runs, &failed)
	type reason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Failure []reason `xml:"failure"`
				Error   []reason `xml:"error"`
				Out     string   `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 4, got.Tests)
	assert.Equal(t, 1, got.Failures)
	assert.Equal(t, 1, got.Errors)
	require.Len(t, got.Suites, 1)
	assert.Equal(t, "made", got.Suites[0].Name)
	cases := got.Suites[0].Cases
	require.Len(t, cases, 4)
	assert.Equal(t, "notifylab conflate 5000/256", cases[0].Name)
	assert.Equal(t, "simulate.medium", cases[0].Class)
	assert.Contains(t, cases[0].Out, "simulate --workload medium --seed 1")
	for i, want := range []struct{ failures, errors int }{{0, 0}, {0, 0}, {0, 1}, {1, 0}} {
		assert.Len(t, cases[i].Failure, want.failures, "case %d", i)
		assert.Len(t, cases[i].Error, want.errors, "case %d", i)
	}
	assert.Equal(t, "interrupted", cases[2].Error[0].Text)
	assert.Equal(t, "a gap at <b> & \uFFFD; another", cases[3].Failure[0].Message)
}

// An objective is a case of its own: a failure where it failed, skipped where nobody can tell.
func TestJUnitHasACasePerObjective(t *testing.T) {
	r := made(t)
	d := asked(t, r[0].Document)
	d.Runs[1].Baseline = false
	type message struct {
		Text string `xml:"message,attr"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Tests   int `xml:"tests,attr"`
			Skipped int `xml:"skipped,attr"`
			Cases   []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Failure *message `xml:"failure"`
				Skipped *message `xml:"skipped"`
				Out     string   `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 3+2*4, got.Tests)
	assert.Equal(t, 1+3, got.Failures, "the run itself, and its objectives")
	assert.Equal(t, 2, got.Suites[0].Skipped)
	cases := got.Suites[0].Cases
	require.Len(t, cases, 3+2*4)
	assert.Equal(t, "notifylab conflate 5000/256: up: dropped < 0.1%", cases[2].Name)
	assert.Equal(t, cases[0].Class, cases[2].Class)
	assert.Equal(t, "passed: objective up: dropped < 0.1%: it is 0%\n", cases[2].Out)
	assert.Nil(t, cases[2].Failure)
	assert.Equal(t, "objective staleness_p999 < 2s: needs 10000 samples, has 100",
		cases[4].Skipped.Text)
	assert.Equal(t, "objective propagation_p99 < 5ms: it is 3s", cases[6].Failure.Text)
	assert.Equal(t, "objective heal < 1s: not all views were right within 3s",
		cases[8].Failure.Text)

	d.Runs[1].Baseline = true // whose harms are what it is run for
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 0, got.Failures)
}

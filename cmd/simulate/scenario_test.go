package main_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

// document runs simulate with --json, and gives what it printed less the environment.
func document(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("simulate", append(args, "--json", "--quiet", "--clock", "virtual")...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(out, &doc))
	delete(doc, "environment")
	require.Len(t, doc, 4, "schema, seed, scenario and runs")
	rest, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(rest)
}

// simulate show NAME | simulate --scenario - does the same as simulate --workload NAME: as it
// stands, and with flags that win over both.
func TestAShownWorkloadRunsLikeTheWorkload(t *testing.T) {
	for _, w := range sim.Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			shown, err := exec.Command("simulate", "show", w.Name).Output()
			require.NoError(t, err)
			want := sim.DefaultScenario()
			want.Workload, want.Consumers, want.Transport = w.Name, w.Consumers, sim.InProc
			got := sim.DefaultScenario()
			_, err = sim.ReadScenario(bytes.NewReader(shown), &got)
			require.NoError(t, err)
			require.Equal(t, want, got)
			if w.Name == "large" || w.Name == "planet" {
				return // their worlds take many seconds to build
			}
			short := [][]string{{"--consumers", "50", "--duration", "200ms", "--storm", "200"}}
			if w.Name == "small" {
				short = append(short, nil)
			}
			for _, flags := range short {
				flags = append(flags, "--engine", "notifylab,sc-2.x")
				want := document(t, nil, append(flags, "--workload", w.Name)...)
				got := document(t, shown, append(flags, "--scenario", "-")...)
				assert.Equal(t, want, got, "flags %q", flags)
			}
		})
	}
}

// A file is over the defaults what --set is, and what flags are.
func TestAFileSetAndFlagsSayTheSame(t *testing.T) {
	base := []string{"--workload", "small", "--consumers", "50", "--duration", "500ms",
		"--engine", "notifylab"}
	for _, c := range []struct{ path, value string }{
		{"rate", "70"}, {"churn", "12.5%"}, {"storm_wave", "40"}, {"handling", "3ms"},
		{"spread", "exponential"}, {"seed", "18446744073709551615"}, {"slow_factor", "2.5"},
		{"transport", "session"}, {"heal", "4s"}, {"pull", "0"},
	} {
		flag := "--" + strings.ReplaceAll(c.path, "_", "-")
		want := document(t, nil, append(base, flag, c.value)...)
		assert.Equal(t, want, document(t, nil, append(base, "--set", c.path+"="+c.value)...))
		file := []byte(c.path + ": " + c.value + "\n")
		assert.Equal(t, want, document(t, file, append(base, "--scenario", "-")...))
		if c.path != "heal" && c.path != "pull" { // which make no difference here but are kept
			assert.NotEqual(t, document(t, nil, base...), want, c.path)
		}
	}
}

// The examples of list and show, and the pipe of the main help, work as they stand, but for how
// long they take.
func TestHelp_ScenarioExamplesWork(t *testing.T) {
	example := regexp.MustCompile(`(?m)^  (simulate (?:show|list)( .*)?)$`)
	ran := 0
	for _, of := range [][]string{{"--help"}, {"list", "--help"}, {"show", "--help"}} {
		help, err := exec.Command("simulate", of...).Output()
		require.NoError(t, err)
		_, examples, found := strings.Cut(string(help), "\nExamples:\n")
		require.True(t, found)
		for _, x := range example.FindAllStringSubmatch(examples, -1) {
			line := x[1]
			runs := strings.Contains(line, "--scenario")
			if runs {
				line += " --consumers 50 --duration 150ms --warmup 10ms --storm 100" +
					" --engine notifylab --lag-bound 10s --quiet"
			}
			cmd := exec.Command("sh", "-c", line)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s: %s", line, out)
			assert.Equal(t, runs, strings.Contains(string(out), "\nPASSED\n"), line)
			ran++
		}
	}
	assert.Equal(t, 5, ran)
}

package main_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every example of compare's help works as it stands, with results of those names.
func TestCompareHelp_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	simulate := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("simulate", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	for _, x := range []struct{ name, seed, rate string }{
		{"A", "1", "100"}, {"B", "2", "100"}, {"other", "1", "50"},
		{"A1", "1", "100"}, {"A2", "2", "100"}, {"A3", "3", "100"},
		{"B1", "4", "100"}, {"B2", "5", "100"}, {"B3", "6", "100"},
	} {
		simulate("--clock", "virtual", "--workload", "small", "--consumers", "20", "--engine",
			"notifylab", "--duration", "1s", "--storm", "0", "--quiet", "--seed", x.seed, "--rate",
			x.rate, "--out", x.name+".json")
	}
	_, listed, ok := strings.Cut(simulate("compare", "--help"), "Examples:\n")
	require.True(t, ok)
	example := regexp.MustCompile(`(?m)^  simulate (compare .*)$`)
	examples := example.FindAllStringSubmatch(listed, -1)
	require.NotEmpty(t, examples)
	for _, x := range examples {
		out := simulate(strings.Fields(x[1])...)
		if _, file, ok := strings.Cut(x[1], " -o "); ok {
			out = string(readFile(t, filepath.Join(dir, file)))
		}
		assert.Contains(t, out, "of 1 configurations changed", x[1])
	}
}

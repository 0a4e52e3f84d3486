package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// The command in a report runs its configuration again: under the virtual clock the result is the
// same to the last digit.
func TestReport_CommandReproducesTheRun(t *testing.T) {
	dump, err := filepath.Abs("../../sim/testdata/" + dumpName)
	require.NoError(t, err)
	for name, args := range map[string]string{
		"defaults": "--workload small --consumers 60 --duration 300ms --storm 100",
		"load": "--workload small --consumers 60 --duration 300ms --storm 0 --seed 77 " +
			"--rate 33.5 --arrivals constant --churn 12.5% --slow 10% --handling 1ms500us " +
			"--spread exponential --heal 4s --providers 2000",
		"network": "--workload small --consumers 60 --duration 300ms --link-delay 3ms " +
			"--link-loss 1% --partition 30% --partition-length 100ms --engine notifylab " +
			"--policy drop-oldest --queue-sizes 10,50 --watcher-queues 2,8 --shards 3 --no-resync",
		"sessions": "--workload small --consumers 60 --duration 300ms --transport session " +
			"--heartbeat 50ms --policy conflate,evict",
		"faults": "--workload small --consumers 60 --duration 1s --storm 0 --engine notifylab " +
			"--stage length=400ms,rate=50..500 --stage length=600ms,rate=20..30 " +
			"--fault zone-loss:start=200ms,length=300ms " +
			"--fault registry-restart:start=600ms,length=100ms",
		"topology": "--topology " + dumpName + " --consumers 60 --duration 300ms --engine sc-2.x",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, err := os.ReadFile(dump)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, dumpName), data, 0o644))
			words := append([]string{"--clock", "virtual", "--quiet", "--out", "r.json"},
				strings.Fields(args)...)
			inDir(t, dir, "simulate", words...)
			want := readRuns(t, readFile(t, filepath.Join(dir, "r.json")))

			var figures []report.Figures
			out := inDir(t, dir, "simulate", "report", "r.json", "--format", "json")
			require.NoError(t, json.Unmarshal(out, &figures))
			require.Len(t, figures, len(want))
			for i, f := range figures {
				again := readRuns(t, inDir(t, dir, "sh", "-c", f.Command+" --quiet --json"))
				require.Len(t, again, 1, f.Command)
				assert.Equal(t, want[i], again[0], f.Command)
			}
		})
	}
}

// inDir runs a command in a directory and returns what it printed. A run that failed its checks is
// a result too.
func inDir(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if code := exitCode(err); code != "0" && code != "1" && code != "3" {
		t.Fatalf("%v: exit code %s", cmd.Args, code)
	}
	return out
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return data
}

func readRuns(t *testing.T, data []byte) []*sim.Run {
	t.Helper()
	var d sim.Document
	require.NoError(t, json.Unmarshal(data, &d), "%s", data)
	return d.Runs
}

// Every example of report --help works as it stands.
func TestReport_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	inDir(t, dir, "simulate", "--clock", "virtual", "--workload", "small", "--consumers", "60",
		"--duration", "300ms", "--quiet", "--out", "result.json")
	for _, name := range []string{"old.json", "new.json"} {
		data := readFile(t, filepath.Join(dir, "result.json"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	help := string(inDir(t, dir, "simulate", "report", "--help"))
	examples := regexp.MustCompile(`(?m)^  (simulate report .*\.json.*)$`).FindAllString(help, -1)
	assert.Len(t, examples, 4)
	for _, example := range examples {
		cmd := exec.Command("sh", "-c", example)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s: %s", example, out)
	}
	for _, name := range []string{"report.html", "propagation.hgrm"} {
		assert.NotEmpty(t, readFile(t, filepath.Join(dir, name)))
	}
}

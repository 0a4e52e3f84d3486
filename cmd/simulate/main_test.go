package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	main "github.com/notifylab/notifylab/cmd/simulate"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"simulate": main.Main})
}

const dumpName = "train-ticket.dump.json"

func readDump(t *testing.T) []byte {
	dump, err := os.ReadFile("../../sim/testdata/" + dumpName)
	require.NoError(t, err)
	return dump
}

// The scripts drive the program as a shell would: output, exit code, files.
func TestScripts(t *testing.T) {
	dump := readDump(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GOCACHE", goCache(t)) // or a script that builds would build all of Go
			return os.WriteFile(filepath.Join(e.WorkDir, dumpName), dump, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"interrupt":  interrupt,
			"calibrates": calibrates,
		},
	})
}

// exits CODE COMMAND... runs a command that must exit with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != args[0] {
		ts.Fatalf("%s exited with %s, want %s", args[1], got, args[0])
	}
}

func exitCode(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &exit):
		return strings.TrimPrefix(exit.ProcessState.String(), "exit status ")
	}
	return err.Error()
}

// calibrates COMMAND... --out FILE must exit with 0 and leave a cost model that a run takes, or
// with 3 and leave nothing.
func calibrates(ts *testscript.TestScript, neg bool, args []string) {
	file := args[len(args)-1]
	switch got := exitCode(ts.Exec(args[0], args[1:]...)); got {
	case "0":
		_, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		path, err := exec.LookPath(args[0])
		ts.Check(err)
		run := exec.Command(path, "--clock", "virtual", "--cost", ts.MkAbs(file), "--workload",
			"small", "--consumers", "20", "--duration", "100ms", "--engine", "notifylab", "--quiet")
		out, err := run.CombinedOutput()
		ts.Logf("%s", out)
		ts.Check(err)
	case "3":
		if _, err := os.Stat(ts.MkAbs(file)); err == nil {
			ts.Fatalf("%s was written though the machine is too noisy", file)
		}
	default:
		ts.Fatalf("%s exited with %s, want 0 or 3", args[0], got)
	}
}

// interrupt FILE COMMAND... sends an interrupt once the command has said something on stderr, and
// leaves its stdout in FILE; the command must exit with 130.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt FILE COMMAND...")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	var stdout bytes.Buffer
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stdout = ts.Getenv("WORK"), &stdout
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() {
		ts.Fatalf("%s said nothing before it ended", args[1])
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	for lines.Scan() {
		ts.Logf("%s", lines.Text())
	}
	if got := exitCode(cmd.Wait()); got != "130" {
		ts.Fatalf("%s exited with %s, want 130", args[1], got)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), stdout.Bytes(), 0o644))
}

// Every example of --help works as it stands, but for how long it takes: that is cut short.
func TestHelp_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sim/testdata"), 0o755))
	dump := filepath.Join(dir, "sim/testdata", dumpName)
	require.NoError(t, os.WriteFile(dump, readDump(t), 0o644))
	help, err := exec.Command("simulate", "--help").Output()
	require.NoError(t, err)
	example := regexp.MustCompile(`(?m)^  simulate (--.*)$`)
	examples := example.FindAllStringSubmatch(string(help), -1)
	require.NotEmpty(t, examples)
	for _, x := range examples {
		t.Run(x[1], func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(x[1], "'", "")) // as a shell reads them
			short := []string{"--duration", "150ms", "--warmup", "10ms", "--storm", "100",
				"--heal", "2s", "--lag-bound", "10s", "--quiet"}
			if indexOf(args, "--fault") >= 0 { // which must fit in; in virtual time that is quick
				short = short[2:]
			}
			for i := 0; i < len(short); i += 2 {
				if at := indexOf(args, short[i]); at >= 0 {
					args[at+1] = short[i+1]
				} else {
					args = append(args, short[i:min(i+2, len(short))]...)
				}
			}
			cmd := exec.Command("simulate", args...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), "\nPASSED\n")
		})
	}
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// --json prints the document and nothing else, under the names that its readers rely on.
func TestJSON_IsTheDocument(t *testing.T) {
	out, err := exec.Command("simulate", "--workload", "small", "--consumers", "100",
		"--engine", "notifylab", "--duration", "200ms", "--storm", "0", "--lag-bound", "10s",
		"--json").Output()
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(out, &doc))
	assert.Equal(t, "notifylab.result/1", doc["schema"])
	run := doc["runs"].([]any)[0].(map[string]any)
	for _, name := range []string{
		"config", "books", "propagation_ns", "staleness_ns", "generator_lag_ns", "publish_wait_ns",
		"drops_per_consumer", "gap_length", "queue_depth", "series", "cpu_seconds",
		"peak_rss_bytes", "verdict", "reasons",
	} {
		assert.Contains(t, run, name)
	}
	assert.Positive(t, run["books"].(map[string]any)["delivered"])
}

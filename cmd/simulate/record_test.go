package main_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// records FILE URL records into a file and interrupts that once it has begun; it must exit with 0,
// and leave a trace that can be read.
func records(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records FILE URL")
	}
	cmd := exec.Command("simulate", "record", "--from", args[1], "--out", ts.MkAbs(args[0]))
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewReader(stdout)
	_, err = lines.ReadString('\n')
	ts.Check(err)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(lines)
	ts.Check(err)
	if got := exitCode(cmd.Wait()); got != "0" || !strings.Contains(string(rest), " changes of ") {
		ts.Fatalf("it exited with %s: %s", got, rest)
	}
	trace, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if !strings.HasPrefix(string(trace), `{"schema":"notifylab.trace/1"`) {
		ts.Fatalf("%s: %s", args[0], trace)
	}
}

// examplesOf are the commands in a help text, as they stand.
func examplesOf(t *testing.T, command string) [][]string {
	t.Helper()
	help, err := exec.Command("simulate", command, "--help").Output()
	require.NoError(t, err)
	var list [][]string
	_, examples, _ := strings.Cut(string(help), "\nExamples:\n")
	for _, x := range regexp.MustCompile(`(?m)^  simulate (.*)$`).FindAllStringSubmatch(
		examples, -1) {
		list = append(list, strings.Fields(x[1]))
	}
	require.NotEmpty(t, list)
	return list
}

// Every example of record --help works as it stands, but for the port and for how long it takes.
func TestRecordHelp_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	s, err := startServe(dir, "--listen", "127.0.0.1:0", "--rate", "300")
	require.NoError(t, err)
	defer s.cmd.Process.Kill()
	for _, args := range examplesOf(t, "record") {
		if at := indexOf(args, "--from"); at >= 0 {
			args[at+1] = s.url
			if at := indexOf(args, "--duration"); at >= 0 {
				args = slices.Delete(args, at, at+2)
			}
			args = append(args, "--duration", "500ms")
		}
		cmd := exec.Command("simulate", append(args, "--quiet")...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%v: %s", args, out)
	}
}

// The trace in its help is one that can be replayed.
func TestRecordHelp_ShowsATrace(t *testing.T) {
	help, err := exec.Command("simulate", "record", "--help").Output()
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^  (\{.*\})$`).FindAllStringSubmatch(string(help), -1)
	require.Len(t, lines, 3)
	path := filepath.Join(t.TempDir(), "help.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(lines[0][1]+"\n"+lines[1][1]+"\n"+lines[2][1]),
		0o644))
	out, err := exec.Command("simulate", "--trace", path, "--workload", "small", "--consumers",
		"500", "--clock", "virtual", "--engine", "notifylab").CombinedOutput()
	assert.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "\ntrace: 1 of 1 changes made\n")
}

// Every example of diff --help works as it stands.
func TestDiffHelp_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	dump := readDump(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "OLD.json"), dump, 0o644))
	dump = []byte(strings.Replace(string(dump), `"status":"UP"`, `"status":"DOWN"`, 60))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "NEW.json"), dump, 0o644))
	for _, args := range examplesOf(t, "diff") {
		cmd := exec.Command("simulate", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%v: %s", args, out)
	}
}

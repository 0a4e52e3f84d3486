package main_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

// The gate finds faults that are made on purpose: in a copy of this module with a commit as the
// base, a fault in each of two commits, and the right tier to say so.
func TestGate_CatchesAFault(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the module anew")
	}
	m := copyModule(t)
	_, code := m.gate("simulate", "--tier", "exact,counted", "--update")
	require.Equal(t, "0", code)
	m.git("init", "-q")
	m.commit("base, and what is kept of it")

	t.Run("a slowdown, by time and by nothing else", func(t *testing.T) {
		const call = "\t\ttaken, err = run[last].to.Deliver(batch)\n"
		undo := m.patch("notify/deliver.go", call,
			"\t\tfor spun = 0; spun < 100; spun++ {\n\t\t}\n"+call, "\nvar spun int\n")
		defer undo()
		m.commit("slower")
		measure := func() (*gate.Report, string) {
			return m.gate("simulate", "--tier", "counted,timed", "--base", "HEAD~1",
				"--bench", "^BenchmarkStep$/^kind=fanout$", "--benchtime", "1ms")
		}
		r, code := measure()
		if code == "3" { // the gate's word for a machine on which others work
			r, code = measure()
		}
		require.Len(t, r.Tiers, 2)
		if code == "3" {
			t.Skip("twice in a row: " + r.Tiers[1].Reason)
		}
		assert.Equal(t, "1", code)
		assert.Equal(t, gate.Passed, r.Tiers[0].Verdict, "%+v", r.Tiers[0])
		assert.Equal(t, gate.Failed, r.Tiers[1].Verdict, "%+v", r.Tiers[1])
	})
	t.Run("a lost event, exactly", func(t *testing.T) {
		const call = "\t\treturn w.sink.Deliver(batch)\n"
		undo := m.patch("notify/watch/watcher.go", call, "\t\tif len(batch) > 1 {\n"+
			"\t\t\tn, err := w.sink.Deliver(batch[1:])\n\t\t\treturn n + 1, err\n\t\t}\n"+call, "")
		defer undo()
		program := filepath.Join(t.TempDir(), "simulate")
		m.run("go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/simulate")
		r, code := m.gate(program, "--tier", "exact")
		assert.Equal(t, "1", code)
		require.Len(t, r.Tiers, 1)
		assert.Equal(t, gate.Failed, r.Tiers[0].Verdict)
		var fields []string
		for _, l := range r.Tiers[0].Lines {
			fields = append(fields, l.Details...)
		}
		assert.Contains(t, strings.Join(fields, "\n"), "run.verdict: \"passed\" is now \"failed\"")
	})
}

// goCache is where go keeps what it has built.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// moduleCopy is a copy of this module in a directory of its own.
type moduleCopy struct {
	t   *testing.T
	dir string
}

// copyModule copies all that is needed to build and measure; what a kept result says isn't.
func copyModule(t *testing.T) *moduleCopy {
	t.Helper()
	m := &moduleCopy{t, t.TempDir()}
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch filepath.ToSlash(rel) {
		case ".git", "out", "results", "bench/peers", "bench/interop":
			return fs.SkipDir
		}
		if to := filepath.Join(m.dir, rel); d.IsDir() {
			return os.MkdirAll(to, 0o755)
		} else if !d.Type().IsRegular() {
			return nil
		} else if data, err := os.ReadFile(path); errors.Is(err, fs.ErrNotExist) {
			return nil // a file of a test that runs beside this one
		} else if err != nil {
			return err
		} else {
			return os.WriteFile(to, data, 0o644)
		}
	}))
	return m
}

func (m *moduleCopy) run(name string, args ...string) string {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = m.dir
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s %s: %s", name, args, out)
	return string(out)
}

func (m *moduleCopy) git(args ...string) string {
	m.t.Helper()
	return m.run("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com",
		"-c", "commit.gpgsign=false"}, args...)...)
}

func (m *moduleCopy) commit(message string) {
	m.t.Helper()
	m.git("add", "--all")
	m.git("commit", "-q", "--no-verify", "-m", message)
}

// patch replaces a text that the file must have exactly once, and adds an end to the file. Its
// result puts the file back.
func (m *moduleCopy) patch(file, old, changed, end string) (undo func()) {
	m.t.Helper()
	path := filepath.Join(m.dir, file)
	data, err := os.ReadFile(path)
	require.NoError(m.t, err)
	require.Equal(m.t, 1, strings.Count(string(data), old), "the place of the fault in %s", file)
	write := func(text string) { require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644)) }
	write(strings.Replace(string(data), old, changed, 1) + end)
	return func() { write(string(data)) }
}

// gate runs the gate and reads its report, if it gives one.
func (m *moduleCopy) gate(program string, args ...string) (*gate.Report, string) {
	m.t.Helper()
	cmd := exec.Command(program, append([]string{"gate", "--format", "json"}, args...)...)
	cmd.Dir = m.dir
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	r := new(gate.Report)
	if len(out) > 0 && out[0] == '{' {
		require.NoError(m.t, json.Unmarshal(out, r))
	} else {
		m.t.Logf("%s%s", out, errs.String())
	}
	return r, exitCode(err)
}

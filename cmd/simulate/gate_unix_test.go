//go:build unix

package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowBench is a benchmark that takes long enough to be interrupted.
const slowBench = `package bench

import (
	"testing"
	"time"
)

func BenchmarkStep(b *testing.B) {
	for b.Loop() {
		time.Sleep(50 * time.Millisecond)
	}
	b.ReportMetric(1, "ns/delivery")
}
`

// Ctrl-C ends the gate at any moment, and nothing temporary is left: no worktree, no binary. A
// terminal sends it to all programs that run, and kill to one.
func TestGate_AnInterruptLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a benchmark")
	}
	m := &moduleCopy{t, t.TempDir()}
	for file, text := range map[string]string{
		"go.mod": "module example.com/repo\n\ngo 1.26\n", "bench/bench_test.go": slowBench,
	} {
		path := filepath.Join(m.dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	m.git("init", "-q")
	m.commit("base")
	for _, c := range []struct {
		name, when string
		all        bool // of the programs get it
	}{
		{"while the base is built", "gate: building the benchmarks of base", false},
		{"while the base is built, from a terminal", "gate: building the benchmarks of base", true},
		{"while it is measured", "gate: timed: A/A, pair 1 of 10", false},
		{"while it is measured, from a terminal", "gate: timed: A/A, pair 1 of 10", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			temp := t.TempDir()
			cmd := exec.Command("simulate", "gate", "--tier", "timed", "--base", "HEAD",
				"--bench", "Step")
			cmd.Dir, cmd.Env = m.dir, append(os.Environ(), "TMPDIR="+temp)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(stderr)
			for lines.Scan() && lines.Text() != c.when {
			}
			require.Equal(t, c.when, lines.Text())
			assert.Len(t, m.worktrees(), 2)
			to := cmd.Process.Pid
			if c.all {
				to = -to
			}
			require.NoError(t, syscall.Kill(to, syscall.SIGINT))
			for lines.Scan() {
				t.Log(lines.Text())
			}
			assert.Equal(t, "130", exitCode(cmd.Wait()))
			assert.Len(t, m.worktrees(), 1)
			left, err := os.ReadDir(temp)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// worktrees are the lines of git's list of them.
func (m *moduleCopy) worktrees() []string {
	m.t.Helper()
	return strings.Split(strings.TrimSpace(m.git("worktree", "list")), "\n")
}

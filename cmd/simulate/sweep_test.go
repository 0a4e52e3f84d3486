package main_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

// What is finished when it is interrupted isn't lost, and isn't made again.
func TestSweep_KeepsTheRunsThatWereFinishedBeforeAnInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no interrupts to send")
	}
	path := filepath.Join(t.TempDir(), "part.json")
	args := []string{"sweep", "--workload", "small", "--consumers", "50", "--duration", "3s",
		"--storm", "0", "--sweep", "watcher_queue=4..256*2", "--seeds", "3", "--out", path}
	cmd := exec.Command("simulate", args...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "sweep: 1 of about 21 runs") {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	_ = cmd.Wait()
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	part := readDocument(t, path)
	require.NotEmpty(t, part.Runs, "one was finished")
	require.Less(t, len(part.Runs), 21)

	out, err := exec.Command("simulate", append(args, "--quiet", "--resume", path)...).Output()
	require.NoError(t, err, "%s", out)
	whole := readDocument(t, path)
	assert.Len(t, whole.Runs, 21)
	for _, r := range part.Runs {
		assert.True(t, slices.ContainsFunc(whole.Runs, func(w *sim.Run) bool {
			return w.Seed == r.Seed && slices.Equal(w.Settings, r.Settings)
		}))
	}
}

func readDocument(t *testing.T, path string) (doc sim.Document) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &doc))
	return doc
}

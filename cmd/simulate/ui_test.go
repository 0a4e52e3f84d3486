package main_test

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withUI starts simulate with a live page, and returns the address that it says first.
func withUI(t *testing.T, args ...string) (cmd *exec.Cmd, url string, rest *bufio.Scanner) {
	t.Helper()
	path, err := exec.LookPath("simulate")
	require.NoError(t, err)
	cmd = exec.CommandContext(t.Context(), path, append([]string{"--ui", "127.0.0.1:0",
		"--workload", "small", "--consumers", "50", "--storm", "0", "--lag-bound", "10s"},
		args...)...)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	rest = bufio.NewScanner(stderr)
	require.True(t, rest.Scan())
	url, ok := strings.CutPrefix(rest.Text(), "live view on ")
	require.True(t, ok, rest.Text())
	return cmd, url, rest
}

// stream reads the events of a page to their end.
func stream(t *testing.T, url string) (events []string, last string) {
	t.Helper()
	res, err := http.Get(url + "events")
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			events = append(events, event)
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	return events, last
}

// The live page has the runs as they go and their verdicts, and ends with the program.
func TestUI_ShowsTheRuns(t *testing.T) {
	cmd, url, rest := withUI(t, "--engine", "notifylab,sc-2.x", "--duration", "1500ms", "--quiet")
	events, last := stream(t, url)
	require.GreaterOrEqual(t, len(events), 8, events)
	assert.Equal(t, []string{"reset", "run", "run", "point"}, events[:4])
	assert.Equal(t, []string{"end", "done"}, events[len(events)-2:])
	assert.Contains(t, last, `"verdict":"passed"`)
	assert.False(t, rest.Scan(), "quiet but for the address: %s", rest.Text())
	require.NoError(t, cmd.Wait())
	_, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(url, "http://"), "/"))
	assert.Error(t, err)
}

// With --ui-wait the page is there after virtual runs, too, until an interrupt, which doesn't
// change the exit code.
func TestUI_WaitsUntilAnInterrupt(t *testing.T) {
	cmd, url, rest := withUI(t, "--ui-wait", "--clock", "virtual", "--engine", "notifylab",
		"--duration", "5s")
	for rest.Scan() && rest.Text() != "the live view stays until Ctrl-C" {
	}
	require.Equal(t, "the live view stays until Ctrl-C", rest.Text())
	for range 2 { // as often as somebody looks
		events, _ := stream(t, url)
		assert.Equal(t, "done", events[len(events)-1])
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	for rest.Scan() {
	}
	assert.NoError(t, cmd.Wait(), "exit code 0")
}

// An interrupt of the runs ends the page with them, with and without --ui-wait.
func TestUI_EndsWithInterruptedRuns(t *testing.T) {
	cmd, url, rest := withUI(t, "--ui-wait", "--engine", "notifylab", "--duration", "10m")
	require.True(t, rest.Scan()) // it runs
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, last := stream(t, url)
	assert.Contains(t, last, `"verdict":"interrupted"`)
	for rest.Scan() {
	}
	assert.Equal(t, "130", exitCode(cmd.Wait()))
}

package main_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal opens a pair of a terminal and of what is shown there.
func terminal(t *testing.T) (shown, terminal *os.File) {
	t.Helper()
	shown, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals here:", err)
	}
	t.Cleanup(func() { _ = shown.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(shown.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(shown.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	return shown, terminal
}

// On a terminal a line says every second what goes on; with --quiet there is none.
func TestServe_ALineEverySecondOnATerminal(t *testing.T) {
	shown, screen := terminal(t)
	s := newServe(t.TempDir(), "--listen", "127.0.0.1:0", "--rate", "50")
	s.cmd.Stderr = screen
	require.NoError(t, s.start())
	defer s.cmd.Process.Kill()
	line := regexp.MustCompile(`0 connections, \d+ changes/s, 0 events/s sent, 0 dropped, ` +
		`p50 0 p99 0`)
	var seen []byte
	screenReader := bufio.NewReader(shown)
	for !line.Match(seen) {
		b, err := screenReader.ReadByte()
		require.NoError(t, err, "%s", seen)
		seen = append(seen, b)
	}
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, "0", s.wait())
}

func TestServe_QuietSaysNothingOnATerminal(t *testing.T) {
	shown, screen := terminal(t)
	s := newServe(t.TempDir(), "--listen", "127.0.0.1:0", "--rate", "50", "--quiet")
	s.cmd.Stderr = screen
	require.NoError(t, s.start())
	defer s.cmd.Process.Kill()
	time.Sleep(1200 * time.Millisecond) // the first line would be there
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, "0", s.wait())
	_, err := screen.WriteString("END\n")
	require.NoError(t, err)
	said, err := bufio.NewReader(shown).ReadString('D')
	require.NoError(t, err)
	assert.NotContains(t, said, "connections")
}

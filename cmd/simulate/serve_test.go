package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// served is a program in the background that listens.
type served struct {
	cmd    *exec.Cmd
	url    string // from its first line
	lines  *bufio.Scanner
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// startServe starts the program, and waits until it says where it listens.
func startServe(dir string, args ...string) (*served, error) {
	s := newServe(dir, args...)
	return s, s.start()
}

func newServe(dir string, args ...string) *served {
	s := &served{cmd: exec.Command("simulate", append([]string{"serve"}, args...)...)}
	s.cmd.Dir, s.cmd.Stderr = dir, &s.stderr
	return s
}

func (s *served) start() error {
	stdout, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return err
	}
	s.lines = bufio.NewScanner(io.TeeReader(stdout, &s.stdout))
	if s.lines.Scan() {
		s.url, _ = strings.CutPrefix(s.lines.Text(), "listening on ")
	}
	if !strings.HasPrefix(s.url, "http://") {
		return fmt.Errorf("it listens nowhere (exit code %s): %s%s", s.wait(), &s.stdout,
			&s.stderr)
	}
	return nil
}

// wait waits for its end and returns its exit code.
func (s *served) wait() string {
	for s.lines.Scan() {
	}
	return exitCode(s.cmd.Wait())
}

// The scripts drive the server as a shell would.
func TestServeScripts(t *testing.T) {
	dump := readDump(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/serve",
		Setup: func(e *testscript.Env) error {
			e.Values["served"] = map[string]*served{}
			return os.WriteFile(filepath.Join(e.WorkDir, dumpName), dump, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serve, "request": request, "end": end, "records": records,
		},
	})
}

// serve NAME ARGS... starts a server in the background, and has $NAME be its host and port.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: serve NAME ARGS...")
	}
	s, err := startServe(ts.Getenv("WORK"), args[1:]...)
	ts.Check(err)
	ts.Value("served").(map[string]*served)[args[0]] = s
	ts.Setenv(args[0], strings.TrimPrefix(s.url, "http://"))
	ts.Defer(func() { _ = s.cmd.Process.Kill() })
}

// request NAME STATUS METHOD PATH [BODY] sends a request, and leaves the answer in the file answer.
func request(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: request NAME STATUS METHOD PATH [BODY]")
	}
	s := ts.Value("served").(map[string]*served)[args[0]]
	q, err := http.NewRequest(args[2], s.url+args[3], strings.NewReader(strings.Join(args[4:], "")))
	ts.Check(err)
	answer, err := http.DefaultClient.Do(q)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o644))
	if got := fmt.Sprint(answer.StatusCode); got != args[1] {
		ts.Fatalf("%s %s: status %s, want %s: %s", args[2], args[3], got, args[1], body)
	}
}

// end NAME CODE interrupts a server, which must exit with CODE, and leaves what it said in the
// files out and err.
func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: end NAME CODE")
	}
	s := ts.Value("served").(map[string]*served)[args[0]]
	ts.Check(s.cmd.Process.Signal(os.Interrupt))
	code := s.wait()
	ts.Logf("%s%s", &s.stdout, &s.stderr)
	if code != args[1] {
		ts.Fatalf("serve exited with %s, want %s", code, args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs("out"), s.stdout.Bytes(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), s.stderr.Bytes(), 0o644))
}

// A watcher that doesn't answer the close holds the server up for seconds; a second interrupt
// doesn't wait for that.
func TestServe_ASecondInterruptStopsAtOnce(t *testing.T) {
	s, err := startServe(t.TempDir(), "--listen", "127.0.0.1:0", "--topology", dumpPath(t),
		"--rate", "0")
	require.NoError(t, err)
	defer s.cmd.Process.Kill()
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "GET /v4/default/registry/microservices/%s/watcher HTTP/1.1\r\n"+
		"Host: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", aService(t), host)
	require.NoError(t, err)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, answer, " 101 ")
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	one := make([]byte, 1)
	_, err = conn.Read(one) // the close, or what is before it: it has begun to stop
	require.NoError(t, err)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, "130", s.wait())
	assert.NotContains(t, s.stdout.String(), "served for")
}

func dumpPath(t *testing.T) string {
	path, err := filepath.Abs("../../sim/testdata/" + dumpName)
	require.NoError(t, err)
	return path
}

// aService is the id of a service in the dump.
func aService(t *testing.T) string {
	key := regexp.MustCompile(`"/cse-sr/ms/files/default/default/([^"]+)"`)
	found := key.FindSubmatch(readDump(t))
	require.NotNil(t, found)
	return string(found[1])
}

// Every example of serve --help works as it stands, but for the ports: another may have those.
func TestServeHelp_ExamplesWork(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sim/testdata"), 0o755))
	dump := filepath.Join(dir, "sim/testdata", dumpName)
	require.NoError(t, os.WriteFile(dump, readDump(t), 0o644))
	help, err := exec.Command("simulate", "serve", "--help").Output()
	require.NoError(t, err)
	examples := regexp.MustCompile(`(?m)^  simulate serve( --.*)?$`).FindAllStringSubmatch(
		string(help), -1)
	require.NotEmpty(t, examples)
	for _, x := range examples {
		t.Run(x[0], func(t *testing.T) {
			args := strings.Fields(x[1])
			if i := slices.Index(args, "--grpc"); i >= 0 {
				args[i+1] = "127.0.0.1:0"
			}
			if !slices.Contains(args, "--listen") {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			s, err := startServe(dir, args...)
			require.NoError(t, err)
			defer s.cmd.Process.Kill()
			require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
			assert.Equal(t, "0", s.wait(), "%s", &s.stderr)
			assert.Contains(t, s.stdout.String(), "served for")
		})
	}
}

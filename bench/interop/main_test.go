package interop_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chassis/cari/discovery"
	sc "github.com/go-chassis/sc-client"
)

// program is simulate, built for these tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	log.SetOutput(io.Discard) // the client says there what its calls return
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "simulate")
	build := exec.Command("go", "-C", "../..", "build", "-o", program, "./cmd/simulate")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build simulate: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// patient is for what should take no time.
const patient = 20 * time.Second

// server is the program, running.
type server struct {
	t       testing.TB
	address string
	cmd     *exec.Cmd
	rest    chan string // of its output
}

// start starts the program with a small world that doesn't change by itself.
func start(t testing.TB, address string) *server {
	t.Helper()
	s := &server{t: t, rest: make(chan string, 1)}
	s.cmd = exec.Command(program, "serve", "--listen", address, "--workload", "small",
		"--providers", "200", "--rate", "0")
	var stderr bytes.Buffer
	s.cmd.Stderr = &stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	url, said := strings.CutPrefix(strings.TrimSpace(first), "listening on http://")
	if err != nil || !said {
		_ = s.cmd.Wait()
		t.Fatalf("it listens nowhere: %s%s", first, &stderr)
	}
	s.address = url
	go func() {
		rest, _ := io.ReadAll(lines)
		s.rest <- string(rest)
	}()
	t.Cleanup(s.kill)
	return s
}

// stop interrupts the program, which must exit with 0, and returns what it said.
func (s *server) stop() string {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	rest := <-s.rest
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("serve: %v", err)
	}
	return rest
}

// kill ends what a test has left: its clients stay, so there would be nothing to wait for.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// client is a real client of the server. It can't be stopped, so its watches stay until the end.
func (s *server) client() *sc.Client {
	s.t.Helper()
	c, err := sc.NewClient(sc.Options{Endpoints: []string{s.address}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

const app = "interop"

var serial atomic.Int64

// register registers a service of a name of its own, and returns that and its id.
func register(t testing.TB, c *sc.Client) (name, id string) {
	t.Helper()
	name = fmt.Sprintf("service-%d", serial.Add(1))
	id, err := c.RegisterService(&discovery.MicroService{AppId: app, ServiceName: name,
		Version: "1.0.0", Status: sc.MicorserviceUp})
	if err != nil {
		t.Fatal(err)
	}
	return name, id
}

// instance is one of a service, as clients register it.
func instance(serviceID string, n int) *discovery.MicroServiceInstance {
	return &discovery.MicroServiceInstance{
		ServiceId: serviceID, Endpoints: []string{fmt.Sprintf("rest://10.1.2.3:%d", 8000+n)},
		HostName: fmt.Sprintf("host-%d", n), Status: sc.MSInstanceUP,
		HealthCheck: &discovery.HealthCheck{Mode: sc.CheckByHeartbeat, Interval: 30, Times: 3},
		DataCenterInfo: &discovery.DataCenterInfo{Name: "dc", Region: "r1",
			AvailableZone: "z1"},
	}
}

// registerInstance registers one and returns its id.
func registerInstance(t testing.TB, c *sc.Client, serviceID string, n int) string {
	t.Helper()
	id, err := c.RegisterMicroServiceInstance(instance(serviceID, n))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// find finds the instances of a provider.
func find(t testing.TB, c *sc.Client, consumer, provider string) []*discovery.MicroServiceInstance {
	t.Helper()
	found, err := c.FindMicroServiceInstances(consumer, app, provider, "0+")
	if err != nil {
		t.Fatalf("find %s: %v", provider, err)
	}
	return found
}

// watch hears what the client's callback is called with.
func watch(t testing.TB, c *sc.Client, id string) <-chan *sc.MicroServiceInstanceChangedEvent {
	t.Helper()
	events := make(chan *sc.MicroServiceInstanceChangedEvent, 10_000)
	err := c.WatchMicroService(id, func(e *sc.MicroServiceInstanceChangedEvent) { events <- e })
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// next waits for a callback.
func next(t testing.TB, events <-chan *sc.MicroServiceInstanceChangedEvent,
) *sc.MicroServiceInstanceChangedEvent {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(patient):
		t.Fatalf("no callback in %v", patient)
		return nil
	}
}

//go:build linux

package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The clients of the stream benchmarks are another process, this binary again, so that neither
// their memory nor their descriptors count as the server's. They are as cheap as clients can be:
// one goroutine reads them all, with epoll, and counts bytes. After each round, which is
// roundBytes for every client, it says so, and what CPU time the process has used up to then.

// clientsEnv tells a process that it is the clients: how many, of which address, what a round is,
// and whether to answer pings.
const clientsEnv = "BENCH_STREAM_CLIENTS"

// clientsCmd is that process, as the server sees it.
type clientsCmd struct {
	cmd  *exec.Cmd
	hold io.Closer // the process ends when this is closed
	says *os.File
	cpu  time.Duration // what they had used when all were connected
}

func startClients(b *testing.B, conns int, addr string, roundBytes int, pong bool) *clientsCmd {
	b.Helper()
	needDescriptors(b, conns)
	says, theirs, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStreamClients$")
	cmd.Env = append(os.Environ(),
		fmt.Sprintf("%s=%d %s %d %t", clientsEnv, conns, addr, roundBytes, pong))
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{theirs}
	hold, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	_ = theirs.Close()
	c := &clientsCmd{cmd: cmd, hold: hold, says: says}
	c.cpu = c.wait(b)
	return c
}

// wait waits for the end of a round and returns the CPU time of the clients so far.
func (c *clientsCmd) wait(b *testing.B) (cpu time.Duration) {
	b.Helper()
	if err := c.says.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fscanln(c.says, &cpu); err != nil {
		b.Fatalf("the clients don't get what they should: %v", err)
	}
	return cpu
}

// stop cuts all connections.
func (c *clientsCmd) stop() {
	_ = c.hold.Close()
	_ = c.cmd.Wait()
	_ = c.says.Close()
}

// needDescriptors skips when a process can't have so many connections. The runtime has raised the
// soft limit to the hard one.
func needDescriptors(b *testing.B, conns int) {
	const others = 100
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	if limit.Cur < uint64(conns+others) {
		b.Skipf("%d connections want %d descriptors; the limit is %d",
			conns, conns+others, limit.Cur)
	}
}

// cpuTime is what this process has used, in user and system mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestStreamClients is the clients' process.
func TestStreamClients(t *testing.T) {
	task := os.Getenv(clientsEnv)
	if task == "" {
		t.Skip("only for the stream benchmarks, which start it")
	}
	var conns, roundBytes int
	var addr string
	var pong bool
	if _, err := fmt.Sscan(task, &conns, &addr, &roundBytes, &pong); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := runClients(conns, netip.MustParseAddrPort(addr), roundBytes, pong); err != nil {
		t.Fatal(err)
	}
}

const (
	epollEvents = 512
	saysFd      = 3 // the first of exec.Cmd.ExtraFiles
)

// runClients never returns but with an error.
func runClients(conns int, addr netip.AddrPort, roundBytes int, pong bool) error {
	says := os.NewFile(saysFd, "says")
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return err
	}
	for range conns {
		if err := connect(epoll, addr); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(says, int64(cpuTime()))
	events, buf := make([]syscall.EpollEvent, epollEvents), make([]byte, 1<<16)
	round, seen := conns*roundBytes, 0
	for {
		n, err := syscall.EpollWait(epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, event := range events[:max(n, 0)] {
			n, err := syscall.Read(int(event.Fd), buf)
			switch {
			case n > 0 && pong:
				_, err = syscall.Write(int(event.Fd), bytes.Repeat(maskedPong, n/pingBytes))
			case n == 0:
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return err
			}
			for seen += n; seen >= round && round > 0; seen -= round {
				_, _ = fmt.Fprintln(says, int64(cpuTime()))
			}
		}
	}
}

// maskedPong answers an empty ping; the mask is 0.
var maskedPong = []byte{0x8a, 0x80, 0, 0, 0, 0}

const pingBytes = 2

// connect connects one client, reads the answer to its upgrade, and adds it to those of epoll.
func connect(epoll int, addr netip.AddrPort) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	to := &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	if err := syscall.Connect(fd, to); err != nil {
		return err
	}
	request := "GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	if _, err := syscall.Write(fd, []byte(request)); err != nil {
		return err
	}
	var head strings.Builder
	for one := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
		if _, err := syscall.Read(fd, one); err != nil {
			return err
		}
		head.Write(one)
	}
	if !strings.HasPrefix(head.String(), "HTTP/1.1 101 ") {
		return fmt.Errorf("no upgrade: %s", head.String())
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	return syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

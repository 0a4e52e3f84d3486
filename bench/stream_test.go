//go:build linux

package bench_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
	"github.com/notifylab/notifylab/notify/watch"
)

// What many watchers over WebSocket cost, on sockets of loopback, with either driver: serve has two
// goroutines for each, pool has one that reads, and few that write for all.

// streamDrivers are the drivers of sessions.
var streamDrivers = []string{"serve", "pool"}

// eventBytes is what the text of an event has, about that of an instance.
const eventBytes = 512

// BenchmarkStreamFanout publishes one event to all watchers and waits until every client has all
// bytes of it. The floor does the same in the same iteration: a loop that writes the ready frame
// to the same sockets. x-floor is the median time as a multiple of the floor's, cpu-x-floor the
// median CPU time, user and system, of both processes; ns/delivery and cpu-ns/delivery are the
// same, divided by the watchers.
func BenchmarkStreamFanout(b *testing.B) {
	for _, conns := range []int{1000, 10_000} {
		for _, driver := range streamDrivers {
			b.Run(fmt.Sprintf("conns=%d/driver=%s", conns, driver), func(b *testing.B) {
				text := strings.Repeat("x", eventBytes)
				frame := binary.BigEndian.AppendUint16([]byte{0x81, 126}, eventBytes)
				frame = append(frame, text...)
				s := newStreams(b, driver, stream.DefaultHeartbeat*100)
				end := s.connect(conns, len(frame), false)
				defer end()
				var loop, ours streamCost
				for b.Loop() {
					s.round(&loop, func() { s.write(frame, s.conns) })
					s.round(&ours, func() { s.publish([]byte(text)) })
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(ours.took)/median(loop.took), "x-floor")
				b.ReportMetric(median(ours.cpu)/median(loop.cpu), "cpu-x-floor")
				b.ReportMetric(median(ours.took)/float64(conns), "ns/delivery")
				b.ReportMetric(median(ours.cpu)/float64(conns), "cpu-ns/delivery")
			})
		}
	}
}

// BenchmarkStreamIdleMemory is about the memory of watchers to which nothing was sent, without that
// of their clients.
func BenchmarkStreamIdleMemory(b *testing.B) {
	const conns = 10_000
	for _, driver := range streamDrivers {
		b.Run(fmt.Sprintf("conns=%d/driver=%s/mode=idle", conns, driver), func(b *testing.B) {
			needDescriptors(b, conns)
			measure.Idle(b, conns, func() (end func()) {
				return newStreams(b, driver, stream.DefaultHeartbeat).connect(conns, 0, false)
			})
		})
	}
}

// BenchmarkStreamIdleCPU is about what heartbeats cost. All watchers are sent a ping and pong, once
// in a heartbeat, which is an iteration. cpu-ns/ping is the server's CPU time for one ping and its
// pong, and %core/1000 what that makes of a core for 1000 watchers with the default heartbeat:
// nothing else happens to them while nothing is published. In driver=floor a loop writes ready
// frames, as many at a time as a pool does, and a goroutine for each socket reads what comes. With
// heartbeat=30s it is all as it would be, with caches that are cold, but takes five minutes: only
// with BENCH_HEARTBEAT=1 in the environment.
func BenchmarkStreamIdleCPU(b *testing.B) {
	const conns, looks = 10_000, 64 // in a heartbeat, by a pool
	report := func(b *testing.B, s *streams, begin func()) {
		var costs streamCost
		for b.Loop() {
			s.round(&costs, begin)
		}
		perPing := median(costs.server) / conns
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(perPing, "cpu-ns/ping")
		b.ReportMetric(100*1000*perPing/float64(stream.DefaultHeartbeat), "%core/1000")
	}
	for _, heartbeat := range []time.Duration{time.Second, stream.DefaultHeartbeat} {
		name := fmt.Sprintf("conns=%d/heartbeat=%v/driver=", conns, heartbeat)
		b.Run(name+"floor", func(b *testing.B) {
			needPatience(b, heartbeat)
			s := newBareStreams(b)
			defer s.connectBare(conns)()
			report(b, s, func() {
				look := time.NewTicker(heartbeat / looks)
				defer look.Stop()
				for part := range slices.Chunk(s.conns, (conns+looks-1)/looks) {
					<-look.C
					s.write([]byte{0x89, 0}, part)
				}
			})
		})
		for _, driver := range streamDrivers {
			b.Run(name+driver, func(b *testing.B) {
				needPatience(b, heartbeat)
				s := newStreams(b, driver, heartbeat)
				defer s.connect(conns, pingBytes, true)()
				s.clients.wait(b)
				report(b, s, func() {})
			})
		}
	}
}

func needPatience(b *testing.B, heartbeat time.Duration) {
	if heartbeat > time.Second && os.Getenv("BENCH_HEARTBEAT") == "" {
		b.Skip("BENCH_HEARTBEAT is not set")
	}
}

// streamCost is what each of some rounds took, in ns.
type streamCost struct{ took, cpu, server []float64 }

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// streams is an engine with a WebSocket server on it.
type streams struct {
	*notify.Engine
	b        *testing.B
	handler  *ws.Handler
	server   *http.Server
	listener net.Listener
	config   stream.Config
	running  sync.WaitGroup
	clients  *clientsCmd
	theirs   time.Duration // CPU time of the clients so far

	mu    sync.Mutex
	conns []net.Conn
}

func newStreams(b *testing.B, driver string, heartbeat time.Duration) *streams {
	b.Helper()
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: {}}})
	s := &streams{Engine: e, b: b}
	s.check(err)
	s.config = stream.Config{Heartbeat: heartbeat,
		ReadTimeout: time.Hour, // clients pong when all are connected
		Encode:      func(ev *notify.Event) ([]byte, error) { return ev.Payload.([]byte), nil }}
	s.handler, err = ws.New(ws.Config{Open: s.open, PerConn: driver == "serve"})
	s.check(err)
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	s.server = &http.Server{Handler: s.handler, ConnState: s.note}
	s.running.Go(func() { _ = s.server.Serve(s.listener) })
	s.running.Go(func() { _ = s.Run(context.Background()) })
	return s
}

func (s *streams) check(err error) {
	if err != nil {
		s.b.Fatal(err)
	}
}

func (s *streams) open(*http.Request) (*stream.Session, error) {
	at := watch.At{Type: kind, Subject: subject}
	return stream.Open(s.Engine, at, nil, &watch.Config{}, &s.config, time.Now())
}

// note keeps the sockets, for the floor.
func (s *streams) note(conn net.Conn, state http.ConnState) {
	if state == http.StateHijacked {
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
	}
}

// connect connects that many clients. What it returns ends everything.
func (s *streams) connect(conns, roundBytes int, pong bool) (end func()) {
	s.b.Helper()
	s.clients = startClients(s.b, conns, s.listener.Addr().String(), roundBytes, pong)
	s.theirs = s.clients.cpu
	for began := time.Now(); s.Stats().Subscriptions < conns; time.Sleep(time.Millisecond) {
		if time.Since(began) > measure.StallAfter {
			s.b.Fatalf("%d of %d watchers", s.Stats().Subscriptions, conns)
		}
	}
	return func() {
		s.clients.stop()
		for s.handler.Conns() > 0 {
			time.Sleep(time.Millisecond)
		}
		s.Engine.Close()
		s.handler.Close()
		_ = s.server.Close()
		s.running.Wait()
	}
}

// round adds what it costs until each client has what begin sends.
func (s *streams) round(to *streamCost, begin func()) {
	began, cpu := time.Now(), cpuTime()
	begin()
	theirs := s.clients.wait(s.b)
	to.took = append(to.took, float64(time.Since(began)))
	server := cpuTime() - cpu
	to.server = append(to.server, float64(server))
	to.cpu = append(to.cpu, float64(server+theirs-s.theirs))
	s.theirs = theirs
}

// newBareStreams is only sockets, each with a goroutine that reads.
func newBareStreams(b *testing.B) *streams {
	s := &streams{b: b}
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	s.running.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.note(conn, http.StateHijacked)
			s.running.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Write([]byte("HTTP/1.1 101 Switching\r\n\r\n"))
				for buf := make([]byte, 512); err == nil; {
					_, err = conn.Read(buf)
				}
			})
		}
	})
	return s
}

func (s *streams) connectBare(conns int) (end func()) {
	s.b.Helper()
	s.clients = startClients(s.b, conns, s.listener.Addr().String(), pingBytes, true)
	s.theirs = s.clients.cpu
	return func() {
		s.clients.stop()
		_ = s.listener.Close()
		s.running.Wait()
	}
}

// write is the floor.
func (s *streams) write(frame []byte, conns []net.Conn) {
	for _, conn := range conns {
		if _, err := conn.Write(frame); err != nil {
			s.b.Fatal(err)
		}
	}
}

func (s *streams) publish(text []byte) {
	ev := &notify.Event{Type: kind, Subject: subject, Payload: text}
	s.check(s.Publish(context.Background(), ev))
}

package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// Transport is how events get to the consumers. The zero value is InProc.
type Transport string

// The transports.
const (
	InProc    Transport = "inproc"  // the engine calls the consumer
	Session   Transport = "session" // a stream.Session, over the simulated network
	WebSocket Transport = "ws"      // a real connection on loopback; in real time only
	GRPC      Transport = "grpc"    // the same over gRPC
)

// Transports lists them, the default first.
func Transports() []Transport { return []Transport{InProc, Session, WebSocket, GRPC} }

// InProcess reports whether there is no stream.
func (t Transport) InProcess() bool { return t == "" || t == InProc }

// Real reports whether connections are real ones.
func (t Transport) Real() bool { return t == WebSocket || t == GRPC }

// IsZero leaves the default out of documents.
func (t Transport) IsZero() bool { return t.InProcess() }

// validateTransport checks the transport, and what goes with it only.
func (s *Scenario) validateTransport(ms *Mistakes) {
	var names []string
	for _, t := range Transports() {
		names = append(names, string(t))
	}
	ms.unless(s.Transport == "" || slices.Contains(Transports(), s.Transport), "transport",
		fmt.Sprintf("%q", string(s.Transport)), "one of "+strings.Join(names, ", "))
	for _, x := range []struct {
		field string
		value time.Duration
		zero  string
	}{
		{"heartbeat", s.Heartbeat, "30s"}, {"write_timeout", s.WriteTimeout, "5s"},
		{"read_timeout", s.ReadTimeout, "4 heartbeats"},
	} {
		ms.unless(x.value >= 0, x.field, x.value, "a duration, 0s ("+x.zero+") or more")
		ms.unless(x.value <= 0 || !s.Transport.InProcess(), x.field, x.value,
			"it with transport session, ws or grpc only")
	}
	ms.unless(s.ReadTimeout <= 0 || s.Transport != GRPC, "read_timeout", s.ReadTimeout,
		"0s with transport grpc, whose clients don't answer")
	if !s.Transport.Real() {
		return
	}
	real := fmt.Sprintf("0 with transport %s, whose network is real; or transport session",
		s.Transport)
	ms.unless(s.LinkDelay <= 0, "link_delay", s.LinkDelay, real)
	ms.unless(s.LinkLoss <= 0, "link_loss", s.LinkLoss, real)
	ms.unless(s.Partition <= 0, "partition", s.Partition, real)
}

// StreamTimes are the effective times of a session: between pings, of one write, and of silence.
func (s *Scenario) StreamTimes() (heartbeat, write, read time.Duration) {
	heartbeat = cmp.Or(s.Heartbeat, stream.DefaultHeartbeat)
	return heartbeat, cmp.Or(s.WriteTimeout, stream.DefaultWriteTimeout),
		cmp.Or(s.ReadTimeout, readTimeoutHeartbeats*heartbeat)
}

// readTimeoutHeartbeats is what stream.Config says of a zero.
const readTimeoutHeartbeats = 4

// CheckClock reports, as Mistakes, why s can't run on a clock on this machine: real connections
// need real time and two open files for each consumer. Prepare must have filled those in.
func (s *Scenario) CheckClock(clock string) error {
	var ms Mistakes
	if !s.Transport.Real() {
		return nil
	}
	if clock == VirtualClock {
		ms.unless(false, "transport", s.Transport,
			"session with the virtual clock; real connections need the wall clock")
		return ms.err()
	}
	const perConsumer, reserve = 2, 256 // both ends are here
	needed := perConsumer*s.Consumers + reserve
	if limit, known := openFilesMax(); known && needed > limit {
		ms.unless(false, "consumers", s.Consumers, fmt.Sprintf(
			"at most %d over %s, for this shell allows %d open files; or ulimit -n %d before",
			max((limit-reserve)/perConsumer, 0), s.Transport, limit, needed))
	}
	return ms.err()
}

// CheckEngine reports, as Mistakes, why c can't run over the transport: the baselines' streams are
// what makes them those engines, and a session would take their place.
func (s *Scenario) CheckEngine(c Config) error {
	var ms Mistakes
	if p, err := watch.PresetNamed(c.Engine); err == nil && !s.Transport.InProcess() {
		ms.unless(!p.Baseline, "engine", fmt.Sprintf("%q", c.Engine), fmt.Sprintf(
			"notifylab with transport %s; a baseline has streams of its own", s.Transport))
	}
	return ms.err()
}

// check is Validate and what a run on a clock needs besides.
func (s *Scenario) check(clock string, c Config) error {
	for _, err := range []error{s.Validate(), s.CheckClock(clock), s.CheckEngine(c),
		s.checkTrace()} {
		if err != nil {
			return err
		}
	}
	return nil
}

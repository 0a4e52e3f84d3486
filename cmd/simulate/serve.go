package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
	"github.com/notifylab/notifylab/sim/server"
)

const serveUsage = `simulate serve puts a synthetic world behind the HTTP, WebSocket and gRPC interfaces of a
service registry, for real clients: they register beside its instances, find them, and watch them
change. Its instances live as long as it runs; those of clients need heartbeats. There are metrics
for Prometheus under /metrics. Ctrl-C ends it with a summary of what it did.

Usage:
  simulate serve [flags]

Examples:
  simulate serve
  simulate serve --workload medium --rate 200
  simulate serve --topology sim/testdata/train-ticket.dump.json --grpc 127.0.0.1:30101
  simulate serve --listen 127.0.0.1:0 --rate 0

Exit codes: 0 it was stopped by Ctrl-C; 1 it couldn't listen or serve; 2 bad input; 130 it was
stopped by a second Ctrl-C before it was done.

Flags:
`

// speaks is the release of service-center whose interface this is: some clients look at it.
const speaks = "1.4.8"

// serveOptions are the flags of serve.
type serveOptions struct {
	listen, grpc string
	scenario     sim.Scenario // of which only the world counts
	rate         float64
	churn        share
	quiet        bool
}

// serve is the command of that name.
func serve(args []string, stdout, stderr io.Writer) int {
	fs, o := commandFlags("serve"), serveOptions{}
	o.scenario = sim.DefaultScenario()
	s := &o.scenario
	fs.StringVar(&o.listen, "listen", "127.0.0.1:30100",
		"address of HTTP and WebSocket; port 0 is any free one")
	fs.StringVar(&o.grpc, "grpc", "", "address of gRPC (none unless it is given)")
	fs.StringVar(&s.Workload, "workload", "small", "built-in world: "+workloadNames())
	fs.StringVar(&s.Topology, "topology", "", "service-center admin dump to take the world from")
	fs.IntVar(&s.Providers, "providers", 0, "provider instances (0: the workload's)")
	fs.Float64Var(&o.rate, "rate", 10, "changes of its own instances per second (0: none)")
	o.churn = 0.1
	fs.Var(&o.churn, "churn", "share of the changes that deregister or register")
	fs.Uint64Var(&s.Seed, "seed", s.Seed, "of everything random")
	fs.BoolVar(&o.quiet, "quiet", false, "no line about what goes on")
	if done, code := parseCommand(fs, serveUsage, args, stdout, stderr); done {
		return code
	}
	wrong := mistakes{command: fs.Name()}
	c := server.Config{Topology: o.topology(fs, &wrong), Providers: s.Providers, Rate: o.rate,
		Churn: float64(o.churn), Seed: s.Seed, Version: speaks}
	o.check(fs, &c, &wrong)
	if wrong.report(stderr) {
		return exitUsage
	}
	if err := o.run(c, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return exitPassed
}

// topology reads the world. Scenario knows how, so the flags of the world are its fields; the rest
// of it is a valid default.
func (o *serveOptions) topology(fs *pflag.FlagSet, wrong *mistakes) *sim.Topology {
	s, path := &o.scenario, o.scenario.Topology
	var dump io.Reader
	if fs.Changed("topology") {
		if fs.Changed("workload") {
			wrong.add("--workload %s: want it or --topology, not both", s.Workload)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			wrong.add("--topology: %v: want a readable service-center dump (JSON)", err)
			return nil
		}
		dump, s.Workload, s.Topology = bytes.NewReader(content), "", filepath.Base(path)
	}
	if err := s.Validate(); err != nil {
		wrong.addAll(err)
		return nil
	}
	t, err := s.Prepare(dump)
	if err != nil && dump != nil {
		wrong.add("--topology %s: %v", path, err)
	} else if err != nil {
		wrong.addAll(err)
	}
	return t
}

// check reports all that is wrong beside the world.
func (o *serveOptions) check(fs *pflag.FlagSet, c *server.Config, wrong *mistakes) {
	checkAddress("listen", o.listen, wrong)
	if fs.Changed("grpc") {
		checkAddress("grpc", o.grpc, wrong)
	}
	if !(o.rate >= 0 && o.rate <= server.RateMax) {
		wrong.add("--rate %g: want 0 (no changes) to %g per second", o.rate, server.RateMax)
	}
	if !(o.churn >= 0 && o.churn <= 1) {
		wrong.add("--churn %g: want a share, 0 to 1", float64(o.churn))
	}
	if c.Topology == nil || c.Providers < 0 {
		return // that was said
	}
	if err := c.Topology.Check(0, c.Providers); err != nil {
		wrong.add("--providers %d: %v", c.Providers, err)
	}
}

// checkAddress wants a number for the port, because names such as http are not the same everywhere.
func checkAddress(flag, address string, wrong *mistakes) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		wrong.add("--%s %q: want an address and a port, such as 127.0.0.1:30100, "+
			"127.0.0.1:0 (any free port) or [::1]:30100", flag, address)
	}
}

// run serves until it is interrupted, and says what it did.
func (o *serveOptions) run(c server.Config, stdout, stderr io.Writer) (err error) {
	if c.Listener, err = net.Listen("tcp", o.listen); err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	defer c.Listener.Close()
	if o.grpc != "" {
		if c.GRPC, err = net.Listen("tcp", o.grpc); err != nil {
			return fmt.Errorf("--grpc %s: %w", o.grpc, err)
		}
		defer c.GRPC.Close()
	}
	s, err := server.New(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// Before the first line, for who reads that may interrupt.
	defer onInterrupt(cancel, stderr)()
	o.announce(s, &c, stdout)
	began := clock.Real{}.Now()
	var showing sync.WaitGroup
	if f, ok := stderr.(*os.File); ok && !o.quiet && term.IsTerminal(int(f.Fd())) {
		showing.Go(func() { show(ctx, s, stderr) })
	}
	err = s.Run(ctx)
	cancel()
	showing.Wait()
	if err == nil {
		summarize(s.Stats(), clock.Real{}.Now().Sub(began), stdout)
	}
	return err
}

// announce says where it listens, in its first line, and what can be had there.
func (o *serveOptions) announce(s *server.Server, c *server.Config, w io.Writer) {
	fmt.Fprintf(w, "listening on http://%s\n", s.Addr())
	open := reachable(s.Addr())
	if c.GRPC != nil {
		fmt.Fprintf(w, "gRPC on %s\n", c.GRPC.Addr())
		open = open || reachable(c.GRPC.Addr())
	}
	if open {
		fmt.Fprintln(w, "WARNING: other machines can reach it, and it lets everybody do everything")
	}
	fmt.Fprintf(w, "serving %s\n", s.World())
	fmt.Fprintf(w, "%g changes/s, %s of them register or deregister; seed %d\n", c.Rate,
		&o.churn, c.Seed)
	anywhere := strings.NewReplacer("[::]", "localhost", "0.0.0.0", "localhost")
	url := anywhere.Replace(s.Addr().String())
	fmt.Fprintf(w, "try: curl http://%s/v4/default/registry/health\n", url)
	fmt.Fprintf(w, "     curl http://%s/metrics\n", url)
}

// reachable says whether an address is more than this machine's own business.
func reachable(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || !tcp.IP.IsLoopback()
}

// show rewrites a line every second, until ctx ends, and then leaves the screen as it was.
func show(ctx context.Context, s *server.Server, w io.Writer) {
	clk := clock.Real{}
	timer := clk.NewTimer(time.Second)
	defer timer.Stop()
	last, at := s.Stats(), clk.Now()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprint(w, "\r\x1b[K")
			return
		case <-timer.C():
		}
		timer.Reset(time.Second)
		stats, now, sent := s.Stats(), clk.Now(), s.Interval()
		fmt.Fprintf(w, "\r\x1b[K%s, p50 %s p99 %s", line(&last, &stats, now.Sub(at)),
			report.Duration(int64(sent.P50)), report.Duration(int64(sent.P99)))
		last, at = stats, now
	}
}

// line says what happened between two readings.
func line(last, stats *server.Stats, took time.Duration) string {
	watchers := 0
	for _, n := range stats.Connections {
		watchers += n
	}
	changes := total(stats.Hub.Changes) - total(last.Hub.Changes)
	sent := stats.Sent.Count - last.Sent.Count
	return fmt.Sprintf("%d connections, %s changes/s, %s events/s sent, %s dropped", watchers,
		report.Count(uint64(float64(changes)/took.Seconds()+0.5)),
		report.Count(uint64(float64(sent)/took.Seconds()+0.5)),
		report.Count(stats.Events.DroppedTotal()))
}

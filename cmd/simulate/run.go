package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2/maybe"
	"golang.org/x/sync/errgroup"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// run simulates every configuration and reports.
func (o *options) run(stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()

	doc := &sim.Document{
		Schema:      sim.Schema,
		Seed:        o.scenario.Seed,
		Scenario:    o.scenario,
		Environment: sim.NewEnvironment(clock.Real{}.Now()),
	}
	if !o.json {
		o.announce(stdout)
	}
	took := sim.Meter(clock.Real{})
	var err error
	if o.clock == sim.VirtualClock {
		doc.Runs, err = o.runVirtual(ctx, stderr)
		doc.Environment.Clock, doc.Environment.CostModel = o.clock, &o.cost
		doc.Environment.Took = took()
	} else {
		doc.Runs, err = o.runWall(ctx, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	if err := o.deliver(doc, stdout); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return o.conclude(doc, ctx.Err() != nil, stdout)
}

// runWall runs the configurations one after another: they must not compete for the machine.
func (o *options) runWall(ctx context.Context, stderr io.Writer) (runs []*sim.Run, err error) {
	for i, c := range o.configs {
		if ctx.Err() != nil {
			break
		}
		p := o.progress(stderr, i)
		r, err := sim.RunWall(ctx, o.scenario, o.topology, c, p.show)
		if err != nil {
			return nil, err
		}
		p.end(r)
		runs = append(runs, r)
	}
	return runs, nil
}

// runVirtual runs as many configurations at a time as there are cores: it makes no difference to
// what they do.
func (o *options) runVirtual(ctx context.Context, stderr io.Writer) ([]*sim.Run, error) {
	runs := make([]*sim.Run, len(o.configs))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	shared := &syncWriter{w: stderr}
	for i, c := range o.configs {
		g.Go(func() (err error) {
			if ctx.Err() != nil {
				return nil
			}
			p := o.progress(stderr, i)
			if !o.quiet {
				p.out = shared
			}
			runs[i], err = sim.RunVirtual(ctx, o.scenario, o.topology, c, o.cost, p.show)
			if err == nil {
				p.end(runs[i])
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(runs, func(r *sim.Run) bool { return r == nil }), nil
}

// onInterrupt cancels at the first Ctrl-C and exits at the second. It returns its undoing.
func onInterrupt(cancel func(), stderr io.Writer) func() {
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			if n > 0 {
				os.Exit(exitInterrupted)
			}
			fmt.Fprintln(stderr, "\nsimulate: stopping; once more to stop at once")
			cancel()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// announce says what is about to run: the seed and every knob.
func (o *options) announce(w io.Writer) {
	s := &o.scenario
	world := "workload " + s.Workload
	if s.Topology != "" {
		world = "topology " + s.Topology
	}
	total := time.Duration(len(o.configs)) * (s.Warmup + s.Duration)
	what := "configurations under the same load, one after another"
	if len(o.configs) == 1 {
		what = "configuration under load"
	}
	fmt.Fprintf(w, "%d %s: %v and the time to heal\n", len(o.configs), what, total)
	fmt.Fprintf(w, "seed %d, %s, %d consumers, providers %s\n", s.Seed, world, s.Consumers,
		orOwn(s.Providers))
	fmt.Fprintf(w, "load: %g changes/s (%s, %s register or deregister), "+
		"storm of %d in %v by %d at once\n", s.Rate, s.Arrivals, (*share)(&s.Churn),
		s.Storm, s.StormLength, s.StormWave)
	fmt.Fprintf(w, "consumers: handling %v (%s), %s slow (x%g), %s stuck, "+
		"%s/s leave, crash or are cut, backoff %v, list %v, pull %v\n",
		s.Handling, s.Spread, (*share)(&s.Slow), s.SlowFactor, (*share)(&s.Stuck),
		(*share)(&s.ConsumerChurn), s.Backoff, s.ListTime, s.Pull)
	if s.LinkDelay > 0 || s.LinkLoss > 0 || s.Partition > 0 {
		fmt.Fprintf(w, "network: delay %v (%s), %s of the frames sent again, "+
			"%s of the consumers cut off for %v\n", s.LinkDelay, s.LinkSpread,
			(*share)(&s.LinkLoss), (*share)(&s.Partition), s.PartitionLength)
	}
	if !s.Transport.InProcess() {
		fmt.Fprintf(w, "transport: %s\n", transport(s))
	}
	announceFaults(s, w)
	fmt.Fprintf(w, "times: warm-up %v, recorded %v, heal at most %v, lag bound %v; %s clock\n",
		s.Warmup, s.Duration, s.Heal, s.LagBound, o.clock)
	if o.clock == sim.VirtualClock {
		fmt.Fprintf(w, "cost model: %s\n", o.cost.Machine)
	}
	fmt.Fprintln(w)
}

// transport says how events get to consumers, with the times of their sessions.
func transport(s *sim.Scenario) string {
	heartbeat, write, read := s.StreamTimes()
	if s.Transport == sim.GRPC { // its clients can't answer
		return fmt.Sprintf("%s, heartbeat %v after silence, write timeout %v", s.Transport,
			heartbeat, write)
	}
	return fmt.Sprintf("%s, heartbeat %v, write timeout %v, read timeout %v", s.Transport,
		heartbeat, write, read)
}

func orOwn(n int) string {
	if n == 0 {
		return "as they are"
	}
	return fmt.Sprint(n)
}

// deliver writes the document where it was asked for.
func (o *options) deliver(doc *sim.Document, stdout io.Writer) error {
	if o.json || o.out != "" {
		data, err := json.MarshalIndent(doc, "", " ")
		if err != nil {
			return err
		}
		data = append(data, '\n')
		if o.out != "" {
			if err := maybe.WriteFile(o.out, data, 0o644); err != nil {
				return fmt.Errorf("--out: %w", err)
			}
		}
		if o.json {
			_, err := stdout.Write(data)
			return err
		}
	}
	if len(doc.Runs) > 0 {
		fmt.Fprintf(stdout, "%s\n\n", doc.Runs[0].World)
	}
	return report.Text(stdout, doc)
}

// conclude prints the verdict over all and returns the exit code.
func (o *options) conclude(doc *sim.Document, interrupted bool, stdout io.Writer) int {
	var failed, invalid int
	for _, r := range doc.Runs {
		switch {
		case r.Baseline:
		case r.Verdict == sim.Failed:
			failed++
		case r.Verdict == sim.Invalid:
			invalid++
		}
	}
	code, word := exitPassed, "PASSED"
	switch {
	case interrupted:
		code, word = exitInterrupted, "INTERRUPTED"
	case failed > 0:
		code = exitFailed
		word = fmt.Sprintf("FAILED: %d of %d configurations", failed, len(doc.Runs))
	case invalid > 0:
		code = exitInvalid
		word = fmt.Sprintf("INVALID: %d of %d configurations", invalid, len(doc.Runs))
	}
	if o.json {
		return code
	}
	if code == exitPassed {
		fmt.Fprintln(stdout, word)
		return code
	}
	fmt.Fprintf(stdout, "%s; to see it again: simulate %s\n", word, strings.Join(o.args, " "))
	return code
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

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
	page, err := o.openUI(stderr)
	if err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	code := o.runAll(ctx, o.reporter(stderr, page.page()), stdout, stderr)
	page.close(ctx, code)
	return code
}

func (o *options) runAll(ctx context.Context, told *reporter, stdout, stderr io.Writer) int {
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
		doc.Runs, err = o.runVirtual(ctx, told)
		doc.Environment.Clock, doc.Environment.CostModel = o.clock, &o.cost
		doc.Environment.Took = took()
	} else {
		doc.Runs, err = o.runWall(ctx, told)
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
func (o *options) runWall(ctx context.Context, told *reporter) (runs []*sim.Run, err error) {
	for i, c := range o.configs {
		if ctx.Err() != nil {
			break
		}
		p := told.begin(i, o.label(i), o.scenario.Warmup+o.scenario.Duration)
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
func (o *options) runVirtual(ctx context.Context, told *reporter) ([]*sim.Run, error) {
	runs := make([]*sim.Run, len(o.configs))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range o.configs {
		g.Go(func() (err error) {
			if ctx.Err() != nil {
				return nil
			}
			p := told.begin(i, o.label(i), o.scenario.Warmup+o.scenario.Duration)
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
	o.announceLoad(w)
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
	announceLists(s, w)
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
	if err := o.write(doc, stdout); err != nil || o.json {
		return err
	}
	if len(doc.Runs) > 0 {
		fmt.Fprintln(stdout, doc.Runs[0].World)
		fmt.Fprintln(stdout)
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
	fmt.Fprintf(stdout, "%s; to see it again: simulate %s\n", word, report.Quote(o.args))
	return code
}

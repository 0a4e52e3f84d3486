package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

const capacityUsage = `simulate capacity finds the largest load at which a configuration meets its objectives, in virtual
time: the load grows until they fail, the place is bisected, and what is found is confirmed with
other seeds, for twice the time. The answer has a 95% interval, and the curve up to the limit.

Usage:
  simulate capacity [flags]

Examples:
  simulate capacity --find consumers --workload small --duration 2s --max 500 --tolerance 20%
  simulate capacity --find rate --workload hot-subject --providers 50 --consumers 20 --slow 0% --stuck 0% --consumer-churn 0% --storm 0 --duration 2s --slo 'propagation_p99 < 20ms' --tolerance 10%

Without --slo the objectives are propagation_p99 < 500ms, staleness_p99 < 2s and dropped < 0.1%.
With --find rate the rates of stages grow, too. More than 200000 consumers are looked for with --max
only: each takes 2 to 5 KB of memory, and a million some minutes.

Exit codes: 0 a limit was found, or there is none up to --max; 1 the smallest load fails already;
2 bad input; 3 there are too few samples to say, or --budget was too short; 130 interrupted.

Flags:
`

// capacityCommand is the command capacity.
type capacityCommand struct {
	plan
	finder    capacity.Finder
	tolerance share
	budget    time.Duration
	given     bool // objectives
}

// findCapacity is that command.
func findCapacity(args []string, stdout, stderr io.Writer) int {
	c := &capacityCommand{plan: plan{name: "capacity"}, tolerance: 0.02}
	o, code := parse(&command{capacityUsage, c.flags, c.check}, args, stdout, stderr)
	if o == nil {
		return code
	}
	return c.run(o, stdout, stderr)
}

func (c *capacityCommand) flags(o *options, fs *pflag.FlagSet) {
	f := &c.finder
	fs.StringVar(&f.Find, "find", capacity.Consumers, "what grows: "+
		strings.Join(capacity.Loads(), ", "))
	c.tolerance = 0.02
	fs.Var(&c.tolerance, "tolerance", "how close to the limit the search ends")
	fs.Float64Var(&f.Start, "start", 0, "load to begin with (0: 100 consumers, 10 changes/s, or "+
		"the fewest providers)")
	fs.Float64Var(&f.Max, "max", 0, "largest load to try (0: 200000 consumers, 100000 changes/s, "+
		"1000000 providers)")
	fs.DurationVar(&c.budget, "budget", 0, "time to stop after (0s: none)")
	c.plan.flags(o, fs, capacity.SeedsMin)
}

func (c *capacityCommand) check(o *options, fs *pflag.FlagSet, l *lists, wrong *mistakes) {
	c.plan.check(o, fs, wrong)
	c.virtualOnly(o, wrong)
	oneConfig(o, l, wrong)
	f := &c.finder
	if !slices.Contains(capacity.Loads(), f.Find) {
		wrong.add("--find %q: want one of %s", f.Find, strings.Join(capacity.Loads(), ", "))
	} else if name := flagName(f.Find); fs.Changed(name) {
		wrong.add("--%s: want it without --find %s, which is what grows", name, f.Find)
	}
	if f.Find == capacity.Rate && o.scenario.Trace != "" {
		wrong.add("--find rate: want consumers or providers with a trace, which has its own rate")
	}
	if !(c.tolerance >= 0.001 && c.tolerance <= 1) {
		wrong.add("--tolerance %s: want a share, 0.1%% to 100%%", &c.tolerance)
	}
	for name, v := range map[string]float64{"start": f.Start, "max": f.Max} {
		if !(v >= 0 && v <= 1e9) {
			wrong.add("--%s %g: want a load, 0 (a default) to 1e9", name, v)
		}
	}
	if c.budget < 0 {
		wrong.add("--budget %v: want a duration, 0s (none) or more", c.budget)
	}
	if n := len(c.list); n > 0 && n < capacity.SeedsMin {
		wrong.add("--seeds %s: want %d or more, for an interval of 95%%", c.seeds,
			capacity.SeedsMin)
	}
	c.given = len(o.scenario.SLOs) > 0
	if !c.given {
		o.scenario.SLOs = capacity.DefaultSLOs()
	}
	f.Tolerance, f.Seeds, f.Base = float64(c.tolerance), c.list, o.base(fs)
	if len(wrong.lines) == 0 {
		if err := f.Check(); err != nil {
			wrong.addPlan("--find "+f.Find, err)
		}
	}
}

// errBudget is why a search ends whose time is over.
var errBudget = errors.New("the time of --budget is over")

func (c *capacityCommand) run(o *options, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	if c.budget > 0 {
		var stop func()
		ctx, stop = context.WithTimeoutCause(ctx, c.budget, errBudget)
		defer stop()
	}
	t := o.teller(c.name, stderr)
	t.say("looking for the most %s; %s", loadUnit(c.finder.Find),
		objectives(o.scenario.SLOs, c.given))
	c.finder.Lab = o.lab(t)
	took := sim.Meter(clock.Real{})
	doc, err := c.finder.Search(ctx, o.environment(nil))
	t.over()
	if doc != nil {
		doc.Environment.Took = took()
		if err := o.write(doc, stdout); err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return exitFailed
		}
	}
	if err != nil {
		return exitFor(err, stderr)
	}
	if !o.json {
		c.show(stdout, doc)
	}
	switch {
	case errors.Is(context.Cause(ctx), errBudget):
		return exitInvalid
	case ctx.Err() != nil:
		return exitInterrupted
	case doc.Capacity.Limit == 0:
		return exitFailed
	}
	return exitPassed
}

// show prints the answer first, then what it rests on.
func (c *capacityCommand) show(out io.Writer, doc *sim.Document) {
	x := doc.Capacity
	fmt.Fprintln(out, capacityAnswer(x))
	if len(doc.Runs) > 0 {
		fmt.Fprintf(out, "\n%s; %s\n", report.Name(&x.Config),
			objectives(doc.Scenario.SLOs, c.given))
		fmt.Fprintf(out, "%d trials over %d seeds; the interval is for the median of the seeds' "+
			"limits, at %.1f%%\n", len(x.Trials), len(c.list), 100*capacity.Level(len(c.list)))
	}
	if len(x.Knee) == 0 {
		return
	}
	fmt.Fprintf(out, "\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "of the limit\t%s\tprop p50\tprop p99\tstale p99\tdropped\t\n", x.Find)
	for _, k := range x.Knee {
		r := doc.Runs[k.Run]
		fmt.Fprintf(w, "%.0f%%\t%s\t%s\t%s\t%s\t%s\t\n", 100*k.Fraction, load(k.Load),
			report.Duration(r.Propagation.P50), report.Duration(r.Propagation.P99),
			report.Duration(r.Staleness.P99), percent(capacity.Loss(r)))
	}
	w.Flush()
}

// capacityAnswer is the answer in one sentence.
func capacityAnswer(x *sim.Capacity) string {
	unit := loadUnit(x.Find)
	switch {
	case x.Limit == 0 && x.Beyond == 0:
		return fmt.Sprintf("Nothing is known: %s.", x.Reason)
	case x.Limit == 0:
		return fmt.Sprintf("None: not even %s %s: %s.", load(x.Beyond), unit, x.Reason)
	case x.Low == 0:
		return fmt.Sprintf("Perhaps %s %s: %s.", load(x.Limit), unit, x.Reason)
	case x.Beyond == 0:
		return fmt.Sprintf("This configuration carries %s %s; the limit was %s.", load(x.Limit),
			unit, x.Reason)
	}
	interval := fmt.Sprintf("95%%: %s to %s", load(x.Low), load(x.High))
	if x.High == 0 {
		interval = fmt.Sprintf("95%%: %s or more", load(x.Low))
	}
	return fmt.Sprintf("This configuration carries %s %s (%s); beyond it: %s.", load(x.Limit), unit,
		interval, x.Reason)
}

// loadUnit names what is counted.
func loadUnit(find string) string {
	if find == capacity.Rate {
		return "changes per second"
	}
	return find
}

// load shows a load, with digits in groups of three.
func load(v float64) string {
	if v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0 && v >= 10_000; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

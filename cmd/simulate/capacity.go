package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

const capacityUsage = `simulate capacity finds the largest load at which a configuration meets its objectives, in virtual
time: the load grows until they fail, and the place is bisected, seed by seed. What is found is
confirmed with other seeds, for twice the time, or lowered until it is. The answer has a 95%
interval for a single seed's limit, and the curve up to there.

Usage:
  simulate capacity [flags]

Examples:
  simulate capacity --find rate --workload small --consumers 300 --handling 20ms --duration 2s
  simulate capacity --find consumers --workload hot-subject --providers 50 --rate 200 --duration 1s --max 500 --slo 'propagation_p90 < 20ms' --tolerance 20%

Without --slo the objectives are propagation_p90 < 100ms, staleness_p99 < 2s and lost < 0.1%: what
the 1% of the consumers that are slow decide, such as propagation_p99, is mostly chance. Without
--storm there is none: that of other commands is as large whatever grows, so that it would decide.
Without --heal views have a minute to become right after the load, so that the objectives decide.
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
	c := &capacityCommand{plan: plan{name: "capacity"}, tolerance: 0.05}
	o, code := parse(&command{"capacity", capacityUsage, c.flags, c.check}, args, stdout, stderr)
	if o == nil {
		return code
	}
	return c.run(o, stdout, stderr)
}

func (c *capacityCommand) flags(o *options, fs *pflag.FlagSet) {
	f := &c.finder
	fs.StringVar(&f.Find, "find", capacity.Consumers, "what grows: "+
		strings.Join(capacity.Loads(), ", "))
	c.tolerance = 0.05
	fs.Var(&c.tolerance, "tolerance", "how close to the limit the search ends")
	fs.Float64Var(&f.Start, "start", 0, "load to begin with (0: 100 consumers, 10 changes/s, or "+
		"the fewest providers)")
	fs.Float64Var(&f.Max, "max", 0, "largest load to try (0: 200000 consumers, 100000 changes/s, "+
		"1000000 providers)")
	fs.DurationVar(&c.budget, "budget", 0, "time to stop after (0s: none)")
	c.plan.flags(o, fs, capacity.SeedsMin, capacity.SeedsMin)
}

func (c *capacityCommand) check(o *options, fs *pflag.FlagSet, l *lists, wrong *mistakes) {
	c.plan.check(o, fs, wrong)
	c.virtualOnly(o, wrong)
	oneConfig(o, l, wrong)
	f := &c.finder
	if !slices.Contains(capacity.Loads(), f.Find) {
		wrong.add("--find %q: want one of %s", f.Find, strings.Join(capacity.Loads(), ", "))
	} else {
		c.varies(o, fs, f.Find, "--find "+f.Find, wrong)
	}
	if o.scenario.Storm > 0 && !o.wants(fs, "storm", "storm_length", "storm_wave") {
		o.scenario.Storm = 0 // it would decide the limit, whatever grows
		c.notes = append(c.notes, "without a storm, for want of --storm: a steady load is what "+
			"grows")
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
	f.Tolerance, f.Base = float64(c.tolerance), c.patient(o, fs)
	f.Seeds, f.Fresh = c.list, capacity.FreshSeeds(c.list, c.fresh)
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
	what := fmt.Sprintf("looking for the most %s; %s", report.LoadUnit(c.finder.Find),
		objectives(o.scenario.SLOs, c.given))
	doc, code := c.answer(ctx, o, what, stdout, stderr,
		func(ctx context.Context, l *capacity.Lab, e sim.Environment) (*sim.Document, error) {
			c.finder.Lab = l
			return c.finder.Search(ctx, e)
		})
	if doc == nil {
		return code
	}
	if !o.json {
		showCapacity(stdout, doc, c.given)
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

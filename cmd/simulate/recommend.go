package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

const recommendUsage = `simulate recommend finds the smallest queues, and the policy, that meet the objectives with some
headroom on the load: on the rates of changes, and on the sizes of storms and bursts; the number of
consumers stays. It says what each alternative takes and does, and how sure it is.

Usage:
  simulate recommend [flags]

Examples:
  simulate recommend --workload small --consumers 300 --duration 2s
  simulate recommend --workload small --consumers 300 --duration 2s --policy conflate,flush --slo 'staleness_p99 < 5s' --headroom 50%

Without --slo the objectives are propagation_p90 < 100ms, staleness_p99 < 2s and lost < 0.1%.
Without --policy it tries all but block, with which one slow consumer makes others wait. Queue sizes
are powers of two. The memory is that of all queues when they are full. What is chosen with --seeds
is then run with --fresh other ones, which say how sure it is: all n of n are at least 0.05^(1/n) of
all seeds. If one of them fails, the next best is tried, and each further try makes it less sure.

Exit codes: 0 there is a recommendation; 1 nothing meets the objectives; 2 bad input; 3 there are
too few samples to say; 130 interrupted.

Flags:
`

// freshSeeds confirm a choice by default: when all pass, 86 % of all seeds do, or more.
const freshSeeds = 20

// recommendCommand is the command recommend.
type recommendCommand struct {
	plan
	adviser  capacity.Adviser
	headroom share
	given    bool // objectives
}

// recommend is that command.
func recommend(args []string, stdout, stderr io.Writer) int {
	c := &recommendCommand{plan: plan{name: "recommend"}}
	o, code := parse(&command{"recommend", recommendUsage, c.flags, c.check}, args, stdout, stderr)
	if o == nil {
		return code
	}
	return c.run(o, stdout, stderr)
}

func (c *recommendCommand) flags(o *options, fs *pflag.FlagSet) {
	c.headroom = 0.3
	fs.Var(&c.headroom, "headroom", "load above the scenario's that must be met, too")
	c.plan.flags(o, fs, 6, freshSeeds)
}

func (c *recommendCommand) check(o *options, fs *pflag.FlagSet, l *lists, wrong *mistakes) {
	c.plan.check(o, fs, wrong)
	c.virtualOnly(o, wrong)
	for _, name := range []string{"queue-sizes", "watcher-queues"} {
		if fs.Changed(name) {
			wrong.add("--%s: want it without recommend, which looks for it", name)
		}
	}
	c.adviser.Policies = capacity.Policies()
	if l.policies != "" {
		c.adviser.Policies = names("policy", l.policies, wrong, "")
	}
	o.configs = l.configs(&o.scenario, o.clock, wrong)
	if l.engines != "" && l.engines != "notifylab" {
		wrong.add("--engine %s: want notifylab: a baseline keeps its own policy", l.engines)
	}
	if !(c.headroom >= 0 && c.headroom <= 10) {
		wrong.add("--headroom %s: want a share, 0%% to 1000%%", &c.headroom)
	}
	if o.scenario.Trace != "" && c.headroom > 0 {
		wrong.add("--headroom %s: want 0%% with a trace, which has its own load; --trace-speed "+
			"makes that larger", &c.headroom)
	}
	c.given = len(o.scenario.SLOs) > 0
	if !c.given {
		o.scenario.SLOs = capacity.DefaultSLOs()
	}
	b := c.patient(o, fs)
	b.Config = sim.Config{Engine: "notifylab", Shards: l.shards, NoResync: l.noResync}
	c.adviser.Base, c.adviser.Headroom = b, float64(c.headroom)
	c.adviser.Seeds, c.adviser.Fresh = c.list, capacity.FreshSeeds(c.list, c.fresh)
	if len(wrong.lines) == 0 {
		if err := c.adviser.Check(); err != nil {
			wrong.addPlan("recommend", err)
		}
	}
}

func (c *recommendCommand) run(o *options, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	what := fmt.Sprintf("looking for the smallest queues that meet %s more load; %s", &c.headroom,
		objectives(o.scenario.SLOs, c.given))
	doc, code := c.answer(ctx, o, what, stdout, stderr,
		func(ctx context.Context, l *capacity.Lab, e sim.Environment) (*sim.Document, error) {
			c.adviser.Lab = l
			return c.adviser.Advise(ctx, e)
		})
	if doc == nil {
		return code
	}
	if !o.json {
		c.show(stdout, doc)
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case doc.Recommendation.Choice < 0:
		return exitFailed
	}
	return exitPassed
}

// show prints the answer first, then the alternatives.
func (c *recommendCommand) show(out io.Writer, doc *sim.Document) {
	x := doc.Recommendation
	fmt.Fprintln(out, recommendAnswer(x))
	fmt.Fprintf(out, "\n%s, headroom %s\n", objectives(doc.Scenario.SLOs, c.given), &c.headroom)
	fmt.Fprintf(out, "%s\n", x.Reason)
	if len(x.Options) == 0 {
		return
	}
	fmt.Fprintf(out, "\nwhat was tried, by memory; medians over the seeds\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "policy\ttask queue\twatcher queue\tmemory\tprop p99\tstale p99\tlost\t"+
		"meets\t\n")
	hidden := 0
	for i, option := range x.Options {
		if !worthShowing(x, i, len(c.list)) {
			hidden++
			continue
		}
		mark := ""
		if i == x.Choice {
			mark = " <"
		}
		g := &option.Config
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d/%d%s\t\n", g.Policy, g.QueueSize,
			g.WatcherQueue, report.Bytes(option.Memory), report.Duration(option.Latency),
			report.Duration(option.Staleness), percent(option.Loss), option.Meets,
			len(option.Runs), mark)
	}
	w.Flush()
	if hidden > 0 {
		fmt.Fprintf(out, "%d more that failed are in the document (--out)\n", hidden)
	}
}

// worthShowing reports whether an option is of use to readers: it met the objectives, or nothing
// with its policy did and it came nearest, by loss.
func worthShowing(x *sim.Recommendation, i, seeds int) bool {
	o := &x.Options[i]
	if o.Meets == seeds {
		return true
	}
	for j, other := range x.Options {
		if other.Config.Policy != o.Config.Policy || i == j {
			continue
		}
		if other.Meets > o.Meets || other.Meets == o.Meets &&
			(other.Loss < o.Loss || other.Loss == o.Loss && j < i) {
			return false
		}
	}
	return true
}

// recommendAnswer is the answer in plain words.
func recommendAnswer(x *sim.Recommendation) string {
	if x.Choice < 0 {
		return "Nothing can be recommended: " + x.Reason + "."
	}
	o := &x.Options[x.Choice]
	return fmt.Sprintf("Use --policy %s --queue-sizes %d --watcher-queues %d: at %g%% more load "+
		"it met the objectives with %d of %d fresh seeds, so with at least %.0f%% of all (95%% "+
		"confidence), and its full queues take %s.", o.Config.Policy, o.Config.QueueSize,
		o.Config.WatcherQueue, 100*x.Headroom, o.Confirmed, len(x.Fresh),
		math.Floor(100*x.Confidence), report.Bytes(o.Memory))
}

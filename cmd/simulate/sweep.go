package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

const sweepUsage = `simulate sweep runs every combination of some values with every seed, in virtual time unless told
otherwise, and shows what they do. What it is interrupted in can go on with --resume.

Usage:
  simulate sweep --sweep FIELD=VALUES [flags]

Examples:
  simulate sweep --workload small --sweep watcher_queue=4..256*4 --sweep policy=conflate,flush
  simulate sweep --workload small --consumers 500 --sweep rate=50..150+50 --seeds 2 --out sweep.json
  simulate sweep --workload small --consumers 500 --sweep link_delay=1ms..100ms*10 --slo 'propagation_p99 < 5s'

A field is one of a scenario file (see simulate show) or of the configuration: engine, queue_size,
watcher_queue, policy, shards. Values are separated by commas; 100..10000*2 goes on by a factor and
10..50+10 by a step, as long as the end isn't passed. At most 1000 runs.

Exit codes: 0 all passed; 1 a run failed, or an objective of it; 2 bad input; 3 a run is invalid;
130 interrupted, with what is finished in --out.

Flags:
`

// sweepCommand is the command sweep.
type sweepCommand struct {
	plan
	knobs  []string
	resume string
	sweep  *capacity.Sweep
}

// sweep is that command.
func sweep(args []string, stdout, stderr io.Writer) int {
	c := &sweepCommand{plan: plan{name: "sweep"}}
	o, code := parse(&command{"sweep", sweepUsage, c.flags, c.check}, args, stdout, stderr)
	if o == nil {
		return code
	}
	return c.run(o, stdout, stderr)
}

func (c *sweepCommand) flags(o *options, fs *pflag.FlagSet) {
	fs.StringArrayVar(&c.knobs, "sweep", nil, "FIELD=VALUES to run; may be repeated")
	fs.StringVar(&c.resume, "resume", "", "go on where the document in this file ends")
	c.plan.flags(o, fs, 1, 0)
}

func (c *sweepCommand) check(o *options, fs *pflag.FlagSet, l *lists, wrong *mistakes) {
	c.plan.check(o, fs, wrong)
	oneConfig(o, l, wrong)
	if len(c.knobs) == 0 {
		wrong.add("--sweep: want it once or more, such as --sweep queue_size=100,1000")
	}
	b := o.base(fs)
	var knobs []sim.Knob
	for _, text := range c.knobs {
		k, err := capacity.ParseKnob(text)
		if err != nil {
			wrong.addPlan("--sweep", err)
			continue
		}
		c.varied(o, fs, k.Path, wrong)
		switch {
		case k.Path == "heal":
			b.Finish = nil
		case k.Path == "workload" && !o.wants(fs, "consumers"):
			b.Scenario.Consumers = 0 // as many as each workload has
		}
		knobs = append(knobs, k)
	}
	if len(wrong.lines) > 0 {
		return
	}
	var err error
	if c.sweep, err = capacity.NewSweep(b, knobs, c.list); err != nil {
		wrong.addPlan("--sweep", err)
		return
	}
	c.readResume(o, wrong)
}

// varied refuses other values for a field that a knob has: of the scenario or the configuration.
func (c *sweepCommand) varied(o *options, fs *pflag.FlagSet, path string, wrong *mistakes) {
	by := "--sweep " + path
	if slices.Contains(sim.ScenarioPaths(), path) {
		c.varies(o, fs, path, by, wrong)
	} else if name := flagName(path); fs.Changed(name) {
		wrong.add("--%s: want it or %s, not both", name, by)
	}
}

// readResume takes over the runs of an earlier document.
func (c *sweepCommand) readResume(o *options, wrong *mistakes) {
	if c.resume == "" {
		return
	}
	f, err := os.Open(c.resume)
	if err != nil {
		wrong.add("--resume: %v: want the document of a sweep", err)
		return
	}
	defer f.Close()
	doc, err := report.Read(f)
	if err == nil {
		_, err = c.sweep.Resume(doc, o.environment(nil))
	}
	if err != nil {
		wrong.addPlan("--resume "+c.resume, err)
	}
}

// saveEvery is how often the unfinished document is written, so that a kill loses little.
const saveEvery = 30 * time.Second

func (c *sweepCommand) run(o *options, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	t := o.teller(c.name, stderr)
	t.say("%d runs, %d of them to make (%d combinations; seeds: %d), each of %v in %s time",
		c.sweep.Len(), c.sweep.Left(), c.sweep.Len()/len(c.list), len(c.list),
		o.scenario.Warmup+o.scenario.Duration, o.clock)
	for _, note := range c.notes {
		t.say("%s", note)
	}
	took, saved := sim.Meter(clock.Real{}), clock.Real{}.Now()
	err := c.sweep.Run(ctx, o.lab(t), func() {
		now := clock.Real{}.Now()
		if o.out == "" || now.Sub(saved) < saveEvery {
			return
		}
		saved = now
		alone := options{out: o.out}
		if err := alone.write(c.sweep.Document(o.environment(nil)), nil); err != nil {
			fmt.Fprintln(stderr, "simulate:", err) // at the end it counts
		}
	})
	t.over()
	if err != nil {
		return exitFor(err, stderr)
	}
	doc := c.sweep.Document(o.environment(took()))
	if err := o.write(doc, stdout); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return c.conclude(o, doc, stdout)
}

// conclude shows the document, unless that is all there shall be on stdout, and gives the code.
func (c *sweepCommand) conclude(o *options, doc *sim.Document, w io.Writer) int {
	count := make(map[string]int)
	for _, r := range doc.Runs {
		if !r.Baseline {
			count[r.Verdict]++
		}
	}
	code, word := exitPassed, "PASSED"
	switch {
	case c.sweep.Left() > 0:
		code = exitInterrupted
		word = fmt.Sprintf("INTERRUPTED: %d of %d runs are left", c.sweep.Left(), c.sweep.Len())
		if o.out != "" {
			word += fmt.Sprintf("; to go on: simulate sweep %s", c.again(o))
		}
	case count[sim.Failed] > 0:
		code, word = exitFailed, fmt.Sprintf("FAILED: %d of %d runs", count[sim.Failed],
			len(doc.Runs))
	case count[sim.Invalid] > 0:
		code, word = exitInvalid, fmt.Sprintf("INVALID: %d of %d runs", count[sim.Invalid],
			len(doc.Runs))
	}
	if !o.json {
		showSweep(w, doc)
		fmt.Fprintln(w, word)
	}
	return code
}

// again is the command line that goes on with what is in --out.
func (c *sweepCommand) again(o *options) string {
	args := strings.Join(o.args, " ")
	if c.resume == "" {
		args += " --resume " + o.out
	}
	return args
}

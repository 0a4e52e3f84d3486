package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

const usage = `simulate runs a notification engine under synthetic providers and consumers, one
configuration after another with the same load, and prints a table of what each one does.

Usage:
  simulate [flags]
  simulate calibrate [flags]   measure what the engine's work costs on this machine
  simulate capacity [flags]    find how many consumers, or changes, a configuration carries
  simulate compare A B         lay two results beside each other: what changed, and how sure
  simulate diff OLD NEW        write what changed between two dumps of a registry as a trace
  simulate gate [flags]        say whether a commit made it worse
  simulate history [flags]     show how accepted commits went, with change points
  simulate list                show the built-in workloads
  simulate recommend [flags]   find the smallest queues, and the policy, that meet objectives
  simulate record [flags]      write what happens in a registry as a trace, to replay
  simulate report RESULT...    show results as a page, tables or files for other tools
  simulate serve [flags]       be a service registry, for real clients
  simulate show NAME           print the scenario file of a workload, to start from
  simulate sweep [flags]       run every combination of values, to see what they do
  simulate validate [flags]    hold the virtual clock's predictions against real time

Examples:
  simulate --consumers 10000
  simulate --topology sim/testdata/train-ticket.dump.json --consumers 10000
  simulate --consumers 2000 --queue-sizes 100,1000 --watcher-queues 16,256 --policy conflate,flush
  simulate --workload small --engine sc-1.x,sc-2.x,notifylab --duration 10s --out result.json
  simulate --clock virtual --workload medium --duration 60s
  simulate --workload small --link-delay 20ms --link-loss 1% --partition 30% --partition-length 1s
  simulate --consumers 1000 --transport ws --duration 10s
  simulate --clock virtual --transport session --heartbeat 1s --partition 30% --partition-length 9s --duration 30s --heal 20s
  simulate --clock virtual --workload small --duration 20s --stage length=10s,rate=50..500 --fault zone-loss:start=5s,length=5s --fault registry-restart:start=12s,length=1s
  simulate --workload small --consumers 1000 --duration 5s --ui 127.0.0.1:0
  simulate --clock virtual --workload small --engine notifylab --slo 'propagation_p99<2s' --slo 'dropped<1%'
  simulate show small | simulate --scenario - --set rate=200

A scenario file is YAML and has every setting of the load; sim/scenario.schema.json describes it to
editors. --set gives any one of them, by its name in the file. Over both win the flags.

Without --engine, --queue-sizes, --watcher-queues and --policy it runs a choice of
configurations that shows the trade-off, and the two service-center baselines; beyond 100000
consumers a smaller choice, on the wall clock without the baselines, which take gigabytes
there. Over a transport other than inproc there are no baselines. With any of them it runs every combination of what is given. A
baseline keeps its own policy and, unless they are given, its own sizes; its verdict doesn't
change the exit code.

Exit codes: 0 passed; 1 a check or an objective failed; 2 bad input; 3 a run is invalid (the
generator was saturated, too few samples); 130 interrupted.

Flags:
`

// options are the command line, understood.
type options struct {
	scenario sim.Scenario
	file     string          // of the scenario
	sets     []string        // settings for it
	given    map[string]bool // the fields that either of them gives
	topology *sim.Topology
	dump     []byte // that it is from; nil: from a workload
	configs  []sim.Config
	out      string
	json     bool
	quiet    bool
	ui       string // address of the live page; "": none
	uiWait   bool
	clock    string
	costFrom string
	cost     sim.CostModel
	args     []string
	command  *command
}

// command is what a command that runs loads has besides the flags of all.
type command struct {
	name  string
	usage string
	flags func(*options, *pflag.FlagSet)                    // adds its own; may be nil
	check func(*options, *pflag.FlagSet, *lists, *mistakes) // and sets the configurations
}

// everyConfig is the command without a name.
var everyConfig = command{usage: usage,
	check: func(o *options, _ *pflag.FlagSet, l *lists, wrong *mistakes) {
		o.configs = l.configs(&o.scenario, o.clock, wrong)
	}}

// parse understands the command line. A nil options comes with the exit code.
func parse(c *command, args []string, stdout, stderr io.Writer) (*options, int) {
	o := &options{scenario: sim.DefaultScenario(), args: args, command: c}
	l := lists{}
	wrong := mistakes{command: c.name}
	o.readScenario(args, &wrong)
	fs := o.flags(&l)
	if errors.Is(readCommand(fs, c.usage, args, stdout, &wrong), pflag.ErrHelp) {
		return nil, exitPassed
	}
	if fs.NArg() > 0 {
		wrong.add("%s", unwanted(fs.Args()))
	}
	o.resolve(fs, &wrong)
	if s := &o.scenario; !fs.Changed("heal") && !o.given["heal"] {
		s.Heal = healFor(s)
	}
	c.check(o, fs, &l, &wrong)
	if wrong.report(stderr) {
		return nil, exitUsage
	}
	return o, exitPassed
}

// readFlags sets the flags, and notes which of them can't be read.
func readFlags(fs *pflag.FlagSet, args []string, wrong *mistakes) error {
	seen := make(map[string]bool)
	return fs.ParseAll(args, func(f *pflag.Flag, value string) error {
		if seen[f.Name] && !mayRepeat(f.Name) {
			wrong.add("--%s is given twice: want it once", f.Name)
			return nil
		}
		seen[f.Name] = true
		if err := fs.Set(f.Name, value); err != nil {
			said := strings.TrimPrefix(form(f, err), strconv.Quote(value)+": ")
			wrong.add("--%s %q: %s", f.Name, value, said)
			wrong.couldNotRead(f.Name)
		}
		return nil
	})
}

// commandFlags is an empty set of flags, which prints nothing by itself.
func commandFlags(name string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.SortFlags = false
	fs.Usage = func() {}
	return fs
}

// readCommand reads a command's flags, or prints what they are when asked for help (pflag.ErrHelp).
// Any other error is in wrong, too.
func readCommand(fs *pflag.FlagSet, usage string, args []string, stdout io.Writer,
	wrong *mistakes) error {
	err := readFlags(fs, args, wrong)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(stdout, usage+fs.FlagUsages())
	case err != nil:
		wrong.add("%s", unknown(fs, err))
	}
	return err
}

// parseCommand reads the flags of a command that takes nothing else; done means that there is
// nothing to do but to exit with code.
func parseCommand(fs *pflag.FlagSet, usage string, args []string, stdout, stderr io.Writer) (
	done bool, code int) {
	wrong := mistakes{command: fs.Name()}
	switch err := readCommand(fs, usage, args, stdout, &wrong); {
	case errors.Is(err, pflag.ErrHelp):
		return true, exitPassed
	case err == nil && fs.NArg() > 0:
		wrong.add("%s", unwanted(fs.Args()))
	}
	return wrong.report(stderr), exitUsage
}

func (o *options) flags(l *lists) *pflag.FlagSet {
	fs := commandFlags("simulate")
	s := &o.scenario
	fs.StringVar(&o.file, "scenario", "", "scenario file (YAML) to start from; - is stdin")
	fs.StringArrayVar(&o.sets, "set", nil, "path=value: a field of the scenario; may be repeated")
	fs.IntVar(&s.Consumers, "consumers", s.Consumers, "watchers in all (0: the workload's)")
	fs.IntVar(&s.Providers, "providers", s.Providers, "provider instances (0: the workload's)")
	fs.StringVar(&s.Workload, "workload", s.Workload, "built-in world: "+workloadNames())
	fs.StringVar(&s.Topology, "topology", s.Topology,
		"service-center admin dump to take the world from")
	fs.Uint64Var(&s.Seed, "seed", s.Seed, "of everything random")

	fs.StringVar(&l.engines, "engine", "", "engines: notifylab, sc-1.x, sc-2.x")
	fs.StringVar(&l.queueSizes, "queue-sizes", "", "task-queue sizes, such as 100,1000,5000")
	fs.StringVar(&l.watcherQueues, "watcher-queues", "", "watcher-queue sizes, such as 16,256")
	fs.StringVar(&l.policies, "policy", "", "overflow policies: "+policyNames())
	fs.IntVar(&l.shards, "shards", 0, "shards of notifylab's engine (0: one per core)")
	fs.BoolVar(&l.noResync, "no-resync", false, "watchers that lost something don't list again")

	fs.Float64Var(&s.Rate, "rate", s.Rate, "provider changes per second")
	fs.StringVar(&s.Arrivals, "arrivals", s.Arrivals, "poisson or constant")
	fs.IntVar(&s.Batch, "batch", s.Batch, "changes that arrive at once, at the same rate in all")
	fs.Var((*share)(&s.Churn), "churn", "share of the changes that deregister or register")
	fs.IntVar(&s.Storm, "storm", s.Storm, "changes of one service in a storm (0: none)")
	fs.DurationVar(&s.StormLength, "storm-length", s.StormLength, "how long the storm lasts")
	fs.IntVar(&s.StormWave, "storm-wave", s.StormWave, "storm changes that are due at once")
	fs.Var(&repeated[sim.Stage, *sim.Stage]{list: &s.Stages, what: "stage"}, "stage",
		"part of the duration with a rate of its own, such as name=peak,length=5s,rate=100..500\n"+
			"(a ramp) or length=1s,rate=100,burst=2000; may be repeated: one follows another")
	fs.Var(&repeated[sim.Fault, *sim.Fault]{list: &s.Faults, what: "fault"}, "fault",
		"KIND:key=value,... such as zone-loss:start=5s,length=10s,share=30%; may be repeated."+
			"\nThe kinds, with their keys and defaults:"+faultKinds())
	fs.Var(&repeated[sim.SLO, *sim.SLO]{list: &s.SLOs, what: "slo"}, "slo",
		"objective that a run must meet, such as 'propagation_p99 < 500ms' or, of a stage,\n"+
			"'peak: dropped < 0.1%'; may be repeated. The figures that there are:"+sloMetrics())
	fs.StringVar(&s.Trace, "trace", s.Trace, "replay the changes of this file, which simulate "+
		"record wrote, instead of\n--rate, --storm and those of stages; it gives the duration")
	fs.Float64Var(&s.TraceSpeed, "trace-speed", s.TraceSpeed,
		"replay it that many times faster (0: as it was)")
	fs.DurationVar(&s.Handling, "handling", s.Handling, "mean handling time")
	fs.StringVar(&s.Spread, "spread", s.Spread,
		"of the handling time: log-normal, exponential or constant")
	fs.Var((*share)(&s.Slow), "slow", "share of slow consumers")
	fs.Float64Var(&s.SlowFactor, "slow-factor", s.SlowFactor, "how much longer slow ones take")
	fs.Var((*share)(&s.Stuck), "stuck", "share of consumers that stop at their first event")
	fs.Var((*share)(&s.ConsumerChurn), "consumer-churn",
		"share of consumers that leave, crash or are cut, per second")
	fs.DurationVar(&s.Backoff, "backoff", s.Backoff, "before the first reconnect; doubles")
	fs.DurationVar(&s.ListTime, "list-time", s.ListTime, "mean time that a list takes")
	fs.DurationVar(&s.Pull, "pull", s.Pull, "period of each consumer's pull (0s: none)")

	fs.DurationVar(&s.LinkDelay, "link-delay", s.LinkDelay, "mean time of an event to its consumer")
	fs.StringVar(&s.LinkSpread, "link-spread", s.LinkSpread, "of the link delay: as --spread")
	fs.Var((*share)(&s.LinkLoss), "link-loss", "share of frames that are lost and sent again")
	fs.Var((*share)(&s.Partition), "partition",
		"share of consumers that are cut off, half-way through the run")
	fs.DurationVar(&s.PartitionLength, "partition-length", s.PartitionLength, "for how long")

	fs.StringVar((*string)(&s.Transport), "transport", string(cmp.Or(s.Transport, sim.InProc)),
		"how events get to the consumers: "+transportNames()+
			"; the last two on the wall clock only")
	fs.DurationVar(&s.Heartbeat, "heartbeat", s.Heartbeat,
		"between the pings of a session (0s: 30s)")
	fs.DurationVar(&s.WriteTimeout, "write-timeout", s.WriteTimeout, "ends a session (0s: 5s)")
	fs.DurationVar(&s.ReadTimeout, "read-timeout", s.ReadTimeout,
		"without an answer to a ping ends a session (0s: 4 heartbeats)")

	fs.StringVar(&o.clock, "clock", sim.WallClock, "wall (what it costs on this machine) or "+
		"virtual (what the configuration does: exact, and the same everywhere)")
	fs.StringVar(&o.costFrom, "cost", "default",
		"cost model of the virtual clock: default, zero or a file")

	fs.DurationVar(&s.Warmup, "warmup", s.Warmup, "not recorded")
	fs.DurationVar(&s.Duration, "duration", s.Duration, "recorded, per configuration")
	fs.DurationVar(&s.Heal, "heal", s.Heal, "time for all views to become right after\n"+
		"the load; by default 40us per consumer if that is more")
	fs.DurationVar(&s.LagBound, "lag-bound", s.LagBound,
		"lag p99 of the generator or the consumers that makes a run invalid")

	fs.StringVar(&o.out, "out", "", "write the result document (JSON) to this file")
	fs.BoolVar(&o.json, "json", false, "print the result document alone")
	fs.BoolVar(&o.quiet, "quiet", false, "no progress")
	fs.StringVar(&o.ui, "ui", "",
		"address to show the runs at while they go, to a browser, such as\n"+
			"127.0.0.1:0 (any free port)")
	fs.BoolVar(&o.uiWait, "ui-wait", false, "show them after the runs, too, until Ctrl-C")
	if o.command.flags != nil {
		o.command.flags(o, fs)
	}
	return fs
}

func transportNames() string {
	var names []string
	for _, t := range sim.Transports() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func workloadNames() string {
	var names []string
	for _, w := range sim.Workloads() {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}

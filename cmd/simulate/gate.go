package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/bench/gate"
)

const gateUsage = `simulate gate says whether this commit made it worse. It runs in the top directory of a checkout.

Usage:
  simulate gate [flags]

Examples:
  simulate gate
  simulate gate --tier exact --update
  simulate gate --tier exact,counted,timed --base origin/main
  simulate gate --tier counted,history --format json

Tiers:
  exact     fixed scenarios in virtual time: every field must be what is kept
  counted   allocations, units of work, goroutines (exactly) and bytes (within 2 %); what got better
            passes, and is to be kept with --update
  timed     benchmarks of --base and of this commit in turns; says what is slower, and fails only
            where that is known to be by more than 25 % (--machine dedicated: 5 %)
  history   a line for this commit in --history, when the others let it pass; never fails

The timed tier and the history are about commits, so they want a tree without changes. The base is
built in a temporary worktree; this tree isn't touched.

Exit codes: 0 passed; 1 something is worse or missing; 2 bad input; 3 it can't be told (the machine
is too noisy, too few samples, the base can't be built); 130 interrupted.

Flags:
`

// gateTiers are in the order in which they run.
var gateTiers = []string{gate.Exact, gate.Counted, gate.Timed, gate.History}

// gateOptions are the command line of simulate gate.
type gateOptions struct {
	tiers    []string
	base     string
	rule     gate.Rule
	update   bool
	baseline string
	history  string
	bench    string
	time     string
	form     gate.Form
	quiet    bool
	stderr   io.Writer
}

// gateCommand is the command gate.
func gateCommand(args []string, stdout, stderr io.Writer) int {
	o, code := parseGate(args, stdout, stderr)
	if o == nil {
		return code
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	report, err := o.run(ctx)
	if ctx.Err() != nil {
		return exitInterrupted
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulate: gate:", err)
		return gateExit(err)
	}
	if report == nil { // --update
		fmt.Fprintf(stdout, "%s: kept what this tree does: see git diff %s\n",
			strings.Join(o.tiers, ", "), o.baseline)
		return exitPassed
	}
	if err := o.form.Write(stdout, report); err != nil {
		fmt.Fprintln(stderr, "simulate: gate:", err)
		return exitFailed
	}
	switch report.Verdict {
	case gate.Failed:
		return exitFailed
	case gate.Invalid:
		return exitInvalid
	}
	return exitPassed
}

// gateExit is the exit code of an error: what was asked for wrongly, what this tree did wrong, and
// what is nobody's fault.
func gateExit(err error) int {
	for _, usage := range []error{gate.ErrRef, gate.ErrDirty, gate.ErrGit, gate.ErrBaseline,
		gate.ErrHistory} {
		if errors.Is(err, usage) {
			return exitUsage
		}
	}
	if errors.Is(err, gate.ErrBase) {
		return exitInvalid
	}
	return exitFailed
}

// parseGate understands the command line. A nil result comes with the exit code.
func parseGate(args []string, stdout, stderr io.Writer) (*gateOptions, int) {
	o := &gateOptions{stderr: stderr}
	fs := commandFlags("gate")
	tiers := fs.String("tier", gate.Exact+","+gate.Counted, "some of "+
		strings.Join(gateTiers, ", "))
	fs.StringVar(&o.base, "base", "", "commit to compare with by time, such as origin/main")
	machine := fs.String("machine", "shared", "shared (25 % slower is gross) or dedicated (5 %)")
	pairs := fs.Int("pairs", 0, "pairs of runs of the timed tier (0: 10, dedicated 16)")
	fs.StringVar(&o.bench, "bench", timedBench, "benchmarks of the timed tier")
	fs.StringVar(&o.time, "benchtime", timedTime,
		"of one round of a benchmark in the timed tier; a run has 10")
	fs.BoolVar(&o.update, "update", false, "keep what this tree does as the baseline")
	fs.StringVar(&o.baseline, "baseline", "results/baseline", "directory of what is kept")
	fs.StringVar(&o.history, "history", "results/history.ndjson", "file of the history")
	format := fs.String("format", "text", gateForms())
	fs.BoolVar(&o.quiet, "quiet", false, "no progress")
	if done, code := parseCommand(fs, gateUsage, args, stdout, stderr); done {
		return nil, code
	}
	wrong := mistakes{command: fs.Name()}
	o.resolve(*tiers, *machine, *format, *pairs, fs, &wrong)
	if wrong.report(stderr) {
		return nil, exitUsage
	}
	return o, exitPassed
}

// resolve checks the flags together.
func (o *gateOptions) resolve(tiers, machine, format string, pairs int, fs *pflag.FlagSet,
	wrong *mistakes) {
	for name := range strings.SplitSeq(tiers, ",") {
		if !slices.Contains(gateTiers, name) {
			wrong.add("--tier %q: want some of %s", name, strings.Join(gateTiers, ", "))
		}
		o.tiers = append(o.tiers, name)
	}
	switch machine {
	case "shared":
		o.rule = gate.SharedMachine()
	case "dedicated":
		o.rule = gate.DedicatedMachine()
	default:
		wrong.add("--machine %q: want shared or dedicated", machine)
	}
	if fs.Changed("pairs") {
		o.rule.Pairs = pairs
		if pairs < gate.PairsMin {
			wrong.add("--pairs %d: want %d or more", pairs, gate.PairsMin)
		}
	}
	i := slices.IndexFunc(gate.Forms(), func(f gate.Form) bool { return f.Name == format })
	if i < 0 {
		wrong.add("--format %q: want %s", format, gateForms())
	} else {
		o.form = gate.Forms()[i]
	}
	if timed := o.has(gate.Timed); timed && o.base == "" {
		wrong.add("--base is missing: want a commit for the tier timed")
	} else if !timed && o.base != "" {
		wrong.add("--base %s: want it with the tier timed only", o.base)
	}
	if o.update && (o.has(gate.Timed) || o.has(gate.History)) {
		wrong.add("--update: want it with the tiers exact and counted only")
	}
}

func (o *gateOptions) has(tier string) bool { return slices.Contains(o.tiers, tier) }

func gateForms() string {
	var names []string
	for _, f := range gate.Forms() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

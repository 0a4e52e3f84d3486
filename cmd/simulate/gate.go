package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/bench/gate"
	"github.com/notifylab/notifylab/notify/clock"
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
  counted   allocations, units of work, goroutines (exactly) and bytes (within 2 %)
  timed     benchmarks of --base and of this commit in turns; fails on a gross change only
  history   a line for this commit in --history, when the others let it pass; never fails

The timed tier and the history are about commits, so they want a tree without changes. The base is
built in a temporary worktree; this tree isn't touched.

Exit codes: 0 passed; 1 something is worse or missing; 2 bad input; 3 it can't be told (the machine
is too noisy, too few samples, the base can't be built); 130 interrupted.

Flags:
`

// gateTiers are in the order in which they run.
var gateTiers = []string{gate.Exact, gate.Counted, gate.Timed, gate.History}

// What the tiers measure.
const (
	benchPackage = "./bench"
	countedBench = "^BenchmarkStep(Idle)?$"
	countedTime  = "20x"
	countedCount = 3
	timedBench   = "^Benchmark(Step|Fanout)$/^(kind=.*|subs=1000)$/^(subs=1000|mode=burst)$"
	timedTime    = "5ms" // short and many: some fall between what else the machine does
	timedCount   = 10
	benchLimit   = 5 * time.Minute
)

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

// errHead and errBase tell whose fault it is that there is nothing to measure.
var (
	errHead = errors.New("this tree can't be measured")
	errBase = errors.New("the base can't be measured")
)

// gateExit is the exit code of an error: what was asked for wrongly, what this tree did wrong, and
// what is nobody's fault.
func gateExit(err error) int {
	for _, usage := range []error{gate.ErrRef, gate.ErrDirty, gate.ErrGit, gate.ErrBaseline,
		gate.ErrHistory} {
		if errors.Is(err, usage) {
			return exitUsage
		}
	}
	if errors.Is(err, errBase) {
		return exitInvalid
	}
	return exitFailed
}

// parseGate understands the command line. A nil result comes with the exit code.
func parseGate(args []string, stdout, stderr io.Writer) (*gateOptions, int) {
	o := &gateOptions{stderr: stderr}
	fs := pflag.NewFlagSet("gate", pflag.ContinueOnError)
	fs.SortFlags = false
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
	var wrong mistakes
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

func (o *gateOptions) tell(format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(o.stderr, "gate: "+format+"\n", args...)
	}
}

// run runs the tiers. With --update there is no report.
func (o *gateOptions) run(ctx context.Context) (*gate.Report, error) {
	r := &gate.Report{Machine: gate.Machine()}
	var err error
	if o.has(gate.Timed) || o.has(gate.History) { // before anything that takes time
		if r.Commit, err = gate.Resolve(ctx, ".", "HEAD"); err != nil {
			return nil, err
		}
		if err := gate.Clean(ctx, "."); err != nil {
			return nil, err
		}
	}
	if o.has(gate.Timed) {
		if r.Base, err = gate.Resolve(ctx, ".", o.base); err != nil {
			return nil, fmt.Errorf("--base: %w", err)
		}
	}
	steps := map[string]func(context.Context, *gate.Report) (gate.Tier, error){
		gate.Exact: o.exact, gate.Counted: o.counted, gate.Timed: o.timed, gate.History: o.record,
	}
	for _, name := range gateTiers {
		if !o.has(name) {
			continue
		}
		t, err := steps[name](ctx, r)
		if err != nil {
			return nil, err
		}
		r.Tiers = append(r.Tiers, t)
	}
	if o.update {
		return nil, nil
	}
	r.Conclude()
	return r, nil
}

func (o *gateOptions) exact(ctx context.Context, _ *gate.Report) (gate.Tier, error) {
	tell := func(name string) { o.tell("exact: %s", name) }
	if o.update {
		return gate.Tier{}, gate.UpdateExact(ctx, o.baseline, gate.Cases(), tell)
	}
	return gate.CheckExact(ctx, o.baseline, gate.Cases(), tell)
}

func (o *gateOptions) counted(ctx context.Context, _ *gate.Report) (gate.Tier, error) {
	dir, err := os.MkdirTemp("", "gate-*")
	if err != nil {
		return gate.Tier{}, err
	}
	defer os.RemoveAll(dir)
	head, err := o.build(ctx, "head", ".", dir)
	if err != nil {
		return gate.Tier{}, fmt.Errorf("%w: %w", errHead, err)
	}
	o.tell("counted: %d rounds", countedCount)
	results, err := head.Run(ctx, gate.Bench{Pattern: countedBench, Time: countedTime,
		Count: countedCount, Limit: benchLimit})
	if err != nil {
		return gate.Tier{}, fmt.Errorf("%w: %w", errHead, err)
	}
	figures := gate.Least(results, gate.IsCounted)
	if o.update {
		return gate.Tier{}, gate.UpdateCounted(o.baseline, runtime.Version(), runtime.GOARCH,
			figures)
	}
	return gate.CheckCounted(o.baseline, runtime.Version(), runtime.GOARCH, figures)
}

// build compiles the benchmarks of a checkout into a directory.
func (o *gateOptions) build(ctx context.Context, name, root, dir string) (gate.Side, error) {
	o.tell("building the benchmarks of %s", name)
	s := gate.Side{Name: name, Binary: filepath.Join(dir, name+".test"),
		Dir: filepath.Join(root, benchPackage)}
	return s, gate.Build(ctx, root, benchPackage, s.Binary)
}

func (o *gateOptions) timed(ctx context.Context, r *gate.Report) (t gate.Tier, err error) {
	dir, err := os.MkdirTemp("", "gate-*")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	head, err := o.build(ctx, "head", ".", dir)
	if err != nil {
		return t, fmt.Errorf("%w: %w", errHead, err)
	}
	tree, remove, err := gate.Worktree(ctx, ".", r.Base)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	base, err := o.build(ctx, "base", tree, dir)
	if err != nil {
		return t, fmt.Errorf("%w: %s: %w", errBase, r.Base, err)
	}
	measure := gate.Turns(ctx, base, head,
		gate.Bench{Pattern: o.bench, Time: o.time, Count: timedCount, Limit: benchLimit},
		func(phase gate.Phase, i, n int) { o.tell("timed: %s, pair %d of %d", phase, i+1, n) })
	t, err = o.rule.Judge(measure)
	t.Notes = append(t.Notes, fmt.Sprintf("base %.12s, head %.12s; at least %d pairs of runs; "+
		"beyond %.0f%% is gross", r.Base, r.Commit, o.rule.Pairs, 100*o.rule.Threshold))
	return t, err
}

// record adds a line to the history, if the other tiers let this commit pass.
func (o *gateOptions) record(_ context.Context, r *gate.Report) (gate.Tier, error) {
	t := gate.Tier{Name: gate.History, Verdict: gate.Passed}
	if r.Conclude(); r.Verdict != gate.Passed {
		t.Reason = "nothing is added, because it didn't pass"
		return t, nil
	}
	rec, err := gate.NewRecord(r, clock.Real{}.Now())
	if err != nil {
		return t, err
	}
	if err := rec.Append(o.history); err != nil {
		return t, err
	}
	all, err := readHistory(o.history)
	if err != nil {
		return t, err
	}
	t.Notes = append(t.Notes, fmt.Sprintf("%s: %d figures of %.12s added", o.history,
		len(rec.Metrics), rec.Commit))
	for _, s := range gate.AllSeries(all) {
		for _, c := range s.ChangeList() {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: change point: %s", s.Metric, c))
		}
	}
	return t, nil
}

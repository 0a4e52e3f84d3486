package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/notifylab/notifylab/bench/gate"
	"github.com/notifylab/notifylab/notify/clock"
)

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

// gateRun is one run of the gate.
type gateRun struct {
	*gateOptions
	report *gate.Report
	temp   string     // a directory for what is compiled
	head   *gate.Side // nil until a tier needs it
}

func (o *gateOptions) tell(format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(o.stderr, "gate: "+format+"\n", args...)
	}
}

// run runs the tiers. With --update there is no report.
func (o *gateOptions) run(ctx context.Context) (_ *gate.Report, err error) {
	r := &gateRun{gateOptions: o, report: &gate.Report{Machine: gate.Machine()}}
	if err := r.resolveCommits(ctx); err != nil { // before anything that takes time
		return nil, err
	}
	if r.temp, err = os.MkdirTemp("", "gate-*"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.temp)) }()
	steps := map[string]func(context.Context) (gate.Tier, error){
		gate.Exact: r.exact, gate.Counted: r.counted, gate.Timed: r.timed, gate.History: r.record,
	}
	for _, name := range gateTiers {
		if !o.has(name) {
			continue
		}
		t, err := steps[name](ctx)
		if err != nil {
			return nil, err
		}
		r.report.Tiers = append(r.report.Tiers, t)
	}
	if o.update {
		return nil, nil
	}
	r.report.Conclude()
	return r.report, nil
}

// resolveCommits says what is compared, where that is about commits.
func (r *gateRun) resolveCommits(ctx context.Context) (err error) {
	if !r.has(gate.Timed) && !r.has(gate.History) {
		return nil
	}
	if r.report.Commit, err = gate.Resolve(ctx, ".", "HEAD"); err != nil {
		return err
	}
	if err = gate.Clean(ctx, "."); err != nil || !r.has(gate.Timed) {
		return err
	}
	if r.report.Base, err = gate.Resolve(ctx, ".", r.base); err != nil {
		return fmt.Errorf("--base: %w", err)
	}
	return nil
}

func (r *gateRun) exact(ctx context.Context) (gate.Tier, error) {
	tell := func(name string) { r.tell("exact: %s", name) }
	if r.update {
		return gate.Tier{}, gate.UpdateExact(ctx, r.baseline, gate.Cases(), tell)
	}
	return gate.CheckExact(ctx, r.baseline, gate.Cases(), tell)
}

func (r *gateRun) counted(ctx context.Context) (t gate.Tier, err error) {
	head, err := r.buildHead(ctx)
	if err != nil {
		return t, err
	}
	r.tell("counted: %d rounds", countedCount)
	results, err := head.Run(ctx, gate.Bench{Pattern: countedBench, Time: countedTime,
		Count: countedCount, Limit: benchLimit})
	if err != nil {
		return t, err
	}
	figures := gate.Least(results, gate.IsCounted)
	if r.update {
		return t, gate.UpdateCounted(r.baseline, runtime.Version(), runtime.GOARCH, figures)
	}
	return gate.CheckCounted(r.baseline, runtime.Version(), runtime.GOARCH, figures)
}

// buildHead compiles the benchmarks of this tree, once.
func (r *gateRun) buildHead(ctx context.Context) (gate.Side, error) {
	if r.head != nil {
		return *r.head, nil
	}
	head, err := r.build(ctx, "head", ".", gate.ErrHead)
	r.head = &head
	return head, err
}

func (r *gateRun) build(ctx context.Context, name, root string, fault error) (gate.Side, error) {
	r.tell("building the benchmarks of %s", name)
	return gate.Build(ctx, root, benchPackage, filepath.Join(r.temp, name+".test"), fault)
}

func (r *gateRun) timed(ctx context.Context) (t gate.Tier, err error) {
	head, err := r.buildHead(ctx)
	if err != nil {
		return t, err
	}
	tree, remove, err := gate.Worktree(ctx, ".", r.report.Base)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	base, err := r.build(ctx, "base", tree, gate.ErrBase)
	if err != nil {
		return t, err
	}
	t, err = r.rule.Judge(gate.Turns(ctx, base, head, gate.Bench{Pattern: r.bench, Time: r.time,
		Count: timedCount, Limit: benchLimit}, r.pace(clock.Real{})))
	t.Notes = append(t.Notes, fmt.Sprintf("base %.12s, head %.12s; at least %d pairs of runs; "+
		"beyond %.0f%% is gross", r.report.Base, r.report.Commit, r.rule.Pairs,
		100*r.rule.Threshold))
	return t, err
}

// paceEvery is how often the timed tier says how far it is.
const paceEvery = 2 * time.Second

// pace tells where the timed tier is, and how long the rest takes by the pairs so far.
func (r *gateRun) pace(c clock.Clock) func(gate.Phase, int, int) {
	before := map[gate.Phase]int{gate.AA: 0, gate.First: 1, gate.Confirm: 2}
	began, said := c.Now(), time.Time{}
	return func(phase gate.Phase, i, n int) {
		now, done := c.Now(), before[phase]*n+i
		if i > 0 && now.Sub(said) < paceEvery {
			return
		}
		said = now
		text := fmt.Sprintf("timed: %s, pair %d of %d", phase, i+1, n)
		if done > 0 {
			times := func(pairs int) time.Duration {
				return (now.Sub(began) * time.Duration(pairs) / time.Duration(done)).
					Round(time.Second)
			}
			text += fmt.Sprintf("; about %v left", times(max(before[phase]+1, 2)*n-done))
			if phase != gate.Confirm {
				text += fmt.Sprintf(", %v more if something is suspect", times(n))
			}
		}
		r.tell("%s", text)
	}
}

// record adds a line to the history, if the other tiers let this commit pass.
func (r *gateRun) record(context.Context) (gate.Tier, error) {
	t := gate.Tier{Name: gate.History, Verdict: gate.Passed}
	if r.report.Conclude(); r.report.Verdict != gate.Passed {
		t.Reason = "nothing is added, because it didn't pass"
		return t, nil
	}
	rec, err := gate.NewRecord(r.report, clock.Real{}.Now())
	if err != nil {
		return t, err
	}
	all, err := readHistory(r.history)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // and nothing is added to what can't be read
		return t, err
	}
	if err := rec.Append(r.history); err != nil {
		return t, err
	}
	t.Notes = append(t.Notes, fmt.Sprintf("%s: %d figures of %.12s added", r.history,
		len(rec.Metrics), rec.Commit))
	for _, s := range gate.AllSeries(append(all, *rec)) {
		for _, c := range s.ChangeList() {
			t.Notes = append(t.Notes, fmt.Sprintf("%s: change point: %s", s.Metric, c))
		}
	}
	return t, nil
}

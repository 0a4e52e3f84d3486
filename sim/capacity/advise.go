package capacity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/notifylab/notifylab/sim"
)

// Policies are what an Adviser tries that is given none: all but block, with which one slow watcher
// makes the others wait.
func Policies() []string {
	return []string{"conflate", "drop-oldest", "drop-newest", "flush", "evict"}
}

// The largest queues that are tried, as powers of two. The task queue is that of each shard.
const (
	watcherQueueMax = 1 << 12
	taskQueueMax    = 1 << 14
)

// Adviser finds the smallest queues, and the policy, that meet the objectives.
type Adviser struct {
	Base     Base
	Policies []string // to choose from
	Headroom float64  // load above the scenario's: 0.3 is 30 %
	Seeds    []uint64 // that choose
	Fresh    []uint64 // one or more others, with which the choice is tried
	Lab      *Lab

	doc   *sim.Document
	world *sim.World
}

// ErrAdviser is what the errors of an Adviser that can't be used wrap.
var ErrAdviser = errors.New("capacity: unusable search")

// Advise tries policies and queues, and fills in the recommendation. When ctx ends it gives what it
// has by then, without a choice.
func (a *Adviser) Advise(ctx context.Context, e sim.Environment) (*sim.Document, error) {
	out := &sim.Recommendation{Choice: -1, Headroom: a.Headroom, Fresh: a.Fresh,
		Options: []sim.Option{}}
	a.doc = &sim.Document{Schema: sim.Schema, Seed: a.Base.Scenario.Seed,
		Scenario: a.Base.Scenario, Environment: e, Runs: []*sim.Run{}, Recommendation: out}
	if err := a.Check(); err != nil {
		return nil, err
	}
	a.Lab.expect(len(a.Policies)*candidatesPerPolicy*(1+len(a.Seeds))/2 + len(a.Fresh))
	lines := make([]*line, len(a.Policies))
	var g errgroup.Group
	for i, p := range a.Policies {
		lines[i] = &line{a: a, policy: p, tried: make(map[[2]int]*candidate)}
		g.Go(func() error { return lines[i].search(ctx) })
	}
	err := g.Wait()
	all, decided := a.weighed(lines)
	if err == nil {
		err = a.choose(ctx, out, all)
	}
	a.conclude(out, all, lines)
	if err == nil && !decided {
		err = fmt.Errorf("%w: in %v: %s", ErrSamples, a.Base.Scenario.Duration, out.Reason)
	}
	if ctx.Err() != nil {
		out.Choice, out.Confidence = -1, 0
		out.Reason = "it was stopped before all policies were tried"
		err = nil
	}
	return a.doc, err
}

// candidatesPerPolicy is how many configurations are mostly tried for a policy.
const candidatesPerPolicy = 12

// Check says why nothing can be recommended, before anything runs.
func (a *Adviser) Check() error {
	switch {
	case len(a.Policies) == 0:
		return fmt.Errorf("%w: no policies: want one or more", ErrAdviser)
	case !(a.Headroom >= 0 && a.Headroom <= 10):
		return fmt.Errorf("%w: headroom %g: want a share, 0 to 10", ErrAdviser, a.Headroom)
	}
	if err := checkSeeds(a.Seeds, a.Fresh); err != nil {
		return err
	}
	c := newChecker(&a.Base)
	for _, p := range a.Policies {
		j, err := a.job(a.Seeds[0],
			sim.Config{Policy: p, WatcherQueue: watcherQueueMax, QueueSize: taskQueueMax}, 1)
		if err == nil {
			err = c.check(j)
		}
		if err != nil {
			return err
		}
	}
	t, err := (&Job{Scenario: a.Base.Scenario, dump: a.Base.Dump}).topology()
	if err != nil {
		return err
	}
	a.world, err = t.Build(a.Base.Scenario.Consumers, a.Base.Scenario.Providers)
	return err
}

// withHeadroom puts the headroom on a job: on the rates, and on the sizes of storms, their waves
// and bursts. The settings of the job say so, but for the stages, where it is the same factor.
func (a *Adviser) withHeadroom(seed uint64, stretch float64) (*Job, error) {
	s, factor := &a.Base.Scenario, 1+a.Headroom
	set := func(path string, value float64) sim.Setting {
		return sim.Setting{Path: path, Value: strconv.FormatFloat(value, 'f', -1, 64)}
	}
	var settings []sim.Setting
	if a.Headroom > 0 {
		settings = append(settings, set("rate", s.Rate*factor))
	}
	if a.Headroom > 0 && s.Storm > 0 {
		settings = append(settings, set("storm", math.Round(float64(s.Storm)*factor)),
			set("storm_wave", math.Round(float64(s.StormWave)*factor)))
	}
	if stretch != 1 {
		settings = append(settings, stretched(s, stretch))
	}
	j, err := a.Base.job(seed, settings...)
	if err == nil {
		j.Scenario.Stages = scaled(j.Scenario.Stages, factor, factor)
	}
	return j, err
}

// job is a run of a configuration.
func (a *Adviser) job(seed uint64, c sim.Config, stretch float64) (*Job, error) {
	j, err := a.withHeadroom(seed, stretch)
	if err != nil {
		return nil, err
	}
	j.Config.Policy, j.Config.WatcherQueue, j.Config.QueueSize = c.Policy, c.WatcherQueue,
		c.QueueSize
	if a.Base.Finish != nil {
		a.Base.Finish(&j.Scenario)
	}
	return j, nil
}

// choose takes the best candidate that also meets the objectives with every fresh seed. The seeds
// that it was chosen by speak for it, so they can't say how often it does.
func (a *Adviser) choose(ctx context.Context, out *sim.Recommendation, all []*candidate) error {
	for {
		i := best(all)
		if i < 0 {
			return nil
		}
		out.Tries++
		c := all[i]
		a.Lab.expect(len(a.Fresh))
		if err := c.confirm(ctx, a.Fresh); err != nil {
			return err
		}
		if c.meets {
			out.Choice, out.Confidence = i, PassLevel(len(a.Fresh), out.Tries)
			return nil
		}
	}
}

// asGood is the factor within which memory, or staleness, counts as the same: a few bytes don't
// outweigh that views are right sooner.
const asGood = 1.1

// best finds, of those that met the objectives with every seed and take about the least memory,
// the one with the least staleness, among candidates sorted by memory; -1 if there is none.
func best(all []*candidate) int {
	best, least := -1, int64(0)
	for i, c := range all {
		o := &c.option
		switch {
		case !c.meets:
		case best < 0:
			best, least = i, o.Memory
		case float64(o.Memory) <= asGood*float64(least) &&
			o.Staleness < all[best].option.Staleness:
			best = i
		}
	}
	return best
}

// conclude writes the options into the document, with all runs, and the reason.
func (a *Adviser) conclude(out *sim.Recommendation, all []*candidate, lines []*line) {
	for _, c := range all {
		c.option.Runs = a.keep(c.runs)
		c.option.Fresh = a.keep(c.fresh)
		out.Options = append(out.Options, c.option)
	}
	reasons := []string{reason(out)}
	if out.Choice >= 0 {
		waits := Median(all[out.Choice].runs, func(r *sim.Run) int64 { return r.PublishWait.P99 })
		reasons[0] += fmt.Sprintf("; who publishes then waits for room in the task queue for "+
			"up to %v (p99)", time.Duration(waits).Round(10*time.Microsecond))
	}
	for _, l := range lines {
		if l.note != "" {
			reasons = append(reasons, l.note)
		}
	}
	out.Reason = strings.Join(reasons, "; ")
}

// keep adds runs to the document and gives their numbers.
func (a *Adviser) keep(runs []*sim.Run) (numbers []int) {
	for _, r := range runs {
		if r != nil { // one that was interrupted is
			numbers = append(numbers, len(a.doc.Runs))
			a.doc.Runs = append(a.doc.Runs, r)
		}
	}
	return numbers
}

// reason says in words why the choice was made, or why there is none.
func reason(out *sim.Recommendation) string {
	refuted := ""
	if n := out.Tries; out.Choice >= 0 && n > 1 {
		refuted = fmt.Sprintf("; before it, %d that did so failed with a fresh seed", n-1)
	}
	switch {
	case out.Choice >= 0:
		return "of the configurations that met the objectives with every seed, and whose full " +
			"queues take about the least memory, it keeps views out of date for the shortest " +
			"time" + refuted
	case len(out.Options) == 0:
		return "nothing was tried"
	case out.Tries > 0:
		return fmt.Sprintf("%d configurations met the objectives with the seeds of the search, "+
			"but each failed with some of %d fresh seeds", out.Tries, len(out.Fresh))
	}
	best := slices.MaxFunc(out.Options, func(x, y sim.Option) int {
		return cmp.Or(cmp.Compare(x.Meets, y.Meets), cmp.Compare(len(y.Fails), len(x.Fails)))
	})
	return fmt.Sprintf("no policy and no size of the queues met the objectives with every seed; "+
		"nearest was %s with a task queue of %d and watcher queues of %d: %s", best.Config.Policy,
		best.Config.QueueSize, best.Config.WatcherQueue, strings.Join(best.Fails, "; "))
}

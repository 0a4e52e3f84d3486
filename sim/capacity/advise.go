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
	Seeds    []uint64
	Lab      *Lab

	doc   *sim.Document
	world *sim.World
}

// ErrAdviser is what the errors of an Adviser that can't be used wrap.
var ErrAdviser = errors.New("capacity: unusable search")

// Advise tries policies and queues, and fills in the recommendation. When ctx ends it gives what it
// has by then, without a choice.
func (a *Adviser) Advise(ctx context.Context, e sim.Environment) (*sim.Document, error) {
	out := &sim.Recommendation{Choice: -1, Headroom: a.Headroom, Options: []sim.Option{}}
	a.doc = &sim.Document{Schema: sim.Schema, Seed: a.Base.Scenario.Seed,
		Scenario: a.Base.Scenario, Environment: e, Runs: []*sim.Run{}, Recommendation: out}
	if err := a.Check(); err != nil {
		return nil, err
	}
	a.Lab.expect(len(a.Policies) * candidatesPerPolicy * (1 + len(a.Seeds)) / 2)
	lines := make([]*line, len(a.Policies))
	var g errgroup.Group
	for i, p := range a.Policies {
		lines[i] = &line{a: a, policy: p, tried: make(map[[2]int]*candidate)}
		g.Go(func() error { return lines[i].search(ctx) })
	}
	err := g.Wait()
	decided := a.conclude(out, lines)
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
	if err := checkSeeds(a.Seeds); err != nil {
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

// conclude sorts the options by memory and chooses. Decided means that any of them could be judged.
func (a *Adviser) conclude(out *sim.Recommendation, lines []*line) (decided bool) {
	var all []*candidate
	var notes []string
	for _, l := range lines {
		for _, c := range l.tried {
			all = append(all, a.weighed(c))
			decided = decided || c.decided
		}
		if l.note != "" {
			notes = append(notes, l.note)
		}
	}
	slices.SortFunc(all, func(x, y *candidate) int {
		p, q := &x.option, &y.option
		return cmp.Or(cmp.Compare(p.Memory, q.Memory), cmp.Compare(p.Staleness, q.Staleness),
			cmp.Compare(p.Config.Policy, q.Config.Policy),
			cmp.Compare(p.Config.WatcherQueue, q.Config.WatcherQueue),
			cmp.Compare(p.Config.QueueSize, q.Config.QueueSize))
	})
	for _, c := range all {
		for _, r := range c.runs {
			c.option.Runs = append(c.option.Runs, len(a.doc.Runs))
			a.doc.Runs = append(a.doc.Runs, r)
		}
		out.Options = append(out.Options, c.option)
	}
	out.Choice = choose(all)
	out.Reason = strings.Join(append([]string{reason(out)}, notes...), "; ")
	if out.Choice >= 0 {
		out.Confidence = PassLevel(all[out.Choice].option.Meets)
		waits := Median(all[out.Choice].runs, func(r *sim.Run) int64 { return r.PublishWait.P99 })
		out.Reason += fmt.Sprintf("; who publishes then waits for room in the task queue for "+
			"up to %v (p99)", time.Duration(waits).Round(10*time.Microsecond))
	}
	return decided
}

// asGood is the factor within which memory counts as the same: a few bytes don't outweigh that
// views are right sooner.
const asGood = 1.1

// choose finds, of those that met the objectives with every seed and take about the least memory,
// the one with the least staleness, among candidates sorted by memory; -1 if there is none.
func choose(all []*candidate) int {
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

// weighed fills in what a configuration costs: the medians over its runs.
func (a *Adviser) weighed(c *candidate) *candidate {
	o := &c.option
	o.Config = c.runs[0].Config
	o.Memory = QueueMemory(o.Config, a.world)
	o.Staleness = Median(c.runs, func(r *sim.Run) int64 { return r.Staleness.P99 })
	o.Latency = Median(c.runs, func(r *sim.Run) int64 { return r.Propagation.P99 })
	o.Loss = Median(c.runs, Loss)
	return c
}

// Loss is the share of the deliveries owed that a run lost.
func Loss(r *sim.Run) float64 {
	return float64(r.Books.DroppedTotal()) / float64(max(r.Books.Offered, 1))
}

// Median is the middle of a figure over runs; of an even number, the lower one of the two.
func Median[T cmp.Ordered](runs []*sim.Run, of func(*sim.Run) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// reason says in words why the choice was made, or why there is none.
func reason(out *sim.Recommendation) string {
	if out.Choice >= 0 {
		return "of the configurations that met the objectives with every seed, and whose full " +
			"queues take about the least memory, it keeps views out of date for the shortest time"
	}
	if len(out.Options) == 0 {
		return "nothing was tried"
	}
	best := slices.MaxFunc(out.Options, func(x, y sim.Option) int {
		return cmp.Or(cmp.Compare(x.Meets, y.Meets), cmp.Compare(len(y.Fails), len(x.Fails)))
	})
	return fmt.Sprintf("no policy and no size of the queues met the objectives with every seed; "+
		"nearest was %s with a task queue of %d and watcher queues of %d: %s", best.Config.Policy,
		best.Config.QueueSize, best.Config.WatcherQueue, strings.Join(best.Fails, "; "))
}

package capacity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// What can grow. With Rate the rates of stages grow in proportion; storms, bursts and faults stay.
const (
	Consumers = "consumers"
	Rate      = "rate"
	Providers = "providers"
)

// Loads lists what can grow.
func Loads() []string { return []string{Consumers, Rate, Providers} }

// Finder finds how large a load may get.
type Finder struct {
	Base      Base
	Find      string   // one of Loads
	Tolerance float64  // of the limit: above 0 to 1
	Start     float64  // 0: the least that is sensible
	Max       float64  // 0: DefaultMax
	Seeds     []uint64 // SeedsMin or more; the first is searched alone before
	Fresh     []uint64 // one or more others, which confirm
	Lab       *Lab

	doc   *sim.Document
	out   *sim.Capacity
	lasts float64 // times the scenario's duration that runs near the limit need
}

// ErrFinder is what the errors of a Finder that can't be used wrap.
var ErrFinder = errors.New("capacity: unusable search")

// DefaultMax is the load beyond which nobody looks who gives no Max. Consumers take 2 to 5 KB of
// memory each; rates take time.
func DefaultMax(find string) float64 {
	switch find {
	case Consumers:
		return 200_000
	case Rate:
		return 100_000
	}
	return 1_000_000
}

// least is the smallest load there is: for providers one for each service that has any.
func (f *Finder) least(t *sim.Topology) float64 {
	switch f.Find {
	case Rate:
		return 0.01
	case Providers:
		n := 0
		for i := range t.Services {
			n += min(t.Services[i].Instances, 1)
		}
		return float64(max(n, 1))
	}
	return 1
}

// start is where the growth begins if nobody says.
func (f *Finder) start() float64 {
	switch f.Find {
	case Consumers:
		return 100
	case Rate:
		return 10
	}
	return 1
}

// Search finds the limit, confirms it and draws the knee. When ctx ends it returns what is known by
// then, with a Reason that says so; the document has all runs that were completed.
func (f *Finder) Search(ctx context.Context, e sim.Environment) (*sim.Document, error) {
	f.out = &sim.Capacity{Find: f.Find, Seeds: f.Seeds, Fresh: f.Fresh,
		Trials: []sim.CapacityTrial{}, Knee: []sim.KneePoint{}}
	f.doc = &sim.Document{Schema: sim.Schema, Seed: f.Base.Scenario.Seed,
		Scenario: f.Base.Scenario, Environment: e, Runs: []*sim.Run{}, Capacity: f.out}
	s, err := f.prepare()
	if err != nil {
		return nil, err
	}
	err = f.search(ctx, s)
	if len(f.doc.Runs) > 0 {
		f.out.Config = f.doc.Runs[0].Config
	}
	if ctx.Err() != nil {
		if f.out.Confirmed > 0 {
			f.out.Reason += "; it was stopped before the curve up to there was complete"
		} else {
			f.out.Reason = "it was stopped before the limit was confirmed"
		}
		return f.doc, nil
	}
	return f.doc, err
}

// Check says why the search can't be made, before anything runs.
func (f *Finder) Check() error {
	_, err := f.prepare()
	return err
}

// prepare checks everything before anything runs.
func (f *Finder) prepare() (*Search, error) {
	if !slices.Contains(Loads(), f.Find) {
		return nil, fmt.Errorf("%w: find %q: want one of %s", ErrFinder, f.Find,
			strings.Join(Loads(), ", "))
	}
	if !(f.Tolerance > 0 && f.Tolerance <= 1) {
		return nil, fmt.Errorf("%w: tolerance %g: want a share above 0, up to 1", ErrFinder,
			f.Tolerance)
	}
	if err := checkSeeds(f.Seeds, f.Fresh); err != nil {
		return nil, err
	}
	if len(f.Seeds) < SeedsMin {
		return nil, fmt.Errorf("%w: %d seeds: want %d or more, for an interval of 95%%", ErrFinder,
			len(f.Seeds), SeedsMin)
	}
	c := newChecker(&f.Base)
	first, err := f.Base.job(f.Seeds[0])
	if err == nil {
		err = c.check(first)
	}
	if err != nil {
		return nil, err
	}
	t, err := (&Job{Scenario: first.Scenario, dump: f.Base.Dump}).topology()
	if err != nil {
		return nil, err
	}
	s := &Search{Min: f.least(t), Max: f.Max, Tolerance: f.Tolerance, Whole: f.Find != Rate}
	if s.Max == 0 {
		s.Max = max(DefaultMax(f.Find), s.Min)
	}
	start := f.Start
	if start == 0 {
		start = min(max(f.start(), s.Min), s.Max)
	}
	if start < s.Min || start > s.Max {
		return nil, fmt.Errorf("%w: start %g and max %g: want %g <= start <= max", ErrFinder,
			start, s.Max, s.Min)
	}
	for _, load := range []float64{start, s.Max} {
		if j, err := f.job(f.Seeds[0], load, 1); err != nil {
			return nil, err
		} else if err := c.check(j); err != nil {
			return nil, err
		}
	}
	s.Begin(start, 2)
	return s, nil
}

// job is a run with a load, for a multiple of the scenario's duration.
func (f *Finder) job(seed uint64, load, stretch float64) (*Job, error) {
	value := strconv.FormatFloat(load, 'g', -1, 64)
	if f.Find != Rate {
		value = strconv.FormatFloat(load, 'f', -1, 64)
	}
	settings := []sim.Setting{{Path: f.Find, Value: value}}
	if stretch != 1 {
		settings = append(settings, stretched(&f.Base.Scenario, stretch))
	}
	j, err := f.Base.job(seed, settings...)
	if err != nil {
		return nil, err
	}
	if f.Find == Rate {
		j.Scenario.Stages = scaled(j.Scenario.Stages, load/f.Base.Scenario.Rate, 1)
	}
	if f.Base.Finish != nil {
		f.Base.Finish(&j.Scenario)
	}
	return j, nil
}

// stretched is the setting that makes a run longer.
func stretched(s *sim.Scenario, factor float64) sim.Setting {
	d := time.Duration(factor * float64(s.Duration)).Round(time.Millisecond)
	return sim.Setting{Path: "duration", Value: d.String()}
}

// scaled has stages with their rates and bursts multiplied.
func scaled(stages []sim.Stage, rates, bursts float64) []sim.Stage {
	stages = slices.Clone(stages)
	for i := range stages {
		s := &stages[i]
		s.From, s.To = s.From*rates, s.To*rates
		s.Burst = int(math.Round(float64(s.Burst) * bursts))
	}
	return stages
}

// search is the whole of it, phase by phase.
func (f *Finder) search(ctx context.Context, s *Search) error {
	trials, err := f.alone(ctx, s, f.Seeds[0], 1, stretchMax, func() {
		f.Lab.expect(s.Steps() + len(f.Seeds)*stepsPerSeed + len(f.Fresh) + len(Fractions))
	})
	f.keep(trials)
	limit, beyond := s.Found()
	f.out.Limit, f.out.Beyond = limit, beyond // until more is known
	if err != nil {
		return err
	}
	if limit == 0 {
		f.out.Reason = strings.Join(trials[len(trials)-1].fails, "; ")
		return nil
	}
	f.lasts = trials[slices.IndexFunc(trials, func(t trial) bool { return t.load == limit })].lasted
	limits, beyonds, err := f.perSeed(ctx, *s, limit)
	if err != nil {
		return err
	}
	f.out.Low, f.out.High = Interval(limits, beyonds)
	f.out.Median, f.out.Level = lowerMedian(limits), Level(len(limits))
	return f.settle(ctx, s, slices.Min(limits))
}

// window is how many times longer the runs that confirm are.
const window = 2

// settle confirms a limit with every fresh seed, or lowers it until that succeeds.
func (f *Finder) settle(ctx context.Context, s *Search, limit float64) error {
	for limit > 0 {
		fails, err := f.confirm(ctx, limit)
		if err != nil {
			return err
		}
		if len(fails) == 0 {
			f.out.Confirmed = len(f.Fresh)
			break
		}
		lower := s.within(limit / (1 + s.Tolerance))
		if lower >= limit {
			lower = 0
		}
		limit = lower
	}
	f.conclude(limit)
	if limit == 0 {
		return nil
	}
	err := f.knee(ctx, s, limit)
	f.mindBelow()
	return err
}

// mindBelow says in the reason that objectives failed below the limit, too, if they did: then it is
// not the load, or not only, that decides.
func (f *Finder) mindBelow() {
	tried, failed := 0, 0
	for _, k := range f.out.Knee {
		if k.Load < f.out.Limit {
			tried++
			if len(judge(f.doc.Runs[k.Run]).fails) > 0 {
				failed++
			}
		}
	}
	if failed > 0 {
		f.out.Reason += fmt.Sprintf("; but %d of %d smaller loads failed, too, so it isn't only "+
			"the load that decides", failed, tried)
	}
}

// conclude says what is known of a limit from all that was tried.
func (f *Finder) conclude(limit float64) {
	f.out.Limit, f.out.Beyond = limit, 0
	for _, t := range f.out.Trials {
		if !t.Meets && t.Load > limit && (f.out.Beyond == 0 || t.Load < f.out.Beyond) {
			f.out.Beyond, f.out.Reason = t.Load, strings.Join(t.Fails, "; ")
		}
	}
	if f.out.Beyond == 0 && limit > 0 {
		f.out.Reason = fmt.Sprintf("not found up to %g: nothing larger was tried", limit)
	}
}

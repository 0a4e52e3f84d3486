package capacity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/notifylab/notifylab/sim"
)

// trial is a load that was tried.
type trial struct {
	phase string
	load  float64
	run   *sim.Run // nil: it was not made
	judgement
}

// try judges a load.
func (f *Finder) try(ctx context.Context, phase string, seed uint64, load, window, most float64) (
	trial, error) {
	run, j, err := f.Lab.decide(ctx, window, most, func(stretch float64) (*Job, error) {
		return f.job(seed, load, stretch)
	})
	if most < stretchMax {
		j.presumed()
	}
	return trial{phase, load, run, j}, err
}

// keep notes trials in the document.
func (f *Finder) keep(trials []trial) {
	for _, t := range trials {
		if t.run == nil {
			continue
		}
		f.doc.Runs = append(f.doc.Runs, t.run)
		f.out.Trials = append(f.out.Trials, sim.CapacityTrial{Phase: t.phase, Load: t.load,
			Run: len(f.doc.Runs) - 1, Meets: t.meets, Fails: t.fails})
	}
}

// alone is the search of one seed; told is called before each step, unless it is nil. Most is how
// much longer a run may get while no load is known to meet the objectives.
func (f *Finder) alone(ctx context.Context, s *Search, seed uint64, window, most float64,
	told func()) (trials []trial, err error) {
	for {
		load, phase, more := s.Next()
		if !more {
			return trials, nil
		}
		if told != nil {
			told()
		}
		if limit, _ := s.Found(); limit > 0 {
			most = stretchNear
		}
		t, err := f.try(ctx, phase, seed, load, window, most)
		if err != nil {
			return trials, err
		}
		if !t.undecided() {
			trials = append(trials, t)
			s.Tell(t.meets)
		} else if !s.Skip() {
			return trials, fmt.Errorf("%w: %s=%g, in %v: %s", ErrSamples, f.Find, load,
				f.Base.Scenario.Duration, strings.Join(t.unknown, "; "))
		}
	}
}

// perSeed searches the limit of every seed, near the one that the first had in a shorter run.
func (f *Finder) perSeed(ctx context.Context, s Search, near float64) (
	limits, beyonds []float64, err error) {
	f.Lab.expect(len(f.Seeds)*stepsPerSeed + len(f.Fresh) + len(Fractions))
	searches, all := make([]Search, len(f.Seeds)), make([][]trial, len(f.Seeds))
	var g errgroup.Group
	for i, seed := range f.Seeds {
		searches[i] = s
		searches[i].Begin(near, 1+2*s.Tolerance)
		g.Go(func() (err error) {
			all[i], err = f.alone(ctx, &searches[i], seed, window*f.lasts, stretchNear, nil)
			return err
		})
	}
	err = g.Wait()
	for i := range all {
		f.keep(all[i])
		limit, beyond := searches[i].Found()
		limits, beyonds = append(limits, limit), append(beyonds, beyond)
	}
	return limits, beyonds, err
}

// stepsPerSeed is how many trials the search of a seed mostly takes.
const stepsPerSeed = 4

// confirm tries a load with every fresh seed and says what failed.
func (f *Finder) confirm(ctx context.Context, load float64) (fails []string, err error) {
	f.Lab.expect(len(f.Fresh) + len(Fractions))
	trials := make([]trial, len(f.Fresh))
	var g errgroup.Group
	for i, seed := range f.Fresh {
		g.Go(func() (err error) {
			trials[i], err = f.try(ctx, Confirm, seed, load, window*f.lasts, stretchNear)
			return err
		})
	}
	err = g.Wait()
	f.keep(trials)
	if i := slices.IndexFunc(trials, func(t trial) bool { return !t.meets }); i >= 0 {
		fails = trials[i].fails
	}
	return fails, err
}

package capacity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// RunsMax bounds a sweep: its document has all runs, at some 20 KB each.
const RunsMax = 1000

// ErrTooMany is what a sweep of more than RunsMax runs wraps.
var ErrTooMany = errors.New("capacity: too many runs")

// Sweep is a plan of runs: every combination of the knobs' values with every seed. Its runs are
// numbered combination by combination, the last knob changing first, and seed by seed in each.
type Sweep struct {
	plan sim.Sweep
	base Base
	jobs []*Job
	runs []*sim.Run // as many; nil where there is none yet
}

// NewSweep checks every combination before anything runs; the error names all that can't.
func NewSweep(b Base, knobs []sim.Knob, seeds []uint64) (*Sweep, error) {
	if err := errors.Join(checkKnobs(knobs), checkSeeds(seeds)); err != nil {
		return nil, err
	}
	combinations := 1
	for _, k := range knobs {
		combinations *= len(k.Values)
		if combinations*len(seeds) > RunsMax {
			return nil, fmt.Errorf("%w: the knobs' values with %d seeds make more than %d: want "+
				"fewer values, or several sweeps", ErrTooMany, len(seeds), RunsMax)
		}
	}
	s := &Sweep{base: b, plan: sim.Sweep{Knobs: knobs, Seeds: seeds, Config: b.Config}}
	if b.Dump != nil {
		sum := sha256.Sum256(b.Dump)
		s.plan.Dump = hex.EncodeToString(sum[:8])
	}
	c := newChecker(&b)
	var errs []error
	for n := range combinations {
		if err := s.add(c, settingsOf(knobs, n), seeds); err != nil {
			errs = append(errs, err)
		}
	}
	s.runs = make([]*sim.Run, len(s.jobs))
	return s, errors.Join(errs...)
}

func checkKnobs(knobs []sim.Knob) error {
	if len(knobs) == 0 {
		return fmt.Errorf("%w: there is none: want one or more, such as queue_size=100,1000",
			ErrKnob)
	}
	for i, k := range knobs {
		if slices.ContainsFunc(knobs[:i], func(o sim.Knob) bool { return o.Path == k.Path }) {
			return fmt.Errorf("%w: %s is there twice: want it once, with all its values", ErrKnob,
				k.Path)
		}
		if len(k.Values) == 0 {
			return fmt.Errorf("%w: %s has no values: want one or more", ErrKnob, k.Path)
		}
	}
	return nil
}

// settingsOf is the n-th combination.
func settingsOf(knobs []sim.Knob, n int) []sim.Setting {
	settings := make([]sim.Setting, len(knobs))
	for i, k := range slices.Backward(knobs) {
		settings[i] = sim.Setting{Path: k.Path, Value: k.Values[n%len(k.Values)]}
		n /= len(k.Values)
	}
	return settings
}

// add plans a combination. Whether it can run doesn't depend on the seed.
func (s *Sweep) add(c *checker, settings []sim.Setting, seeds []uint64) error {
	for i, seed := range seeds {
		j, err := s.base.job(seed, settings...)
		if err != nil {
			return err
		}
		if i == 0 {
			err = c.check(j)
		} else {
			first := s.jobs[len(s.jobs)-i]
			j.Scenario = first.Scenario
			j.Scenario.Seed = seed
		}
		if err != nil {
			return err
		}
		s.jobs = append(s.jobs, j)
	}
	return nil
}

// Len is how many runs there are in all, and Left how many have yet to be made.
func (s *Sweep) Len() int { return len(s.jobs) }

// Left is how many runs have yet to be made.
func (s *Sweep) Left() (n int) {
	for _, r := range s.runs {
		if r == nil {
			n++
		}
	}
	return n
}

// Run makes the runs that are left, until ctx ends. After each one saved is called, unless it is
// nil; it may call Document.
func (s *Sweep) Run(ctx context.Context, l *Lab, saved func()) error {
	var jobs []*Job
	var at []int
	for i, j := range s.jobs {
		if s.runs[i] == nil {
			jobs, at = append(jobs, j), append(at, i)
		}
	}
	l.expect(len(jobs))
	_, err := l.all(ctx, jobs, func(i int, r *sim.Run) {
		s.runs[at[i]] = r
		if saved != nil {
			saved()
		}
	})
	return err
}

// Document is what the sweep has found so far; the environment is what the runs were made in.
func (s *Sweep) Document(e sim.Environment) *sim.Document {
	plan := s.plan
	return &sim.Document{
		Schema: sim.Schema, Seed: s.base.Scenario.Seed, Scenario: s.base.Scenario,
		Environment: e, Sweep: &plan,
		Runs: slices.DeleteFunc(slices.Clone(s.runs), func(r *sim.Run) bool { return r == nil }),
	}
}

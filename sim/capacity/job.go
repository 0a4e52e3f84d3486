package capacity

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// Base is what all runs begin with.
type Base struct {
	Scenario sim.Scenario
	Dump     []byte // of the topology, where the scenario names one
	Config   sim.Config
	Clock    string              // sim.VirtualClock, if it is empty
	Finish   func(*sim.Scenario) // fills in what follows from the other fields; may be nil
}

// Job is one run.
type Job struct {
	Settings []sim.Setting // what is different from the base, besides the seed
	Scenario sim.Scenario  // with the seed
	Config   sim.Config
	dump     []byte
}

// ErrJob is what the errors of runs that can't be made wrap.
var ErrJob = errors.New("capacity: impossible run")

// job is the run with these settings, which are applied in order.
func (b *Base) job(seed uint64, settings ...sim.Setting) (*Job, error) {
	j := &Job{Settings: settings, Scenario: b.Scenario, Config: b.Config, dump: b.Dump}
	j.Scenario.Seed = seed
	for _, set := range settings {
		if err := j.set(set); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrJob, j, err)
		}
	}
	return j, nil
}

func (j *Job) set(x sim.Setting) error {
	for _, f := range configFields {
		if f.path == x.Path {
			if err := f.set(&j.Config, x.Value); err != nil {
				return fmt.Errorf("%s: %w", x.Path, err)
			}
			return nil
		}
	}
	return j.Scenario.Set(x.Path, x.Value)
}

// String names a job by what is special about it: "queue_size=100 policy=flush seed=2".
func (j *Job) String() string {
	var b strings.Builder
	for _, s := range j.Settings {
		fmt.Fprintf(&b, "%s=%s ", s.Path, s.Value)
	}
	fmt.Fprintf(&b, "seed=%d", j.Scenario.Seed)
	return b.String()
}

// topology is made for each run, for it depends on the seed; to keep all would fill the memory.
func (j *Job) topology() (*sim.Topology, error) {
	if j.Scenario.Topology != "" {
		return j.Scenario.Prepare(io.Reader(bytes.NewReader(j.dump)))
	}
	return j.Scenario.Prepare(nil)
}

// finish gives the scenario the values that follow from others, once its world is known.
func (b *Base) finish(j *Job) (*sim.Topology, error) {
	t, err := j.topology()
	if err == nil && b.Finish != nil {
		b.Finish(&j.Scenario)
	}
	return t, err
}

// checker finds out before anything runs whether jobs can; worlds of one name it makes only once.
type checker struct {
	base   *Base
	worlds map[string]*sim.Topology
}

func newChecker(b *Base) *checker { return &checker{b, make(map[string]*sim.Topology)} }

// check completes the job and says why it can't run.
func (c *checker) check(j *Job) error {
	s := &j.Scenario
	if err := s.Validate(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrJob, j, err)
	}
	name := s.Workload + "/" + s.Topology
	t := c.worlds[name]
	if t == nil {
		made, err := c.base.finish(&Job{Scenario: *s, dump: j.dump})
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrJob, j, err)
		}
		t, c.worlds[name] = made, made
	}
	if s.Consumers == 0 {
		if err := consumersOf(s, t); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrJob, j, err)
		}
	}
	if c.base.Finish != nil {
		c.base.Finish(s)
	}
	_, _, err := j.Config.Resolve()
	err = errors.Join(err, t.Check(s.Consumers, s.Providers), s.CheckEngine(j.Config),
		s.CheckClock(cmp.Or(c.base.Clock, sim.VirtualClock)))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrJob, j, err)
	}
	return nil
}

// consumersOf fills in the number of consumers as Scenario.Prepare does.
func consumersOf(s *sim.Scenario, t *sim.Topology) error {
	if s.Topology != "" {
		s.Consumers = t.TotalInstances()
		return nil
	}
	w, err := sim.FindWorkload(s.Workload)
	s.Consumers = w.Consumers
	return err
}

// A Runner makes a run. Several may be made at a time; that of a context that ended is not used.
type Runner func(context.Context, *Job) (*sim.Run, error)

// Virtual runs in virtual time. The function is told how far a run is; it may be nil.
func Virtual(cost sim.CostModel, told func(*Job, sim.Progress)) Runner {
	return func(ctx context.Context, j *Job) (*sim.Run, error) {
		t, err := j.topology()
		if err != nil {
			return nil, err
		}
		return sim.RunVirtual(ctx, j.Scenario, t, j.Config, cost, j.telling(told))
	}
}

// Wall runs in real time; only one at a time says something.
func Wall(told func(*Job, sim.Progress)) Runner {
	return func(ctx context.Context, j *Job) (*sim.Run, error) {
		t, err := j.topology()
		if err != nil {
			return nil, err
		}
		return sim.RunWall(ctx, j.Scenario, t, j.Config, j.telling(told))
	}
}

func (j *Job) telling(told func(*Job, sim.Progress)) func(sim.Progress) {
	if told == nil {
		return func(sim.Progress) {}
	}
	return func(p sim.Progress) { told(j, p) }
}

// Seeds gives n seeds from the first on.
func Seeds(first uint64, n int) []uint64 {
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	return seeds
}

// FreshSeeds gives n seeds that are none of these, and follow the largest.
func FreshSeeds(seeds []uint64, n int) []uint64 {
	largest := uint64(0)
	for _, seed := range seeds {
		largest = max(largest, seed)
	}
	return Seeds(largest+1, n)
}

// checkSeeds refuses sets that are empty, or have anything in common.
func checkSeeds(sets ...[]uint64) error {
	for _, seeds := range sets {
		if len(seeds) == 0 {
			return fmt.Errorf("%w: no seeds: want one or more", ErrJob)
		}
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(sets...)))
	for i := range sorted[1:] {
		if sorted[i] == sorted[i+1] {
			return fmt.Errorf("%w: seed %d is there twice: want each once", ErrJob, sorted[i])
		}
	}
	return nil
}

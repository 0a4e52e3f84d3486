package capacity

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/notifylab/notifylab/sim"
)

// Lab makes runs, several at a time, for one question at a time.
type Lab struct {
	Run   Runner
	Width int // runs at a time; 0: as many as cores

	// Done is told of every run, one after the other: how many were made, and how many it will be
	// in all, as far as can be told. It may be nil.
	Done func(j *Job, r *sim.Run, made, expected int)

	once  sync.Once
	slots *semaphore.Weighted // for runs
	room  *semaphore.Weighted // for consumers

	mu       sync.Mutex
	made     int
	expected int
}

// consumersAtOnce bounds the consumers of all runs that are made at a time: each takes 2 to 5 KB.
// A run that has more is made alone.
const consumersAtOnce = 400_000

func (l *Lab) init() {
	width := l.Width
	if width <= 0 {
		width = runtime.GOMAXPROCS(0)
	}
	l.slots = semaphore.NewWeighted(int64(width))
	l.room = semaphore.NewWeighted(consumersAtOnce)
}

// expect says that so many more runs are likely.
func (l *Lab) expect(more int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected = l.made + more
}

// all makes the runs of jobs; those that were not made when ctx ended are nil. Done, unless it is
// nil, is called after each one; not at the same time as any other.
func (l *Lab) all(ctx context.Context, jobs []*Job, done func(i int, r *sim.Run)) (
	[]*sim.Run, error) {
	l.once.Do(l.init)
	runs := make([]*sim.Run, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	for i, j := range jobs {
		g.Go(func() error {
			r, err := l.one(ctx, j)
			if r == nil || err != nil {
				return err
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			runs[i] = r
			if done != nil {
				done(i, r)
			}
			l.tellLocked(j, r)
			return nil
		})
	}
	return runs, g.Wait()
}

// one waits for its turn and makes a run, or none if ctx ends before.
func (l *Lab) one(ctx context.Context, j *Job) (*sim.Run, error) {
	if l.slots.Acquire(ctx, 1) != nil {
		return nil, nil
	}
	defer l.slots.Release(1)
	size := min(max(int64(j.Scenario.Consumers), 1), consumersAtOnce)
	if l.room.Acquire(ctx, size) != nil || ctx.Err() != nil {
		return nil, nil
	}
	defer l.room.Release(size)
	r, err := l.Run(ctx, j)
	if err != nil || ctx.Err() != nil { // what was interrupted says nothing
		return nil, err
	}
	r.Settings, r.Seed = j.Settings, j.Scenario.Seed
	return r, nil
}

func (l *Lab) tellLocked(j *Job, r *sim.Run) {
	l.made++
	l.expected = max(l.expected, l.made)
	if l.Done != nil {
		l.Done(j, r, l.made, l.expected)
	}
}

// decide makes the run of a job until it can be judged: with too few samples it is made again, for
// a multiple of the scenario's duration, up to most times the first. That is for the multiple
// window. What can't be judged by then comes back as unknown.
func (l *Lab) decide(ctx context.Context, window, most float64,
	job func(stretch float64) (*Job, error)) (*sim.Run, judgement, error) {
	for stretch := window; ; {
		j, err := job(stretch)
		if err != nil {
			return nil, judgement{}, err
		}
		runs, err := l.all(ctx, []*Job{j}, nil)
		if err != nil {
			return nil, judgement{}, err
		}
		if runs[0] == nil {
			return nil, judgement{}, context.Cause(ctx)
		}
		x := judge(runs[0])
		x.lasted = stretch
		longer := stretch * x.stretch
		if x.meets || len(x.fails) > 0 || longer <= stretch || longer > most*window {
			return runs[0], x, nil
		}
		stretch = longer
	}
}

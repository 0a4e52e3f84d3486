package capacity

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/notifylab/notifylab/sim"
)

// line is what is tried of one policy. Lines are searched side by side.
type line struct {
	a      *Adviser
	policy string
	tried  map[[2]int]*candidate // by watcher queue and task queue
	note   string                // where larger is not better
}

// candidate is a configuration that was tried, and its runs by seed.
type candidate struct {
	line    *line
	option  sim.Option
	runs    []*sim.Run
	fresh   []*sim.Run // those that confirm
	meets   bool       // with every seed
	decided bool       // with any of them
}

// stretchAdvice is how much longer a run of a candidate may get. What can't be judged then counts
// as failed.
const stretchAdvice = 8

// search finds the smallest queues: that of the watchers first, for there are thousands. It tries
// one after the other, for a larger one can be worse: what waits in it comes late.
func (l *line) search(ctx context.Context) error {
	watcher := 1
	for ; watcher <= watcherQueueMax; watcher *= 2 {
		if ok, err := l.meets(ctx, watcher, taskQueueMax); err != nil {
			return err
		} else if ok {
			break
		}
	}
	if watcher > watcherQueueMax {
		return nil
	}
	task, err := smallestPower(taskQueueMax, func(n int) (bool, error) {
		return l.meets(ctx, watcher, n)
	})
	if err != nil || task == 0 {
		return err
	}
	for _, next := range [][2]int{{2 * watcher, task}, {watcher, 2 * task}} {
		ok, err := l.meets(ctx, next[0], next[1])
		if err != nil {
			return err
		}
		if !ok {
			l.note = fmt.Sprintf("larger is not better with %s: a task queue of %d and watcher "+
				"queues of %d meet the objectives, %d and %d do not", l.policy, task, watcher,
				next[1], next[0])
		}
	}
	return nil
}

// meets tries a configuration: with the first seed, and with the others only if that met the
// objectives.
func (l *line) meets(ctx context.Context, watcher, task int) (bool, error) {
	if c := l.tried[[2]int{watcher, task}]; c != nil {
		return c.meets, nil
	}
	c := &candidate{line: l}
	config := sim.Config{Policy: l.policy, WatcherQueue: watcher, QueueSize: task}
	seeds := l.a.Seeds
	judged, err := l.run(ctx, &c.runs, config, seeds[:1])
	if err == nil && judged[0].meets && len(seeds) > 1 {
		var others []judgement
		others, err = l.run(ctx, &c.runs, config, seeds[1:])
		judged = append(judged, others...)
	}
	if err != nil {
		return false, err
	}
	for _, j := range judged {
		c.decided = c.decided || !j.undecided()
		j.presumed()
		if j.meets {
			c.option.Meets++
		} else if c.option.Fails == nil {
			c.option.Fails = j.fails
		}
	}
	c.meets = c.option.Meets == len(seeds)
	l.tried[[2]int{watcher, task}] = c
	return c.meets, nil
}

// confirm tries a candidate with seeds that had no part in its choice.
func (c *candidate) confirm(ctx context.Context, seeds []uint64) error {
	judged, err := c.line.run(ctx, &c.fresh, c.option.Config, seeds)
	if err != nil {
		return err
	}
	for _, j := range judged {
		if j.presumed(); j.meets {
			c.option.Confirmed++
		} else if c.option.Fails == nil {
			c.option.Fails = j.fails
		}
	}
	c.meets = c.option.Confirmed == len(seeds)
	return nil
}

// run makes the runs of a configuration with some seeds, and appends them.
func (l *line) run(ctx context.Context, to *[]*sim.Run, config sim.Config, seeds []uint64) (
	[]judgement, error) {
	runs, judged := make([]*sim.Run, len(seeds)), make([]judgement, len(seeds))
	var g errgroup.Group
	for i, seed := range seeds {
		g.Go(func() (err error) {
			runs[i], judged[i], err = l.a.Lab.decide(ctx, 1, stretchAdvice,
				func(stretch float64) (*Job, error) { return l.a.job(seed, config, stretch) })
			return err
		})
	}
	err := g.Wait()
	*to = append(*to, runs...)
	return judged, err
}

// smallestPower is the smallest power of two, from 1 to the largest, for which enough holds, if
// that goes on to hold for larger ones; 0 if it doesn't for the largest.
func smallestPower(largest int, enough func(int) (bool, error)) (int, error) {
	if ok, err := enough(largest); err != nil || !ok {
		return 0, err
	}
	low, high := -1, int(math.Log2(float64(largest))) // exponents: not enough, enough
	for high-low > 1 {
		middle := (low + high) / 2
		if low < 0 {
			middle = high / 2
		}
		ok, err := enough(1 << middle)
		if err != nil {
			return 0, err
		}
		if ok {
			high = middle
		} else {
			low = middle
		}
	}
	return 1 << high, nil
}

package notify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify/clock"
)

// The goroutines of an engine: a worker for each shard, and a watchdog.

// crew is what the goroutines of one Run share.
type crew struct {
	clock    clock.Clock
	patience time.Duration
	shards   []*shard
	workers  sync.WaitGroup
	idle     atomic.Bool   // the watchdog sleeps, for all workers do
	wake     chan struct{} // the watchdog
}

// Run drives the engine with one goroutine per shard until ctx ends or Close is called, closes it,
// and returns nil after the last of them has ended. A Deliver that blocks costs a goroutine more,
// and Run waits for it, too. An engine runs once: a second call returns ErrRunning.
func (e *Engine) Run(ctx context.Context) error {
	if !e.driven.CompareAndSwap(false, true) {
		return ErrRunning
	}
	c := &crew{
		clock: e.clock, patience: e.patience, shards: e.shards, wake: make(chan struct{}, 1),
	}
	for _, sh := range e.shards {
		sh.crew = c
	}
	for _, sh := range e.shards {
		c.workers.Go(sh.run)
	}
	ended := make(chan struct{})
	var watchdog sync.WaitGroup
	watchdog.Go(func() { c.watch(ended) })
	select {
	case <-ctx.Done():
		e.Close()
	case <-e.closed:
	}
	for _, sh := range e.shards {
		<-sh.done
	}
	close(ended)
	watchdog.Wait() // so that no worker begins when the last ones are waited for
	c.workers.Wait()
	return nil
}

// run is the goroutine around step: it sleeps when there is nothing to do.
func (sh *shard) run() {
	for {
		work := sh.step()
		if work.Closed {
			sh.asleep.Store(true) // for the watchdog
			close(sh.done)
			return
		}
		if work.Idle && !sh.linger.forWork(sh.crew.clock, sh.hasWork) {
			sh.sleep(work.Next)
			sh.crew.rouse()
		}
	}
}

// sleep returns when there is work, or at the time next unless that is zero.
func (sh *shard) sleep(next time.Time) {
	sh.asleep.Store(true)
	defer sh.asleep.Store(false)
	if sh.hasWork() {
		return
	}
	var alarm <-chan time.Time
	if !next.IsZero() {
		t := sh.crew.clock.NewTimer(next.Sub(sh.crew.clock.Now()))
		defer t.Stop()
		alarm = t.C()
	}
	select {
	case <-sh.wake:
	case <-alarm:
	}
}

// rouse has the watchdog look after a worker that has woken up.
func (c *crew) rouse() {
	if c.idle.Load() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// watch is the watchdog: it looks at the workers every now and then while one of them is awake, and
// has another one go on where one has stood in the same call since the last look.
func (c *crew) watch(ended <-chan struct{}) {
	look := c.clock.NewTimer(c.patience)
	defer look.Stop()
	seen := make([]uint64, len(c.shards))
	for {
		select {
		case <-look.C():
		case <-c.wake:
			if c.idle.Swap(false) {
				look.Reset(c.patience)
			}
			continue
		case <-ended:
			return
		}
		for i, sh := range c.shards {
			at := sh.calls.Load()
			if inCall(at) && at == seen[i] && sh.seize(at) {
				c.workers.Go(func() { sh.succeed(at) })
			}
			seen[i] = at
		}
		// A worker clears asleep before it looks at idle, so one of the two sees the other.
		c.idle.Store(true)
		if !c.allAsleep() {
			c.idle.Store(false)
			look.Reset(c.patience)
		}
	}
}

func (c *crew) allAsleep() bool {
	for _, sh := range c.shards {
		if !sh.asleep.Load() {
			return false
		}
	}
	return true
}

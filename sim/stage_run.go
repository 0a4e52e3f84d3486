package sim

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// stageTally is what a driver counts of a stage.
type stageTally struct {
	changes int64
	offered uint64
	peak    int64 // of resident memory, at its end; 0 before
}

// edgesOf is where the stages begin, in time, and where the last one ends; nil without stages.
func edgesOf(stages []Stage, recorded int64) (edges []int64) {
	at := recorded
	for _, s := range stages {
		edges = append(edges, at)
		at += int64(s.Length)
	}
	if edges != nil {
		edges = append(edges, at)
	}
	return edges
}

// countMembers has the connected consumers of each group counted, if there are stages: it is to
// them that a change is owed.
func (st *stage) countMembers() {
	if len(st.s.Stages) == 0 {
		return
	}
	st.members = make(map[string]*atomic.Int64, len(st.world.Groups))
	for _, g := range st.world.Groups {
		st.members[g.ServiceID] = new(atomic.Int64)
	}
}

// joined counts c in its group, or out of it.
func (st *stage) joined(c *consumer, n int64) {
	if m := st.members[c.view.log.id]; m != nil {
		m.Add(n)
	}
}

// tally is that of the stage in which something is due; nil for none.
func (t *trial) tally(due int64) *stageTally {
	if i := stageOf(t.edges, due); i > 0 {
		return &t.tallies[i-1]
	}
	return nil
}

// act has the generator do what is due.
func (t *trial) act() error {
	due, before := t.load.next(), t.load.changes
	err := t.load.act()
	if y := t.tally(due); y != nil {
		y.changes += t.load.changes - before
	}
	return err
}

// publish publishes what is pending. It is owed to whoever is connected by then.
func (t *trial) publish(ctx context.Context) (wait time.Duration, err error) {
	p, rejected := t.load.pending, t.load.rejected
	wait, err = t.load.publish(ctx)
	if p.ev == nil || err != nil || t.load.rejected > rejected {
		return wait, err
	}
	if y := t.tally(t.stage.at(p.ev.Due)); y != nil {
		for _, id := range p.c.Consumers {
			if m := t.members[id]; m != nil {
				y.offered += uint64(m.Load())
			}
		}
	}
	return wait, nil
}

// lookAtStages notes the memory that was needed up to the end of each stage that is over.
func (t *trial) lookAtStages(now int64) {
	for ; t.peak != nil && t.past < len(t.tallies) && now >= t.edges[t.past+1]; t.past++ {
		t.tallies[t.past].peak = t.peak()
	}
}

// closeBooks reads the engine's statistics at the end. What it drops from now on it drops because
// the run is over.
func (t *trial) closeBooks() notify.Stats {
	s := t.engine.Stats()
	for _, ln := range t.lanes {
		ln.mu.Lock()
		ln.rec.closed = true
		ln.mu.Unlock()
	}
	return s
}

// stageRuns is what the run did in its stages, once everything has been collected; peak is the
// memory that it needed, for the stage in which it was interrupted.
func (t *trial) stageRuns(peak int64) ([]StageRun, error) {
	var runs []StageRun
	for i, s := range t.s.Stages {
		y, f := t.tallies[i], t.total.part(i+1)
		from, to := t.edges[i], t.edges[i+1]
		if y.peak == 0 && from < t.stopped {
			y.peak = peak
		}
		r := StageRun{
			Name: s.Name, From: time.Duration(from - t.from).Seconds(),
			To: time.Duration(to - t.from).Seconds(), Changes: y.changes, Offered: y.offered,
			Dropped: f.dropped, Memory: y.peak,
		}
		var err error
		if r.Propagation, err = f.propagation.summary(); err != nil {
			return nil, err
		}
		if r.Staleness, err = f.staleness.summary(); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

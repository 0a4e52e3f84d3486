package capacity

import (
	"cmp"
	"slices"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// weighed gives what was tried, by memory, with what it costs. Decided means that any of it could
// be judged.
func (a *Adviser) weighed(lines []*line) (all []*candidate, decided bool) {
	for _, l := range lines {
		for _, c := range l.tried {
			a.weigh(c)
			all = append(all, c)
			decided = decided || c.decided
		}
	}
	slices.SortFunc(all, func(x, y *candidate) int {
		p, q := &x.option, &y.option
		return cmp.Or(cmp.Compare(p.Memory, q.Memory), cmp.Compare(p.Staleness, q.Staleness),
			cmp.Compare(p.Config.Policy, q.Config.Policy),
			cmp.Compare(p.Config.WatcherQueue, q.Config.WatcherQueue),
			cmp.Compare(p.Config.QueueSize, q.Config.QueueSize))
	})
	return all, decided
}

// weigh fills in what a configuration costs: the medians over its runs.
func (a *Adviser) weigh(c *candidate) {
	o := &c.option
	o.Config = c.runs[0].Config
	o.Memory = QueueMemory(o.Config, a.world)
	o.Staleness = Median(c.runs, func(r *sim.Run) int64 { return r.Staleness.P99 })
	o.Latency = Median(c.runs, func(r *sim.Run) int64 { return r.Propagation.P99 })
	o.Loss = Median(c.runs, Loss)
}

// Loss is the share of the deliveries owed that a run lost, as the objective of that name has it:
// without those for consumers that had left.
func Loss(r *sim.Run) float64 {
	lost := r.Books.DroppedTotal() - r.Books.Dropped[notify.Closed.String()]
	return float64(lost) / float64(max(r.Books.Offered, 1))
}

// Median is the middle of a figure over runs; of an even number, the lower one of the two.
func Median[T cmp.Ordered](runs []*sim.Run, of func(*sim.Run) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	return lowerMedian(values)
}

func lowerMedian[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[(len(values)-1)/2]
}

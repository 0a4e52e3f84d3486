package sim

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// strike is a fault that happens to consumers from one time to another. Who is struck is drawn when
// the run is built, and the times follow from its plan: so it doesn't wait for the generator, which
// may wait in Publish.
type strike struct {
	Fault
	stream rand.PCG
	number int          // of the fault in the scenario; -1 for Scenario.Partition
	from   atomic.Int64 // never without a plan
	until  atomic.Int64
}

// strikesMax is how many of them a consumer can tell apart; one is Scenario.Partition.
const strikesMax = 15

// The kinds of strikes.
const (
	kindRestart   = "registry-restart"
	kindSlow      = "slow-consumers"
	kindStuck     = "stuck-consumers"
	kindLinkDelay = "link-delay"
	kindLinkLoss  = "link-loss"
	kindPartition = "partition"
	kindLongList  = "long-list"
)

func (f *Fault) strikes() bool {
	return slices.Contains([]string{kindRestart, kindSlow, kindStuck, kindLinkDelay, kindLinkLoss,
		kindPartition, kindLongList}, f.Kind)
}

// newStrikes lists those of a scenario by the time when they begin, which transit needs.
func newStrikes(s *Scenario) (out []*strike) {
	if s.Partition > 0 {
		out = append(out, &strike{
			Fault: Fault{Kind: kindPartition, Share: s.Partition, Start: s.Duration / 2,
				Length: s.PartitionLength},
			stream: newPCG(s.Seed, streamPartition), number: -1,
		})
	}
	n := make(map[string]uint64)
	for i := range s.Faults {
		if f := s.Faults[i].Effective(); f.strikes() {
			out = append(out, &strike{Fault: f, stream: f.stream(s.Seed, n[f.Kind]), number: i})
		}
		n[s.Faults[i].Kind]++
	}
	slices.SortStableFunc(out, func(a, b *strike) int { return cmp.Compare(a.Start, b.Start) })
	for _, x := range out {
		x.from.Store(never)
	}
	return out
}

// drawStruck marks the consumers that strikes happen to. They stay the same for the whole run, so
// that a bit per fault is enough; it is looked at for every event, and a consumer has no more room.
func (st *stage) drawStruck() {
	total := len(st.consumers)
	for i, x := range st.strikes {
		if x.Share == 0 || x.Share == 1 { // all
			for n := range st.consumers {
				st.consumers[n].strikes |= 1 << i
			}
			continue
		}
		who := rand.New(&x.stream).Perm(total)
		for _, n := range who[:int(x.Share*float64(total)+0.5)] {
			st.consumers[n].strikes |= 1 << i
		}
	}
}

// planStrikes says when they are; none outlasts the load. until is there first, for lanes may look
// in between.
func (st *stage) planStrikes(recorded, until int64) {
	for _, x := range st.strikes {
		begin := recorded + int64(x.Start)
		x.until.Store(begin + min(int64(x.Length), until-begin))
		x.from.Store(begin)
	}
}

func (x *strike) active(now int64) bool { return x.from.Load() <= now && now < x.until.Load() }

// struck gives the strikes of a kind that c is under. Callers look at c.strikes first: in most runs
// it is 0 for most consumers, and that must cost nothing.
func (c *consumer) struck(kind string, now int64) iter.Seq[*strike] {
	return func(yield func(*strike) bool) {
		for i, x := range c.lane.stage.strikes {
			hit := c.strikes&(1<<i) != 0 && x.Kind == kind && x.active(now)
			if hit && !yield(x) {
				return
			}
		}
	}
}

// isStuck reports whether c stops at an event. Once the load has ended nobody does, whatever the
// clock says: views are to heal then.
func (c *consumer) isStuck(now int64) bool {
	if !c.lane.stage.faults.Load() {
		return false
	}
	if c.strikes != 0 {
		for range c.struck(kindStuck, now) {
			return true
		}
	}
	return c.stuck
}

// slowness is how many times as long as usual c takes for an event: one cause comes on top of the
// other.
func (c *consumer) slowness(now int64) float64 {
	factor := 1.0
	if !c.lane.stage.faults.Load() {
		return factor
	}
	if c.slow {
		factor = c.lane.stage.s.SlowFactor
	}
	if c.strikes != 0 {
		for x := range c.struck(kindSlow, now) {
			factor *= x.Factor
		}
	}
	return factor
}

// linkDelay is the mean time of a frame to c, in ns.
func (c *consumer) linkDelay(now int64) float64 {
	mean := float64(c.lane.stage.s.LinkDelay)
	if c.strikes != 0 {
		for x := range c.struck(kindLinkDelay, now) {
			mean += float64(x.Delay)
		}
	}
	return mean
}

// lossMax is the most that all causes of loss make together, or a frame would hardly get through.
const lossMax = 0.99

// linkLoss is the share of the frames to c that are lost, by one cause or another.
func (c *consumer) linkLoss(now int64) float64 {
	loss := c.lane.stage.s.LinkLoss
	if c.strikes != 0 {
		for x := range c.struck(kindLinkLoss, now) {
			loss += float64((1 - loss) * x.Loss)
		}
	}
	return min(loss, lossMax)
}

// arrives is when a frame gets to c that is sent now and takes so long. One that meets a partition
// arrives when that is over.
func (c *consumer) arrives(now, took int64) int64 {
	if c.strikes == 0 {
		return now + took
	}
	for i, x := range c.lane.stage.strikes {
		if c.strikes&(1<<i) == 0 || x.Kind != kindPartition {
			continue
		}
		if from, until := x.from.Load(), x.until.Load(); now < until && now+took >= from {
			now = until
		}
	}
	return now + took
}

// unreachable reports whether nothing gets through to or from c: it is cut off, or the registry is
// away. What is sent is up to arrives: a partition holds it, but a restart leaves no connection.
func (c *consumer) unreachable(now int64) bool {
	if c.strikes != 0 {
		for range c.struck(kindPartition, now) {
			return true
		}
		for range c.struck(kindRestart, now) {
			return true
		}
	}
	return false
}

// listTime is the mean time that a list for c takes. The longest counts: what makes lists long is a
// registry that is busy, and it isn't busy twice.
func (c *consumer) listTime(now int64) time.Duration {
	mean := c.lane.stage.s.ListTime
	if c.strikes != 0 {
		for x := range c.struck(kindLongList, now) {
			mean = max(mean, x.Delay)
		}
	}
	return mean
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

// load is the open-loop generator: it knows when the next thing is due, whatever the engine does.
// It has no goroutine and no clock; a driver calls act when next has come.
type load struct {
	st      *stage
	until   int64 // nothing is due from here on
	rng     *rand.Rand
	churn   *rand.Rand
	vacant  []int // providers that have lost an instance, by number
	numbers []int // per provider, the number of its next new instance

	pace       pace // of batches
	nextChange int64
	batchLeft  int // changes that are still due at nextChange
	nextChurn  int64
	storm      storm
	blocks     []block           // stages, faults and the trace
	replay     *replay           // nil without a trace, which takes the place of pace and storm
	held       map[string][]held // by service: see plot.hold

	pending     announcement
	queued      []announcement // what the same edit made beside it: of one instant, one by one
	publishWait *Histogram
	depth       *Histogram // of the task queue, as each event found it
	changes     int64
	rejected    int64
}

// announcement is a change that has been made and is still to be published.
type announcement struct {
	c     *registry.Change
	ev    *notify.Event // nil: nothing is pending
	since int64         // when it was made
}

// storm is a burst of changes of one service, in waves.
type storm struct {
	provider  int
	next      int64
	every     int64
	left      int
	perWave   int
	watchers  int
	ServiceID string
}

// stormAudience is the share of the consumers that the storm's service should have.
const stormAudience = 0.02

// newLoad begins at time from and ends at until; the storm comes a quarter into the recorded time.
func newLoad(st *stage, from, recorded, until int64) *load {
	changes, churn := newPCG(st.s.Seed, streamChanges), newPCG(st.s.Seed, streamChurn)
	g := &load{
		st: st, until: until,
		rng: rand.New(&changes), churn: rand.New(&churn),
		numbers:     make([]int, len(st.world.Providers)),
		publishWait: newHistogram(latencyMax), depth: newHistogram(countMax),
		nextChange: never, nextChurn: never, held: make(map[string][]held),
	}
	for i, p := range st.world.Providers {
		g.numbers[i] = len(p.Instances)
	}
	g.replay, g.storm.next = newReplay(st, recorded), never
	if len(st.world.Providers) > 0 && g.replay == nil {
		g.pace = newPace(&st.s, recorded)
		g.nextChange, g.batchLeft = g.pace.after(from, g.wait(g.rng)), st.s.Batch
		g.storm = g.newStorm(recorded + (until-recorded)/4)
	}
	if g.churnRate() > 0 {
		g.nextChurn = from + g.gap(g.churn, g.churnRate())
	}
	if g.blocks = g.newBlocks(recorded); g.replay != nil {
		g.blocks = append(g.blocks, g.replay)
	}
	return g
}

// churnRate is how many consumers leave, crash or are cut per second.
func (g *load) churnRate() float64 {
	return g.st.s.ConsumerChurn * float64(len(g.st.consumers))
}

// wait is the time to the next arrival, in mean times between two.
func (g *load) wait(rng *rand.Rand) float64 {
	if g.st.s.Arrivals == "constant" {
		return 1
	}
	return rng.ExpFloat64()
}

// gap is the time to the next arrival, in ns.
func (g *load) gap(rng *rand.Rand, perSecond float64) int64 {
	return int64(min(float64(time.Second)/perSecond*g.wait(rng), longest))
}

// newStorm picks the service whose audience is nearest to the share wanted.
func (g *load) newStorm(at int64) storm {
	s := &g.st.s
	if s.Storm == 0 {
		return storm{next: never}
	}
	watchers := make(map[string]int)
	for _, group := range g.st.world.Groups {
		watchers[group.ServiceID] = group.Watchers
	}
	wanted, best, distance := stormAudience*float64(len(g.st.consumers)), 0, -1.0
	audience := 0
	for i, p := range g.st.world.Providers {
		n := 0
		for _, id := range g.st.world.Registry.Consumers(p.ServiceID) {
			n += watchers[id]
		}
		if d := max(float64(n)-wanted, wanted-float64(n)); distance < 0 || d < distance {
			best, distance, audience = i, d, n
		}
	}
	waves := (s.Storm + s.StormWave - 1) / s.StormWave
	return storm{
		provider: best, next: at, every: int64(s.StormLength) / int64(waves),
		left: s.Storm, perWave: s.StormWave, watchers: audience,
		ServiceID: g.st.world.Providers[best].ServiceID,
	}
}

// next is when act should be called; never once all is done.
func (g *load) next() int64 {
	if len(g.queued) > 0 {
		return g.st.at(g.queued[0].ev.Due)
	}
	at := min(g.nextChange, g.nextChurn, g.storm.next)
	for _, b := range g.blocks {
		at = min(at, b.next())
	}
	if at >= g.until {
		return never
	}
	return at
}

// act does what is due at next. A change that somebody must hear of is pending until publish. Its
// errors are not the engine's: a generator that can't go on must not look idle.
func (g *load) act() error {
	if len(g.queued) > 0 {
		g.announce()
		return nil
	}
	due := g.next()
	switch due {
	case g.storm.next:
		st := &g.storm
		if st.left--; st.left == 0 {
			st.next = never
		} else if (g.st.s.Storm-st.left)%st.perWave == 0 {
			st.next += st.every
		}
		return g.change(due, st.provider, true)
	case g.nextChange:
		if g.batchLeft--; g.batchLeft <= 0 {
			g.batchLeft = g.st.s.Batch
			g.nextChange = g.pace.after(g.nextChange, g.wait(g.rng))
		}
		return g.change(due, -1, g.rng.Float64() >= g.st.s.Churn)
	case g.nextChurn:
		g.nextChurn += g.gap(g.churn, g.churnRate())
		c := &g.st.consumers[g.churn.IntN(len(g.st.consumers))]
		c.lane.ask(request{kind: leavings[g.churn.IntN(len(leavings))], c: c})
		return nil
	}
	for _, b := range g.blocks {
		if b.next() == due {
			return b.act(g, due)
		}
	}
	return nil
}

// change changes the truth. With update an instance of the provider is updated; else one is
// deregistered, or a lost one is replaced. Provider -1 means any.
func (g *load) change(due int64, provider int, update bool) error {
	apply, err := g.pick(provider, update)
	if err != nil {
		return err
	}
	return g.make(due, apply)
}

// make makes one change of the truth.
func (g *load) make(due int64, apply step) error {
	c, ev, err := g.st.truth.change(due, apply)
	if err != nil {
		return fmt.Errorf("change the registry: %w", err)
	}
	g.changes++
	if len(c.Consumers) > 0 { // else nobody depends on it any more
		g.pending = announcement{c: c, ev: ev, since: g.st.now()}
		g.depth.record(int64(g.st.engine.Stats().Queued))
	}
	return nil
}

// publish publishes what is pending, if anything is, and says how long that has taken since act.
// The engine's refusals are counted; other errors are returned.
func (g *load) publish(ctx context.Context) (wait time.Duration, err error) {
	p := g.pending
	if p.ev == nil {
		return 0, nil
	}
	g.pending = announcement{}
	err = g.st.engine.Publish(ctx, p.ev, p.c.Consumers...)
	wait = time.Duration(g.st.now() - p.since)
	g.publishWait.record(int64(wait))
	if err != nil {
		g.reject(ctx, p)
		if errors.Is(err, notify.ErrFull) || ctx.Err() != nil {
			err = nil
		}
	}
	return wait, err
}

// reject notes that nobody will be told of a change; once the run is over, nor of those queued.
func (g *load) reject(ctx context.Context, p announcement) {
	over := []announcement{p}
	if ctx.Err() != nil {
		over, g.queued = append(over, g.queued...), nil
	}
	for _, p := range over {
		g.rejected++
		g.st.truth.unsent(p.c)
	}
}

// pick chooses what to change.
func (g *load) pick(provider int, change bool) (step, error) {
	w := g.st.world
	// More likely than to lose another one, or the number of those lost would only grow.
	if !change && len(g.vacant) > 0 && g.rng.IntN(3) > 0 {
		return g.replace(g.rng.IntN(len(g.vacant)))
	}
	var in *registry.Instance
	if provider >= 0 {
		in = w.Registry.Pick(w.Providers[provider].ServiceID, g.rng.Uint64())
	} else {
		provider, in = w.Pick(g.rng)
	}
	if in == nil { // all it had are lost
		if i := slices.Index(g.vacant, provider); i >= 0 {
			return g.replace(i)
		}
		return g.another(provider) // by a fault, which has its own idea of what comes after
	}
	if !change {
		g.vacant = append(g.vacant, provider)
		return func(r *registry.Registry) (registry.Change, error) {
			return r.Deregister(in.ServiceID, in.ID)
		}, nil
	}
	return update(in), nil
}

// update changes nothing of an instance but its time.
func update(in *registry.Instance) step {
	changed := *in
	changed.ModTimestamp++
	return func(r *registry.Registry) (registry.Change, error) { return r.Update(changed) }
}

// replace registers a new instance for the i-th one that was lost.
func (g *load) replace(i int) (step, error) {
	provider := g.vacant[i]
	g.vacant = slices.Delete(g.vacant, i, i+1)
	return g.another(provider)
}

// another registers a new instance of a provider.
func (g *load) another(provider int) (step, error) {
	w := g.st.world
	in, err := w.NewInstance(w.Providers[provider].ServiceID, g.numbers[provider])
	if err != nil {
		return nil, err
	}
	g.numbers[provider]++
	return func(r *registry.Registry) (registry.Change, error) { return r.Register(in) }, nil
}

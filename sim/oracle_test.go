package sim_test

import (
	"flag"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/queueing"
)

// The engine under the virtual clock must agree with queueing theory. Each system is a scenario
// with one provider and one consumer; the unit of time is the mean service time, here 1 ms.
//
// M/M/1+D, the last of the closed forms with checked values, has no counterpart: no policy counts
// how long an event waits in a backlog (AddTimeout runs only while the shard itself waits).

// arrivals is how many changes each of the seeds has; those of the first tenth are not recorded.
// With allOfThem all figures come within 1 % of theory, which takes a minute.
var arrivals = flag.Int("arrivals", 40_000, "changes per seed in the oracle tests")

const (
	oracleSeeds = 20
	allOfThem   = 200_000
	boundless   = 1_000_000 // places that are never all taken at r = 0.8
	unit        = time.Millisecond
)

// system is a queue and what theory says of it.
type system struct {
	name    string
	load    float64 // r
	batch   int
	spread  string
	policy  string
	places  int // K: one in hand and the others in the mailbox
	server  server
	figures []oracle
}

// server is who takes the time.
type server uint8

const (
	aConsumer server = iota
	aShard
	aShardInBatches
)

// oracle is one figure: what theory says and how to read it off a run.
type oracle struct {
	name   string
	theory func() (float64, error)
	of     func(w *sim.Watched, s *sim.Scenario) float64
}

func TestOracles(t *testing.T) {
	for _, q := range systems() {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			measured := make([][]float64, len(q.figures))
			for seed := range uint64(oracleSeeds) {
				s, w := q.run(t, seed+1)
				for i, f := range q.figures {
					measured[i] = append(measured[i], f.of(w, s))
				}
			}
			for i, f := range q.figures {
				agree(t, q.name+" "+f.name, f.theory, measured[i])
			}
		})
	}
}

// run is one run of the system, without faults.
func (q *system) run(t *testing.T, seed uint64) (*sim.Scenario, *sim.Watched) {
	s := quiet(1)
	s.Seed, s.Batch, s.Spread = seed, q.batch, q.spread
	s.Rate = q.load / unit.Seconds()
	whole := time.Duration(float64(*arrivals) / s.Rate * float64(time.Second))
	if testing.Short() {
		whole /= 10
	}
	s.Warmup, s.Heal = whole/10, time.Second
	s.Duration = whole - s.Warmup
	c := sim.Config{
		Engine: "notifylab", Policy: q.policy, WatcherQueue: q.places - 1, Shards: 1,
		NoResync: true,
	}
	cost := sim.ZeroCost()
	switch q.server {
	case aShard: // it takes one event per step
		c = sim.Config{Engine: "sc-2.x", QueueSize: boundless, NoResync: true}
		cost.Route, cost.Deliver = 0.6*float64(unit), 0.4*float64(unit)
	case aShardInBatches: // what it takes at once it delivers one after the other
		c.QueueSize, cost.Deliver = boundless, float64(unit)
	default:
		s.Handling = unit
	}
	w, err := sim.RunWatched(s, oneService(t, 1), c, cost, 1)
	require.NoError(t, err)
	require.Empty(t, w.Faults)
	require.Zero(t, w.Until.Rejected)
	return &s, w
}

// agree wants the mean over the seeds within 4 standard errors of theory, and within 2 %. Fewer
// arrivals than allOfThem don't tell that much: then within 2 standard errors will do.
func agree(t *testing.T, name string, theory func() (float64, error), measured []float64) {
	want, err := theory()
	require.NoError(t, err)
	n := float64(len(measured))
	mean, squares := 0.0, 0.0
	for _, x := range measured {
		mean += x / n
	}
	for _, x := range measured {
		squares += (x - mean) * (x - mean)
	}
	se := math.Sqrt(squares / (n - 1) / n)
	t.Logf("%-36s theory %9.5f measured %9.5f ± %.5f (%+.2f %%, %+.1f se)", name, want, mean, se,
		100*(mean/want-1), (mean-want)/se)
	assert.InDelta(t, want, mean, 4*se, "%s: 4 standard errors", name)
	near := 0.02 * want
	if *arrivals < allOfThem {
		near = max(near, 2*se)
	}
	assert.InDelta(t, want, mean, near, "%s: 2 %%", name)
}

func systems() []system {
	list := []system{
		bounded("M/M/1/10", 0.9, 10, 0.99),
		bounded("M/M/1/20", 1.2, 20, 0.99),
		constant("M/D/1", 0.8, aConsumer),
		constant("M/D/1, the shard", 0.8, aShard),
		constant("M/D/1, the shard in batches", 0.8, aShardInBatches),
		constantBounded("M/D/1/10", 0.9, 10),
		batches("M^[8]/M/1", 0.8, 8),
	}
	for _, load := range []float64{0.9, 1, 1.2} {
		list = append(list, bounded("tail drop, Q 10", load, 11, 0), flushed(load, 10))
	}
	return list
}

// bounded is M/M/1/K with tail drop.
func bounded(name string, load float64, places int, quantile float64) system {
	th := queueing.MM1K{Lambda: load, Mu: 1, K: places}
	q := system{
		load: load, batch: 1, spread: "exponential", policy: "drop-newest", places: places,
		figures: []oracle{
			{"loss", th.Loss, lossOf}, {"L", th.L, heldOf}, {"E[W]", th.WaitMean, waitOf},
			{"utilisation", carried(load, th.Loss), busyOf},
		},
	}
	q.name = at(name, load)
	if quantile > 0 {
		q.figures = append(q.figures, quantiles(th.WaitQuantile, takenOf, quantile)...)
	}
	return q
}

// constant is M/D/1.
func constant(name string, load float64, by server) system {
	th := queueing.MD1{Lambda: load, D: 1}
	mean, quantile := waitOf, takenOf
	if by != aConsumer {
		mean, quantile = shardWaitOf, shardTakenOf
	}
	q := system{
		name: at(name, load), load: load, batch: 1, spread: "constant", policy: "drop-newest",
		places: boundless, server: by, figures: []oracle{{"E[W]", th.WaitMean, mean}},
	}
	q.figures = append(q.figures, quantiles(th.WaitQuantile, quantile, 0.5, 0.99)...)
	return q
}

// constantBounded is M/D/1/K with tail drop.
func constantBounded(name string, load float64, places int) system {
	th := queueing.MD1K{Lambda: load, D: 1, K: places}
	return system{
		name: at(name, load), load: load, batch: 1, spread: "constant", policy: "drop-newest",
		places: places, figures: []oracle{
			{"loss", th.Loss, lossOf}, {"utilisation", carried(load, th.Loss), busyOf},
		},
	}
}

// batches is M^[b]/M/1.
func batches(name string, load float64, size int) system {
	th := queueing.FixedBatchM1{Lambda: load / float64(size), Mu: 1, Size: size}
	return system{
		name: at(name, load), load: load, batch: size, spread: "exponential",
		policy: "drop-newest", places: boundless, figures: []oracle{
			{"L", th.L, heldOf}, {"E[T]", th.SojournMean, sojournOf},
		},
	}
}

// flushed is M/M/1 with Q slots that are emptied when they are full.
func flushed(load float64, slots int) system {
	th := queueing.FlushM1{Lambda: load, Mu: 1, Q: slots}
	return system{
		name: at("flush, Q 10", load), load: load, batch: 1, spread: "exponential",
		policy: "flush", places: slots + 1, figures: []oracle{
			{"loss", th.Loss, lossOf}, {"L", th.L, heldOf},
			{"utilisation", carried(load, th.Loss), busyOf},
		},
	}
}

func at(name string, load float64) string { return name + ", r " + floatText(load) }

// carried is throughput × E[S].
func carried(load float64, loss func() (float64, error)) func() (float64, error) {
	return func() (float64, error) {
		lost, err := loss()
		return load * (1 - lost), err
	}
}

// quantiles are those of the wait, by name.
func quantiles(theory func(float64) (float64, error),
	of func(w *sim.Watched, q float64) float64, levels ...float64) []oracle {
	var list []oracle
	for _, level := range levels {
		list = append(list, oracle{
			"W p" + floatText(100*level),
			func() (float64, error) { return theory(level) },
			func(w *sim.Watched, _ *sim.Scenario) float64 { return of(w, level) },
		})
	}
	return list
}

// How the figures are read off a run.

func lossOf(w *sim.Watched, _ *sim.Scenario) float64 {
	return float64(w.Books.DroppedTotal()) / float64(w.Books.Published)
}

func heldOf(w *sim.Watched, s *sim.Scenario) float64 {
	return float64(w.Recorded.Held) / float64(s.Duration)
}

func busyOf(w *sim.Watched, s *sim.Scenario) float64 {
	return float64(w.Recorded.Busy) / float64(s.Duration)
}

func waitOf(w *sim.Watched, _ *sim.Scenario) float64 {
	sum := 0.0
	for _, wait := range w.Waits {
		sum += float64(wait)
	}
	return sum / float64(len(w.Waits)) / float64(unit)
}

func takenOf(w *sim.Watched, q float64) float64 {
	slices.Sort(w.Waits)
	return float64(w.Waits[int(math.Ceil(q*float64(len(w.Waits))))-1]) / float64(unit)
}

func sojournOf(w *sim.Watched, _ *sim.Scenario) float64 {
	h, err := w.Propagation.Decode()
	if err != nil {
		return math.NaN()
	}
	return h.Mean() / float64(unit)
}

// A shard's service is constant here, so that the wait is the rest.
func shardWaitOf(w *sim.Watched, s *sim.Scenario) float64 { return sojournOf(w, s) - 1 }

func shardTakenOf(w *sim.Watched, q float64) float64 {
	h, err := w.Propagation.Decode()
	if err != nil {
		return math.NaN()
	}
	return float64(h.ValueAtQuantile(100*q))/float64(unit) - 1
}

func floatText(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

// config is the n-th of some configurations.
func config(n int) sim.Config {
	return sim.Config{Engine: "notifylab", QueueSize: 100 << n, WatcherQueue: 16,
		Policy: "conflate", Shards: 2}
}

// document is one of n configurations, with figures that are all there.
func document(clock string, seed uint64, n int) *sim.Document {
	d := &sim.Document{Schema: sim.Schema, Seed: seed, Scenario: sim.DefaultScenario()}
	d.Scenario.Seed = seed
	d.Environment = sim.Environment{GoVersion: "go1.26", OS: "linux", Arch: "amd64", CPUs: 2,
		GOMAXPROCS: 2, Clock: clock}
	summary := sim.Summary{Count: 1000, P50: 2e6, P90: 5e6, P99: 2e7, P999: 4e7, Max: 9e7}
	for i := range n {
		d.Runs = append(d.Runs, &sim.Run{
			Config: config(i), World: "a world", Verdict: sim.Passed, Reasons: []string{},
			Propagation: summary, Staleness: summary, PublishWait: summary, HealNS: 2e8,
			Books: sim.Books{Delivered: 5000, Conflated: 300,
				Dropped: map[string]uint64{"newest": 20, "closed": 3}},
			Resyncs: 7, OpenEnds: 2, QueueHigh: 90, CPUSeconds: 2.5, PeakRSS: 1 << 25,
			BytesPerWatcher: 350,
			Finds:           &sim.Finds{PullRate: 33.5, Finds: 900, Hits: 700, HitRate: 0.77},
			Stages: []sim.StageRun{{Name: "peak", To: 1, Offered: 500, Dropped: 5,
				Propagation: summary, Staleness: summary}},
			Stream: &sim.Streams{Opened: 60, Refused: 1, Unsent: 4,
				Ended: map[string]int64{sim.EndedByRead: 2, sim.EndedByWrite: 3, "left": 9}},
		})
	}
	return d
}

// read takes a document the way of every document: through JSON.
func read(t testing.TB, name string, d *sim.Document) *compare.Document {
	t.Helper()
	data, err := json.Marshal(d)
	require.NoError(t, err)
	out, err := compare.Read(name, bytes.NewReader(data))
	require.NoError(t, err)
	return out
}

// noise is log-normal around 1, and each value is like the one before by like, 0 to 1.
type noise struct {
	rng         *rand.Rand
	sigma, like float64
	last        float64
}

func newNoise(seed uint64, sigma, like float64) *noise {
	rng := rand.New(rand.NewPCG(seed, 1))
	return &noise{rng: rng, sigma: sigma, like: like, last: rng.NormFloat64()}
}

func (n *noise) next() float64 {
	n.last = n.like*n.last + math.Sqrt(1-n.like*n.like)*n.rng.NormFloat64()
	return math.Exp(n.sigma * n.last)
}

// withSeries gives every run a series of so many seconds after the warm-up: a load with a storm in
// it, noise that is alike from second to second, and times and counts multiplied by factor.
func withSeries(d *sim.Document, seconds int, seed uint64, sigma, like, factor float64) {
	d.Scenario.Warmup, d.Scenario.Duration = 1e9, 1e9*5000
	for i, r := range d.Runs {
		n := newNoise(seed*1000+uint64(i), sigma, like)
		for s := range seconds + 1 {
			load := 1.0
			if s >= seconds/4 && s < seconds/2 {
				load = 20
			}
			r.Series = append(r.Series, sim.Point{
				At:        math.Round(float64(s+1)*1002) / 1000,
				Delivered: uint64(5000 * load * factor * n.next()),
				Conflated: uint64(100 * load * factor * n.next()),
				Dropped:   uint64(50 * load * factor * n.next()),
				P50:       int64(1e6 * load * factor * n.next()),
				P99:       int64(9e6 * load * factor * n.next()),
			})
		}
	}
}

// noisy multiplies all figures of the runs by factor and noise.
func noisy(d *sim.Document, seed uint64, sigma, factor float64) {
	for i, r := range d.Runs {
		n := newNoise(seed*1000+uint64(i), sigma, 0)
		for _, s := range []*sim.Summary{&r.Propagation, &r.Staleness, &r.PublishWait} {
			for _, v := range []*int64{&s.P50, &s.P99, &s.P999, &s.Max} {
				*v = int64(float64(*v) * factor * n.next())
			}
		}
		r.HealNS = int64(float64(r.HealNS) * factor * n.next())
		r.Books.Delivered = uint64(float64(r.Books.Delivered) * factor * n.next())
		r.Books.Conflated = uint64(float64(r.Books.Conflated) * factor * n.next())
		r.CPUSeconds *= factor * n.next()
		r.QueueHigh = int(float64(r.QueueHigh) * factor * n.next())
	}
}

// side is documents of runs with noise.
func side(t testing.TB, name string, runs, configs int, seed uint64, sigma,
	factor float64) []*compare.Document {
	t.Helper()
	var out []*compare.Document
	for i := range runs {
		d := document(sim.WallClock, 1, configs)
		noisy(d, seed*100+uint64(i), sigma, factor)
		out = append(out, read(t, fmt.Sprintf("%s%d.json", name, i+1), d))
	}
	return out
}

func one(t testing.TB, name string, d *sim.Document) []*compare.Document {
	t.Helper()
	return []*compare.Document{read(t, name, d)}
}

func compared(t testing.TB, a, b []*compare.Document, metrics ...string) *compare.Result {
	t.Helper()
	r, err := compare.Compare(a, b, compare.Options{Metrics: metrics})
	require.NoError(t, err)
	return r
}

// figure finds one of the first configuration.
func figure(t testing.TB, r *compare.Result, metric string) *compare.Figure {
	t.Helper()
	for _, f := range r.Configurations[0].Figures {
		if f.Metric == metric {
			return f
		}
	}
	require.Failf(t, "no such figure", "%s in %+v", metric, r.Configurations[0].Figures)
	return nil
}

// shownAs is the name of a metric in a table: those of a stage have its name in front.
func shownAs(metric string) string {
	if name, ok := strings.CutPrefix(metric, "stage_"); ok {
		return "peak: " + name
	}
	return metric
}

func changedFigures(r *compare.Result) (names []string) {
	for _, c := range r.Configurations {
		for _, f := range c.Figures {
			switch f.Outcome {
			case compare.Better, compare.Worse, compare.Changed:
				names = append(names, f.Metric)
			}
		}
	}
	return names
}

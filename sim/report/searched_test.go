package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// The results in here are of real runs, small ones in virtual time, and have been through JSON.

// stagedText has what a run over time can have: stages, faults, objectives, pulls and sessions.
const stagedText = `
workload: small
consumers: 60
providers: 300
warmup: 1s
duration: 9s
rate: 60
storm: 500
storm_length: 1s
pull: 1s
transport: session
slow: 10%
stages:
  - {name: calm, length: 3s, rate: 50}
  - {name: peak, length: 3s, rate: 50..400}
faults:
  - "zone-loss:start=2s,length=2s,share=30%"
  - "stuck-consumers:name=jam,start=2500ms,length=3s,share=20%"
  - "registry-restart:start=7s,length=500ms"
slos:
  - propagation_p50 < 500ms
  - staleness_p999 < 1ms
  - "peak: propagation_p99 < 1ms"
  - lost < 0.01%
  - memory < 1GiB
`

var runStaged = sync.OnceValues(func() ([]byte, error) {
	s := sim.DefaultScenario()
	if _, err := sim.ReadScenario(bytes.NewReader([]byte(stagedText)), &s); err != nil {
		return nil, err
	}
	d := newDocument(s)
	for _, c := range []sim.Config{
		{Engine: "notifylab", QueueSize: 1000, WatcherQueue: 128},
		{Engine: "notifylab", QueueSize: 1000, WatcherQueue: 2, Policy: "drop-newest"},
		{Engine: "notifylab", QueueSize: 100, WatcherQueue: 2, Policy: "drop-oldest"},
		{Engine: "notifylab", QueueSize: 50, WatcherQueue: 4, Policy: "flush"},
	} {
		if err := runInto(d, s, c); err != nil {
			return nil, err
		}
	}
	d.Runs[3].Baseline = true
	return json.Marshal(d)
})

func newDocument(s sim.Scenario) *sim.Document {
	cost := sim.DefaultCost()
	e := sim.Environment{Time: time.Unix(1_800_000_000, 0).UTC(), OS: "linux", Arch: "amd64",
		GoVersion: "go1.26", GOMAXPROCS: 2, Clock: sim.VirtualClock, CostModel: &cost}
	return &sim.Document{Schema: sim.Schema, Seed: s.Seed, Scenario: s, Environment: e}
}

// runInto appends a run, with what was set for it alone.
func runInto(d *sim.Document, s sim.Scenario, c sim.Config, settings ...sim.Setting) error {
	t, err := s.Prepare(nil)
	if err != nil {
		return err
	}
	r, err := sim.RunVirtual(context.Background(), s, t, c, *d.Environment.CostModel, nil)
	if err != nil {
		return err
	}
	if r.Settings = settings; settings != nil {
		r.Seed = s.Seed
	}
	d.Runs = append(d.Runs, r)
	return nil
}

func shortScenario(seed uint64) sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Duration, s.Seed = "small", 60, time.Second, seed
	s.Providers, s.Storm = 300, 300
	s.SLOs = []sim.SLO{{Metric: "propagation_p50", Below: 500e6}, {Metric: "lost", Below: 0.2},
		{Metric: "staleness_p99", Below: 2e9}, {Metric: "propagation_p99", Below: 500e6}}
	return s
}

var runSwept = sync.OnceValues(func() ([]byte, error) {
	d := newDocument(shortScenario(1))
	d.Sweep = &sim.Sweep{Seeds: []uint64{1, 2}, Knobs: []sim.Knob{
		{Path: "policy", Values: []string{"conflate", "drop-newest"}},
		{Path: "watcher_queue", Values: []string{"2", "8", "64"}}}}
	for _, policy := range d.Sweep.Knobs[0].Values {
		for _, size := range d.Sweep.Knobs[1].Values {
			for _, seed := range d.Sweep.Seeds {
				n, err := strconv.Atoi(size)
				if err != nil {
					return nil, err
				}
				err = runInto(d, shortScenario(seed), sim.Config{Engine: "notifylab",
					Policy: policy, WatcherQueue: n}, sim.Setting{Path: "policy", Value: policy},
					sim.Setting{Path: "watcher_queue", Value: size})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return json.Marshal(d)
})

// loads are those of runLoaded, of which the third is the limit.
var loads = []float64{20, 60, 100, 1500}

var runLoaded = sync.OnceValues(func() ([]byte, error) {
	d := newDocument(shortScenario(1))
	d.Capacity = &sim.Capacity{Find: "rate", Limit: 100, Beyond: 1500, Low: 90, High: 1234.4,
		Reason: "objective lost < 1%: it is 3%"}
	for i, load := range loads {
		s := shortScenario(uint64(i + 1))
		s.Rate = load
		err := runInto(d, s, sim.Config{Engine: "notifylab", WatcherQueue: 16,
			Policy: "drop-newest"}, sim.Setting{Path: "rate",
			Value: strconv.FormatFloat(load, 'g', -1, 64)})
		if err != nil {
			return nil, err
		}
		trial := sim.CapacityTrial{Phase: "grow", Load: load, Run: i, Meets: load <= 100}
		if !trial.Meets {
			trial.Fails = []string{"lost < 20%"}
		}
		d.Capacity.Trials = append(d.Capacity.Trials, trial)
		d.Capacity.Knee = append(d.Capacity.Knee,
			sim.KneePoint{Fraction: load / 100, Load: load, Run: i})
	}
	d.Capacity.Config = d.Runs[0].Config
	return json.Marshal(d)
})

var runAdvised = sync.OnceValues(func() ([]byte, error) {
	d := newDocument(shortScenario(1))
	d.Recommendation = &sim.Recommendation{Choice: 1, Headroom: 0.3, Confidence: 0.7411,
		Reason: "the least memory"}
	for i, c := range []sim.Config{
		{Engine: "notifylab", WatcherQueue: 2, Policy: "drop-newest"},
		{Engine: "notifylab", WatcherQueue: 2, Policy: "conflate"},
		{Engine: "notifylab", WatcherQueue: 64, Policy: "conflate"},
	} {
		s := shortScenario(1)
		s.Rate = 130
		if err := runInto(d, s, c, sim.Setting{Path: "rate", Value: "130"}); err != nil {
			return nil, err
		}
		r := d.Runs[i]
		o := sim.Option{Config: r.Config, Runs: []int{i}, Meets: min(i, 1),
			Memory: int64(10_000 * (i + 1)), Staleness: r.Staleness.P99,
			Latency: r.Propagation.P99, Loss: float64(r.Books.DroppedTotal()) /
				float64(r.Books.Offered)}
		if i == 0 {
			o.Fails = []string{"lost < 20%"}
		}
		d.Recommendation.Options = append(d.Recommendation.Options, o)
	}
	return json.Marshal(d)
})

// searched gives one of the results above, and the document as JSON.
func searched(t testing.TB, run func() ([]byte, error)) ([]report.Result, []byte) {
	t.Helper()
	text, err := run()
	require.NoError(t, err)
	d, err := report.Read(bytes.NewReader(text))
	require.NoError(t, err)
	return []report.Result{{Name: "searched", Document: d}}, text
}

package report_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/notifylab/notifylab/sim"
)

func TestBenchIsReadByBenchfmt(t *testing.T) {
	results := kept(t, "medium", "train-ticket")
	in := strings.NewReader(write(t, "bench", results))
	reader := benchfmt.NewReader(in, "report")
	for _, r := range results {
		for _, run := range r.Runs {
			require.True(t, reader.Scan())
			res, ok := reader.Result().(*benchfmt.Result)
			require.True(t, ok, "%v", reader.Result())
			c := &run.Config
			base, parts := res.Name.Parts()
			assert.Equal(t, "Simulate", string(base))
			assert.Equal(t, "/engine="+c.Engine, string(parts[0]))
			assert.Equal(t, "/policy="+c.Policy, string(parts[1]))
			assert.Equal(t, r.Environment.OS, res.GetConfig("goos"))
			assert.Equal(t, strconv.FormatUint(r.Seed, 10), res.GetConfig("seed"))
			assert.Contains(t, r.Scenario.Workload+r.Scenario.Topology, res.GetConfig("world"))
			for unit, want := range map[string]float64{
				"propagation-p99-sec": float64(run.Propagation.P99) / 1e9, // as benchstat has them
				"staleness-max-sec":   float64(run.Staleness.Max) / 1e9,
				"delivered":           float64(run.Books.Delivered),
				"B/consumer":          float64(run.BytesPerWatcher),
			} {
				got, ok := res.Value(unit)
				assert.True(t, ok, unit)
				assert.InEpsilon(t, want, got, 1e-9, unit)
			}
		}
	}
	assert.False(t, reader.Scan())
	assert.NoError(t, reader.Err())
}

// A machine's time and memory mean nothing under the virtual clock, where they are those of the
// simulator.
func TestBenchOfAVirtualRunHasNoCosts(t *testing.T) {
	r := made(t)
	r[0].Environment.Clock = sim.VirtualClock
	got := write(t, "bench", r)
	assert.Contains(t, got, "propagation-p99-ns")
	assert.NotContains(t, got, "cpu-sec")
	assert.NotContains(t, got, "peak-rss-B")
}

// Runs that differ in their load are other benchmarks.
func TestBenchNamesWhatWasSetForARunAlone(t *testing.T) {
	r := made(t)
	r[0].Runs[0].Settings = []sim.Setting{{Path: "rate", Value: "5 00"}}
	r[0].Runs[0].Seed = 7
	got := write(t, "bench", r)
	assert.Contains(t, got, "/watcher=256/rate=5_00-2 ")
	assert.Contains(t, got, "\nseed: 7\n")
	assert.Contains(t, got, "\nseed: 1\n")
}

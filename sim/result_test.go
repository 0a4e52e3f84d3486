package sim_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// document is the result of a run with something of everything.
func document(t *testing.T) *sim.Document {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Storm, s.ConsumerChurn = "small", 200, 300, 0.2
	p := preset(t, sim.Config{Policy: "drop-newest", WatcherQueue: 4})
	r := newRig(t, s, generated(t, builtIn(t, "small"), 1), p)
	r.Load(0, 2*sec)
	r.RunTo(2 * sec)
	r.Calm()
	return &sim.Document{
		Schema: sim.Schema, Seed: s.Seed, Scenario: s,
		Environment: sim.NewEnvironment(time.Unix(1e9, 5).In(time.FixedZone("X", 3600))),
		Runs:        []*sim.Run{conclude(t, r)},
	}
}

// summaries are those of a run, by their names in the document.
func summaries(r *sim.Run) map[string]*sim.Summary {
	return map[string]*sim.Summary{
		"propagation_ns": &r.Propagation, "staleness_ns": &r.Staleness,
		"generator_lag_ns": &r.GeneratorLag, "consumer_lag_ns": &r.ConsumerLag,
		"publish_wait_ns": &r.PublishWait, "drops_per_consumer": &r.Drops,
		"gap_length": &r.GapLength, "queue_depth": &r.QueueDepth,
	}
}

func TestADocumentSurvivesJSON(t *testing.T) {
	doc := document(t)
	data, err := json.Marshal(doc)
	require.NoError(t, err)
	var got sim.Document
	require.NoError(t, json.Unmarshal(data, &got))
	assert.Equal(t, doc, &got)
	assert.Equal(t, "notifylab.result/1", got.Schema)
	assert.Equal(t, time.UTC, got.Environment.Time.Location())
	for name, s := range summaries(doc.Runs[0]) {
		if name != "generator_lag_ns" { // a rig has none
			assert.NotZero(t, s.Count, name)
		}
		requireDecodes(t, s)
	}
}

// requireDecodes asserts that a summary says what its histogram does.
func requireDecodes(t require.TestingT, s *sim.Summary) {
	h, err := s.Decode()
	require.NoError(t, err)
	require.Equal(t, s.Count, h.TotalCount())
	require.Equal(t, s.P50, h.ValueAtQuantile(50))
	require.Equal(t, s.P90, h.ValueAtQuantile(90))
	require.Equal(t, s.P99, h.ValueAtQuantile(99))
	require.Equal(t, s.P999, h.ValueAtQuantile(99.9))
	require.Equal(t, s.Max, h.Max())
}

func TestASummaryHoldsItsWholeHistogram(t *testing.T) {
	const hour = int64(time.Hour)
	rng := rand.New(rand.NewPCG(1, 2))
	var some, most []int64
	for range 1000 {
		some = append(some, rng.Int64N(1000), int64(rng.ExpFloat64()*1e9))
		most = append(most, rng.Int64N(hour+1))
	}
	for _, values := range [][]int64{nil, {0}, {1}, {hour}, {0, 0, 7}, some, most} {
		s, err := sim.SummaryOf(values...)
		require.NoError(t, err)
		requireDecodes(t, &s)
		require.EqualValues(t, len(values), s.Count, "none is left out")
		require.Zero(t, s.Beyond)
		if len(values) > 0 {
			slices.Sort(values)
			p50, largest := values[(len(values)-1)/2], values[len(values)-1]
			require.InDelta(t, p50, s.P50, math.Max(0, float64(p50)/1000))
			require.InDelta(t, largest, s.Max, math.Max(0, float64(largest)/1000))
		}
	}
}

func TestWhatIsBeyondTheRangeIsCountedAsItsEnd(t *testing.T) {
	s, err := sim.SummaryOf(5, math.MaxInt64, 2*int64(time.Hour), -7)
	require.NoError(t, err)
	requireDecodes(t, &s)
	assert.EqualValues(t, 4, s.Count)
	assert.EqualValues(t, 2, s.Beyond)
	assert.GreaterOrEqual(t, s.Max, int64(time.Hour))
	h, err := s.Decode()
	require.NoError(t, err)
	assert.Zero(t, h.Min(), "a negative time is none")
}

func TestABrokenHistogramIsAnErrorThatSaysWhatIsWanted(t *testing.T) {
	good, err := sim.SummaryOf(1, 2, 3)
	require.NoError(t, err)
	for _, hdr := range []string{"", "x", "?", "AAAA", good.HDR[:20], good.HDR[8:], "HISTFAAA"} {
		_, err := (&sim.Summary{HDR: hdr}).Decode()
		assert.ErrorContains(t, err, "hdr: want a base64 V2 HdrHistogram", "%q", hdr)
	}
}

// keys asserts that an object has these fields and gives one of them.
func keys(t *testing.T, object any, names ...string) map[string]any {
	t.Helper()
	m, ok := object.(map[string]any)
	require.True(t, ok, "%v is an object", object)
	for _, name := range names {
		assert.Contains(t, m, name)
	}
	return m
}

// The names are a promise to whoever reads results.
func TestTheFieldsOfADocument(t *testing.T) {
	doc := document(t)
	doc.Runs[0].Series = []sim.Point{{}}
	data, err := json.Marshal(doc)
	require.NoError(t, err)
	var top any
	require.NoError(t, json.Unmarshal(data, &top))

	m := keys(t, top, "schema", "seed", "scenario", "environment", "runs")
	assert.Len(t, m, 5)
	keys(t, m["scenario"], "workload", "seed", "consumers", "providers", "warmup", "duration",
		"heal", "rate", "arrivals", "churn", "storm", "storm_length", "storm_wave", "handling",
		"slow", "slow_factor", "stuck", "consumer_churn", "backoff", "list_time", "pull",
		"lag_bound", "link_delay", "link_spread", "link_loss", "partition", "partition_length")
	keys(t, m["environment"], "time", "go_version", "os", "arch", "cpus", "gomaxprocs", "clock")

	run := keys(t, m["runs"].([]any)[0], "config", "books", "propagation_ns", "staleness_ns",
		"generator_lag_ns", "publish_wait_ns", "drops_per_consumer", "gap_length", "queue_depth",
		"lost_on_wire", "series", "cpu_seconds", "peak_rss_bytes", "verdict", "reasons")
	keys(t, run["config"], "queue_size", "watcher_queue", "policy", "shards", "engine")
	books := keys(t, run["books"],
		"offered", "delivered", "dropped", "stale", "conflated", "in_flight")
	assert.Contains(t, books["dropped"], "newest")
	for name := range summaries(doc.Runs[0]) {
		s := keys(t, run[name], "count", "p50", "p90", "p99", "p999", "max", "hdr")
		assert.Len(t, s, 7, name)
	}
	keys(t, run["series"].([]any)[0], "at_s", "published", "delivered", "dropped", "conflated",
		"in_flight", "queue_depth", "propagation_p50_ns", "propagation_p99_ns")
	assert.Equal(t, []any{}, run["reasons"], "not null")
}

func TestBooksBetweenTwoReadingsBalance(t *testing.T) {
	count := rapid.Uint64Range(0, 1000)
	draw := func(t *rapid.T, b *notify.Books) {
		for _, x := range []*uint64{&b.Delivered, &b.Stale, &b.Conflated} {
			*x += count.Draw(t, "more")
		}
		for i := range b.Dropped {
			b.Dropped[i] += rapid.SampledFrom([]uint64{0, 0, 7}).Draw(t, "dropped")
		}
		b.InFlight = count.Draw(t, "in flight")
		b.Offered = b.Delivered + b.Stale + b.Conflated + b.InFlight + b.DroppedTotal()
	}
	rapid.Check(t, func(t *rapid.T) {
		var from notify.Stats
		draw(t, &from.Books)
		to := from
		draw(t, &to.Books)
		got := sim.BooksBetween(from, to)
		requireBalance(t, &got)
		require.Equal(t, to.InFlight, got.InFlight)
		var names []string
		for _, c := range notify.Causes() {
			names = append(names, c.String())
		}
		for name, n := range got.Dropped {
			require.True(t, slices.Contains(names, name), name)
			require.NotZero(t, n, "only what there was")
		}
		require.NotNil(t, got.Dropped, "so that it is {} in JSON")
	})
}

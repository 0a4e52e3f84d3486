package sim_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
	"github.com/notifylab/notifylab/sim"
)

// badField is a field of a scenario and what it doesn't take.
type badField struct {
	field, want string
	set         []func(*sim.Scenario)
}

func each[T any](to func(*sim.Scenario) *T, values ...T) (out []func(*sim.Scenario)) {
	for _, v := range values {
		out = append(out, func(s *sim.Scenario) { *to(s) = v })
	}
	return out
}

var shares = []float64{-0.01, 1.01, math.NaN(), math.Inf(1), math.Inf(-1)}

var badFields = []badField{
	{"workload", "one of small, medium, large, planet, consul-10k, k8s-5k, hot-subject",
		each(func(s *sim.Scenario) *string { return &s.Workload }, "", "two", "nosuch")},
	{"consumers", "0 (the workload's) or more",
		each(func(s *sim.Scenario) *int { return &s.Consumers }, -1)},
	{"providers", "0 (the workload's) or more",
		each(func(s *sim.Scenario) *int { return &s.Providers }, -1)},
	{"warmup", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.Warmup }, -1)},
	{"duration", "a duration above 0, such as 10s",
		each(func(s *sim.Scenario) *time.Duration { return &s.Duration }, 0, -1)},
	{"heal", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.Heal }, -1)},
	{"rate", "changes per second, above 0 to 1e6",
		each(func(s *sim.Scenario) *float64 { return &s.Rate },
			0, -1, 1e6+1, math.NaN(), math.Inf(1), math.Inf(-1))},
	{"arrivals", "poisson or constant",
		each(func(s *sim.Scenario) *string { return &s.Arrivals }, "", "Poisson", "bursts")},
	{"churn", "a share, 0 to 1",
		each(func(s *sim.Scenario) *float64 { return &s.Churn }, shares...)},
	{"storm", "a number of changes, 0 to 1e6",
		each(func(s *sim.Scenario) *int { return &s.Storm }, -1, 1e6+1)},
	{"storm_length", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.StormLength }, -1)},
	{"storm_wave", "a number of changes, 1 or more",
		each(func(s *sim.Scenario) *int { return &s.StormWave }, 0, -1)},
	{"handling", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.Handling }, -1)},
	{"slow", "a share, 0 to 1",
		each(func(s *sim.Scenario) *float64 { return &s.Slow }, shares...)},
	{"slow_factor", "a factor, 1 to 1e6",
		each(func(s *sim.Scenario) *float64 { return &s.SlowFactor },
			0.9, -1, 1e6+1, math.NaN(), math.Inf(1))},
	{"stuck", "a share, 0 to 1",
		each(func(s *sim.Scenario) *float64 { return &s.Stuck }, shares...)},
	{"consumer_churn", "a share per second, 0 to 1",
		each(func(s *sim.Scenario) *float64 { return &s.ConsumerChurn }, shares...)},
	{"backoff", "a duration above 0",
		each(func(s *sim.Scenario) *time.Duration { return &s.Backoff }, 0, -1)},
	{"list_time", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.ListTime }, -1)},
	{"pull", "a duration, 0s (no pulls) or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.Pull }, -1)},
	{"link_delay", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.LinkDelay }, -1)},
	{"link_spread", "one of log-normal, exponential, constant",
		each(func(s *sim.Scenario) *string { return &s.LinkSpread }, "", "flat")},
	{"link_loss", "a share, 0 to 0.9",
		each(func(s *sim.Scenario) *float64 { return &s.LinkLoss }, -0.1, 0.91, math.NaN())},
	{"partition", "a share, 0 to 1",
		each(func(s *sim.Scenario) *float64 { return &s.Partition }, shares...)},
	{"partition_length", "a duration, 0s or more",
		each(func(s *sim.Scenario) *time.Duration { return &s.PartitionLength }, -1)},
	{"lag_bound", "a duration above 0",
		each(func(s *sim.Scenario) *time.Duration { return &s.LagBound }, 0, -1)},
}

func mistakes(t *testing.T, err error) sim.Mistakes {
	t.Helper()
	var ms sim.Mistakes
	require.ErrorAs(t, err, &ms)
	return ms
}

func TestAPartitionNeedsBothAShareAndALength(t *testing.T) {
	s := sim.DefaultScenario()
	s.Partition = 0.3
	assert.Equal(t, sim.Mistakes{{"partition_length", "0s", "a duration above 0 with partition"}},
		mistakes(t, s.Validate()))
	s.Partition, s.PartitionLength = 0, time.Second
	assert.Equal(t, sim.Mistakes{{"partition", "0", "a share above 0 with partition_length"}},
		mistakes(t, s.Validate()))
	s.Partition = 0.3
	assert.NoError(t, s.Validate())
}

func TestEveryFieldOfAScenarioSaysWhatItTakes(t *testing.T) {
	for _, b := range badFields {
		for i, set := range b.set {
			t.Run(fmt.Sprint(b.field, i), func(t *testing.T) {
				s := sim.DefaultScenario()
				set(&s)
				ms := mistakes(t, s.Validate())
				require.Equal(t, b.field, ms[0].Field)
				assert.Equal(t, b.want, ms[0].Want)
				assert.Contains(t, ms.Error(), b.field+" = "+ms[0].Got+": want "+b.want)
			})
		}
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	s := sim.DefaultScenario()
	var want, got []string
	for _, b := range badFields {
		b.set[len(b.set)-1](&s)
		want = append(want, b.field)
	}
	ms := mistakes(t, s.Validate())
	for _, m := range ms {
		got = append(got, m.Field)
	}
	assert.Equal(t, want, got, "in the order of the fields")
	assert.Equal(t, len(ms)-1, strings.Count(ms.Error(), "; "))
}

func TestGoodScenarios(t *testing.T) {
	for name, set := range map[string]func(*sim.Scenario){
		"the default": func(*sim.Scenario) {},
		"a topology instead of a workload": func(s *sim.Scenario) {
			s.Topology, s.Workload = "train-ticket", ""
		},
		"all are slow":       func(s *sim.Scenario) { s.Slow, s.Stuck = 1, 0 },
		"all slow or stuck":  func(s *sim.Scenario) { s.Slow, s.Stuck = 0.5, 0.5 },
		"nothing takes time": func(s *sim.Scenario) { s.Handling, s.ListTime, s.Pull = 0, 0, 0 },
		"no warm-up":         func(s *sim.Scenario) { s.Warmup, s.Heal = 0, 0 },
		"no storm":           func(s *sim.Scenario) { s.Storm = 0 },
		"all at one instant": func(s *sim.Scenario) { s.StormLength = 0 },
		"the highest rate":   func(s *sim.Scenario) { s.Rate, s.Arrivals = 1e6, "constant" },
		"the largest shares": func(s *sim.Scenario) { s.Churn, s.ConsumerChurn = 1, 1 },
	} {
		s := sim.DefaultScenario()
		set(&s)
		assert.NoError(t, s.Validate(), name)
	}
	s := sim.DefaultScenario()
	s.Slow, s.Stuck = 0.6, 0.5
	ms := mistakes(t, s.Validate())
	assert.Equal(t, "stuck = 0.5: want slow and stuck consumers together at most 1", ms.Error())
}

func TestEveryFieldOfAConfigSaysWhatItTakes(t *testing.T) {
	c := sim.Config{Engine: "sc-3.x", QueueSize: -1, WatcherQueue: -2, Policy: "Block", Shards: -3}
	_, got, err := c.Resolve()
	assert.Zero(t, got)
	assert.Equal(t, sim.Mistakes{
		{Field: "engine", Got: `"sc-3.x"`, Want: "one of notifylab, sc-1.x, sc-2.x"},
		{Field: "queue_size", Got: "-1", Want: "1 to 16777216"},
		{Field: "watcher_queue", Got: "-2", Want: "1 to 16777216"},
		{Field: "shards", Got: "-3", Want: "1 to 1024, or 0 for the engine's own"},
		{Field: "policy", Got: `"Block"`,
			Want: "one of conflate, drop-oldest, drop-newest, flush, evict, block; " +
				"did you mean block?"},
	}, mistakes(t, err))
	for _, name := range []string{"", "notifylab "} {
		_, _, err := sim.Config{Engine: name}.Resolve()
		assert.Equal(t, "engine", mistakes(t, err)[0].Field)
	}
}

func TestAConfigIsThePresetLessWhatItSaysItself(t *testing.T) {
	for _, p := range watch.Presets() {
		preset, c, err := sim.Config{Engine: p.Name}.Resolve()
		require.NoError(t, err)
		assert.Equal(t, p.Effective(), preset, p.Name)
		assert.Equal(t, sim.Config{
			Engine: p.Name, QueueSize: 5000, Shards: preset.Type.Shards,
			WatcherQueue: preset.Watch.Backlog.Size,
			Policy:       preset.Watch.Backlog.Overflow.String(),
		}, c)
		assert.NotZero(t, c.WatcherQueue)
		assert.Positive(t, c.Shards)

		for _, policy := range notify.OverflowNames() {
			asked := sim.Config{
				Engine: p.Name, QueueSize: 7, WatcherQueue: 3, Policy: policy, Shards: 2,
			}
			preset, got, err := asked.Resolve()
			require.NoError(t, err)
			assert.Equal(t, asked, got, "all that was asked for")
			assert.Equal(t, 7, preset.Type.QueueSize)
			assert.Equal(t, 2, preset.Type.Shards)
			assert.Equal(t, 3, preset.Watch.Backlog.Size)
			assert.Equal(t, policy, preset.Watch.Backlog.Overflow.String())
			assert.Equal(t, p.Watch.Resync, preset.Watch.Resync)
			assert.Equal(t, p.Pull, preset.Pull)
		}
	}
}

func TestPrepareFillsInHowManyConsumersThereAre(t *testing.T) {
	s := sim.DefaultScenario()
	topology, err := s.Prepare(nil)
	require.NoError(t, err)
	assert.Equal(t, 10_000, s.Consumers)
	assert.Equal(t, 28_000, topology.TotalInstances())

	dump, err := os.Open(trainTicketFile)
	require.NoError(t, err)
	defer dump.Close()
	s = sim.Scenario{Topology: "train-ticket"}
	topology, err = s.Prepare(dump)
	require.NoError(t, err)
	assert.Equal(t, topology.TotalInstances(), s.Consumers)
	assert.Equal(t, "train-ticket", topology.Name)

	s = sim.DefaultScenario()
	s.Workload, s.Consumers = "small", 5
	_, err = s.Prepare(nil)
	require.NoError(t, err)
	assert.Equal(t, 5, s.Consumers, "as asked for")

	s.Workload = "nosuch"
	_, err = s.Prepare(nil)
	assert.ErrorIs(t, err, sim.ErrWorkload)
	_, err = s.Prepare(strings.NewReader("{"))
	assert.ErrorIs(t, err, sim.ErrDump)
	_, err = s.Prepare(failing{})
	assert.ErrorContains(t, err, "out of reach")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("out of reach") }

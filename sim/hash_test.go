package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

// Runs are samples of the same thing if only the seed differs, or what is asked of them, and not if
// anything else does.
func TestIdentify_IsAllButTheSeedAndTheObjectives(t *testing.T) {
	base, err := sim.Identify(sim.DefaultScenario(), "a world")
	require.NoError(t, err)
	for _, x := range []struct {
		name   string
		change func(*sim.Scenario, *string)
		want   []string
	}{
		{"nothing", func(*sim.Scenario, *string) {}, nil},
		{"seed", func(s *sim.Scenario, _ *string) { s.Seed = 99 }, nil},
		{"objectives", func(s *sim.Scenario, _ *string) {
			s.SLOs = []sim.SLO{{Metric: "heal", Below: 1e9}}
		}, nil},
		{"default transport", func(s *sim.Scenario, _ *string) { s.Transport = sim.InProc }, nil},
		{"rate", func(s *sim.Scenario, _ *string) { s.Rate = 200 }, []string{"rate: 100 and 200"}},
		{"none", func(s *sim.Scenario, _ *string) { s.Storm = 0 },
			[]string{"storm: 5500 and none"}},
		{"world", func(_ *sim.Scenario, w *string) { *w = "b world" },
			[]string{`world: "a world" and "b world"`}},
		{"two", func(s *sim.Scenario, _ *string) { s.Batch, s.LagBound = 5, time.Second },
			[]string{"batch: 1 and 5", "lag_bound: 100000000 and 1000000000"}},
	} {
		s, world := sim.DefaultScenario(), "a world"
		x.change(&s, &world)
		got, err := sim.Identify(s, world)
		require.NoError(t, err)
		assert.Equal(t, x.want, base.Differences(got), x.name)
		assert.Equal(t, len(x.want) == 0, base.Hash == got.Hash, "%s: equal hashes", x.name)
		assert.Len(t, got.Hash, 16)
	}
}

// A time of a session that is left open is the one that it stands for.
func TestIdentify_FillsInTheTimesOfSessions(t *testing.T) {
	open := sim.DefaultScenario()
	open.Transport = sim.Session
	given := open
	given.Heartbeat, given.WriteTimeout, given.ReadTimeout = open.StreamTimes()
	a, err := sim.Identify(open, "")
	require.NoError(t, err)
	b, err := sim.Identify(given, "")
	require.NoError(t, err)
	assert.Equal(t, a, b)
}

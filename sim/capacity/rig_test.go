package capacity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exact is a load in which everything is constant and nobody fails: one service, all of whose
// changes go to all consumers.
func exact(consumers int, rate float64) sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Rate, s.Arrivals = "hot-subject", consumers, rate, "constant"
	s.Providers, s.Storm, s.Churn, s.ConsumerChurn, s.Slow, s.Stuck = 10, 0, 0, 0, 0, 0
	s.Handling, s.ListTime, s.Pull, s.Warmup = 0, 0, 0, 0
	s.Duration, s.Heal = 2*time.Second, 30*time.Second
	return s
}

// lively is a small load with all that a default one has.
func lively() sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Storm, s.StormWave = "small", 60, 300, 100
	s.Warmup, s.Duration = 0, 500*time.Millisecond
	return s
}

// notifylab is the engine with one shard, so that there is one server.
var notifylab = sim.Config{Engine: "notifylab", Shards: 1}

// environment is the same for every document, so that documents can be compared.
var environment = sim.Environment{Clock: sim.VirtualClock, CostModel: new(sim.DefaultCost())}

func lab(cost sim.CostModel, width int) *capacity.Lab {
	return &capacity.Lab{Run: capacity.Virtual(cost, nil), Width: width}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	return string(data)
}

func slo(t *testing.T, texts ...string) (list []sim.SLO) {
	t.Helper()
	for _, text := range texts {
		var s sim.SLO
		require.NoError(t, s.UnmarshalText([]byte(text)))
		list = append(list, s)
	}
	return list
}

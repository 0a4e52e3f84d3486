package sim_test

import (
	"context"
	"encoding/json"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// Whatever the faults and stages are: views heal, books balance, and each run is the same bytes.
func TestFaults_AnyListHealsAndIsTheSameAtAnyGOMAXPROCS(t *testing.T) {
	topology := mesh(t)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	rapid.Check(t, func(t *rapid.T) {
		s := brief(rapid.IntRange(1, 60).Draw(t, "consumers"))
		s.Heal, s.Duration = 10*time.Minute, 300*time.Millisecond
		s.Seed = rapid.Uint64Range(0, 1000).Draw(t, "seed")
		if rapid.Bool().Draw(t, "sessions") {
			s = streamed(s)
		}
		for range rapid.IntRange(0, 6).Draw(t, "faults") {
			kind := rapid.SampledFrom(sim.FaultKinds()).Draw(t, "kind")
			s.Faults = append(s.Faults, anyFault(t, kind, s.Duration))
		}
		rate := rapid.Float64Range(0, 3000)
		for range rapid.IntRange(0, 3).Draw(t, "stages") {
			s.Stages = append(s.Stages, sim.Stage{
				Length: s.Duration / 4, From: rate.Draw(t, "from"), To: rate.Draw(t, "to"),
				Burst: rapid.IntRange(0, 30).Draw(t, "burst"),
			})
		}
		c := rapid.SampledFrom(engines()[:2]).Draw(t, "configuration")
		var want string
		for _, procs := range []int{1, 2} {
			runtime.GOMAXPROCS(procs)
			run, err := sim.RunVirtual(context.Background(), s, topology, c, sim.DefaultCost(), nil)
			require.NoError(t, err)
			requireBalance(t, &run.Books)
			require.GreaterOrEqual(t, run.HealNS, int64(0), "%q", run.Reasons)
			for _, reason := range run.Reasons {
				require.NotContains(t, reason, "check failed")
			}
			got := resultText(t, run)
			if want == "" {
				want = got
			}
			require.Equal(t, want, got)
		}
	})
}

// allFaults has one of each kind that a transport can have, one after another and overlapping.
func allFaults(s sim.Scenario, links bool) sim.Scenario {
	step := s.Duration / time.Duration(len(sim.FaultKinds())+3)
	for i, k := range sim.FaultKinds() {
		if !links && (k.Name == "partition" || k.Name == "link-loss" || k.Name == "link-delay") {
			continue
		}
		f := k.Defaults
		f.Kind, f.Start, f.Length = k.Name, time.Duration(i)*step, 3*step
		if f.Period > 0 {
			f.Period = 20 * time.Millisecond
		}
		s.Faults = append(s.Faults, f)
	}
	s.Stages = []sim.Stage{{Length: s.Duration / 2, From: 100, To: 500, Burst: 50}}
	return s
}

func TestFaults_EveryKindRunsAndHealsInRealTime(t *testing.T) {
	s := brief(200)
	s.Duration = 400 * time.Millisecond
	for name, s := range map[string]sim.Scenario{
		"in process":   allFaults(s, true),
		"sessions":     allFaults(streamed(s), true),
		"real streams": allFaults(over(s, sim.WebSocket), false),
	} {
		t.Run(name, func(t *testing.T) {
			run := runWall(t, s, mesh(t), sim.Config{Engine: "notifylab", WatcherQueue: 8})
			assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
			assert.Empty(t, run.Reasons)
			assert.GreaterOrEqual(t, run.Connects, int64(len(s.Faults)), "the restart alone")
			assert.Greater(t, run.Changes, int64(50+1000), "the burst and the storm alone")
		})
	}
}

func over(s sim.Scenario, transport sim.Transport) sim.Scenario {
	s.Transport = transport
	return s
}

func resultText(t require.TestingT, run *sim.Run) string {
	text, err := json.Marshal(run)
	require.NoError(t, err)
	return string(text)
}

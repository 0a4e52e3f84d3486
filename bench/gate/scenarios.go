package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// Case is one fixed scenario of the exact tier.
type Case struct {
	Name     string
	Scenario sim.Scenario
	Config   sim.Config
	Cost     sim.CostModel
}

// Cases are the scenarios of the exact tier. Together they take some seconds, and there is little
// in the engine and in the simulator that none of them comes by.
//
// Arrivals, handling and delays are constant, lists take no time and costs are whole ns: logarithms
// and sums of fractions have other last bits on other architectures.
func Cases() []Case {
	storm := base()
	storm.Storm, storm.StormLength, storm.StormWave = 2000, time.Second, 200
	faults := base()
	faults.Faults = []sim.Fault{
		{Kind: "zone-loss", Start: time.Second, Length: 2 * time.Second},
		{Kind: "slow-consumers", Start: 2 * time.Second, Length: 3 * time.Second},
		{Kind: "registry-restart", Start: 5 * time.Second, Length: time.Second},
	}
	session := base()
	session.Transport, session.Heartbeat = sim.Session, time.Second
	session.LinkDelay, session.LinkSpread = 3*time.Millisecond, "constant"
	session.Partition, session.PartitionLength = 0.3, 3*time.Second
	cost := sim.CostModel{Machine: "fixed", Route: 300, Deliver: 250, Queue: 100, Wake: 5000,
		Encode: 2000, Write: 9000}
	small := func(policy string) sim.Config {
		return sim.Config{Engine: "notifylab", Policy: policy, QueueSize: 100, WatcherQueue: 16,
			Shards: 2}
	}
	return []Case{
		{"storm-conflate", storm, small("conflate"), cost},
		{"storm-drop-newest", storm, small("drop-newest"), cost},
		{"storm-sc-2.x", storm, sim.Config{Engine: "sc-2.x"}, cost},
		{"faults", faults, small("conflate"), cost},
		{"session", session, small("conflate"), cost},
	}
}

// base is the load that the cases have in common.
func base() sim.Scenario {
	s := sim.DefaultScenario()
	s.Workload, s.Consumers = "small", 300
	s.Duration, s.Heal = 10*time.Second, 20*time.Second
	s.Storm = 0
	s.Arrivals, s.Spread, s.LinkSpread, s.ListTime = "constant", "constant", "constant", 0
	s.Pull = 4 * time.Second
	return s
}

// Run runs the case in virtual time. A run that was cut short is an error, for it is no result.
func (c Case) Run(ctx context.Context) (*sim.Run, error) {
	s := c.Scenario
	topology, err := s.Prepare(nil)
	if err != nil {
		return nil, err
	}
	run, err := sim.RunVirtual(ctx, s, topology, c.Config, c.Cost, nil)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	return run, err
}

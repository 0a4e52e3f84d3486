package sim

import (
	"strings"
)

// A field of the scenario file. A new field of Scenario needs one line in the table below, and a
// test says so.
type field struct {
	group string // the heading that begins here, if one does
	path  string // as in JSON
	about string // one line, with the unit where the value has none
	limit schema // what Validate accepts, as far as a schema can say it
	knob  func(*Scenario) knob
}

// The limits, to be merged over the schema of a type.
var (
	fromZero  = schema{"minimum": 0}
	fromOne   = schema{"minimum": 1}
	aboveZero = schema{"not": schema{"anyOf": []schema{{"const": 0},
		{"type": "string", "pattern": "^[0.hmnsuµ]*$"}}}}
)

func oneOf(names ...string) schema { return schema{"enum": names} }

// scenarioFields is in the order in which files are written.
var scenarioFields = []field{
	{"The world.", "workload", "a built-in one; simulate list shows them",
		oneOf(workloadNames()...), func(s *Scenario) knob { return (*word)(&s.Workload) }},
	{"", "topology", "service-center admin dump to take the world from, instead of a workload",
		nil, func(s *Scenario) knob { return (*word)(&s.Topology) }},
	{"", "seed", "of everything random",
		nil, func(s *Scenario) knob { return (*natural)(&s.Seed) }},
	{"", "consumers", "watchers in all; 0: the workload's, or one per instance of a topology",
		fromZero, func(s *Scenario) knob { return (*whole)(&s.Consumers) }},
	{"", "providers", "provider instances; 0: as in the workload or topology",
		fromZero, func(s *Scenario) knob { return (*whole)(&s.Providers) }},

	{"Times.", "warmup", "not recorded",
		nil, func(s *Scenario) knob { return (*span)(&s.Warmup) }},
	{"", "duration", "recorded, per configuration; above 0s",
		aboveZero, func(s *Scenario) knob { return (*span)(&s.Duration) }},
	{"", "heal", "at most, for all views to become right after the load; " +
		"by default 40us per consumer if that is more",
		nil, func(s *Scenario) knob { return (*span)(&s.Heal) }},
	{"", "lag_bound", "lag p99 of generator or consumers that makes a run invalid; above 0s",
		aboveZero, func(s *Scenario) knob { return (*span)(&s.LagBound) }},

	{"Changes of providers.", "rate", "changes per second, above 0 to 1e6",
		schema{"exclusiveMinimum": 0, "maximum": 1_000_000},
		func(s *Scenario) knob { return (*number)(&s.Rate) }},
	{"", "arrivals", "poisson or constant",
		oneOf("poisson", "constant"), func(s *Scenario) knob { return (*word)(&s.Arrivals) }},
	{"", "batch", "changes that arrive at once, at the same rate in all; 1 to 1e6",
		schema{"minimum": 1, "maximum": 1_000_000},
		func(s *Scenario) knob { return (*whole)(&s.Batch) }},
	{"", "churn", "share of the changes that deregister or register",
		nil, func(s *Scenario) knob { return (*fraction)(&s.Churn) }},
	{"", "storm", "changes of one service in a storm, up to 1e6; 0: none",
		schema{"minimum": 0, "maximum": 1_000_000},
		func(s *Scenario) knob { return (*whole)(&s.Storm) }},
	{"", "storm_length", "how long the storm lasts, from a quarter of duration on",
		nil, func(s *Scenario) knob { return (*span)(&s.StormLength) }},
	{"", "storm_wave", "storm changes that are due at one instant, 1 or more",
		fromOne, func(s *Scenario) knob { return (*whole)(&s.StormWave) }},
	{"", "stages", "parts of duration with rates of their own, one after another",
		nil, func(s *Scenario) knob { return stagesKnob(&s.Stages) }},
	{"", "trace", "a recording whose changes take the place of all of these; see simulate record",
		nil, func(s *Scenario) knob { return (*word)(&s.Trace) }},
	{"", "trace_speed", "how many times faster than recorded, up to 1e6; 0: as it was",
		schema{"minimum": 0, "maximum": 1_000_000},
		func(s *Scenario) knob { return (*number)(&s.TraceSpeed) }},

	{"Consumers.", "handling", "mean time that a consumer takes for an event",
		nil, func(s *Scenario) knob { return (*span)(&s.Handling) }},
	{"", "spread", "of the handling time: log-normal, exponential or constant",
		oneOf(spreads...), func(s *Scenario) knob { return (*word)(&s.Spread) }},
	{"", "slow", "share of slow consumers",
		nil, func(s *Scenario) knob { return (*fraction)(&s.Slow) }},
	{"", "slow_factor", "how many times longer slow ones take, 1 to 1e6",
		schema{"minimum": 1, "maximum": 1_000_000},
		func(s *Scenario) knob { return (*number)(&s.SlowFactor) }},
	{"", "stuck", "share of consumers that stop at their first event; with slow at most 100%",
		nil, func(s *Scenario) knob { return (*fraction)(&s.Stuck) }},
	{"", "consumer_churn", "share of consumers that leave, crash or are cut, per second",
		nil, func(s *Scenario) knob { return (*fraction)(&s.ConsumerChurn) }},
	{"", "backoff", "before the first reconnect, doubles; above 0s",
		aboveZero, func(s *Scenario) knob { return (*span)(&s.Backoff) }},
	{"", "list_time", "mean time that a list takes",
		nil, func(s *Scenario) knob { return (*span)(&s.ListTime) }},
	{"", "pull", "period of each consumer's pull; 0s: none",
		nil, func(s *Scenario) knob { return (*span)(&s.Pull) }},

	{"The network.", "link_delay", "mean time of an event to its consumer",
		nil, func(s *Scenario) knob { return (*span)(&s.LinkDelay) }},
	{"", "link_spread", "of the link delay: log-normal, exponential or constant",
		oneOf(spreads...), func(s *Scenario) knob { return (*word)(&s.LinkSpread) }},
	{"", "link_loss", "share of frames that are lost and sent again, up to 90%",
		upTo(0.9, `90(\.0*)?|[0-8]?[0-9](\.[0-9]*)?`),
		func(s *Scenario) knob { return (*fraction)(&s.LinkLoss) }},
	{"", "partition", "share of consumers that are cut off, from half of duration on",
		nil, func(s *Scenario) knob { return (*fraction)(&s.Partition) }},
	{"", "partition_length", "for how long; above 0s with partition, 0s without",
		nil, func(s *Scenario) knob { return (*span)(&s.PartitionLength) }},

	{"Streams.", "transport", "how events get to consumers: " +
		strings.Join(transportNames(), ", ") + "; the last two on the wall clock only",
		schema{"enum": transportNames(), "default": InProc},
		func(s *Scenario) knob { return (*word)(&s.Transport) }},
	{"", "heartbeat", "between the pings of a session; 0s: 30s",
		nil, func(s *Scenario) knob { return (*span)(&s.Heartbeat) }},
	{"", "write_timeout", "of one write, ends a session; 0s: 5s",
		nil, func(s *Scenario) knob { return (*span)(&s.WriteTimeout) }},
	{"", "read_timeout", "without an answer to a ping, ends a session; 0s: 4 heartbeats",
		nil, func(s *Scenario) knob { return (*span)(&s.ReadTimeout) }},

	{"Faults.", "faults", "blocks of trouble; simulate --help has the kinds",
		nil, func(s *Scenario) knob { return faultsKnob(&s.Faults) }},

	{"Objectives.", "slos", "what a run must achieve to pass; simulate --help has the figures",
		nil, func(s *Scenario) knob { return slosKnob(&s.SLOs) }},
}

// ScenarioPaths lists the paths of all fields that a scenario file can have, in its order.
func ScenarioPaths() []string {
	paths := make([]string, len(scenarioFields))
	for i, f := range scenarioFields {
		paths[i] = f.path
	}
	return paths
}

func fieldAt(path string) *field {
	for i := range scenarioFields {
		if scenarioFields[i].path == path {
			return &scenarioFields[i]
		}
	}
	return nil
}

func workloadNames() (names []string) {
	for _, w := range Workloads() {
		names = append(names, w.Name)
	}
	return names
}

func transportNames() (names []string) {
	for _, t := range Transports() {
		names = append(names, string(t))
	}
	return names
}

package sim

// What a document holds beside its runs when it answers a question about many loads. Package
// capacity asks these questions; numbers of runs are indices of Document.Runs.

// Setting is the value of a field that was varied: of the scenario, by its path in a scenario file,
// or of the configuration, by its name in JSON.
type Setting struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

// Sweep is what was varied. Every combination of values was run with every seed.
type Sweep struct {
	Knobs  []Knob   `json:"knobs"`
	Seeds  []uint64 `json:"seeds"`
	Config Config   `json:"config"`         // what the knobs change, before it is resolved
	Dump   string   `json:"dump,omitempty"` // of the topology: begin of its SHA-256, hexadecimal
}

// Knob is a field and the values that it took.
type Knob struct {
	Path   string   `json:"path"`
	Values []string `json:"values"`
}

// Capacity is the largest load at which a configuration meets the objectives.
type Capacity struct {
	Find   string  `json:"find"` // the load: consumers, rate or providers
	Config Config  `json:"config"`
	Limit  float64 `json:"limit"`            // the largest load that met them; 0: none
	Beyond float64 `json:"beyond,omitempty"` // the smallest that didn't; 0: none was found
	Median float64 `json:"median"`           // of the limits that seeds have, each alone
	Low    float64 `json:"low"`              // the confidence interval of that median…
	High   float64 `json:"high"`             // …up to here; 0: unknown, or without an end
	Level  float64 `json:"level"`            // …with this probability, 95 % or a little more
	Reason string  `json:"reason,omitempty"` // what fails beyond it, or why nothing is known

	Seeds     []uint64 `json:"seeds"`       // of the search
	Fresh     []uint64 `json:"fresh_seeds"` // that confirm: none of Seeds
	Confirmed int      `json:"confirmed"`   // of Fresh, that met the objectives at Limit

	Trials []CapacityTrial `json:"trials"` // in the order in which they were made
	Knee   []KneePoint     `json:"knee"`   // by load
}

// CapacityTrial is one step of the search.
type CapacityTrial struct {
	Phase string   `json:"phase"` // grow, bisect or confirm
	Load  float64  `json:"load"`
	Run   int      `json:"run"`
	Meets bool     `json:"meets"`
	Fails []string `json:"fails,omitempty"` // the objectives that were not met
}

// KneePoint is a load and what it did; its figures are those of the run.
type KneePoint struct {
	Fraction float64 `json:"fraction"` // of Limit
	Load     float64 `json:"load"`
	Run      int     `json:"run"`
}

// Recommendation is a configuration to use, and what was weighed.
type Recommendation struct {
	Choice     int      `json:"choice"`      // in Options; -1: none meets the objectives
	Headroom   float64  `json:"headroom"`    // load above the scenario's that it was tried with
	Confidence float64  `json:"confidence"`  // share of all seeds that meet them, at least
	Fresh      []uint64 `json:"fresh_seeds"` // that confirm: none that chose
	Tries      int      `json:"tries"`       // options that these were run with, one by one
	Reason     string   `json:"reason"`
	Options    []Option `json:"options"` // by memory
}

// Option is a configuration and what it would cost.
type Option struct {
	Config    Config   `json:"config"`
	Runs      []int    `json:"runs"`                 // with headroom, one per seed
	Meets     int      `json:"meets"`                // of these
	Fresh     []int    `json:"fresh_runs,omitempty"` // with fresh seeds, after it was chosen
	Confirmed int      `json:"confirmed,omitempty"`  // of these
	Fails     []string `json:"fails,omitempty"`      // the objectives that were not met
	Memory    int64    `json:"memory_bytes"`         // of the queues, when all are full
	Staleness int64    `json:"staleness_p99_ns"`     // the median of the runs, as is…
	Latency   int64    `json:"propagation_p99_ns"`   // …this…
	Loss      float64  `json:"loss"`                 // …and this: the share of deliveries lost
}

package sim

// SLO is a service-level objective: a figure that must stay below a limit, in the whole recorded
// time or in one stage.
//
// As text, which is how files and documents have it, it is "propagation_p99 < 500ms", with a
// stage's name in front of it: "peak: dropped < 0.1%".
type SLO struct {
	Stage  string  // its name; "": the whole recorded time
	Metric string  // such as propagation_p99, staleness_p99, dropped, memory
	Below  float64 // ns, a share or bytes
}

// SLOResult is what became of an objective in a run.
type SLOResult struct {
	SLO     SLO     `json:"slo"`
	Value   float64 `json:"value"`             // in the unit of SLO.Below
	Samples int64   `json:"samples,omitempty"` // behind a quantile…
	Needed  int64   `json:"needed,omitempty"`  // …and how many there must be
	Verdict string  `json:"verdict"`           // Passed, Failed or Invalid
	Reason  string  `json:"reason,omitempty"`  // why it is invalid
}

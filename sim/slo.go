package sim

import (
	"fmt"
	"strings"
)

// SLO is a service-level objective: a figure that must stay below a limit, in the whole recorded
// time or in one stage. SLOMetrics lists the figures.
//
// As text, which is how files and documents have it, it is "propagation_p99 < 500ms", with a
// stage's name in front of it: "peak: dropped < 0.1%".
type SLO struct {
	Stage  string  // its name; "": the whole recorded time
	Metric string  // the name of one of SLOMetrics
	Below  float64 // in the metric's unit: ns, a share or bytes
}

// SLOResult is what became of an objective in a run.
type SLOResult struct {
	SLO     SLO     `json:"slo"`
	Value   float64 `json:"value"`             // in the unit of SLO.Below
	Samples int64   `json:"samples,omitempty"` // behind a quantile or a share…
	Needed  int64   `json:"needed,omitempty"`  // …and how many there must be
	Verdict string  `json:"verdict"`           // Passed, Failed or Invalid
	Reason  string  `json:"reason,omitempty"`  // why it is invalid, or failed without a value
}

// wantSLO is the accepted form.
const wantSLO = "METRIC < LIMIT, such as propagation_p99 < 500ms, or STAGE: METRIC < LIMIT"

// UnmarshalText reads an objective; the error says which part of it can't be read.
func (o *SLO) UnmarshalText(text []byte) error {
	stage, rest, staged := strings.Cut(string(text), ":")
	if !staged {
		stage, rest = "", string(text)
	}
	x := SLO{Stage: strings.TrimSpace(stage)}
	if staged && (x.Stage == "" || !labelled(x.Stage)) {
		return fmt.Errorf("%w: stage %q: want a name of %s", ErrText, x.Stage, wantLabel)
	}
	name, operator, limit := cutOperator(rest)
	x.Metric, limit = strings.TrimSpace(name), strings.TrimSpace(limit)
	switch operator {
	case "<":
	case "":
		return fmt.Errorf("%w: %q: want %s", ErrText, strings.TrimSpace(string(text)), wantSLO)
	default:
		return fmt.Errorf("%w: operator %q: want <: a figure has to be below its limit", ErrText,
			operator)
	}
	m := metricNamed(x.Metric)
	if m == nil {
		return fmt.Errorf("%w: metric %q: want %s", ErrText, x.Metric,
			OneOf(x.Metric, metricNames()))
	}
	var ok bool
	if x.Below, ok = m.Unit.parse(limit); !ok || !m.Unit.limits(x.Below) {
		return fmt.Errorf("%w: %s < %q: want %s", ErrText, x.Metric, limit, m.Unit.want())
	}
	*o = x
	return nil
}

// cutOperator cuts a text around the first operator, which may be one that isn't accepted.
func cutOperator(text string) (before, operator, after string) {
	const operators = "<>=!≤≥"
	before = text
	if i := strings.IndexAny(text, operators); i >= 0 {
		after = strings.TrimLeft(text[i:], operators)
		before, operator = text[:i], strings.TrimSuffix(text[i:], after)
	}
	return before, operator, after
}

// MarshalText writes what UnmarshalText reads back as the same.
func (o SLO) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func (o SLO) String() string {
	stage, limit := "", fmt.Sprint(o.Below)
	if o.Stage != "" {
		stage = o.Stage + ": "
	}
	if m := metricNamed(o.Metric); m != nil {
		limit = m.Unit.exact(o.Below)
	}
	return fmt.Sprintf("%s%s < %s", stage, o.Metric, limit)
}

// Limit is the limit as the text has it.
func (o SLO) Limit() string {
	_, limit, _ := strings.Cut(o.String(), "< ")
	return limit
}

// Shown is the value in the metric's unit, with three digits; "-" where there is none.
func (r *SLOResult) Shown() string {
	m := metricNamed(r.SLO.Metric)
	if m == nil || r.Reason != "" && r.Needed == 0 {
		return "-"
	}
	return m.Unit.rounded(r.Value)
}

// String says what became of the objective, in words.
func (r *SLOResult) String() string {
	if r.Reason != "" {
		return fmt.Sprintf("objective %s: %s", r.SLO, r.Reason)
	}
	return fmt.Sprintf("objective %s: it is %s", r.SLO, r.Shown())
}

// validateSLOs checks the objectives, and that their stages are there.
func (s *Scenario) validateSLOs(ms *Mistakes) {
	stages := make(map[string]int)
	for _, st := range s.Stages {
		stages[st.Name]++
	}
	for i, o := range s.SLOs {
		at := fmt.Sprintf("slos[%d].", i)
		m := metricNamed(o.Metric)
		if m == nil {
			ms.unless(false, at+"metric", fmt.Sprintf("%q", o.Metric),
				"one of "+strings.Join(metricNames(), ", "))
			continue
		}
		ms.unless(m.Unit.limits(o.Below), at+"below", o.Below, m.Unit.want())
		if o.Stage == "" {
			continue
		}
		ms.unless(stages[o.Stage] <= 1, at+"stage", fmt.Sprintf("%q", o.Stage),
			"a name that one stage has")
		ms.unless(stages[o.Stage] > 0, at+"stage", fmt.Sprintf("%q", o.Stage), s.wantStage())
		ms.unless(m.stage != nil, at+"metric", o.Metric, fmt.Sprintf(
			"it without a stage, or one of %s", strings.Join(stageMetricNames(), ", ")))
	}
}

// wantStage names the stages that there are.
func (s *Scenario) wantStage() string {
	var names []string
	for _, st := range s.Stages {
		if st.Name != "" {
			names = append(names, st.Name)
		}
	}
	if len(names) == 0 {
		return "none: no stage has a name"
	}
	return "one of " + strings.Join(names, ", ")
}

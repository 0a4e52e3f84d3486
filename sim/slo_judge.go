package sim

import "fmt"

// judgeSLOs says what became of each objective, and lets the verdict follow: one that isn't met
// fails the run, one that can't be judged makes a run invalid that didn't fail otherwise.
func (r *Run) judgeSLOs(s *Scenario, unhealed bool) {
	r.SLOs = nil
	for _, o := range s.SLOs {
		x := r.evaluate(s, o, unhealed)
		r.SLOs = append(r.SLOs, x)
		switch {
		case x.Verdict == Failed:
			r.Verdict = Failed
		case x.Verdict == Invalid && r.Verdict == Passed:
			r.Verdict = Invalid
		}
		if x.Verdict != Passed {
			r.Reasons = append(r.Reasons, x.String())
		}
	}
}

// evaluate compares a figure of r, or of one of its stages, with its limit.
func (r *Run) evaluate(s *Scenario, o SLO, unhealed bool) SLOResult {
	f := r.figureOf(s, o)
	x := SLOResult{SLO: o, Value: f.value, Samples: f.samples, Needed: f.needed, Reason: f.lacks,
		Verdict: Failed}
	switch {
	case f.lacks != "" && o.Metric == healMetric && unhealed:
		x.Value = float64(s.Heal) // it is more than that
		x.Reason = fmt.Sprintf("not all views were right within %v", s.Heal)
	case f.lacks != "":
		x.Value, x.Verdict = 0, Invalid
	case f.samples < f.needed:
		x.Verdict = Invalid
		x.Reason = fmt.Sprintf("needs %d samples, has %d", f.needed, f.samples)
	case f.value < o.Below:
		x.Verdict = Passed
	}
	return x
}

// figureOf is the figure that an objective is about.
func (r *Run) figureOf(s *Scenario, o SLO) figure {
	m := metricNamed(o.Metric)
	if m == nil { // Validate refuses it
		return figure{lacks: "there is no such metric"}
	}
	if o.Stage == "" {
		return m.run(r)
	}
	for i, st := range s.Stages {
		if st.Name == o.Stage && i < len(r.Stages) && m.stage != nil {
			return m.stage(&r.Stages[i])
		}
	}
	return figure{lacks: "the run has no figures of that stage"}
}

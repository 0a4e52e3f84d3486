package sim

import (
	"fmt"
	"time"
)

// summarise encodes the histograms of a run.
func (r *Run) summarise(all *figures, gaps, generatorLag, consumerLag, publishWait, drops,
	depth *Histogram) error {
	for _, x := range []struct {
		to   *Summary
		from *Histogram
	}{
		{&r.Propagation, all.propagation},
		{&r.Staleness, all.staleness},
		{&r.GapLength, gaps},
		{&r.GeneratorLag, generatorLag},
		{&r.ConsumerLag, consumerLag},
		{&r.PublishWait, publishWait},
		{&r.Drops, drops},
		{&r.QueueDepth, depth},
	} {
		s, err := x.from.summary()
		if err != nil {
			return err
		}
		*x.to = s
	}
	return nil
}

// judge sets the verdict from what was found.
func (r *Run) judge(s *Scenario, broken []string, unhealed string, interrupted bool) {
	r.Verdict, r.Reasons = Passed, []string{}
	if len(broken) > 0 {
		r.Verdict = Failed
		r.Reasons = append(r.Reasons, broken...)
	}
	if unhealed != "" {
		r.Verdict = Failed
		r.Reasons = append(r.Reasons, unhealed)
	}
	r.judgeSLOs(s, unhealed != "")
	invalid := func(format string, args ...any) {
		if r.Verdict != Failed || len(broken) == 0 {
			r.Verdict = Invalid
		}
		r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
	}
	if r.GeneratorLag.P99 > int64(s.LagBound) {
		invalid("the generator was saturated: its lag p99 is %v, the bound is %v",
			time.Duration(r.GeneratorLag.P99), s.LagBound)
	}
	if r.ConsumerLag.P99 > int64(s.LagBound) {
		invalid("the synthetic consumers were served late: lag p99 is %v, the bound is %v",
			time.Duration(r.ConsumerLag.P99), s.LagBound)
	}
	if interrupted {
		invalid("interrupted")
	}
	if r.Propagation.Count == 0 && !interrupted && !r.Baseline {
		invalid("no change reached a consumer: too few samples")
	}
}

package compare

import (
	"fmt"
	"slices"

	"github.com/notifylab/notifylab/sim"
)

// stageMetrics are figures of every stage of a run. Options.Metrics takes their names; a figure has
// that of its stage in front.
var stageMetrics = []metric{
	ofStage("propagation_p99_ns", Nanoseconds, func(st *sim.StageRun) (float64, string) {
		return p99(&st.Propagation)
	}),
	ofStage("staleness_p99_ns", Nanoseconds, func(st *sim.StageRun) (float64, string) {
		return p99(&st.Staleness)
	}),
	ofStage("dropped_share", Share, func(st *sim.StageRun) (float64, string) {
		if st.Offered == 0 {
			return 0, "no deliveries owed"
		}
		return float64(st.Dropped) / float64(st.Offered), ""
	}),
}

func ofStage(name, unit string, value func(*sim.StageRun) (float64, string)) metric {
	return metric{name: "stage_" + name, unit: unit, field: "stages", good: -1, stage: value}
}

func p99(s *sim.Summary) (float64, string) {
	if s.Count == 0 {
		return 0, "no samples"
	}
	return float64(s.P99), ""
}

// commonStages are the names of the stages, if all runs have the same ones; else it says so.
func commonStages(a, b []sample) (names []string, differ string) {
	all := slices.Concat(a, b)
	first := all[0].Stages
	for _, s := range all[1:] {
		if !slices.EqualFunc(first, s.Stages, func(x, y sim.StageRun) bool {
			return x.Name == y.Name && x.From == y.From && x.To == y.To
		}) {
			return nil, "the stages differ, so they aren't compared"
		}
	}
	for k := range first {
		name := first[k].Name
		if name == "" {
			name = fmt.Sprintf("stage %d", k+1)
		}
		names = append(names, name)
	}
	return names, ""
}

// expand makes of the metrics of stages one for each stage.
func expand(chosen []metric, stages []string) []*metric {
	var out []*metric
	for i := range chosen {
		if chosen[i].stage == nil {
			out = append(out, &chosen[i])
		}
	}
	for k, name := range stages { // all about one stage stands together
		for _, m := range chosen {
			if value := m.stage; value != nil {
				m.name = name + ": " + m.name[len("stage_"):]
				m.stage = nil
				m.whole = func(r *sim.Run) (float64, string) { return value(&r.Stages[k]) }
				out = append(out, &m)
			}
		}
	}
	return out
}

package sim

import (
	"slices"

	"github.com/notifylab/notifylab/notify"
)

// SLOMetric is a figure that objectives can be about.
type SLOMetric struct {
	Name  string
	Unit  SLOUnit
	About string // one line

	run   func(*Run) figure
	stage func(*StageRun) figure // nil: stages don't have it
}

// figure is a value with what it is made of.
type figure struct {
	value           float64
	samples, needed int64
	lacks           string // why there is no value
}

// SLOMetrics lists all there are.
func SLOMetrics() []SLOMetric { return slices.Clone(sloMetrics) }

// healMetric is the only one whose objective can fail without a value.
const healMetric = "heal"

// sloMetrics is in the order in which users see them.
var sloMetrics = slices.Concat(
	timeMetrics("propagation", "from when a change was due until a consumer had handled it",
		func(r *Run) *Summary { return &r.Propagation },
		func(r *StageRun) *Summary { return &r.Propagation }),
	timeMetrics("staleness", "while a consumer's view differed from the truth",
		func(r *Run) *Summary { return &r.Staleness },
		func(r *StageRun) *Summary { return &r.Staleness }),
	[]SLOMetric{
		{"dropped", ShareUnit, "share of the deliveries owed that the engine dropped",
			func(r *Run) figure { return shareOf(r.Books.DroppedTotal(), r.Books.Offered) },
			func(r *StageRun) figure { return shareOf(r.Dropped, r.Offered) }},
		{"lost", ShareUnit, "as dropped, without what was for consumers that had left",
			func(r *Run) figure {
				left := r.Books.Dropped[notify.Closed.String()]
				return shareOf(r.Books.DroppedTotal()-left, r.Books.Offered)
			}, nil},
		{healMetric, TimeUnit, "from the end of the load until all views were right", healOf, nil},
		{"memory", SizeUnit, "the peak of the process; the wall clock measures it",
			func(r *Run) figure { return memoryOf(r.PeakRSS) },
			func(r *StageRun) figure { return memoryOf(r.Memory) }},
	},
)

// timeMetrics are those of a histogram. A quantile needs some values beyond it to say anything: ten
// of them, so that 99 % needs a thousand values.
func timeMetrics(name, about string, run func(*Run) *Summary,
	stage func(*StageRun) *Summary) []SLOMetric {
	var metrics []SLOMetric
	for _, q := range []struct {
		name   string
		about  string
		needed int64
		value  func(*Summary) int64
	}{
		{"_p50", "what half take at most: ", 20, func(s *Summary) int64 { return s.P50 }},
		{"_p90", "what 90% take at most: ", 100, func(s *Summary) int64 { return s.P90 }},
		{"_p99", "what 99% take at most: ", 1000, func(s *Summary) int64 { return s.P99 }},
		{"_p999", "what 99.9% take at most: ", 10_000, func(s *Summary) int64 { return s.P999 }},
		{"_max", "the longest: ", 1, func(s *Summary) int64 { return s.Max }},
	} {
		of := func(s *Summary) figure { return figure{float64(q.value(s)), s.Count, q.needed, ""} }
		metrics = append(metrics, SLOMetric{name + q.name, TimeUnit, q.about + about,
			func(r *Run) figure { return of(run(r)) },
			func(r *StageRun) figure { return of(stage(r)) }})
	}
	return metrics
}

func shareOf(part, whole uint64) figure {
	return figure{float64(part) / float64(max(whole, 1)), int64(whole), 1, ""}
}

func healOf(r *Run) figure {
	if r.HealNS < 0 {
		return figure{lacks: "the run ended before all views were right"}
	}
	return figure{value: float64(r.HealNS)}
}

func memoryOf(peak int64) figure {
	if peak <= 0 {
		return figure{lacks: "memory is measured on the wall clock only"}
	}
	return figure{value: float64(peak)}
}

func metricNamed(name string) *SLOMetric {
	i := slices.IndexFunc(sloMetrics, func(m SLOMetric) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &sloMetrics[i]
}

func metricNames() (names []string) {
	for _, m := range sloMetrics {
		names = append(names, m.Name)
	}
	return names
}

func stageMetricNames() (names []string) {
	for _, m := range sloMetrics {
		if m.stage != nil {
			names = append(names, m.Name)
		}
	}
	return names
}

package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// The units of figures.
const (
	Nanoseconds = "ns"
	Seconds     = "s"
	Bytes       = "bytes"
	Count       = "count"
	PerSecond   = "1/s"
	Share       = "share" // 0 to 1
)

// metric is one figure of a run.
type metric struct {
	name  string
	unit  string
	field string // of a run in a document, to see whether it is there
	good  int    // 1: more is better, -1: less is, 0: depends

	// Not every scenario has it: where neither side does, it isn't shown.
	optional bool

	// A metric has one of them. The reason why there is no value takes the place of one.
	whole  func(*sim.Run) (v float64, none string)
	second func(p *sim.Point, seconds float64) (v float64, ok bool)
	stage  func(*sim.StageRun) (v float64, none string)
}

// rounding is what a figure is rounded to in a document: a share of it, or units.
func (m *metric) rounding() (share, units float64) {
	switch {
	case m.unit == Nanoseconds:
		return 1e-3, 0 // the histograms have three digits
	case m.unit == Count:
		return 0, 1
	}
	return 0, 0
}

// metrics in the order in which they are shown.
var metrics = slices.Concat(
	quantiles("propagation", func(r *sim.Run) *sim.Summary { return &r.Propagation }),
	quantiles("staleness", func(r *sim.Run) *sim.Summary { return &r.Staleness }),
	quantiles("publish_wait", func(r *sim.Run) *sim.Summary { return &r.PublishWait }),
	[]metric{
		{name: "heal_ns", unit: Nanoseconds, field: "heal_ns", good: -1, whole: heal},
		count("delivered", "books.delivered", 0,
			func(r *sim.Run) float64 { return float64(r.Books.Delivered) }),
		count("conflated", "books.conflated", 0,
			func(r *sim.Run) float64 { return float64(r.Books.Conflated) }),
		count("lost", "books.dropped", -1, lost),
		count("resyncs", "resyncs", -1, func(r *sim.Run) float64 { return float64(r.Resyncs) }),
		count("still_stale", "still_stale", -1,
			func(r *sim.Run) float64 { return float64(r.OpenEnds) }),
		count("queue_high_water", "queue_high_water", -1,
			func(r *sim.Run) float64 { return float64(r.QueueHigh) }),
		measured("cpu_seconds", Seconds, func(r *sim.Run) float64 { return r.CPUSeconds }),
		measured("peak_rss_bytes", Bytes, func(r *sim.Run) float64 { return float64(r.PeakRSS) }),
		measured("bytes_per_consumer", Bytes,
			func(r *sim.Run) float64 { return float64(r.BytesPerWatcher) }),
		ofFinds("pulls_per_second", PerSecond, "pulls_per_second", 0,
			func(f *sim.Finds) float64 { return f.PullRate }),
		ofFinds("find_hit_rate", Share, "hit_rate", 1,
			func(f *sim.Finds) float64 { return f.HitRate }),
		ofStreams("streams_opened", "opened", 0,
			func(s *sim.Streams) int64 { return s.Opened }),
		ofStreams("streams_timed_out", "ended", -1, func(s *sim.Streams) int64 {
			return s.Ended[sim.EndedByWrite] + s.Ended[sim.EndedByRead]
		}),
		ofStreams("streams_refused", "refused", -1,
			func(s *sim.Streams) int64 { return s.Refused }),
		ofStreams("streams_unsent", "unsent", -1,
			func(s *sim.Streams) int64 { return s.Unsent }),
		perSecond("propagation_p50_per_second_ns", Nanoseconds, -1,
			func(p *sim.Point, _ float64) float64 { return float64(p.P50) }),
		perSecond("propagation_p99_per_second_ns", Nanoseconds, -1,
			func(p *sim.Point, _ float64) float64 { return float64(p.P99) }),
		perSecond("delivered_per_second", PerSecond, 0,
			func(p *sim.Point, seconds float64) float64 { return float64(p.Delivered) / seconds }),
		perSecond("conflated_per_second", PerSecond, 0,
			func(p *sim.Point, seconds float64) float64 { return float64(p.Conflated) / seconds }),
		perSecond("dropped_per_second", PerSecond, -1,
			func(p *sim.Point, seconds float64) float64 { return float64(p.Dropped) / seconds }),
	},
	stageMetrics,
)

// Metrics lists the names that Options.Metrics takes, in the order in which they are shown.
func Metrics() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.name
	}
	return names
}

// choose gives the metrics of those names, all without any.
func choose(names []string) ([]metric, error) {
	if len(names) == 0 {
		return metrics, nil
	}
	for _, name := range names {
		if !slices.Contains(Metrics(), name) {
			return nil, fmt.Errorf("%w: metric %q: want one of %s", ErrOption, name,
				strings.Join(Metrics(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(metrics), func(m metric) bool {
		return !slices.Contains(names, m.name)
	}), nil
}

// quantiles are the metrics of a histogram of times.
func quantiles(name string, pick func(*sim.Run) *sim.Summary) []metric {
	quantile := func(q string, value func(*sim.Summary) int64) metric {
		return metric{
			name: name + "_" + q + "_ns", unit: Nanoseconds, good: -1,
			field: name + "_ns." + q,
			whole: func(r *sim.Run) (float64, string) {
				s := pick(r)
				if s.Count == 0 {
					return 0, "no samples"
				}
				return float64(value(s)), ""
			},
		}
	}
	return []metric{
		quantile("p50", func(s *sim.Summary) int64 { return s.P50 }),
		quantile("p99", func(s *sim.Summary) int64 { return s.P99 }),
		quantile("p999", func(s *sim.Summary) int64 { return s.P999 }),
		quantile("max", func(s *sim.Summary) int64 { return s.Max }),
	}
}

func count(name, field string, good int, value func(*sim.Run) float64) metric {
	return metric{name: name, unit: Count, field: field, good: good,
		whole: func(r *sim.Run) (float64, string) { return value(r), "" }}
}

// measured is what the machine says; in virtual time, and where it can't say, it is 0.
func measured(name, unit string, value func(*sim.Run) float64) metric {
	return metric{name: name, unit: unit, field: name, good: -1,
		whole: func(r *sim.Run) (float64, string) {
			if v := value(r); v > 0 {
				return v, ""
			}
			return 0, "not measured"
		}}
}

// ofFinds is a metric of what the pulls asked; a run without pulls has none.
func ofFinds(name, unit, field string, good int, value func(*sim.Finds) float64) metric {
	return metric{name: name, unit: unit, field: "finds." + field, good: good, optional: true,
		whole: func(r *sim.Run) (float64, string) {
			if r.Finds.Finds == 0 {
				return 0, "no finds"
			}
			return value(r.Finds), ""
		}}
}

// ofStreams is a count of the sessions; a run in process has none.
func ofStreams(name, field string, good int, value func(*sim.Streams) int64) metric {
	m := count(name, "stream."+field, good,
		func(r *sim.Run) float64 { return float64(value(r.Stream)) })
	m.optional = true
	return m
}

// perSecond is a metric of the series. A second in which nothing arrived has no latency.
func perSecond(name, unit string, good int, value func(*sim.Point, float64) float64) metric {
	return metric{name: name, unit: unit, field: "series", good: good,
		second: func(p *sim.Point, seconds float64) (float64, bool) {
			v := value(p, seconds)
			return v, v > 0 || unit != Nanoseconds
		}}
}

func heal(r *sim.Run) (float64, string) {
	if r.HealNS < 0 {
		return 0, "never healed"
	}
	return float64(r.HealNS), ""
}

// lost is what was dropped though its receiver was there: the rest was on its way to one that left.
func lost(r *sim.Run) float64 {
	return float64(r.Books.DroppedTotal() - r.Books.Dropped[notify.Closed.String()])
}

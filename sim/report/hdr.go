package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/notifylab/notifylab/sim"
)

// ticksPerHalf is how many lines hgrm has for each halving of the distance to 100 %, the number
// that HdrHistogram's own tools use.
const ticksPerHalf = 5

// nsPerMilli scales values for hgrm, whose readers expect milliseconds.
const nsPerMilli = 1e6

// latency is one of the histograms of a run that hold times.
type latency struct {
	name  string // as a tag
	field string // in the document
	pick  func(*sim.Run) *sim.Summary
}

var allLatencies = []latency{
	{"propagation", "propagation_ns", func(r *sim.Run) *sim.Summary { return &r.Propagation }},
	{"staleness", "staleness_ns", func(r *sim.Run) *sim.Summary { return &r.Staleness }},
	{"publish-wait", "publish_wait_ns", func(r *sim.Run) *sim.Summary { return &r.PublishWait }},
	{"generator-lag", "generator_lag_ns",
		func(r *sim.Run) *sim.Summary { return &r.GeneratorLag }},
	{"consumer-lag", "consumer_lag_ns", func(r *sim.Run) *sim.Summary { return &r.ConsumerLag }},
}

// decode gives the histogram of run i, or nil if it holds nothing.
func (l *latency) decode(r *Result, i int) (*hdrhistogram.Histogram, error) {
	s := l.pick(r.Runs[i])
	if s.Count == 0 {
		return nil, nil
	}
	h, err := s.Decode()
	if err != nil {
		return nil, fmt.Errorf("%s: runs[%d].%s.%w", r.Name, i, l.field, err)
	}
	return h, nil
}

// writePercentiles writes the propagation in ms, one distribution per run below a comment with its
// name. Plotters take one distribution per file, so for these select one run.
func writePercentiles(b *bytes.Buffer, results []Result) error {
	for k := range results {
		r := &results[k]
		for i, run := range r.Runs {
			h, err := allLatencies[0].decode(r, i)
			if err != nil {
				return err
			}
			if h == nil {
				continue
			}
			fmt.Fprintf(b, "#[%s: %s, propagation in ms]\n", oneLine(r.Name), Name(&run.Config))
			if _, err := h.PercentilesPrint(b, ticksPerHalf, nsPerMilli); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeLog writes one interval per latency and run, tagged with both: the document has no
// histograms of shorter intervals. All runs begin at the same instant, so that a reader shows them
// above each other.
func writeLog(b *bytes.Buffer, results []Result) error {
	w := hdrhistogram.NewHistogramLogWriter(b)
	if err := w.OutputLogFormatVersion(); err != nil {
		return err
	}
	for k := range results {
		r := &results[k]
		began := r.Environment.Time.UnixMilli()
		if k == 0 { // the log has one start for all
			if err := startLog(w, began); err != nil {
				return err
			}
		}
		prefix := ""
		if len(results) > 1 {
			prefix = r.Name + ":"
		}
		for i, run := range r.Runs {
			for _, l := range allLatencies {
				h, err := l.decode(r, i)
				if err != nil {
					return err
				}
				if h == nil {
					continue
				}
				from := began + r.Scenario.Warmup.Milliseconds()
				h.SetStartTimeMs(from)
				h.SetEndTimeMs(from + r.Scenario.Duration.Milliseconds())
				h.SetTag(tag(prefix + l.name + ":" + Name(&run.Config)))
				if err := w.OutputIntervalHistogram(h); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// startLog writes the lines that stand before the first interval.
func startLog(w *hdrhistogram.HistogramLogWriter, began int64) error {
	if err := w.OutputComment("[latencies of notifylab's configurations, in ns]"); err != nil {
		return err
	}
	if err := w.OutputStartTime(began); err != nil {
		return err
	}
	return w.OutputLegend()
}

// tag is s without what would end a tag.
func tag(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == ',' {
			return '-'
		}
		return r
	}, s)
}

func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
}

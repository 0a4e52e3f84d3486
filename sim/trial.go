package sim

import (
	"fmt"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Progress is what a run tells while it runs.
type Progress struct {
	Phase     string // set-up, warm-up, measure, heal
	Elapsed   time.Duration
	Total     time.Duration // of warm-up, measurement and heal, as far as is known
	Delivered uint64        // so far
	Dropped   uint64
	Point     Point // what happened since the last report
}

// How often the run is looked at, and how often that is reported and becomes a Point.
const (
	lookEvery   = 100 * time.Millisecond
	reportEvery = time.Second
)

// trial is one run as both clocks have it: the plan, what is looked at on the way, and the result.
// A driver gives it time.
type trial struct {
	*stage
	load   *load
	lag    *Histogram // the generator's
	report func(Progress)

	start, from, until, stopped int64
	series                      []Point
	last                        sample

	past int          // stages that are over
	peak func() int64 // of resident memory, in bytes; nil under the virtual clock
}

// sample is a reading that the next one is compared with.
type sample struct {
	at    int64
	stats notify.Stats
}

func newTrial(report func(Progress)) *trial {
	return &trial{report: report, lag: newHistogram(latencyMax)}
}

// plan begins the warm-up now.
func (t *trial) plan() {
	t.start = t.stage.now()
	t.from = t.start + int64(t.s.Warmup)
	t.until = t.from + int64(t.s.Duration)
	t.record(t.from, t.until)
	t.planStrikes(t.from, t.until)
	t.load = newLoad(t.stage, t.start, t.from, t.until)
	t.last = sample{at: t.start, stats: t.engine.Stats()}
}

// healed reports whether every view is right and nothing is under way.
func (t *trial) healed() bool {
	s := t.engine.Stats()
	return s.InFlight == 0 && s.Queued == 0 && t.wrong() == 0
}

func (t *trial) look(phase string) {
	t.checkBooks(t.engine.Stats())
	t.lookAtStages(t.stage.now())
	if t.stage.now()-t.last.at >= int64(reportEvery) {
		t.point(phase)
		t.trim()
	}
}

// point closes an interval of the series.
func (t *trial) point(phase string) {
	now, s := t.stage.now(), t.engine.Stats()
	lately := t.collect()
	was := t.last.stats
	p := Point{
		At:         time.Duration(now - t.start).Seconds(),
		Published:  s.Published - was.Published,
		Delivered:  s.Delivered - was.Delivered,
		Dropped:    s.DroppedTotal() - was.DroppedTotal(),
		Conflated:  s.Conflated - was.Conflated,
		InFlight:   s.InFlight,
		QueueDepth: s.Queued,
		P50:        lately.propagation.h.ValueAtQuantile(50),
		P99:        lately.propagation.h.ValueAtQuantile(99),
		Seconds:    time.Duration(now - t.last.at).Seconds(),
		DroppedBy:  droppedBetween(was, s),
		Spread:     lately.spread.buckets(),
		StaleP50:   lately.fresh.h.ValueAtQuantile(50),
		StaleP99:   lately.fresh.h.ValueAtQuantile(99),
	}
	t.series = append(t.series, p)
	t.last = sample{at: now, stats: s}
	if t.report != nil && phase != "" {
		t.report(Progress{
			Phase:     phase,
			Elapsed:   time.Duration(now - t.start),
			Total:     t.s.Warmup + t.s.Duration + t.s.Heal,
			Delivered: s.Delivered,
			Dropped:   s.DroppedTotal(),
			Point:     p,
		})
	}
}

// unhealed says what was still wrong at the end.
func (t *trial) unhealed(s notify.Stats) string {
	wrong, behind := t.wrong(), t.behind()
	text := fmt.Sprintf("%d of %d views still wrong %v after the load; %d events wait for "+
		"watchers, %d in the task queue", wrong, len(t.consumers), t.s.Heal, s.InFlight, s.Queued)
	if p := t.preset.PollInterval; p > 0 && behind > 0 {
		text += fmt.Sprintf("; at one event per %v the furthest behind, by %d, needs %v", p,
			behind, (time.Duration(behind) * p).Round(time.Second))
	}
	return text
}

// conclude fills in what can be said once everything has stopped.
func (t *trial) conclude(run *Run, unhealed string, interrupted bool, failure error) error {
	busiest := t.busiest()
	rec, lag, drops := t.end(t.stage.now())
	delivered := int64(t.engine.Stats().Delivered)
	t.checkReceived(rec, delivered)
	if failure != nil {
		return fmt.Errorf("generator: %w", failure)
	}
	run.Changes = t.load.changes
	if t.load.replay != nil {
		run.Trace = &t.load.replay.result
	}
	run.Resyncs, run.Connects, run.Pulls = rec.resyncs, rec.connections, rec.pulls
	run.OpenEnds, run.OnWire = rec.openEnds, rec.lostOnWire
	if rec.pulls > 0 {
		lasted := time.Duration(t.stopped - t.opened)
		run.Finds = findsBetween(t.asked, t.hub.Stats(), rec.pulls, lasted)
		run.Finds.SharedPulls = rec.shared
	}
	if !t.s.Transport.InProcess() {
		run.Stream = rec.streams.result(t.encoded.Load())
	}
	run.Series = t.series
	if recorded := time.Duration(t.stopped - t.from); recorded > 0 {
		run.WatcherRateMax = float64(busiest) / recorded.Seconds()
	}
	all := newFigures()
	for _, part := range t.total.parts {
		if part != nil {
			all.merge(part)
		}
	}
	err := run.summarise(all, rec.gaps, t.lag, lag, t.load.publishWait, drops, t.load.depth)
	if err != nil {
		return err
	}
	if run.Stages, err = t.stageRuns(run.PeakRSS); err != nil {
		return err
	}
	run.judge(&t.s, t.checks.reasons(), unhealed, interrupted)
	return nil
}

package sim

import (
	"maps"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

// Schema names the form of a Document.
const Schema = "notifylab.result/1"

// Document is what a run of the simulator leaves behind: everything a report is made from.
type Document struct {
	Schema      string      `json:"schema"`
	Seed        uint64      `json:"seed"`
	Scenario    Scenario    `json:"scenario"`
	Environment Environment `json:"environment"`
	Runs        []*Run      `json:"runs"`

	// What the runs are for, where there is more than one load.
	Sweep          *Sweep          `json:"sweep,omitempty"`
	Capacity       *Capacity       `json:"capacity,omitempty"`
	Recommendation *Recommendation `json:"recommendation,omitempty"`
}

// The verdicts.
const (
	Passed  = "passed"
	Failed  = "failed"  // a check or an objective failed, or the views did not heal
	Invalid = "invalid" // the figures say nothing: the generator couldn't keep up, or too few
)

// Run is what one configuration did. Times are in ns. What is recorded concerns changes that were
// due within Scenario.Duration, also when they arrived later.
type Run struct {
	Config   Config `json:"config"`
	Baseline bool   `json:"baseline"`
	World    string `json:"world"`

	// Where this run had another load than Document.Scenario says.
	Settings []Setting `json:"settings,omitempty"`
	Seed     uint64    `json:"seed,omitempty"`

	Changes  int64 `json:"changes"` // of provider instances, the warm-up's included
	Books    Books `json:"books"`
	Resyncs  int64 `json:"resyncs"`      // lists because of a loss
	Connects int64 `json:"reconnects"`   // lists because of a new connection
	Pulls    int64 `json:"pulls"`        // periodic ones
	OnWire   int64 `json:"lost_on_wire"` // delivered to a connection that broke
	OpenEnds int64 `json:"still_stale"`  // views that were stale at the end, or when they died

	Propagation  Summary `json:"propagation_ns"`
	Staleness    Summary `json:"staleness_ns"`
	GeneratorLag Summary `json:"generator_lag_ns"`
	ConsumerLag  Summary `json:"consumer_lag_ns"` // how late the synthetic consumers were served
	PublishWait  Summary `json:"publish_wait_ns"`
	Drops        Summary `json:"drops_per_consumer"` // by the engine; not what waits at the end
	GapLength    Summary `json:"gap_length"`
	QueueDepth   Summary `json:"queue_depth"`

	QueueHigh       int     `json:"queue_high_water"`
	WatcherRateMax  float64 `json:"watcher_rate_max"` // events per second at the busiest watcher
	HealNS          int64   `json:"heal_ns"`          // until all views were right; -1: never
	Series          []Point `json:"series"`
	CPUSeconds      float64 `json:"cpu_seconds"` // user and system, from the recorded time's begin
	PeakRSS         int64   `json:"peak_rss_bytes"`
	BytesPerWatcher int64   `json:"bytes_per_consumer"` // heap and stacks, once all have connected

	Finds  *Finds   `json:"finds,omitempty"`  // nil without pulls
	Stream *Streams `json:"stream,omitempty"` // nil in process

	Trace *TraceRun `json:"trace,omitempty"` // what became of Scenario.Trace

	Stages []StageRun  `json:"stages,omitempty"` // one per Scenario.Stages
	SLOs   []SLOResult `json:"slos,omitempty"`   // one per Scenario.SLOs

	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
}

// Books are the engine's books over the recorded time and what followed; what was in flight at its
// begin counts as offered.
type Books struct {
	Published uint64            `json:"published"`
	Rejected  uint64            `json:"rejected"`
	Queued    uint64            `json:"queued"` // in the fullest task queue, at the end
	Offered   uint64            `json:"offered"`
	Delivered uint64            `json:"delivered"`
	Dropped   map[string]uint64 `json:"dropped"`
	Stale     uint64            `json:"stale"`
	Conflated uint64            `json:"conflated"`
	InFlight  uint64            `json:"in_flight"`
}

// Point is one second of a run. The counts are those of that second alone.
type Point struct {
	At         float64 `json:"at_s"` // since the begin of the warm-up
	Published  uint64  `json:"published"`
	Delivered  uint64  `json:"delivered"`
	Dropped    uint64  `json:"dropped"`
	Conflated  uint64  `json:"conflated"`
	InFlight   uint64  `json:"in_flight"`
	QueueDepth int     `json:"queue_depth"`
	P50        int64   `json:"propagation_p50_ns"`
	P99        int64   `json:"propagation_p99_ns"`

	Seconds   float64           `json:"seconds,omitempty"`    // its length; the last one is shorter
	DroppedBy map[string]uint64 `json:"dropped_by,omitempty"` // Dropped, by cause
	Spread    *Buckets          `json:"propagation_spread,omitempty"`
	StaleP50  int64             `json:"staleness_p50_ns,omitempty"` // of what ended in this second
	StaleP99  int64             `json:"staleness_p99_ns,omitempty"`
}

// Buckets is a coarse histogram of times: Counts[i] of them are at least 2^((From+i)/2) ns, and
// below 2^((From+i+1)/2) ns.
type Buckets struct {
	From   int      `json:"from"`
	Counts []uint64 `json:"counts"`
}

// StageRun is what a run did in one of its stages: with the changes that were due in it, also when
// they arrived later.
//
// The stages and what was due in none add up to the run; so does Offered to Books.Offered, but for
// what the engine hadn't routed in the end, and for consumers that came or went between publishing
// and routing. What broken connections lost on the wire the engine had delivered: it isn't Dropped.
type StageRun struct {
	Name        string  `json:"name,omitempty"`
	From        float64 `json:"from_s"` // since the begin of the recorded time
	To          float64 `json:"to_s"`
	Changes     int64   `json:"changes"`
	Offered     uint64  `json:"offered"` // deliveries owed to who was connected at publishing
	Dropped     uint64  `json:"dropped"` // of these
	Propagation Summary `json:"propagation_ns"`
	Staleness   Summary `json:"staleness_ns"`   // of intervals that begin with such a change
	Memory      int64   `json:"peak_rss_bytes"` // up to its end; 0 under the virtual clock
}

// Finds is what the pulls of a run asked its registry, from its begin to its end: each pull is a
// find for each rule of the consumer, but for the shared ones, which ask nothing.
type Finds struct {
	PullRate    float64 `json:"pulls_per_second"`       // of all consumers
	SharedPulls int64   `json:"shared_pulls,omitempty"` // took the answers that another one got
	Finds       uint64  `json:"finds"`
	Hits        uint64  `json:"hits"`         // answered from the find cache
	HitRate     float64 `json:"hit_rate"`     // their share, 0 to 1
	NotModified uint64  `json:"not_modified"` // the consumer had the answer already: a 304
	Evicted     uint64  `json:"evicted"`      // answers that had to go for want of room
}

func findsBetween(from, to registry.HubStats, pulls int64, lasted time.Duration) *Finds {
	f := &Finds{
		Hits:        to.FindHits - from.FindHits,
		NotModified: to.FindNotModified - from.FindNotModified,
		Evicted:     to.FindEvicted - from.FindEvicted,
	}
	f.Finds = f.Hits + to.FindMisses - from.FindMisses
	if lasted > 0 {
		f.PullRate = float64(pulls) * float64(time.Second) / float64(lasted)
	}
	if f.Finds > 0 {
		f.HitRate = float64(f.Hits) / float64(f.Finds)
	}
	return f
}

// booksBetween is what happened between two readings.
func booksBetween(from, to notify.Stats) Books {
	b := Books{
		Published: to.Published - from.Published,
		Rejected:  to.Rejected - from.Rejected,
		Queued:    uint64(to.Queued),
		Offered:   to.Offered - from.Offered + from.InFlight,
		Delivered: to.Delivered - from.Delivered,
		Dropped:   make(map[string]uint64),
		Stale:     to.Stale - from.Stale,
		Conflated: to.Conflated - from.Conflated,
		InFlight:  to.InFlight,
	}
	maps.Copy(b.Dropped, droppedBetween(from, to))
	return b
}

// droppedBetween is what was dropped between two readings, by cause; nil if nothing was.
func droppedBetween(from, to notify.Stats) (by map[string]uint64) {
	for _, c := range notify.Causes() {
		if n := to.Dropped[c] - from.Dropped[c]; n > 0 {
			if by == nil {
				by = make(map[string]uint64)
			}
			by[c.String()] = n
		}
	}
	return by
}

// DroppedTotal is the sum over all causes.
func (b *Books) DroppedTotal() (n uint64) {
	for _, d := range b.Dropped {
		n += d
	}
	return n
}

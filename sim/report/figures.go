package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

// Figures are those of one configuration, flat, under the names that csv and json give them. Times
// are in ns.
type Figures struct {
	Result       string `json:"result"` // the document's name
	Run          int    `json:"run"`    // in it, from 1
	World        string `json:"world"`
	Seed         uint64 `json:"seed"`
	Settings     string `json:"settings"` // what was set for this run alone
	Clock        string `json:"clock"`
	Engine       string `json:"engine"`
	Policy       string `json:"policy"`
	QueueSize    int    `json:"queue_size"`
	WatcherQueue int    `json:"watcher_queue"`
	Shards       int    `json:"shards"`
	Baseline     bool   `json:"baseline"`
	Verdict      string `json:"verdict"`
	Reasons      string `json:"reasons"`
	Recommended  bool   `json:"recommended"`

	Published uint64 `json:"published"`
	Offered   uint64 `json:"offered"`
	Delivered uint64 `json:"delivered"`
	Conflated uint64 `json:"conflated"`
	Stale     uint64 `json:"stale"`
	InFlight  uint64 `json:"in_flight"`
	Dropped   uint64 `json:"dropped"`
	Lost      uint64 `json:"lost"`   // dropped, but for those whose receiver had left
	Causes    string `json:"causes"` // of the drops, each with its count
	Resyncs   int64  `json:"resyncs"`

	PropagationP50  int64   `json:"propagation_p50_ns"`
	PropagationP99  int64   `json:"propagation_p99_ns"`
	PropagationP999 int64   `json:"propagation_p999_ns"`
	PropagationMax  int64   `json:"propagation_max_ns"`
	StalenessP50    int64   `json:"staleness_p50_ns"`
	StalenessP99    int64   `json:"staleness_p99_ns"`
	StalenessMax    int64   `json:"staleness_max_ns"`
	PublishWaitMax  int64   `json:"publish_wait_max_ns"`
	QueueHigh       int     `json:"queue_high_water"`
	HealNS          int64   `json:"heal_ns"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakRSS         int64   `json:"peak_rss_bytes"`
	BytesPerWatcher int64   `json:"bytes_per_consumer"`
	Command         string  `json:"command"` // that runs it again
}

// Lost is what was dropped though its receiver was there: what the books call closed was on its way
// to one that left, and took no harm.
func Lost(b *sim.Books) uint64 { return b.DroppedTotal() - b.Dropped[notify.Closed.String()] }

// Record is all that json gives of one configuration.
type Record struct {
	Figures
	Objectives []ObjectiveFigures `json:"objectives,omitempty"`
	Stages     []StageFigures     `json:"stages,omitempty"`
}

// ObjectiveFigures say what became of an objective.
type ObjectiveFigures struct {
	SLO     string   `json:"slo"`
	Value   *float64 `json:"value"` // in ns, as a share or in bytes; nil: there is none
	Verdict string   `json:"verdict"`
	Reason  string   `json:"reason,omitempty"`
}

// StageFigures are those of one stage of a run.
type StageFigures struct {
	Stage           int     `json:"stage"` // from 1
	Name            string  `json:"name"`
	From            float64 `json:"from_s"` // since the begin of the recorded time
	To              float64 `json:"to_s"`
	Changes         int64   `json:"changes"`
	Offered         uint64  `json:"offered"`
	Dropped         uint64  `json:"dropped"`
	PropagationP50  int64   `json:"propagation_p50_ns"`
	PropagationP99  int64   `json:"propagation_p99_ns"`
	PropagationP999 int64   `json:"propagation_p999_ns"`
	PropagationMax  int64   `json:"propagation_max_ns"`
	StalenessP50    int64   `json:"staleness_p50_ns"`
	StalenessP99    int64   `json:"staleness_p99_ns"`
	StalenessMax    int64   `json:"staleness_max_ns"`
	PeakRSS         int64   `json:"peak_rss_bytes"`
}

// records are those of all runs.
func records(results []Result) []Record {
	var out []Record
	for _, r := range results {
		best := Recommend(r.Document).Run
		for i, run := range r.Runs {
			f := figuresOf(run)
			f.Result, f.Run, f.Clock = r.Name, i+1, r.Environment.Clock
			f.Seed = cmp.Or(run.Seed, r.Seed)
			f.Recommended = i == best
			f.Command = commandOf(r.Document, run)
			out = append(out, Record{f, objectiveFigures(run), stageFigures(run)})
		}
	}
	return out
}

func figuresOf(r *sim.Run) Figures {
	c, k, p, s := &r.Config, &r.Books, &r.Propagation, &r.Staleness
	var settings []string
	for _, x := range r.Settings {
		settings = append(settings, x.Path+"="+x.Value)
	}
	return Figures{
		Settings: strings.Join(settings, " "),
		World:    r.World, Engine: c.Engine, Policy: c.Policy, QueueSize: c.QueueSize,
		WatcherQueue: c.WatcherQueue, Shards: c.Shards, Baseline: r.Baseline,
		Verdict: Verdict(r), Reasons: strings.Join(r.Reasons, "; "),
		Published: k.Published, Offered: k.Offered, Delivered: k.Delivered,
		Conflated: k.Conflated, Stale: k.Stale, InFlight: k.InFlight,
		Dropped: k.DroppedTotal(), Lost: Lost(k), Causes: exactCauses(k.Dropped),
		Resyncs:        r.Resyncs,
		PropagationP50: p.P50, PropagationP99: p.P99, PropagationP999: p.P999,
		PropagationMax: p.Max, StalenessP50: s.P50, StalenessP99: s.P99, StalenessMax: s.Max,
		PublishWaitMax: r.PublishWait.Max, QueueHigh: r.QueueHigh, HealNS: r.HealNS,
		CPUSeconds: r.CPUSeconds, PeakRSS: r.PeakRSS, BytesPerWatcher: r.BytesPerWatcher,
	}
}

// exactCauses lists causes with their counts in the order of the engine's books: closed=3 newest=7.
func exactCauses(dropped map[string]uint64) string {
	var out []string
	for _, c := range notify.Causes() {
		if n := dropped[c.String()]; n > 0 {
			out = append(out, fmt.Sprintf("%v=%d", c, n))
		}
	}
	return strings.Join(out, " ")
}

func objectiveFigures(r *sim.Run) []ObjectiveFigures {
	var out []ObjectiveFigures
	for i := range r.SLOs {
		x := &r.SLOs[i]
		f := ObjectiveFigures{SLO: x.SLO.String(), Verdict: x.Verdict, Reason: x.Reason}
		if shown(x) != "-" {
			f.Value = &x.Value
		}
		out = append(out, f)
	}
	return out
}

func stageFigures(r *sim.Run) []StageFigures {
	var out []StageFigures
	for i := range r.Stages {
		st := &r.Stages[i]
		p, s := &st.Propagation, &st.Staleness
		out = append(out, StageFigures{
			Stage: i + 1, Name: st.Name, From: st.From, To: st.To, Changes: st.Changes,
			Offered: st.Offered, Dropped: st.Dropped,
			PropagationP50: p.P50, PropagationP99: p.P99, PropagationP999: p.P999,
			PropagationMax: p.Max, StalenessP50: s.P50, StalenessP99: s.P99, StalenessMax: s.Max,
			PeakRSS: st.Memory,
		})
	}
	return out
}

package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
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

// figures are those of all runs.
func figures(results []Result) []Figures {
	var out []Figures
	for _, r := range results {
		best := Recommend(r.Document).Run
		for i, run := range r.Runs {
			f := figuresOf(run)
			f.Result, f.Run, f.Seed, f.Clock = r.Name, i+1, r.Seed, r.Environment.Clock
			f.Recommended = i == best
			f.Command = commandOf(r.Document, run)
			out = append(out, f)
		}
	}
	return out
}

func figuresOf(r *sim.Run) Figures {
	c, k, p, s := &r.Config, &r.Books, &r.Propagation, &r.Staleness
	return Figures{
		World: r.World, Engine: c.Engine, Policy: c.Policy, QueueSize: c.QueueSize,
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

// writeJSON writes an array with one object per configuration.
func writeJSON(b *bytes.Buffer, results []Result) error {
	all := figures(results)
	if all == nil {
		all = []Figures{} // an empty array, not null
	}
	enc := json.NewEncoder(b)
	enc.SetIndent("", " ")
	return enc.Encode(all)
}

// writeCSV writes a line of names, those of json, and one line per configuration (RFC 4180).
func writeCSV(b *bytes.Buffer, results []Result) error {
	w := csv.NewWriter(b)
	var names []string
	for f := range reflect.TypeFor[Figures]().Fields() {
		names = append(names, f.Tag.Get("json"))
	}
	if err := w.Write(names); err != nil {
		return err
	}
	for _, f := range figures(results) {
		v := reflect.ValueOf(f)
		line := make([]string, v.NumField())
		for i := range line {
			line[i] = fmt.Sprint(v.Field(i).Interface())
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

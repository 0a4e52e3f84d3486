package sim

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The ranges of the histograms. Three digits cost about 0.3 MB each, so there is one per kind and
// lane, never one per consumer.
const (
	latencyMax = int64(3600 * 1e9) // ns
	countMax   = int64(1e9)
	digits     = 3
)

// Histogram records non-negative values. What is beyond its range counts as the largest value it
// holds, and is counted. It isn't safe for concurrent use.
type Histogram struct {
	h      *hdrhistogram.Histogram
	beyond int64
}

func newHistogram(highest int64) *Histogram {
	return &Histogram{h: hdrhistogram.New(1, highest, digits)}
}

func (h *Histogram) record(v int64) {
	if h.h.RecordValue(max(v, 0)) != nil {
		h.beyond++
		_ = h.h.RecordValue(h.h.HighestTrackableValue())
	}
}

func (h *Histogram) merge(o *Histogram) {
	h.beyond += o.beyond + h.h.Merge(o.h)
}

func (h *Histogram) reset() {
	h.h.Reset()
	h.beyond = 0
}

// Summary is a histogram in a result. HDR is the whole of it, in HdrHistogram's V2 compressed
// encoding, base64.
type Summary struct {
	Count  int64  `json:"count"`
	P50    int64  `json:"p50"`
	P90    int64  `json:"p90"`
	P99    int64  `json:"p99"`
	P999   int64  `json:"p999"`
	Max    int64  `json:"max"`
	Beyond int64  `json:"beyond,omitempty"` // values above the range, counted as its end
	HDR    string `json:"hdr"`
}

func (h *Histogram) summary() (Summary, error) {
	hdr, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return Summary{}, fmt.Errorf("encode histogram: %w", err)
	}
	return Summary{
		Count:  h.h.TotalCount(),
		P50:    h.h.ValueAtQuantile(50),
		P90:    h.h.ValueAtQuantile(90),
		P99:    h.h.ValueAtQuantile(99),
		P999:   h.h.ValueAtQuantile(99.9),
		Max:    h.h.Max(),
		Beyond: h.beyond,
		HDR:    string(hdr),
	}, nil
}

// Decode gives the histogram back that s summarises.
func (s *Summary) Decode() (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(s.HDR))
	if err != nil {
		return nil, fmt.Errorf("hdr: want a base64 V2 HdrHistogram: %w", err)
	}
	return h, nil
}

// recorder is what one lane records. It belongs to the lane's lock.
type recorder struct {
	from, to     int64    // only changes that were due in here are recorded
	edges        []int64  // of the stages: see stageOf
	second       *second  // since the last Point; what was before is in stage.total
	current      *figures // of what is due from begins until before ends; nil: to be looked up
	begins, ends int64
	closed       bool       // what is dropped now is so because the run is over
	gaps         *Histogram // lengths of runs of lost revisions

	received    int64 // events that the engine delivered
	handled     int64 // events that changed a view
	resyncs     int64 // lists after the first of a connection
	connections int64 // after the first of a consumer
	pulls       int64
	shared      int64 // pulls that took the answers of another
	openEnds    int64 // staleness intervals that had not ended
	lostOnWire  int64 // events on a connection that broke
	streams     streamCounts
}

func newRecorder(stages int) *recorder {
	return &recorder{
		second: newSecond(stages),
		gaps:   newHistogram(countMax),
	}
}

func (r *recorder) due(at int64) bool { return at >= r.from && at < r.to }

// of is where to record what concerns a change that was due at a time. Mostly it is where it was
// for the one before.
func (r *recorder) of(due int64) *figures {
	if due < r.begins || due >= r.ends {
		r.find(due)
	}
	return r.current
}

func (r *recorder) find(due int64) {
	i := stageOf(r.edges, due)
	r.current, r.begins, r.ends = r.second.part(i), due, due+1
	switch {
	case i > 0:
		r.begins, r.ends = r.edges[i-1], r.edges[i]
	case len(r.edges) == 0:
		r.begins, r.ends = math.MinInt64, never
	}
}

// forget has the place to record looked up again, for there is another second.
func (r *recorder) forget() { r.current, r.begins, r.ends = nil, 0, 0 }

// merge adds the counts of another recorder, but not what its second holds.
func (r *recorder) merge(o *recorder) {
	r.gaps.merge(o.gaps)
	r.received += o.received
	r.handled += o.handled
	r.resyncs += o.resyncs
	r.connections += o.connections
	r.pulls += o.pulls
	r.shared += o.shared
	r.openEnds += o.openEnds
	r.lostOnWire += o.lostOnWire
	r.streams.merge(&o.streams)
}

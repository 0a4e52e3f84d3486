package sim

import (
	"fmt"

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
	from, to    int64 // only changes that were due in here are recorded
	propagation *Histogram
	staleness   *Histogram
	interval    *Histogram // propagation since the last sample
	gaps        *Histogram // lengths of runs of lost revisions

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

func newRecorder() *recorder {
	return &recorder{
		propagation: newHistogram(latencyMax),
		staleness:   newHistogram(latencyMax),
		interval:    newHistogram(latencyMax),
		gaps:        newHistogram(countMax),
	}
}

func (r *recorder) due(at int64) bool { return at >= r.from && at < r.to }

func (r *recorder) merge(o *recorder) {
	r.propagation.merge(o.propagation)
	r.staleness.merge(o.staleness)
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

package server

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latency summarises a histogram.
type Latency struct {
	Count                    int64
	P50, P90, P99, P999, Max time.Duration
}

// latencyMax is the end of the histograms' range; what is beyond counts as this.
const latencyMax = time.Hour

const digits = 3

// latencies is two histograms behind a lock: of now, and of all before. Recording takes some 50 ns,
// next to a write of several thousand, so one lock does for all connections.
type latencies struct {
	mu     sync.Mutex
	now    *hdrhistogram.Histogram // since the last interval; nil: nothing yet
	before *hdrhistogram.Histogram
	sum    time.Duration
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(latencyMax), digits)
}

func (l *latencies) record(d time.Duration) {
	d = min(max(d, 0), latencyMax)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		l.now, l.before = newHistogram(), newHistogram()
	}
	_ = l.now.RecordValue(int64(d)) // it is in the range
	l.sum += d
}

// interval gives what was recorded since the last interval.
func (l *latencies) interval() Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return Latency{}
	}
	latency := summary(l.now)
	l.before.Merge(l.now) // both have the same range, so nothing is dropped
	l.now.Reset()
	return latency
}

// all gives a copy of everything, with its sum: whoever reads it takes his time.
func (l *latencies) all() (*hdrhistogram.Histogram, time.Duration) {
	whole := newHistogram()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil {
		whole.Merge(l.before)
		whole.Merge(l.now)
	}
	return whole, l.sum
}

func summary(h *hdrhistogram.Histogram) Latency {
	at := func(percentile float64) time.Duration {
		return time.Duration(h.ValueAtQuantile(percentile))
	}
	return Latency{Count: h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: time.Duration(h.Max())}
}

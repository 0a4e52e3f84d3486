package server

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
)

// metrics reads the books when Prometheus asks.
type metrics struct{ s *Server }

// newMetrics makes the handler of /metrics. The registry of metrics is the server's own, so that
// there may be several servers in one process.
func newMetrics(s *Server) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// kind is one metric.
type kind struct {
	desc  *prometheus.Desc
	value prometheus.ValueType
}

func counter(name, help string, labels ...string) kind {
	return kind{prometheus.NewDesc("notifylab_"+name+"_total", help, labels, nil),
		prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) kind {
	return kind{prometheus.NewDesc("notifylab_"+name, help, labels, nil), prometheus.GaugeValue}
}

// Of the engine, by the type of events. The names are those of its books.
var (
	published = counter("published", "Events that the engine accepted.", "type")
	rejected  = counter("rejected", "Events that the engine did not accept.", "type")
	offered   = counter("offered", "Deliveries owed.", "type")
	delivered = counter("delivered", "Deliveries that a subscriber took.", "type")
	dropped   = counter("dropped", "Deliveries lost, by cause.", "type", "cause")
	stale     = counter("stale", "Deliveries that the subscriber's list had already.", "type")
	conflated = counter("conflated", "Deliveries passed over for a newer one.", "type")
	inFlight  = gauge("in_flight", "Deliveries that wait.", "type")
	depth     = gauge("queue_depth", "Events in the fullest task queue.", "type")
	depthHigh = gauge("queue_depth_high_water", "The most events there ever were in one.", "type")
)

// Of clients and of the registry.
var (
	connections = gauge("connections", "Watchers that are connected.", "transport")
	endings     = counter("connections_ended", "Watchers that ended.", "transport", "reason")
	answers     = counter("http_requests", "Requests answered, by status.", "code")
	revision    = gauge("registry_revision", "Changes of the registry so far.")
	services    = gauge("registry_services", "Services registered.")
	instances   = gauge("registry_instances", "Instances registered.")
	leases      = gauge("registry_leases", "Instances with a lease.")
	expired     = counter("registry_leases_expired", "Instances removed with their lease.")
	changed     = counter("registry_changes", "Changes, by what happened.", "action")
	lost        = counter("registry_changes_lost", "Changes that nobody could be told of.")
	finds       = counter("find_requests", "Finds: hit, miss or refreshed.", "cache")
	notModified = counter("find_not_modified", "Finds whose client had the answer.")
	cached      = gauge("find_cache_entries", "Answers kept.")
	lit         = gauge("alarm_lit", "1 while an alarm is lit, 0 once it is cleared.", "id")
	propagation = kind{desc: prometheus.NewDesc("notifylab_propagation_seconds",
		"From when an event was due until its frame was written to a connection.", nil, nil)}
)

// Describe implements prometheus.Collector. It lists all, so that two of a name are found at once
// and not at the first scrape.
func (m metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, k := range []kind{published, rejected, offered, delivered, dropped, stale, conflated,
		inFlight, depth, depthHigh, connections, endings, answers, revision, services, instances,
		leases, expired, changed, lost, finds, notModified, cached, lit, propagation} {
		ch <- k.desc
	}
}

// reading takes values during one scrape.
type reading chan<- prometheus.Metric

// count adds a value that was counted, which are all of different types.
func count[N uint64 | int64 | int](ch reading, k kind, n N, labels ...string) {
	ch <- prometheus.MustNewConstMetric(k.desc, k.value, float64(n), labels...)
}

// Collect implements prometheus.Collector. Each book is read once, so that the figures of a scrape
// belong together: those of the engine balance.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	for _, t := range []notify.Type{registry.InstanceEvents, alarm.Events} {
		collectEvents(ch, string(t), m.s.engine.Stats(t))
	}
	for transport, n := range m.s.connections() {
		count(ch, connections, n, transport)
	}
	for transport, by := range m.s.ends.counts() {
		for reason, n := range by {
			count(ch, endings, n, transport, reason)
		}
	}
	for status, n := range m.s.requests.counts() {
		count(ch, answers, n, strconv.Itoa(status))
	}
	m.collectRegistry(ch)
	for _, a := range m.s.board.List() {
		n := 0
		if a.Status == alarm.Raised {
			n = 1
		}
		count(ch, lit, n, string(a.ID))
	}
	all, sum := m.s.sent.all()
	ch <- newPropagation(all, sum)
}

// collectEvents gives every cause, also those that never came: a rate needs to know the 0 before
// the first.
func collectEvents(ch reading, t string, s notify.Stats) {
	count(ch, published, s.Published, t)
	count(ch, rejected, s.Rejected, t)
	count(ch, offered, s.Offered, t)
	count(ch, delivered, s.Delivered, t)
	for _, cause := range notify.Causes() {
		count(ch, dropped, s.Dropped[cause], t, cause.String())
	}
	count(ch, stale, s.Stale, t)
	count(ch, conflated, s.Conflated, t)
	count(ch, inFlight, s.InFlight, t)
	count(ch, depth, s.Queued, t)
	count(ch, depthHigh, s.QueueHigh, t)
}

func (m metrics) collectRegistry(ch reading) {
	r, s := m.s.hub.Registry(), m.s.hub.Stats()
	count(ch, revision, r.Revision())
	count(ch, services, len(r.Services()))
	// To count them all would take a while in a large world, and a copy of each service's list.
	came := uint64(m.s.world.Instances) + s.Changes[registry.Create]
	count(ch, instances, came-s.Changes[registry.Delete])
	kept := r.Leases()
	count(ch, leases, kept.Leased)
	count(ch, expired, kept.Expired)
	for action, n := range s.Changes {
		count(ch, changed, n, string(action))
	}
	count(ch, lost, s.Lost)
	count(ch, finds, s.FindHits, "hit")
	count(ch, finds, s.FindMisses, "miss")
	count(ch, finds, s.FindRefreshed, "refreshed")
	count(ch, notModified, s.FindNotModified)
	count(ch, cached, s.FindEntries)
}

// bounds are the upper ends of the classic buckets, in seconds.
var bounds = []float64{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2,
	5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// A native histogram of this schema has eight buckets for each doubling, so one is 9 % wide. What
// is recorded as 0 ns is its zero.
const (
	schema        = 3
	perDoubling   = 1 << schema
	zeroThreshold = 1e-9
)

// newPropagation converts a histogram of nanoseconds. Its bars are 0.1 % wide, so it makes no
// difference that one may reach over the end of a bucket.
func newPropagation(h *hdrhistogram.Histogram, sum time.Duration) prometheus.Metric {
	classic, native, zero := map[float64]uint64{}, map[int]int64{}, uint64(0)
	for _, bound := range bounds {
		classic[bound] = 0
	}
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		seconds := float64(bar.To) / float64(time.Second)
		for _, bound := range bounds {
			if seconds <= bound {
				classic[bound] += uint64(bar.Count)
			}
		}
		if seconds <= zeroThreshold {
			zero += uint64(bar.Count)
		} else {
			native[int(math.Ceil(math.Log2(seconds)*perDoubling))] += bar.Count
		}
	}
	n, total := uint64(h.TotalCount()), sum.Seconds()
	return withNative{
		prometheus.MustNewConstHistogram(propagation.desc, n, total, classic),
		prometheus.MustNewConstNativeHistogram(propagation.desc, n, total, native, nil, zero,
			schema, zeroThreshold, time.Time{}),
	}
}

// withNative is a histogram with classic buckets, for the text format, and native ones. The library
// makes constant histograms of either kind, but the protocol has room for both in one.
type withNative struct {
	prometheus.Metric // classic
	native            prometheus.Metric
}

// Write implements prometheus.Metric.
func (w withNative) Write(m *dto.Metric) error {
	var native dto.Metric
	if err := w.native.Write(&native); err != nil {
		return err
	}
	if err := w.Metric.Write(m); err != nil {
		return err
	}
	h, n := m.GetHistogram(), native.GetHistogram()
	h.Schema, h.ZeroThreshold, h.ZeroCount = n.Schema, n.ZeroThreshold, n.ZeroCount
	h.PositiveSpan, h.PositiveDelta = n.PositiveSpan, n.PositiveDelta
	return nil
}

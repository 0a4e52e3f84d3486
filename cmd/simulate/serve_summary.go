package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim/report"
	"github.com/notifylab/notifylab/sim/server"
)

// summarize prints what a server did.
func summarize(s server.Stats, took time.Duration, w io.Writer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "\nserved for %s\n", report.Duration(int64(took)))
	row("requests", "%s", breakdown(s.Requests))
	row("changes", "%s", breakdown(s.Hub.Changes))
	row("its own", "%d; late by p99 %s, max %s", s.Synthetic, report.Duration(int64(s.Lag.P99)),
		report.Duration(int64(s.Lag.Max)))
	e := &s.Events
	row("events", "%d published, %d rejected, %d changes untold", e.Published, e.Rejected,
		s.Hub.Lost)
	row("deliveries", "%d = %d delivered + %d dropped + %d stale + %d conflated + %d in flight",
		e.Offered, e.Delivered, e.DroppedTotal(), e.Stale, e.Conflated, e.InFlight)
	dropped := map[notify.Cause]uint64{}
	for _, cause := range notify.Causes() {
		if n := e.Dropped[cause]; n > 0 {
			dropped[cause] = n
		}
	}
	row("dropped", "%s", breakdown(dropped))
	ended := map[string]uint64{}
	for transport, by := range s.Ended {
		for reason, n := range by {
			ended[transport+" "+reason] = n
		}
	}
	row("connections", "%s", breakdown(ended))
	row("sent", "%d events: p50 %s, p90 %s, p99 %s, p99.9 %s, max %s", s.Sent.Count,
		report.Duration(int64(s.Sent.P50)), report.Duration(int64(s.Sent.P90)),
		report.Duration(int64(s.Sent.P99)), report.Duration(int64(s.Sent.P999)),
		report.Duration(int64(s.Sent.Max)))
}

func total[K comparable](counts map[K]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// breakdown shows the sum of counts and each of them: "7: CREATE 2, DELETE 5".
func breakdown[K cmp.Ordered](counts map[K]uint64) string {
	if len(counts) == 0 {
		return "0"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%v %d", k, counts[k]))
	}
	return fmt.Sprintf("%d: %s", total(counts), strings.Join(parts, ", "))
}

package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/notifylab/notifylab/sim"
)

// writeBench writes a benchmark line per run. Several results of the same scenario are repeats of
// the same benchmarks, which is what benchstat compares.
func writeBench(b *bytes.Buffer, results []Result) error {
	w := benchfmt.NewWriter(b)
	for _, r := range results {
		for _, run := range r.Runs {
			if err := w.Write(benchmark(r.Document, run)); err != nil {
				return err
			}
		}
	}
	return nil
}

func benchmark(d *sim.Document, r *sim.Run) *benchfmt.Result {
	e, s, c := &d.Environment, &d.Scenario, &r.Config
	own := ""
	for _, x := range r.Settings {
		if !slices.Contains(named, x.Path) {
			own += fmt.Sprintf("/%s=%s", key(x.Path), key(x.Value))
		}
	}
	res := &benchfmt.Result{
		Name: benchfmt.Name(fmt.Sprintf("Simulate/engine=%s/policy=%s/queue=%d/watcher=%d%s-%d",
			key(c.Engine), key(c.Policy), c.QueueSize, c.WatcherQueue, own,
			max(e.GOMAXPROCS, 1))),
		Iters: 1,
	}
	for _, kv := range [][2]string{
		{"goos", e.OS}, {"goarch", e.Arch}, {"go", e.GoVersion}, {"clock", e.Clock},
		{"world", world(s)}, {"consumers", strconv.Itoa(s.Consumers)},
		{"seed", strconv.FormatUint(cmp.Or(r.Seed, d.Seed), 10)}, {"duration", s.Duration.String()},
	} {
		value := []byte(oneLine(kv[1]))
		res.Config = append(res.Config, benchfmt.Config{Key: kv[0], Value: value, File: true})
	}
	add := func(unit string, value float64) {
		res.Values = append(res.Values, benchfmt.Value{Value: value, Unit: unit})
	}
	k, p := &r.Books, &r.Propagation
	if p.Count > 0 {
		add("propagation-p50-ns", float64(p.P50))
		add("propagation-p99-ns", float64(p.P99))
		add("propagation-p999-ns", float64(p.P999))
		add("propagation-max-ns", float64(p.Max))
	}
	if r.Staleness.Count > 0 {
		add("staleness-p99-ns", float64(r.Staleness.P99))
		add("staleness-max-ns", float64(r.Staleness.Max))
	}
	add("offered", float64(k.Offered))
	add("delivered", float64(k.Delivered))
	add("conflated", float64(k.Conflated))
	add("lost", float64(Lost(k)))
	if e.Clock != sim.VirtualClock {
		add("cpu-sec", r.CPUSeconds)
		add("peak-rss-B", float64(r.PeakRSS))
		add("B/consumer", float64(r.BytesPerWatcher))
	}
	return res
}

// key is s without what has a meaning in a benchmark's name.
func key(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, s)
}

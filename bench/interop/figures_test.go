package interop_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sc "github.com/go-chassis/sc-client"
)

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// BenchmarkBurst: see the package documentation. An operation is one burst.
func BenchmarkBurst(b *testing.B) {
	const burst = 12
	s := start(b, "127.0.0.1:0")
	c := s.client()
	_, consumer := register(b, c)
	name, provider := register(b, c)
	events := watch(b, c, consumer)
	find(b, c, consumer, name)
	registerInstance(b, c, provider, 0) // the first of everything is not what is asked for
	next(b, events)
	var last []time.Duration
	for b.Loop() {
		began := time.Now()
		ids := map[string]bool{}
		for n := range burst {
			ids[registerInstance(b, c, provider, n)] = true
		}
		for range burst {
			e := next(b, events)
			if e.Action != sc.EventCreate || !ids[e.Instance.InstanceId] {
				b.Fatalf("%s of %s: want a CREATE of one of %v", e.Action, e.Instance.InstanceId,
					ids)
			}
			delete(ids, e.Instance.InstanceId)
		}
		last = append(last, time.Since(began))
	}
	b.ReportMetric(milliseconds(median(last)), "ms-to-last")
	b.ReportMetric(milliseconds(slices.Max(last)), "max-ms-to-last")
	b.ReportMetric(0, "ns/op") // the same as the first, on average
}

// BenchmarkNeighbour: see the package documentation. An operation is a second of quiet, a flood for
// one who reads, and a flood for one who doesn't, with probes after each. The neighbours are new
// each time, for the server ends those that don't read for 5 s.
func BenchmarkNeighbour(b *testing.B) {
	const flood = 5060
	s := start(b, "127.0.0.1:0")
	c := s.client()
	_, consumer := register(b, c)
	name, provider := register(b, c)
	events := watch(b, c, consumer)
	find(b, c, consumer, name)
	id := registerInstance(b, c, provider, 0)
	next(b, events)
	probe := func() time.Duration {
		began := time.Now()
		ok, err := c.UpdateMicroServiceInstanceStatus(provider, id, sc.MSInstanceUP)
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		next(b, events)
		return time.Since(began)
	}
	var quiet, busy, stuck probes
	for b.Loop() {
		time.Sleep(time.Second)
		quiet.take(probe)
		flooded(b, s, flood, true)
		busy.take(probe)
		release := flooded(b, s, flood, false)
		stuck.take(probe)
		release()
	}
	b.ReportMetric(milliseconds(median(quiet.all)), "quiet-ms")
	b.ReportMetric(milliseconds(median(busy.all)), "busy-ms")
	b.ReportMetric(milliseconds(median(stuck.all)), "stuck-ms")
	b.ReportMetric(float64(median(stuck.all))/float64(median(quiet.all)), "ratio")
	b.ReportMetric(milliseconds(median(quiet.first)), "quiet-first-ms")
	b.ReportMetric(milliseconds(median(busy.first)), "busy-first-ms")
	b.ReportMetric(milliseconds(median(stuck.first)), "stuck-first-ms")
	b.ReportMetric(0, "ns/op") // of the flood, mostly
}

// probes are the times of single changes. The first after a pause takes longer, whatever there was
// in the pause: two processes have to wake up.
type probes struct{ all, first []time.Duration }

func (p *probes) take(probe func() time.Duration) {
	p.first = append(p.first, probe())
	p.all = append(p.all, p.first[len(p.first)-1])
	for range 50 {
		p.all = append(p.all, probe())
	}
}

var waiting = regexp.MustCompile(`(?m)^notifylab_in_flight\{type="INSTANCE"\} [1-9]`)

// flooded makes so many changes for a client of its own, of 2 kB each: more than the buffers of its
// socket hold. The client reads them all, or nothing before release.
func flooded(b *testing.B, s *server, changes int, reads bool) (release func()) {
	b.Helper()
	c := s.client()
	_, consumer := register(b, c)
	name, provider := register(b, c)
	find(b, c, consumer, name)
	id := registerInstance(b, c, provider, 0)
	held := make(chan struct{})
	if reads {
		close(held)
	}
	err := c.WatchMicroService(consumer, func(*sc.MicroServiceInstanceChangedEvent) { <-held })
	if err != nil {
		b.Fatal(err)
	}
	in := instance(provider, 0)
	for n := range changes {
		in.Properties = map[string]string{"n": fmt.Sprint(n), "pad": strings.Repeat("x", 2000)}
		ok, err := c.UpdateMicroServiceInstanceProperties(provider, id, in)
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	if reads {
		return nil
	}
	return func() {
		if !waiting.MatchString(metrics(b, s)) {
			b.Fatal("nothing waits in the server: the client wasn't stuck")
		}
		close(held)
	}
}

// metrics is what the server tells Prometheus.
func metrics(b *testing.B, s *server) string {
	b.Helper()
	answer, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

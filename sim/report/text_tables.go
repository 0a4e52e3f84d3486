package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

func outcomes(b *strings.Builder, d *sim.Document) {
	b.WriteString("What became of the deliveries\n")
	var t table
	t.row(labelHead, "offered", "delivered", "conflated", "stale", "in flight", "dropped",
		"of offered", "why", "resyncs", "verdict")
	for _, r := range d.Runs {
		k := &r.Books
		t.row(rowLabel(r), Count(k.Offered), Count(k.Delivered), Count(k.Conflated),
			Count(k.Stale), Count(k.InFlight), Count(k.DroppedTotal()),
			Share(k.DroppedTotal(), k.Offered), causes(k.Dropped), Count(uint64(r.Resyncs)),
			Verdict(r))
	}
	t.write(b)
}

// Verdict is a run's verdict in a table: a baseline's harms are what it is run for.
func Verdict(r *sim.Run) string {
	if r.Baseline && r.Verdict == sim.Failed {
		return "harmed"
	}
	return r.Verdict
}

// causes lists causes with their counts, the largest first.
func causes(dropped map[string]uint64) string {
	if len(dropped) == 0 {
		return "-"
	}
	names := make([]string, 0, len(dropped))
	for name := range dropped {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(dropped[b], dropped[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + Count(dropped[name])
	}
	return strings.Join(names, ", ")
}

func latencies(b *strings.Builder, d *sim.Document) {
	what := "How long it took, and what it cost"
	if d.Environment.Clock == sim.VirtualClock {
		what = "How long it took, in virtual time"
	}
	b.WriteString("\n" + what +
		" (propagation: due to handled; stale: a view differs from the truth)\n")
	var t table
	head := []string{labelHead, "p50", "p99", "p99.9", "max", "stale p99", "stale max",
		"publish wait", "queue high", "ev/s/watcher", "healed in"}
	if d.Environment.Clock != sim.VirtualClock {
		head = append(head, "CPU s", "peak mem", "B/consumer")
	}
	t.row(head...)
	for _, r := range d.Runs {
		p, healed := &r.Propagation, "never"
		if r.HealNS >= 0 {
			healed = Duration(r.HealNS)
		}
		row := []string{rowLabel(r), Duration(p.P50), Duration(p.P99), Duration(p.P999),
			Duration(p.Max), Duration(r.Staleness.P99), Duration(r.Staleness.Max),
			Duration(r.PublishWait.Max), Count(uint64(r.QueueHigh)),
			strconv.FormatFloat(r.WatcherRateMax, 'f', 1, 64), healed}
		if d.Environment.Clock != sim.VirtualClock {
			row = append(row, strconv.FormatFloat(r.CPUSeconds, 'f', 2, 64), Bytes(r.PeakRSS),
				strconv.FormatInt(r.BytesPerWatcher, 10))
		}
		t.row(row...)
	}
	t.write(b)
}

// pulls says what the find cache did for the consumers' pulls, where there were any.
func pulls(b *strings.Builder, d *sim.Document) {
	var t table
	t.row(labelHead, "pulls", "pulls/s", "shared", "finds", "from cache", "not modified", "evicted")
	for _, r := range d.Runs {
		if f := r.Finds; f != nil {
			t.row(rowLabel(r), Count(uint64(r.Pulls)),
				strconv.FormatFloat(f.PullRate, 'f', 1, 64),
				Share(uint64(f.SharedPulls), uint64(r.Pulls)), Count(f.Finds),
				Share(f.Hits, f.Finds), Share(f.NotModified, f.Finds), Count(f.Evicted))
		}
	}
	if len(t.rows) > 1 {
		b.WriteString("\nPulls (a find per provider, but shared ones take another's answers; " +
			"not modified: it had that answer)\n")
		t.write(b)
	}
}

// streams says what the sessions did, where there were any.
func streams(b *strings.Builder, d *sim.Document) {
	var t table
	t.row(labelHead, "opened", "heartbeats", "encoded", "frames", "unsent", "refused",
		"write timeouts", "read timeouts", "ended otherwise")
	for _, r := range d.Runs {
		s := r.Stream
		if s == nil {
			continue
		}
		others := make(map[string]uint64)
		for reason, n := range s.Ended {
			others[reason] = uint64(n)
		}
		write, read := others[sim.EndedByWrite], others[sim.EndedByRead]
		delete(others, sim.EndedByWrite)
		delete(others, sim.EndedByRead)
		t.row(rowLabel(r), Count(uint64(s.Opened)), Count(uint64(s.Heartbeats)),
			Count(uint64(s.Encoded)), Count(uint64(s.Frames)), Count(uint64(s.Unsent)),
			Count(uint64(s.Refused)), Count(write), Count(read), causes(others))
	}
	if len(t.rows) > 1 {
		fmt.Fprintf(b, "\nSessions (transport %s)\n", d.Scenario.Transport)
		t.write(b)
	}
}

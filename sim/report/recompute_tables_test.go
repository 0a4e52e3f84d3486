package report_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/report"
)

// tableMakers make the tables that there are again, by their titles.
var tableMakers = map[string]func(*testing.T, node, []string) [][]string{
	"Configurations":            configurations,
	"Objectives":                objectives,
	"Stages":                    stages,
	"Drops by cause":            dropsByCause,
	"Drops per consumer":        dropsPerConsumer,
	"Pulls":                     pulls,
	"Sessions":                  sessions,
	"All combinations":          combinations,
	"The trials":                trials,
	"The loads of the drawings": knee,
	"All options":               options,
}

func configurations(t *testing.T, doc node, left []string) (out [][]string) {
	for i, r := range doc.all("runs") {
		c, k, p := r.at("config"), r.at("books"), r.at("propagation_ns")
		engine, verdict := c.s("engine"), r.s("verdict")
		if r.at("baseline").v == true {
			engine += " baseline"
			if verdict == "failed" {
				verdict = "harmed"
			}
		}
		row := []string{number1(i), engine, c.s("policy"), fmt.Sprint(c.f("queue_size")),
			fmt.Sprint(c.f("watcher_queue"))}
		if r.f("seed") > 0 {
			name := runName(r, left...)
			plain := runName(node{map[string]any{"config": c.v}})
			row = append(row, strings.TrimSpace(strings.TrimPrefix(name, plain)))
		}
		healed := "never"
		if r.f("heal_ns") >= 0 {
			healed = report.Duration(int64(r.f("heal_ns")))
		}
		row = append(row, count(k.f("offered")), count(lost(r)), count(k.f("conflated")),
			p.time(t, 0.5), p.time(t, 0.99), p.time(t, 0.999), p.time(t, 1),
			r.at("staleness_ns").time(t, 0.99), count(r.f("still_stale")), healed)
		if i == recommended(t, doc) {
			verdict += " recommended"
		}
		out = append(out, append(row, verdict))
	}
	return out
}

// recommended is the run that the documents of these tests recommend.
func recommended(t *testing.T, doc node) int {
	switch {
	case doc.at("capacity").v != nil:
		return -1
	case doc.at("recommendation").v != nil:
		o := doc.at("recommendation", "options", int(doc.f("recommendation", "choice")))
		return int(o.f("runs", 0))
	case doc.at("sweep").v != nil:
		best, lowest := -1, int64(math.MaxInt64)
		seeds := len(doc.all("sweep", "seeds"))
		runs := doc.all("runs")
		for i := 0; i < len(runs); i += seeds {
			var stale []int64
			for _, r := range runs[i : i+seeds] {
				if r.s("verdict") == "passed" {
					stale = append(stale, r.at("staleness_ns").quantile(t, 0.99))
				}
			}
			slices.Sort(stale)
			if len(stale) == seeds && stale[(seeds-1)/2] < lowest {
				best, lowest = i, stale[(seeds-1)/2]
			}
		}
		return best
	}
	return -1 // in the one with stages none passes
}

func objectives(t *testing.T, doc node, _ []string) (out [][]string) {
	metric := regexp.MustCompile(`^(?:(\w+): )?(\w+) < `)
	limits := map[string]float64{"1ms": 1e6, "500ms": 500e6, "2s": 2e9, "0.01%": 1e-4, "20%": 0.2}
	quantiles := map[string]float64{"p50": 0.5, "p99": 0.99, "p999": 0.999}
	for _, r := range doc.all("runs") {
		row := []string{"objectives"}
		for _, o := range r.all("slos") {
			m := metric.FindStringSubmatch(o.s("slo"))
			require.NotNil(t, m, o.s("slo"))
			limit := limits[strings.TrimPrefix(o.s("slo"), m[0])]
			of, q, _ := strings.Cut(m[2], "_")
			part := r
			for i, st := range doc.all("scenario", "stages") {
				if m[1] != "" && strings.HasPrefix(st.v.(string), "name="+m[1]+",") {
					part = r.at("stages", i)
				}
			}
			switch of {
			case "memory":
				row = append(row, "NaN can't be said")
				continue
			case "lost":
				row = append(row, verdictOn(lossShare(r)/100, limit, ""))
				continue
			}
			s := part.at(of + "_ns")
			_, total := s.bars(t)
			few := ""
			if need := math.Round(10 / (1 - quantiles[q])); float64(total) < need {
				few = fmt.Sprintf("%s samples of %s", count(float64(total)), count(need))
			}
			row = append(row, verdictOn(float64(s.quantile(t, quantiles[q])), limit, few))
		}
		out = append(out, row)
	}
	return out
}

func verdictOn(v, limit float64, few string) string {
	switch {
	case few != "":
		return fmt.Sprint(v, " ", few)
	case v < limit:
		return fmt.Sprint(v, " met")
	}
	return fmt.Sprint(v, " not met")
}

func stages(t *testing.T, doc node, left []string) (out [][]string) {
	for i, r := range doc.all("runs") {
		for _, st := range r.all("stages") {
			p := st.at("propagation_ns")
			dropped := count(st.f("dropped"))
			if dropped == "0" {
				dropped = "·"
			}
			out = append(out, []string{number1(i), runName(r, left...), st.s("name"),
				fmt.Sprintf("%g s", st.f("from_s")), fmt.Sprintf("%g s", st.f("to_s")),
				count(st.f("changes")), count(st.f("offered")), dropped, p.time(t, 0.5),
				p.time(t, 0.99), p.time(t, 0.999), st.at("staleness_ns").time(t, 0.99)})
		}
	}
	return out
}

func orDot(v float64) string {
	if v == 0 {
		return "·"
	}
	return count(v)
}

func dropsByCause(_ *testing.T, doc node, left []string) (out [][]string) {
	var causes []string
	order := []string{"oldest", "newest", "flushed", "evicted", "timed_out", "failed", "closed"}
	for _, cause := range order {
		if slices.ContainsFunc(doc.all("runs"), func(r node) bool {
			return r.f("books", "dropped", cause) > 0
		}) {
			causes = append(causes, cause)
		}
	}
	for i, r := range doc.all("runs") {
		row := []string{number1(i), runName(r, left...)}
		for _, cause := range causes {
			row = append(row, orDot(r.f("books", "dropped", cause)))
		}
		out = append(out, row)
	}
	return out
}

func dropsPerConsumer(t *testing.T, doc node, left []string) (out [][]string) {
	edges := []int64{0, 1, 3, 10, 30, 100, 300, 1000, 3000}
	for i, r := range doc.all("runs") {
		counts := make([]float64, len(edges)+1)
		bars, _ := r.at("drops_per_consumer").bars(t)
		for _, b := range bars {
			k := sort.Search(len(edges), func(k int) bool { return b.From <= edges[k] })
			counts[k] += float64(b.Count)
		}
		row := []string{number1(i), runName(r, left...)}
		for _, n := range counts {
			row = append(row, orDot(n))
		}
		out = append(out, row)
	}
	return out
}

func pulls(_ *testing.T, doc node, left []string) (out [][]string) {
	share := func(part, whole float64) string {
		return report.Share(uint64(part), uint64(whole))
	}
	for i, r := range doc.all("runs") {
		if f := r.at("finds"); f.v != nil {
			out = append(out, []string{number1(i), runName(r, left...), count(r.f("pulls")),
				fmt.Sprintf("%.1f", f.f("pulls_per_second")),
				share(f.f("shared_pulls"), r.f("pulls")), count(f.f("finds")),
				share(f.f("hits"), f.f("finds")), share(f.f("not_modified"), f.f("finds")),
				count(f.f("evicted"))})
		}
	}
	return out
}

func sessions(_ *testing.T, doc node, left []string) (out [][]string) {
	for i, r := range doc.all("runs") {
		s := r.at("stream")
		if s.v == nil {
			continue
		}
		var write, read, others float64
		for _, why := range s.keys("ended") {
			switch n := s.f("ended", why); why {
			case "write timeout":
				write += n
			case "read timeout":
				read += n
			default:
				others += n
			}
		}
		row := []string{number1(i), runName(r, left...)}
		for _, f := range []string{"opened", "heartbeats", "encoded", "frames", "unsent",
			"refused"} {
			row = append(row, count(s.f(f)))
		}
		out = append(out, append(row, count(write), count(read), count(others)))
	}
	return out
}

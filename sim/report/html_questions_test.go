package report_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// verdict is the text of the box that a page begins with.
func verdict(page string) string {
	_, rest, _ := strings.Cut(page, `<section class="verdict `)
	box, _, _ := strings.Cut(rest, "</section>")
	return tags.ReplaceAllString(strings.ReplaceAll(box, "\u00a0", " "), "")
}

// The verdict names the objectives and says which were not met.
func TestTheVerdictSaysWhichObjectivesFailed(t *testing.T) {
	results, _ := searched(t, runStaged)
	for _, run := range results[0].Runs {
		run.Baseline = false
		run.SLOs = []sim.SLOResult{
			{SLO: sim.SLO{Metric: "propagation_p99", Below: 5e8}, Value: 1e6, Verdict: sim.Passed},
			{SLO: sim.SLO{Stage: "peak", Metric: "dropped", Below: 0.001}, Value: 0.002,
				Verdict: sim.Failed},
			{SLO: sim.SLO{Metric: "memory", Below: 1 << 30}, Verdict: sim.Invalid, Reason: "no"},
		}
	}
	results[0].Runs[1].SLOs[1].Value = 0.0456
	results[0].Runs[2].SLOs[1].Verdict = sim.Passed
	text := verdict(write(t, "html", results))
	assert.Contains(t, text, "propagation_p99 &lt; 500ms is met by all 4.")
	assert.Contains(t, text, "peak: dropped &lt; 0.1% isn&#39;t met by 3 of 4 "+
		"(the worst has 4.56%).")
	assert.Contains(t, text, "memory &lt; 1GiB is met by 0 of 4, and of 4 it can&#39;t be said.")
}

func TestACapacityIsToldInOneSentence(t *testing.T) {
	results, _ := searched(t, runLoaded)
	c := results[0].Capacity
	assert.Contains(t, verdict(write(t, "html", results)),
		"This configuration carries 100 changes per second (95%: 90–1 234).")

	c.Find, c.Limit, c.Low, c.High = "consumers", 52_000, 50_100, 53_900
	text := verdict(write(t, "html", results))
	assert.Contains(t, text, "This configuration carries 52 000 consumers (95%: 50 100–53 900).")
	assert.Contains(t, text, "beyond the limit: objective lost &lt; 1%: it is 3%.")

	c.Beyond, c.Reason = 0, ""
	assert.Contains(t, verdict(write(t, "html", results)), "It may carry more")

	c.Limit = 0
	text = verdict(write(t, "html", results))
	assert.True(t, strings.HasPrefix(text, "failed"))
	assert.Contains(t, text, "meets the objectives at no load")
}

// Runs of a search fail on purpose: its verdict is whether it found something.
func TestASearchThatFoundSomethingPassed(t *testing.T) {
	for _, run := range []func() ([]byte, error){runSwept, runLoaded, runAdvised} {
		results, _ := searched(t, run)
		d := results[0].Document
		for i, r := range d.Runs {
			r.Verdict = []string{sim.Failed, sim.Failed, sim.Passed}[min(i, 2)]
		}
		word, _ := report.Conclusion(d)
		assert.Equal(t, sim.Passed, word)
		for _, r := range d.Runs {
			r.Verdict = sim.Failed
		}
		if d.Capacity != nil {
			d.Capacity.Limit = 0
		}
		if d.Recommendation != nil {
			d.Recommendation.Choice = -1
		}
		word, _ = report.Conclusion(d)
		assert.Equal(t, sim.Failed, word)
		assert.Equal(t, -1, report.Recommend(d).Run)
	}
}

func TestARecommendationSaysHowSureItIs(t *testing.T) {
	results, _ := searched(t, runAdvised)
	page := write(t, "html", results)
	text := verdict(page)
	assert.Contains(t, text, "a watcher queue of 2 with policy conflate")
	assert.Contains(t, text, "with 30% more load than the scenario")
	assert.Contains(t, text, "with a probability of at least 74.1%")
	svg := drawings(page)["a1-memory"]
	assert.Equal(t, 1, strings.Count(svg, `class="best"`))
	assert.Equal(t, 1, strings.Count(svg, "hollow"), "the one that doesn't meet the objectives")
}

// The best combination of a sweep is marked in each drawing and in the table.
func TestTheBestCombinationIsMarked(t *testing.T) {
	results, _ := searched(t, runSwept)
	d := results[0].Document
	for i, r := range d.Runs {
		r.Verdict, r.Staleness.P99 = sim.Passed, int64(5e6+1000*i)
	}
	d.Runs[6].Staleness.P99, d.Runs[7].Staleness.P99 = 1e6, 2e6
	d.Runs[8].Staleness.P99, d.Runs[8].Verdict = 1e3, sim.Failed
	page := write(t, "html", results)
	assert.Contains(t, verdict(page), "Use policy=drop-newest, watcher_queue=2.")
	for _, id := range []string{"a1-sweep-loss", "a1-sweep-latency", "a1-sweep-staleness"} {
		assert.Equal(t, 1, strings.Count(drawings(page)[id], `class="best"`), id)
	}
	assert.Contains(t, page, `<tr class="best"><td class="words">drop-newest</td>`+
		`<td class="words">2</td>`)
}

// Names of runs say what was set for them alone, and so do the commands that repeat them.
func TestRunsOfASearchAreToldApart(t *testing.T) {
	results, _ := searched(t, runLoaded)
	assert.Equal(t, "notifylab drop-newest 5000/16 rate=20 seed 1",
		report.RunName(results[0].Runs[0]))
	page := write(t, "html", results)
	assert.Contains(t, page, "<span>4 notifylab drop-newest 5000/16 rate=1500 seed 4</span>")
	for _, command := range regexp.MustCompile(`<code>([^<]*)</code>`).
		FindAllStringSubmatch(page, -1) {
		assert.Regexp(t, `--seed [1234] `, command[1])
	}
	assert.Contains(t, page, "--rate 1500 ")
	advised, _ := searched(t, runAdvised)
	assert.Contains(t, write(t, "html", advised), "All of them have rate=130.")
}

// A page of hundreds of runs stays small: it draws some of them and says so.
func TestAPageOfManyRunsStaysSmall(t *testing.T) {
	results, _ := searched(t, runSwept)
	d := results[0].Document
	first := d.Runs
	d.Runs, d.Sweep.Seeds = nil, []uint64{1, 2, 3}
	d.Sweep.Knobs = []sim.Knob{{Path: "watcher_queue"}, {Path: "handling"}}
	for k := range 40 {
		d.Sweep.Knobs[0].Values = append(d.Sweep.Knobs[0].Values, fmt.Sprint(1+k))
	}
	for k := range 25 {
		d.Sweep.Knobs[1].Values = append(d.Sweep.Knobs[1].Values, fmt.Sprintf("%dms", 1+k))
	}
	for _, x := range d.Sweep.Knobs[0].Values {
		for _, y := range d.Sweep.Knobs[1].Values {
			for _, seed := range d.Sweep.Seeds {
				r := *first[len(d.Runs)%len(first)]
				r.Seed = seed
				r.Reasons = []string{"one", "two"}
				r.Settings = []sim.Setting{{Path: "watcher_queue", Value: x},
					{Path: "handling", Value: y}}
				d.Runs = append(d.Runs, &r)
			}
		}
	}
	require.Len(t, d.Runs, 3000)
	began := time.Now()
	page := write(t, "html", results)
	t.Logf("%d bytes in %v", len(page), time.Since(began))
	assert.Less(t, len(page), 1_000_000)
	assert.LessOrEqual(t, strings.Count(page, `type="checkbox"`), 12)
	assert.LessOrEqual(t, strings.Count(drawings(page)["a1-sweep-loss"], "<polyline"), 12)
	for _, said := range []string{"show 12 of the 3000 runs", "show 12 of 25 lines",
		"The first 400 of 3000 runs", "Of 1000 rows the first 400 are here",
		"The first 100 of 6000 reasons are here", "<summary>400 combinations</summary>"} {
		assert.Contains(t, page, said)
	}
}

// Stages and faults are marked in every drawing over time, at their times after the warm-up.
func TestStagesAndFaultsAreMarkedInEveryDrawingOverTime(t *testing.T) {
	results, _ := searched(t, runStaged)
	all := drawings(write(t, "html", results))
	for _, id := range []string{"a1-heat", "a1-drops", "a1-backlog", "a1-stale-time"} {
		svg := all[id]
		for _, says := range []string{"<title>warm-up, from 0 s to 1 s</title>",
			"<title>calm, from 1 s to 4 s</title>", "<title>peak, from 4 s to 7 s</title>",
			", from 3 s for 2s</title>", "share=20%, from 3.5 s for 3s</title>",
			"registry-restart:start=7s,length=500ms, from 8 s for 500ms</title>",
			">jam</text>", ">zone-loss</text>", ">calm</text>", "<title>storm of 500 changes"} {
			assert.Contains(t, svg, says, id)
		}
	}
	for _, id := range []string{"a1-propagation", "a1-size-loss"} {
		assert.NotContains(t, all[id], `class="marks"`, id)
	}
}

// Labels of faults that overlap stand below each other; of many at once some go without.
func TestLabelsOfFaultsDoNotCoverEachOther(t *testing.T) {
	results, _ := searched(t, runStaged)
	d := results[0].Document
	d.Scenario.Faults = nil
	for i := range 40 {
		d.Scenario.Faults = append(d.Scenario.Faults, sim.Fault{Kind: "scale-in",
			Name: fmt.Sprintf("fault-%d", i), Start: time.Duration(i) * 200 * time.Millisecond})
	}
	svg := drawings(write(t, "html", results))["a1-backlog"]
	label := regexp.MustCompile(`<text x="(\S+)" y="(\S+)" text-anchor="(start|end)">(fault-\d+)<`)
	taken := make(map[string][][2]float64)
	for _, m := range label.FindAllStringSubmatch(svg, -1) {
		from := number(t, m[1])
		to := from + 6*float64(len(m[4]))
		if m[3] == "end" {
			from, to = from-(to-from), from
		}
		for _, o := range taken[m[2]] {
			assert.True(t, to <= o[0] || from >= o[1], "%s covers another", m[4])
		}
		taken[m[2]] = append(taken[m[2]], [2]float64{from, to})
	}
	assert.Len(t, taken, 5)
	assert.Equal(t, 40, strings.Count(svg, "<title>scale-in:"+"name=fault-")-
		strings.Count(svg, `class="strip"`), "all of them say what they are")
}

// Seconds without staleness leave a gap in the line.
func TestSecondsWithoutStalenessAreAGap(t *testing.T) {
	results, _ := searched(t, runStaged)
	d := results[0].Document
	d.Runs = d.Runs[:1]
	d.Runs[0].Series = []sim.Point{{At: 1, StaleP50: 1e6, StaleP99: 2e6}, {At: 2},
		{At: 3, StaleP50: 1e6, StaleP99: 3e6}, {At: 4, StaleP50: 1e6, StaleP99: 4e6}}
	svg := drawings(write(t, "html", results))["a1-stale-time"]
	assert.Equal(t, 4, strings.Count(svg, "<polyline"), "two pieces of two lines")
	assert.Equal(t, []string{"2.00ms at 1 s", "3.00ms at 3 s", "4.00ms at 4 s"},
		saidBy(svg)["1 p99"])
}

func TestDrawingsOfSearchesAreWellFormed(t *testing.T) {
	for _, run := range []func() ([]byte, error){runStaged, runSwept, runLoaded, runAdvised} {
		results, _ := searched(t, run)
		page := write(t, "html", results)
		for id, svg := range drawings(page) {
			dec := xml.NewDecoder(strings.NewReader(svg))
			for {
				_, err := dec.Token()
				if err == io.EOF {
					break
				}
				require.NoError(t, err, id)
			}
			assert.NotContains(t, svg, "NaN", id)
			assert.NotContains(t, svg, "Inf", id)
		}
	}
}

// A document that was cut short, or of which report --run kept some runs, is shown all the same.
func TestNumbersOfRunsThatAreNotThereAreLeftOut(t *testing.T) {
	for _, run := range []func() ([]byte, error){runSwept, runLoaded, runAdvised} {
		results, _ := searched(t, run)
		d := results[0].Document
		d.Runs = d.Runs[:1]
		assert.Contains(t, write(t, "html", results), "</html>")
		d.Runs = nil
		assert.Contains(t, write(t, "html", results), "</html>")
	}
}

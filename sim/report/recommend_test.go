package report_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// tried is a run with a staleness p99 in ms.
func tried(verdict string, queue, watcher int, stale int64, dropped map[string]uint64) *sim.Run {
	return &sim.Run{
		Config: sim.Config{Engine: "notifylab", Policy: "conflate", QueueSize: queue,
			WatcherQueue: watcher},
		Books:     sim.Books{Offered: 1000, Dropped: dropped},
		Staleness: sim.Summary{Count: 9, P99: stale * 1e6},
		Verdict:   verdict,
	}
}

func TestRecommendation(t *testing.T) {
	lost := map[string]uint64{"newest": 3}
	left := map[string]uint64{"closed": 3}
	baseline := tried(sim.Passed, 1, 1, 1, nil)
	baseline.Baseline = true
	for _, c := range []struct {
		name string
		runs []*sim.Run
		want int
		says string
	}{
		{"nothing ran", nil, -1, "None of them passed"},
		{"none passed", []*sim.Run{tried(sim.Failed, 1, 1, 1, nil),
			tried(sim.Invalid, 1, 1, 1, nil)}, -1, "None of them passed"},
		{"all lost", []*sim.Run{tried(sim.Passed, 1, 1, 1, map[string]uint64{"oldest": 7}),
			tried(sim.Passed, 2, 2, 9, lost)}, -1,
			"The least, 3 of 1000, were lost with notifylab conflate 2/2"},
		{"the lowest staleness", []*sim.Run{tried(sim.Passed, 1, 1, 20, nil),
			tried(sim.Passed, 9, 9, 10, nil)}, 1, "for the shortest time"},
		{"the smaller of equals", []*sim.Run{tried(sim.Passed, 9, 9, 100, nil),
			tried(sim.Passed, 9, 2, 109, nil), tried(sim.Passed, 1, 1, 112, nil)}, 1,
			"it has the smallest queues of these"},
		{"the watcher queue before the task queue", []*sim.Run{tried(sim.Passed, 1, 9, 5, nil),
			tried(sim.Passed, 9, 1, 5, nil)}, 1, "smallest queues"},
		{"then the task queue", []*sim.Run{tried(sim.Passed, 9, 5, 5, nil),
			tried(sim.Passed, 1, 5, 5, nil)}, 1, "smallest queues"},
		{"not one that lost", []*sim.Run{tried(sim.Passed, 1, 1, 1, lost),
			tried(sim.Passed, 9, 9, 9, nil)}, 1, "No other configuration passed without a loss"},
		{"not one that failed", []*sim.Run{tried(sim.Failed, 1, 1, 1, nil),
			tried(sim.Passed, 9, 9, 9, nil)}, 1, "The other 1 of 2"},
		{"not a baseline", []*sim.Run{baseline, tried(sim.Passed, 9, 9, 9, nil)}, 1, "baselines"},
		{"one whose consumers left", []*sim.Run{tried(sim.Passed, 9, 9, 9, left)}, 0,
			"1000 deliveries were owed and none was lost"},
	} {
		got := report.Recommend(&sim.Document{Runs: c.runs})
		assert.Equal(t, c.want, got.Run, c.name)
		assert.Contains(t, got.Evidence, c.says, c.name)
		if c.want < 0 {
			assert.Equal(t, "None of the configurations can be recommended.", got.Headline)
		}
	}
}

func TestRecommendationIsInPlainWords(t *testing.T) {
	r := document(t).Runs[0]
	got := report.Recommend(&sim.Document{Runs: []*sim.Run{r}})
	assert.Equal(t, "Use a task queue of 5000 and a watcher queue of 256 with policy conflate.",
		got.Headline)
	assert.Equal(t, "1.23M deliveries were owed and none was lost (2.8% were replaced by a newer "+
		"state of the same instance). 99% of the times for which a consumer's view was out of "+
		"date were at most 2.00ms, 99% of the events got to their consumer within 4.00ms, and "+
		"every view was right again 20.0ms after the load. No other configuration passed without "+
		"a loss.",
		got.Evidence)
}

func TestConclusionCountsNoBaselines(t *testing.T) {
	run := func(verdict string, baseline bool) *sim.Run {
		return &sim.Run{Verdict: verdict, Baseline: baseline}
	}
	for _, c := range []struct {
		runs          []*sim.Run
		verdict, says string
	}{
		{nil, sim.Invalid, "No configuration was judged."},
		{[]*sim.Run{run(sim.Passed, false)}, sim.Passed, "The configuration passed."},
		{[]*sim.Run{run(sim.Passed, false), run(sim.Failed, true)}, sim.Passed,
			"The configuration passed (1 baseline, run for comparison, doesn't count)."},
		{[]*sim.Run{run(sim.Passed, false), run(sim.Passed, false)}, sim.Passed,
			"All 2 configurations passed."},
		{[]*sim.Run{run(sim.Passed, false), run(sim.Invalid, false)}, sim.Invalid,
			"The figures of 1 of 2 configurations say nothing."},
		{[]*sim.Run{run(sim.Invalid, false), run(sim.Failed, false)}, sim.Failed,
			"1 of 2 configurations failed."},
	} {
		verdict, sentence := report.Conclusion(&sim.Document{Runs: c.runs})
		assert.Equal(t, c.verdict, verdict)
		assert.Equal(t, c.says, sentence)
	}
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// asGood is the factor within which two figures count as equal: two runs of the same configuration
// on a real clock differ by as much.
const asGood = 1.1

// Advice is which configuration to take, in words.
type Advice struct {
	Run      int    // its index in Document.Runs; -1: none
	Headline string // what to do
	Evidence string // why
}

// Recommend chooses among the configurations of a document: of those that passed, lost nothing, and
// are no baseline, the ones with the lowest staleness (p99), and of these the one with the smallest
// queues.
//
// In a document that answers a question about many loads, the advice is that answer.
func Recommend(d *sim.Document) Advice {
	switch {
	case d.Capacity != nil:
		return adviceOnCapacity(d)
	case d.Recommendation != nil:
		return adviceOnQueues(d)
	case d.Sweep != nil && len(d.Runs) > 0:
		return adviceOnSweep(d)
	}
	return recommend(d)
}

func recommend(d *sim.Document) Advice {
	var good []int
	for i, r := range d.Runs {
		if !r.Baseline && r.Verdict == sim.Passed && Lost(&r.Books) == 0 {
			good = append(good, i)
		}
	}
	if len(good) == 0 {
		return noneGood(d)
	}
	stale := func(i int) int64 { return d.Runs[i].Staleness.P99 }
	lowest := stale(slices.MinFunc(good, func(a, b int) int {
		return cmp.Compare(stale(a), stale(b))
	}))
	close := slices.DeleteFunc(slices.Clone(good), func(i int) bool {
		return float64(stale(i)) > asGood*float64(lowest)
	})
	best := slices.MinFunc(close, func(a, b int) int {
		x, y := &d.Runs[a].Config, &d.Runs[b].Config
		// What there are thousands of comes first: there is a watcher queue per consumer.
		return cmp.Or(cmp.Compare(x.WatcherQueue, y.WatcherQueue),
			cmp.Compare(x.QueueSize, y.QueueSize), cmp.Compare(stale(a), stale(b)))
	})
	r := d.Runs[best]
	return Advice{
		Run: best,
		Headline: fmt.Sprintf("Use a task queue of %d and a watcher queue of %d with policy %s.",
			r.Config.QueueSize, r.Config.WatcherQueue, r.Config.Policy),
		Evidence: evidence(d, r, len(good), len(close)),
	}
}

// evidence says what a run was chosen for; good passed without loss, and close of them are as good
// as it.
func evidence(d *sim.Document, r *sim.Run, good, close int) string {
	k := &r.Books
	var b strings.Builder
	fmt.Fprintf(&b, "%s deliveries were owed and none was lost", Count(k.Offered))
	if k.Conflated > 0 {
		fmt.Fprintf(&b, " (%s were replaced by a newer state of the same instance)",
			Share(k.Conflated, k.Offered))
	}
	fmt.Fprintf(&b, ". 99%% of the times for which a consumer's view was out of date were at most "+
		"%s, 99%% of the events got to their consumer within %s, and every view was right again "+
		"%s.", Duration(r.Staleness.P99), Duration(r.Propagation.P99), healedWhen(r.HealNS))
	switch {
	case good == 1:
		b.WriteString(" No other configuration passed without a loss.")
	case close == 1:
		fmt.Fprintf(&b, " Of the %d configurations that passed without a loss, it kept views out "+
			"of date for the shortest time.", good)
	default:
		fmt.Fprintf(&b, " Of the %d configurations that passed without a loss, %d kept views out "+
			"of date for about the shortest time; it has the smallest queues of these.", good,
			close)
	}
	if len(d.Runs) > good {
		fmt.Fprintf(&b, " The other %d of %d failed, are invalid, are baselines or lost events.",
			len(d.Runs)-good, len(d.Runs))
	}
	return b.String()
}

// noneGood says why there is nothing to recommend.
func noneGood(d *sim.Document) Advice {
	none := Advice{Run: -1, Headline: "None of the configurations can be recommended."}
	var passed []*sim.Run
	for _, r := range d.Runs {
		if !r.Baseline && r.Verdict == sim.Passed {
			passed = append(passed, r)
		}
	}
	if len(passed) == 0 {
		none.Evidence = "None of them passed: the reasons are below."
		return none
	}
	least := slices.MinFunc(passed, func(a, b *sim.Run) int {
		return cmp.Compare(Lost(&a.Books), Lost(&b.Books))
	})
	none.Evidence = fmt.Sprintf("Each one that passed lost events. The least, %s of %s, were lost "+
		"with %s. Run it with larger queues, or with policy conflate, which keeps the latest "+
		"state of every instance.", Count(Lost(&least.Books)), Count(least.Books.Offered),
		Name(&least.Config))
	return none
}

// Conclusion is the verdict over all runs of a document in one sentence, and as a verdict.
// Baselines don't count: their harms are what they are run for.
func Conclusion(d *sim.Document) (verdict, sentence string) {
	if verdict, sentence, ok := concludeQuestion(d); ok {
		return verdict, sentence
	}
	count := make(map[string]int)
	counted, baselines := 0, 0
	for _, r := range d.Runs {
		if r.Baseline {
			baselines++
			continue
		}
		counted++
		count[r.Verdict]++
	}
	beside := ""
	switch {
	case baselines == 1:
		beside = " (1 baseline, run for comparison, doesn't count)"
	case baselines > 1:
		beside = fmt.Sprintf(" (%d baselines, run for comparison, don't count)", baselines)
	}
	of := func(n int) string { return fmt.Sprintf("%d of %d configurations", n, counted) }
	switch {
	case counted == 0:
		return sim.Invalid, "No configuration was judged" + beside + "."
	case count[sim.Failed] > 0:
		return sim.Failed, of(count[sim.Failed]) + " failed" + beside + "."
	case count[sim.Invalid] > 0:
		return sim.Invalid, "The figures of " + of(count[sim.Invalid]) + " say nothing" + beside +
			"."
	case counted == 1:
		return sim.Passed, "The configuration passed" + beside + "."
	}
	return sim.Passed, fmt.Sprintf("All %d configurations passed%s.", counted, beside)
}

// Name names a configuration in a sentence.
func Name(c *sim.Config) string {
	return fmt.Sprintf("%s %s %d/%d", c.Engine, c.Policy, c.QueueSize, c.WatcherQueue)
}

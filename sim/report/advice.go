package report

import (
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// adviceOnCapacity says how much the configuration carries.
func adviceOnCapacity(d *sim.Document) Advice {
	c, unit := d.Capacity, LoadUnit(d.Capacity.Find)
	a := Advice{Run: -1}
	fails := c.Reason
	if fails == "" {
		fails = "an objective isn't met"
	}
	if c.Limit <= 0 {
		a.Headline = "This configuration meets the objectives at no load that was tried."
		a.Evidence = fmt.Sprintf("It is %s. At the smallest load: %s.", Name(&c.Config), fails)
		return a
	}
	a.Headline = fmt.Sprintf("This configuration carries %s %s", LoadText(c.Limit), unit)
	if text := interval(c); text != "" {
		a.Headline += fmt.Sprintf(" (%s: %s)", confidence(c), text)
	}
	a.Headline += "."
	a.Evidence = fmt.Sprintf("It is %s. ", Name(&c.Config))
	if c.Beyond > 0 {
		a.Evidence += fmt.Sprintf("The smallest load that was too much is %s %s; beyond the "+
			"limit: %s.", LoadText(c.Beyond), unit, fails)
	} else if c.Reason != "" {
		a.Evidence += sentence(c.Reason)
	} else {
		a.Evidence += "It may carry more: no load was found that it doesn't."
	}
	if len(c.Fresh) > 0 {
		a.Evidence += fmt.Sprintf(" %d of %s, none of them of the search, confirmed it.",
			c.Confirmed, plural(len(c.Fresh), "fresh seed"))
	}
	a.Evidence += fmt.Sprintf(" %s made the search", plural(len(c.Trials), "trial"))
	if c.Median > 0 {
		a.Evidence += fmt.Sprintf("; the median of the limits that %s have is %s, and the "+
			"interval is that of this median.", plural(len(c.Seeds), "seed"), LoadText(c.Median))
	} else {
		a.Evidence += "; the interval is over the seeds."
	}
	return a
}

// adviceOnQueues says what was recommended.
func adviceOnQueues(d *sim.Document) Advice {
	rec := d.Recommendation
	if rec.Choice < 0 || rec.Choice >= len(rec.Options) {
		return Advice{Run: -1, Headline: "None of the configurations can be recommended.",
			Evidence: sentence(rec.Reason)}
	}
	o := &rec.Options[rec.Choice]
	a := Advice{Run: -1, Headline: fmt.Sprintf("Use a task queue of %d and a watcher queue of %d "+
		"with policy %s.", o.Config.QueueSize, o.Config.WatcherQueue, o.Config.Policy)}
	if len(o.Runs) > 0 && runAt(d, o.Runs[0]) != nil {
		a.Run = o.Runs[0]
	}
	a.Evidence = sentence(rec.Reason) + fmt.Sprintf(" It was tried with %s more load than the "+
		"scenario's; ", percentText(100*rec.Headroom))
	if len(rec.Fresh) > 0 {
		a.Evidence += fmt.Sprintf("it met the objectives with %d of %s, so with at least %s of "+
			"all (95%% confidence).", o.Confirmed, plural(len(rec.Fresh), "fresh seed"),
			percentText(100*rec.Confidence))
	} else {
		a.Evidence += fmt.Sprintf("with another seed it meets the objectives with a probability "+
			"of at least %s.", percentText(100*rec.Confidence))
	}
	a.Evidence += fmt.Sprintf(" Its queues take %s when all are full.", Bytes(o.Memory))
	return a
}

// adviceOnSweep says which combination is best.
func adviceOnSweep(d *sim.Document) Advice {
	all := combos(d)
	best := bestCombo(d, all)
	if best < 0 {
		return Advice{Run: -1, Headline: "No combination passed with every seed.",
			Evidence: fmt.Sprintf("%s were run. The reasons are below.",
				plural(len(all), "combination"))}
	}
	var set []string
	for k, v := range all[best].values {
		set = append(set, d.Sweep.Knobs[k].Path+"="+v)
	}
	loss := middleOf(d, all[best].runs, lossOf)
	stale := middleOf(d, all[best].runs, staleFor.value)
	latency := middleOf(d, all[best].runs, propagated.value)
	return Advice{Run: all[best].runs[0], Headline: "Use " + strings.Join(set, ", ") + ".",
		Evidence: fmt.Sprintf("Of the %s, with %s each, it has the smallest "+
			"queues of those that passed with every seed and kept views out of date for about the "+
			"shortest time: p99 %s. It lost %s of what was "+
			"owed, and 99%% of the events took at most %s. Figures are medians over the seeds, "+
			"with their range.", plural(len(all), "combination"),
			plural(len(all[best].runs), "seed"), stale.text(durationText),
			loss.text(percentText), latency.text(durationText))}
}

// concludeQuestion is the verdict on a document that answers a question: there failing runs are
// part of the answer.
func concludeQuestion(d *sim.Document) (verdict, sentence string, ok bool) {
	switch {
	case d.Capacity != nil && d.Capacity.Limit > 0 && len(d.Capacity.Fresh) == 0:
		return sim.Passed, "A limit was found that every seed confirmed.", true
	case d.Capacity != nil && d.Capacity.Limit > 0 && d.Capacity.Confirmed == 0:
		return sim.Invalid, "A limit was found, and no fresh seed confirmed it.", true
	case d.Capacity != nil && d.Capacity.Limit > 0:
		return sim.Passed, fmt.Sprintf("A limit was found that %d of %s confirmed.",
			d.Capacity.Confirmed, plural(len(d.Capacity.Fresh), "fresh seed")), true
	case d.Capacity != nil:
		return sim.Failed, "No load meets the objectives.", true
	case d.Recommendation != nil && d.Recommendation.Choice >= 0:
		return sim.Passed, fmt.Sprintf("A configuration of %d that were weighed meets the "+
			"objectives with every seed.", len(d.Recommendation.Options)), true
	case d.Recommendation != nil:
		return sim.Failed, fmt.Sprintf("None of %s meets the objectives with every seed.",
			plural(len(d.Recommendation.Options), "configuration")), true
	case d.Sweep != nil && len(d.Runs) > 0:
		all, good := combos(d), 0
		for i := range all {
			if all[i].passed(d) == len(all[i].runs) {
				good++
			}
		}
		verdict = sim.Passed
		if good == 0 {
			verdict = sim.Failed
		}
		return verdict, fmt.Sprintf("%d of %s passed with every seed.", good,
			plural(len(all), "combination")), true
	}
	return "", "", false
}

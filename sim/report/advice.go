package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// loadUnit is what a load is counted in, after what was sought.
func loadUnit(find string) string {
	switch find {
	case "rate":
		return "changes per second"
	case "providers":
		return "providers"
	}
	return find
}

// LoadText shows a load: from a thousand on whole, with its thousands apart.
func LoadText(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u00a0")
		}
		b.WriteRune(c)
	}
	return b.String()
}

// adviceOnCapacity says how much the configuration carries.
func adviceOnCapacity(d *sim.Document) Advice {
	c, unit := d.Capacity, loadUnit(d.Capacity.Find)
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
	if c.Low > 0 || c.High > 0 {
		a.Headline += fmt.Sprintf(" (95%%: %s–%s)", LoadText(c.Low), LoadText(c.High))
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
	a.Evidence += fmt.Sprintf(" %s made the search; the interval is over the seeds.",
		plural(len(c.Trials), "trial"))
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
		"scenario's; with another seed it meets the objectives with a probability of at least "+
		"%s. Its queues take %s when all are full.", percentText(100*rec.Headroom),
		percentText(100*rec.Confidence), Bytes(o.Memory))
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
		Evidence: fmt.Sprintf("Of the %s, with %s each, it kept views out of date for the "+
			"shortest time of those that passed with every seed: p99 %s. It lost %s of what was "+
			"owed, and 99%% of the events took at most %s. Figures are medians over the seeds, "+
			"with their range.", plural(len(all), "combination"),
			plural(len(all[best].runs), "seed"), stale.text(durationText),
			loss.text(percentText), latency.text(durationText))}
}

// concludeQuestion is the verdict on a document that answers a question: there failing runs are
// part of the answer.
func concludeQuestion(d *sim.Document) (verdict, sentence string, ok bool) {
	switch {
	case d.Capacity != nil && d.Capacity.Limit > 0:
		return sim.Passed, "A limit was found that every seed confirmed.", true
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

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sentence ends a text with a full stop and begins it with a capital.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	return strings.TrimRight(capital(s), ".") + "."
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

// combination is the runs of one, with all seeds.
type combination struct {
	settings []sim.Setting
	runs     []*sim.Run
}

// combinations groups the runs of a sweep, in order.
func combinations(runs []*sim.Run) (all []combination) {
	for _, r := range runs {
		if n := len(all); n > 0 && slices.Equal(all[n-1].settings, r.Settings) {
			all[n-1].runs = append(all[n-1].runs, r)
			continue
		}
		all = append(all, combination{r.Settings, []*sim.Run{r}})
	}
	return all
}

func (c *combination) String() string {
	texts := make([]string, len(c.settings))
	for i, s := range c.settings {
		texts[i] = s.Path + "=" + s.Value
	}
	return strings.Join(texts, " ")
}

func (c *combination) passed() (n int) {
	for _, r := range c.runs {
		if r.Verdict == sim.Passed {
			n++
		}
	}
	return n
}

func (c *combination) staleness() int64 {
	return capacity.Median(c.runs, func(r *sim.Run) int64 { return r.Staleness.P99 })
}

// showSweep prints the answer, then a table with a line per combination.
func showSweep(out io.Writer, doc *sim.Document) {
	all := combinations(doc.Runs)
	fmt.Fprintln(out, sweepAnswer(doc, all))
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\nmedians over the seeds\n\n", doc.Runs[0].World)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, k := range doc.Sweep.Knobs {
		fmt.Fprintf(w, "%s\t", k.Path)
	}
	fmt.Fprint(w, "prop p50\tprop p99\tstale p99\tlost\tpassed\t\n")
	for _, c := range all {
		for _, s := range c.settings {
			fmt.Fprintf(w, "%s\t", s.Value)
		}
		time := func(of func(*sim.Run) int64) string {
			return report.Duration(capacity.Median(c.runs, of))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d/%d\t\n",
			time(func(r *sim.Run) int64 { return r.Propagation.P50 }),
			time(func(r *sim.Run) int64 { return r.Propagation.P99 }),
			report.Duration(c.staleness()), percent(capacity.Median(c.runs, capacity.Loss)),
			c.passed(), len(c.runs))
	}
	w.Flush()
	fmt.Fprintln(out)
}

// sweepAnswer says which combination to use, if any: the one that reports name, too.
func sweepAnswer(doc *sim.Document, all []combination) string {
	good := 0
	for _, c := range all {
		if c.passed() == len(doc.Sweep.Seeds) {
			good++
		}
	}
	best := report.Recommend(doc).Run
	if good == 0 || best < 0 {
		return fmt.Sprintf("None of %d combinations passed with every seed.", len(all))
	}
	c := all[slices.IndexFunc(all, func(c combination) bool {
		return slices.Contains(c.runs, doc.Runs[best])
	})]
	return fmt.Sprintf("Best: %s (staleness p99 %s). %d of %d combinations passed with every "+
		"seed; of those that kept views out of date for about the shortest time, it has "+
		"the smallest queues.", &c, report.Duration(c.staleness()), good, len(all))
}

// percent shows a share; "0" only where there is none of it.
func percent(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share < 0.0001:
		return "<0.01%"
	}
	return fmt.Sprintf("%.2f%%", 100*share)
}

package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

// showCapacity prints the answer first, then what it rests on. All figures are the document's.
func showCapacity(out io.Writer, doc *sim.Document, given bool) {
	x := doc.Capacity
	fmt.Fprintln(out, capacityAnswer(x))
	if len(doc.Runs) > 0 {
		fmt.Fprintf(out, "\n%s; %s\n", report.Name(&x.Config),
			objectives(doc.Scenario.SLOs, given))
	}
	if x.Level > 0 {
		fmt.Fprintln(out, spreadOfSeeds(x))
	}
	if len(x.Knee) == 0 {
		return
	}
	fmt.Fprintf(out, "\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "of the limit\t%s\tprop p50\tprop p90\tprop p99\tstale p99\tlost\t\n", x.Find)
	for _, k := range x.Knee {
		r := doc.Runs[k.Run]
		fmt.Fprintf(w, "%.0f%%\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			100*k.Fraction, report.LoadText(k.Load),
			report.Duration(r.Propagation.P50), report.Duration(r.Propagation.P90),
			report.Duration(r.Propagation.P99), report.Duration(r.Staleness.P99),
			percent(capacity.Loss(r)))
	}
	w.Flush()
}

// spreadOfSeeds says how much the limit differs from seed to seed.
func spreadOfSeeds(x *sim.Capacity) string {
	interval := fmt.Sprintf("%s to %s", report.LoadText(x.Low), report.LoadText(x.High))
	if x.High == 0 {
		interval = report.LoadText(x.Low) + " or more"
	}
	return fmt.Sprintf("%d trials; the median of the limits of %d seeds is %s (%.1f%% interval: "+
		"%s)", len(x.Trials), len(x.Seeds), report.LoadText(x.Median), 100*x.Level, interval)
}

// capacityAnswer is the answer in one sentence.
func capacityAnswer(x *sim.Capacity) string {
	unit := report.LoadUnit(x.Find)
	carries := fmt.Sprintf("This configuration carries %s %s, confirmed with %d of %d fresh seeds",
		report.LoadText(x.Limit), unit, x.Confirmed, len(x.Fresh))
	switch {
	case x.Limit == 0 && x.Beyond == 0:
		return fmt.Sprintf("Nothing is known: %s.", x.Reason)
	case x.Limit == 0:
		return fmt.Sprintf("None: not even %s %s: %s.", report.LoadText(x.Beyond), unit, x.Reason)
	case x.Confirmed == 0:
		return fmt.Sprintf("Perhaps %s %s: %s.", report.LoadText(x.Limit), unit, x.Reason)
	case x.Beyond == 0:
		return fmt.Sprintf("%s; the limit was %s.", carries, x.Reason)
	}
	return fmt.Sprintf("%s; beyond it, at %s: %s.", carries, report.LoadText(x.Beyond), x.Reason)
}

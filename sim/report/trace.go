package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// traceLines say what became of the changes of a trace: once if it is the same in all runs, which
// it is but for those that were interrupted, and else for each of them.
func traceLines(d *sim.Document) []string {
	var lines []string
	for _, r := range d.Runs {
		if r.Trace != nil {
			lines = append(lines, traceText(r.Trace))
		}
	}
	if len(slices.Compact(slices.Clone(lines))) == 1 && len(lines) == len(d.Runs) {
		return lines[:1]
	}
	lines = nil
	for _, r := range d.Runs {
		if r.Trace != nil {
			lines = append(lines, RunName(r)+": "+traceText(r.Trace))
		}
	}
	return lines
}

func traceText(x *sim.TraceRun) string {
	text := fmt.Sprintf("%d of %d changes made", x.Applied, x.Changes)
	if x.StandIns > 0 {
		text += fmt.Sprintf("; unknown instances that others of their service stood in for: %d",
			x.StandIns)
	}
	late := x.Changes - x.Applied
	var refused []string
	for _, reason := range slices.Sorted(maps.Keys(x.Refused)) {
		refused = append(refused, fmt.Sprintf("%d %s", x.Refused[reason], reason))
		late -= x.Refused[reason]
	}
	if len(refused) > 0 {
		text += "; refused: " + strings.Join(refused, ", ")
	}
	if late > 0 {
		text += fmt.Sprintf("; due after the end: %d", late)
	}
	return text
}

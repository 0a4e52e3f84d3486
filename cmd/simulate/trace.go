package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

// resolveTrace reads the trace, before the rest is checked: it says how long a run lasts, unless
// that is given.
func (o *options) resolveTrace(fs *pflag.FlagSet, wrong *mistakes) {
	s := &o.scenario
	path := s.Trace
	if path == "" {
		return
	}
	s.Trace = filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		wrong.add("%s: %v: want a trace (NDJSON), as simulate record writes it",
			wrong.name("trace"), err)
		return
	}
	defer f.Close()
	if err := s.ReadTrace(s.Trace, f); err != nil {
		wrong.add("%s %s: %v", wrong.name("trace"), path, err)
		return
	}
	given := fs.Changed("duration") || o.given["duration"]
	if length := s.TraceLength(); length > 0 && !given {
		s.Duration = length
	}
}

// announceLoad says where the changes come from.
func (o *options) announceLoad(w io.Writer) {
	s := &o.scenario
	if s.Trace != "" {
		fmt.Fprintf(w, "load: trace %s: %s\n", s.Trace, s.DescribeTrace(o.topology))
		return
	}
	fmt.Fprintf(w, "load: %g changes/s (%s, %s register or deregister), "+
		"storm of %d in %v by %d at once\n", s.Rate, s.Arrivals, (*share)(&s.Churn),
		s.Storm, s.StormLength, s.StormWave)
}

// showTrace says what became of the changes of the trace; in all runs it is the same, but for
// those that were interrupted.
func showTrace(r *sim.Run, w io.Writer) {
	x := r.Trace
	if x == nil {
		return
	}
	text := fmt.Sprintf("trace: %d of %d changes made", x.Applied, x.Changes)
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
	fmt.Fprintln(w, text)
}

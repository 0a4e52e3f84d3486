package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
)

// resolveTrace reads the trace, before the rest is checked: it says how long a run lasts, unless
// that is given.
func (o *options) resolveTrace(fs *pflag.FlagSet, wrong *mistakes) {
	s := &o.scenario
	path := s.Trace
	if path == "" {
		for _, name := range []string{"trace", "trace-speed"} {
			if fs.Changed(name) {
				wrong.add("--%s %q: want it with a file, --trace FILE", name,
					fs.Lookup(name).Value.String())
			}
		}
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
	length := s.TraceLength()
	if length == 0 {
		wrong.add("%s %s: no changes: want a trace with at least one", wrong.name("trace"), path)
	} else if !given {
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

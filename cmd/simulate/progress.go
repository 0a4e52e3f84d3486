package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// progress tells on stderr how far a run is: one line that changes on a terminal, plain lines
// elsewhere.
type progress struct {
	w     io.Writer
	live  bool
	label string
}

func (o *options) progress(w io.Writer, i int) *progress {
	c := o.configs[i]
	_, full, err := c.Resolve()
	if err == nil {
		c = full
	}
	p := &progress{label: fmt.Sprintf("%d/%d %s %s %d/%d", i+1, len(o.configs), c.Engine, c.Policy,
		c.QueueSize, c.WatcherQueue)}
	if !o.quiet {
		p.w = w
		f, ok := w.(*os.File)
		p.live = ok && term.IsTerminal(int(f.Fd()))
	}
	return p
}

func (p *progress) show(x sim.Progress) {
	if p.w == nil {
		return
	}
	line := fmt.Sprintf("%s: %s %.0fs/%.0fs, %s deliveries/s, %s dropped, p99 %s", p.label, x.Phase,
		x.Elapsed.Seconds(), x.Total.Seconds(), report.Count(uint64(x.Rate)),
		report.Count(x.Dropped), report.Duration(int64(x.P99)))
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// end leaves one line per run.
func (p *progress) end(r *sim.Run) {
	if p.w == nil {
		return
	}
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "%s: %s, %s delivered, %s dropped, p99 %s, %.1f CPU s\n", p.label,
		report.Verdict(r), report.Count(r.Books.Delivered), report.Count(r.Books.DroppedTotal()),
		report.Duration(r.Propagation.P99), r.CPUSeconds)
}

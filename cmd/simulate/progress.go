package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// progressEvery is the shortest time between two lines about a run.
const progressEvery = 900 * time.Millisecond

// progress tells on stderr how far a run is: one line that changes on a terminal, plain lines
// elsewhere.
type progress struct {
	out     io.Writer // nil: be quiet
	live    bool
	virtual bool
	label   string
	began   time.Time
	last    time.Time
}

// syncWriter lets several runs write whole lines.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

func (o *options) progress(w io.Writer, i int) *progress {
	c := o.configs[i]
	_, full, err := c.Resolve()
	if err == nil {
		c = full
	}
	now := clock.Real{}.Now()
	p := &progress{
		label: fmt.Sprintf("%d/%d %s %s %d/%d", i+1, len(o.configs), c.Engine, c.Policy,
			c.QueueSize, c.WatcherQueue),
		virtual: o.clock == sim.VirtualClock, began: now, last: now,
	}
	f, ok := w.(*os.File)
	p.live = ok && term.IsTerminal(int(f.Fd()))
	p.out = w
	if o.quiet {
		p.out = io.Discard
	}
	return p
}

func (p *progress) show(x sim.Progress) {
	now := clock.Real{}.Now()
	if now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	line := fmt.Sprintf("%s: %s %.0fs/%.0fs, %s deliveries/s, %s dropped, p99 %s", p.label, x.Phase,
		x.Elapsed.Seconds(), x.Total.Seconds(), report.Count(x.Point.Delivered),
		report.Count(x.Dropped), report.Duration(x.Point.P99))
	if p.virtual {
		line += fmt.Sprintf(", %.1f×real time", x.Elapsed.Seconds()/now.Sub(p.began).Seconds())
	}
	if p.live {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(p.out, line)
	}
}

// end leaves one line per run.
func (p *progress) end(r *sim.Run) {
	clear, cost := "", fmt.Sprintf("%.1f CPU s", r.CPUSeconds)
	if p.live {
		clear = "\r\x1b[K"
	}
	if p.virtual {
		cost = fmt.Sprintf("in %.1fs", clock.Real{}.Now().Sub(p.began).Seconds())
	}
	fmt.Fprintf(p.out, "%s%s: %s, %s delivered, %s dropped, p99 %s, %s\n", clear, p.label,
		report.Verdict(r), report.Count(r.Books.Delivered), report.Count(r.Books.DroppedTotal()),
		report.Duration(r.Propagation.P99), cost)
}

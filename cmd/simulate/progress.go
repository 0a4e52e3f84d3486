package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/live"
	"github.com/notifylab/notifylab/sim/report"
)

// How often there is a line about a run. Where lines stay, as in the log of a CI job, those of a
// long run are further apart.
const (
	progressEvery = 900 * time.Millisecond
	progressRare  = 5 * time.Second
	progressLong  = 15 * time.Second // a run is long from then on
)

// progressColumns is the width of a line where there is no terminal to say it.
const progressColumns = 100

// reporter tells how far some runs are: on stderr, in one line that changes on a terminal and in
// plain lines elsewhere, and on the live page. Runs may tell at the same time.
type reporter struct {
	out      io.Writer
	terminal *os.File    // nil: out is none
	page     *live.Board // nil: there is none
	virtual  bool

	mu    sync.Mutex  // of the fields below, and of whole lines
	share []float64   // of each run that is done, 0 to 1
	began []time.Time // the runs
}

// newReporter makes one for n runs.
func newReporter(w io.Writer, n int, quiet, virtual bool, page *live.Board) *reporter {
	r := &reporter{out: w, page: page, virtual: virtual, share: make([]float64, n)}
	if quiet {
		r.out = io.Discard
	} else if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		r.terminal = f
	}
	return r
}

// reporter makes the one for the configurations.
func (o *options) reporter(w io.Writer, page *live.Board) *reporter {
	r := newReporter(w, len(o.configs), o.quiet, o.clock == sim.VirtualClock, page)
	for i := range o.configs {
		if page != nil {
			page.Add(o.label(i))
		}
	}
	return r
}

// label names a configuration.
func (o *options) label(i int) string {
	c := o.configs[i]
	if _, full, err := c.Resolve(); err == nil {
		c = full
	}
	return report.Name(&c)
}

// progress is how far one run is.
type progress struct {
	*reporter
	label       string
	run         int
	planned     time.Duration // of the run's own clock, before it heals
	began, last time.Time
	heard       bool // the run has told how far it is
}

// begin is to be called when a run begins; planned is how long it takes before it heals.
func (r *reporter) begin(run int, name string, planned time.Duration) *progress {
	now := clock.Real{}.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.began = append(r.began, now)
	label := fmt.Sprintf("%d/%d %s", run+1, len(r.share), name)
	p := &progress{reporter: r, label: label, run: run, planned: planned, began: now, last: now}
	go p.awaitSetUp()
	return p
}

// setUpLong is how long a run may take to build its world before there is a line about that.
const setUpLong = 2 * time.Second

// awaitSetUp says that a run is being set up, if that takes long: a million consumers take a
// minute, in which it has nothing to tell.
func (p *progress) awaitSetUp() {
	timer := clock.Real{}.NewTimer(setUpLong)
	defer timer.Stop()
	<-timer.C()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.heard {
		p.printLocked(p.label + ": set-up")
	}
}

// show is what a run calls to tell how far it is.
func (p *progress) show(x sim.Progress) {
	done := 1.0
	if p.planned > 0 {
		done = min(1, x.Elapsed.Seconds()/p.planned.Seconds())
	}
	if p.page != nil {
		p.page.Report(p.run, x, done)
	}
	now := clock.Real{}.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share[p.run], p.heard = done, true
	if now.Sub(p.last) < p.every(now) {
		return
	}
	p.last = now
	p.printLocked(fit(p.partsLocked(&x, now), p.columns()))
}

// every is the shortest time between two lines.
func (p *progress) every(now time.Time) time.Duration {
	if p.terminal == nil && now.Sub(p.began) >= progressLong {
		return progressRare
	}
	return progressEvery
}

// columns is how wide a line may be. The last column of a terminal stays free: some begin a new
// line when it is written.
func (r *reporter) columns() int {
	if r.terminal != nil {
		if width, _, err := term.GetSize(int(r.terminal.Fd())); err == nil && width > 1 {
			return width - 1
		}
	}
	return progressColumns
}

func (r *reporter) printLocked(line string) {
	if r.terminal != nil {
		fmt.Fprintf(r.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(r.out, line)
	}
}

// part is a piece of a line. Where there is no room, those of a high rank go first.
type part struct {
	rank int
	text string
}

func (p *progress) partsLocked(x *sim.Progress, now time.Time) []part {
	rate := 0.0
	if x.Point.Seconds > 0 {
		rate = float64(x.Point.Delivered) / x.Point.Seconds
	}
	dropped := report.Count(x.Point.Dropped)
	if x.Dropped > 0 {
		dropped += " of " + report.Count(x.Dropped)
	}
	parts := []part{
		{0, fmt.Sprintf("%s: %s %s", p.label, x.Phase, p.farLocked(x))},
		{1, p.leftLocked(now)},
		{2, report.Count(uint64(rate+0.5)) + "/s"},
		{6, report.Count(x.Point.InFlight) + " in flight"},
		{3, "dropped " + dropped},
		{5, "p50 " + report.Duration(x.Point.P50)},
		{4, "p99 " + report.Duration(x.Point.P99)},
	}
	if p.virtual {
		parts = append(parts, part{7, fmt.Sprintf("%.1f×real time",
			x.Elapsed.Seconds()/now.Sub(p.began).Seconds())})
	}
	return parts
}

// farLocked says how far the run is; nobody knows how long it takes to heal.
func (p *progress) farLocked(x *sim.Progress) string {
	if x.Elapsed > p.planned {
		return fmt.Sprintf("%.0fs", (x.Elapsed - p.planned).Seconds())
	}
	return fmt.Sprintf("%.0f%%", 100*p.share[p.run])
}

// leftLocked says how much of all runs is done and how long the rest takes, if that goes on as
// before. It leaves out what the last of them needs to heal: nobody knows that before.
func (p *progress) leftLocked(now time.Time) string {
	done := 0.0
	for _, s := range p.share {
		done += s / float64(len(p.share))
	}
	left := ""
	if began := p.reporter.began[0]; done > 0 && done < 1 {
		left = (time.Duration((1-done)/done*now.Sub(began).Seconds()+0.5) * time.Second).String() +
			" left"
	}
	if len(p.share) > 1 {
		left = strings.TrimSuffix(fmt.Sprintf("all %.0f%% %s", 100*done, left), " ")
	}
	return left
}

// fit joins what there is room for.
func fit(parts []part, columns int) string {
	for rank := 9; ; rank-- {
		var texts []string
		for _, p := range parts {
			if p.rank <= rank && p.text != "" {
				texts = append(texts, p.text)
			}
		}
		line := strings.Join(texts, ", ")
		if utf8.RuneCountInString(line) <= columns {
			return line
		}
		if rank == 0 {
			return string([]rune(line)[:columns])
		}
	}
}

// end leaves one line per run.
func (p *progress) end(r *sim.Run) {
	if p.page != nil {
		p.page.End(p.run, r, report.Verdict(r))
	}
	cost := fmt.Sprintf("%.1f CPU s", r.CPUSeconds)
	if p.virtual {
		cost = fmt.Sprintf("in %.1fs", clock.Real{}.Now().Sub(p.began).Seconds())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share[p.run], p.heard = 1, true
	p.printLocked(fmt.Sprintf("%s: %s, %s delivered, %s dropped, p99 %s, %s", p.label,
		report.Verdict(r), report.Count(r.Books.Delivered), report.Count(r.Books.DroppedTotal()),
		report.Duration(r.Propagation.P99), cost))
	if p.terminal != nil {
		fmt.Fprintln(p.out)
	}
}

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
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

// teller says on stderr how far a plan is: one line that changes on a terminal, plain lines
// elsewhere, a few per minute.
type teller struct {
	name  string
	out   io.Writer
	live  bool
	began time.Time

	mu             sync.Mutex
	last           time.Time
	made, expected int
}

func (o *options) teller(name string, stderr io.Writer) *teller {
	t := &teller{name: name, out: stderr, began: clock.Real{}.Now()}
	t.last = t.began
	if f, ok := stderr.(*os.File); ok {
		t.live = term.IsTerminal(int(f.Fd()))
	}
	if o.quiet {
		t.out, t.live = io.Discard, false
	}
	return t
}

// say leaves a line.
func (t *teller) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clearLocked()
	fmt.Fprintf(t.out, "%s: %s\n", t.name, fmt.Sprintf(format, args...))
}

func (t *teller) clearLocked() {
	if t.live {
		fmt.Fprint(t.out, "\r\x1b[K")
	}
}

// tellEvery is the shortest time between two lines that stay.
const tellEvery = 2 * time.Second

// lineLocked shows a line, unless there was one just now.
func (t *teller) lineLocked(now time.Time, always bool, text string) {
	every := tellEvery
	if t.live {
		every /= 10
	}
	if !always && now.Sub(t.last) < every {
		return
	}
	t.last = now
	t.clearLocked()
	if text = fmt.Sprintf("%s: %s", t.name, text); t.live {
		fmt.Fprint(t.out, string([]rune(text)[:min(len([]rune(text)), 99)]))
		return
	}
	fmt.Fprintln(t.out, text)
}

// done is told of every run.
func (t *teller) done(j *capacity.Job, r *sim.Run, made, expected int) {
	now := clock.Real{}.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made, t.expected = made, expected
	t.lineLocked(now, made == 1, fmt.Sprintf("%d of about %d runs, %s left; %s: %s, staleness p99 "+
		"%s", made, expected, t.leftLocked(now), j, report.Verdict(r),
		report.Duration(r.Staleness.P99)))
}

// leftLocked guesses how long the rest takes, if its runs take as long as those before.
func (t *teller) leftLocked(now time.Time) string {
	each := now.Sub(t.began).Seconds() / float64(max(t.made, 1))
	left := time.Duration(each * float64(t.expected-t.made) * float64(time.Second))
	if left < 10*time.Second {
		return "about " + left.Round(100*time.Millisecond).String()
	}
	return "about " + left.Round(time.Second).String()
}

// during is told how far a run is.
func (t *teller) during(j *capacity.Job, p sim.Progress) {
	now := clock.Real{}.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lineLocked(now, false, fmt.Sprintf("%d of about %d runs; %s: %s %.0fs of %.0fs", t.made,
		max(t.expected, t.made+1), j, p.Phase, p.Elapsed.Seconds(),
		(j.Scenario.Warmup+j.Scenario.Duration).Seconds()))
}

// over ends the line that changes.
func (t *teller) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clearLocked()
}

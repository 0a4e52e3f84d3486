package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
	"github.com/notifylab/notifylab/sim/report"
)

// plan is what the commands that make many runs have in common: sweep, capacity, recommend.
type plan struct {
	name  string
	seeds string // as given
	list  []uint64
}

// flags adds those of all plans. They run in virtual time unless told otherwise.
func (p *plan) flags(o *options, fs *pflag.FlagSet, seeds int) {
	fs.StringVar(&p.seeds, "seeds", strconv.Itoa(seeds),
		"how many seeds, from --seed on; or which, such as 1,2,3")
	o.clock = sim.VirtualClock
	fs.Lookup("clock").DefValue = sim.VirtualClock
	for _, name := range []string{"ui", "ui-wait"} {
		_ = fs.MarkHidden(name) // a page is for the runs of simulate itself
	}
}

// seedsMax keeps a slip of the keyboard from running for days.
const seedsMax = 1000

// check reads the seeds and refuses what has no meaning for many runs.
func (p *plan) check(o *options, fs *pflag.FlagSet, wrong *mistakes) {
	const want = "how many, such as 3, or a list of different ones, such as 1,2,3"
	first, _, isList := strings.Cut(p.seeds, ",")
	n, err := strconv.Atoi(first)
	switch {
	case !isList && (err != nil || n < 1 || n > seedsMax):
		wrong.add("--seeds %q: want %s; at most %d", p.seeds, want, seedsMax)
	case !isList:
		p.list = capacity.Seeds(o.scenario.Seed, n)
	default:
		p.list = nil
		for text := range strings.SplitSeq(p.seeds, ",") {
			seed, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
			if err != nil || slices.Contains(p.list, seed) {
				wrong.add("--seeds %q: %q: want %s", p.seeds, text, want)
				return
			}
			p.list = append(p.list, seed)
		}
	}
	for _, name := range []string{"ui", "ui-wait"} {
		if fs.Changed(name) {
			wrong.add("--%s: want it without %s: it shows the runs of simulate itself", name,
				p.name)
		}
	}
}

// oneConfig is the configuration that the flags give; without any the engine as it is by default.
func oneConfig(o *options, l *lists, wrong *mistakes) {
	if l.engines+l.policies+l.queueSizes+l.watcherQueues == "" {
		l.engines = "notifylab"
	}
	o.configs = l.configs(&o.scenario, o.clock, wrong)
	if n := len(o.configs); n > 1 {
		wrong.add("--engine, --policy, --queue-sizes, --watcher-queues: %d configurations: want "+
			"one, with one value for each", n)
	}
}

// virtualOnly refuses the wall clock.
func (p *plan) virtualOnly(o *options, wrong *mistakes) {
	if o.clock == sim.WallClock {
		wrong.add("--clock wall: want virtual: %s makes hundreds of runs, and what it finds must "+
			"be the same every time", p.name)
	}
}

// base is what all runs begin with. The time to heal follows the consumers, unless it is given.
func (o *options) base(fs *pflag.FlagSet) capacity.Base {
	b := capacity.Base{Scenario: o.scenario, Dump: o.dump, Clock: o.clock}
	if len(o.configs) > 0 {
		b.Config = o.configs[0]
	}
	if !fs.Changed("heal") && !o.given["heal"] {
		b.Finish = func(s *sim.Scenario) { s.Heal = healFor(s) }
	}
	return b
}

// environment is where the runs are made; took is nil before the end.
func (o *options) environment(took *sim.Took) sim.Environment {
	e := sim.NewEnvironment(clock.Real{}.Now())
	if e.Clock = o.clock; o.clock == sim.VirtualClock {
		e.CostModel, e.Took = &o.cost, took
	}
	return e
}

// addPlan adds what package capacity says, line by line.
func (m *mistakes) addPlan(flag string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		for _, sentinel := range []error{capacity.ErrKnob, capacity.ErrJob, capacity.ErrTooMany,
			capacity.ErrFinder, capacity.ErrAdviser, capacity.ErrOther} {
			line = strings.TrimPrefix(line, sentinel.Error()+": ")
		}
		if line = strings.TrimSpace(line); line != "" {
			m.add("%s: %s", flag, line)
		}
	}
}

// lab makes the runs, and tells of them.
func (o *options) lab(t *teller) *capacity.Lab {
	if o.clock == sim.WallClock {
		return &capacity.Lab{Run: capacity.Wall(t.during), Width: 1, Done: t.done}
	}
	return &capacity.Lab{Run: capacity.Virtual(o.cost, t.during), Done: t.done}
}

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

// encode is the document as it is written. Its objectives stay readable: it is no part of a page.
func encode(doc *sim.Document) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(doc)
	return b.Bytes(), err
}

// write leaves the document where it was asked for: in a file, and alone on stdout with --json.
func (o *options) write(doc *sim.Document, stdout io.Writer) error {
	if !o.json && o.out == "" {
		return nil
	}
	data, err := encode(doc)
	if err == nil && o.out != "" {
		if err = maybe.WriteFile(o.out, data, 0o644); err != nil {
			err = fmt.Errorf("--out: %w", err)
		}
	}
	if err == nil && o.json {
		_, err = io.Copy(stdout, bytes.NewReader(data))
	}
	return err
}

// exitFor is the code for an error of a plan.
func exitFor(err error, stderr io.Writer) int {
	fmt.Fprintln(stderr, "simulate:", err)
	switch {
	case errors.Is(err, capacity.ErrSamples):
		return exitInvalid
	case errors.Is(err, capacity.ErrJob), errors.Is(err, capacity.ErrFinder),
		errors.Is(err, capacity.ErrAdviser):
		return exitUsage
	}
	return exitFailed
}

// objectives says what a run must meet, and whose idea that was.
func objectives(slos []sim.SLO, given bool) string {
	texts := make([]string, len(slos))
	for i, s := range slos {
		texts[i] = s.String()
	}
	if given {
		return "objectives: " + strings.Join(texts, ", ")
	}
	return "objectives, for want of --slo: " + strings.Join(texts, ", ")
}

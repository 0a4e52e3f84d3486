package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

// plan is what the commands that make many runs have in common: sweep, capacity, recommend.
type plan struct {
	name  string
	seeds string // as given
	list  []uint64
	fresh int      // seeds that confirm; 0: the command has none
	notes []string // what of the scenario doesn't count, and why
}

// flags adds those of all plans. They run in virtual time unless told otherwise.
func (p *plan) flags(o *options, fs *pflag.FlagSet, seeds, fresh int) {
	fs.StringVar(&p.seeds, "seeds", strconv.Itoa(seeds),
		"how many seeds, from --seed on; or which, such as 1,2,3")
	if p.fresh = fresh; fresh > 0 {
		fs.IntVar(&p.fresh, "fresh", fresh,
			"how many other seeds, which come after them, confirm the answer")
	}
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
	if fs.Changed("fresh") && (p.fresh < 1 || p.fresh > seedsMax) {
		wrong.add("--fresh %d: want a number of seeds, 1 to %d", p.fresh, seedsMax)
	}
	for _, name := range []string{"ui", "ui-wait"} {
		if fs.Changed(name) {
			wrong.add("--%s: want it without %s: it shows the runs of simulate itself", name,
				p.name)
		}
	}
}

// varies refuses a value for a field that the plan varies. In a file, which may well have every
// field, it is only noted: to want a file without it would make those that show writes useless.
func (p *plan) varies(o *options, fs *pflag.FlagSet, field, by string, wrong *mistakes) {
	for _, path := range sim.ScenarioPaths() {
		if one(path) != field {
			continue
		}
		place := wrong.places[path]
		switch {
		case fs.Changed(flagName(path)):
			wrong.add("--%s: want it or %s, not both", flagName(path), by)
		case !o.given[path]:
		case strings.HasPrefix(place, "--set"):
			wrong.add("%s: want it or %s, not both", place, by)
		default:
			p.notes = append(p.notes, fmt.Sprintf("%s doesn't count: %s takes its place", place,
				by))
		}
	}
}

// wants says whether any of these fields was asked for, by a flag, a setting or a file.
func (o *options) wants(fs *pflag.FlagSet, fields ...string) bool {
	return slices.ContainsFunc(fields, func(field string) bool {
		return fs.Changed(flagName(field)) || o.given[field]
	})
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
	if !o.wants(fs, "heal") {
		b.Finish = func(s *sim.Scenario) { s.Heal = healFor(s) }
	}
	return b
}

// patience is how long views may take after the load to become right, for searches that aren't
// told: as long as a slow consumer may need, so that the objectives decide.
const patience = time.Minute

// patient is base with time to heal for the slowest.
func (p *plan) patient(o *options, fs *pflag.FlagSet) capacity.Base {
	b := o.base(fs)
	if b.Finish != nil {
		b.Finish = func(s *sim.Scenario) { s.Heal = max(healFor(s), patience) }
		b.Finish(&b.Scenario)
		p.notes = append(p.notes, fmt.Sprintf("views have %v to become right after the load, for "+
			"want of --heal", b.Scenario.Heal))
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

// encode is the document as it is written. Its objectives stay readable: it is no part of a page.
func encode(doc *sim.Document) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(doc)
	return b.Bytes(), err
}

// answer makes a search and gives its document, with the code to exit with unless it has an answer
// to show. The announcement and the notes come first.
func (p *plan) answer(ctx context.Context, o *options, what string, stdout, stderr io.Writer,
	search func(context.Context, *capacity.Lab, sim.Environment) (*sim.Document, error)) (
	*sim.Document, int) {
	t := o.teller(p.name, stderr)
	t.say("%s", what)
	for _, note := range p.notes {
		t.say("%s", note)
	}
	took := sim.Meter(clock.Real{})
	doc, err := search(ctx, o.lab(t), o.environment(nil))
	t.over()
	if doc != nil {
		doc.Environment.Took = took()
		if err := o.write(doc, stdout); err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return nil, exitFailed
		}
	}
	if err != nil {
		return nil, exitFor(err, stderr)
	}
	return doc, exitPassed
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

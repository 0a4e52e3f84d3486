package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

// readScenario fills in what --scenario and --set say, for the flags to be read over it. Which
// those are, and which flags win over them, a first reading of the command line says; what is wrong
// with the flags themselves is for the second one to report.
func (o *options) readScenario(args []string, wrong *mistakes) {
	first := &options{scenario: sim.DefaultScenario(), command: o.command}
	flags := first.flags(&lists{})
	unheard := mistakes{}
	if errors.Is(readFlags(flags, args, &unheard), pflag.ErrHelp) {
		return
	}
	o.given, wrong.places = make(map[string]bool), make(map[string]string)
	if flags.Changed("scenario") {
		o.readFile(first.file, wrong)
	}
	o.applySets(flags, first.sets, wrong)
	if flags.Changed("workload") {
		o.scenario.Topology = "" // the flag wins
	}
	for _, path := range sim.ScenarioPaths() {
		if flags.Changed(flagName(path)) {
			wrong.forget(path)
		}
	}
}

// readFile reads the scenario file. A topology and a trace are looked for
// where the file is.
func (o *options) readFile(file string, wrong *mistakes) {
	var in io.Reader = os.Stdin
	name := "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if file == "" {
			err = errors.New(`""`)
		}
		if err != nil {
			wrong.add("--scenario: %v: want a scenario file (YAML), or - for stdin", err)
			return
		}
		defer f.Close()
		in, name = f, file
	}
	s := &o.scenario
	lines, err := sim.ReadScenario(in, s)
	for _, path := range sim.ScenarioPaths() {
		wrong.places[path] = name + ": " + path // by default, until a line is known
	}
	for path, line := range lines {
		o.given[path] = true
		wrong.places[path] = fmt.Sprintf("%s:%d: %s", name, line, path)
	}
	for _, path := range []*string{&s.Topology, &s.Trace} {
		if *path != "" && !filepath.IsAbs(*path) && file != "-" {
			*path = filepath.Join(filepath.Dir(file), *path)
		}
	}
	var ms sim.FileMistakes
	if !errors.As(err, &ms) && err != nil {
		wrong.add("--scenario: %v: want a scenario file (YAML), or - for stdin", err)
	}
	for _, m := range ms {
		wrong.couldNotRead(flagName(m.Field))
		subject := strings.TrimSpace(m.Field + " " + m.Got)
		wrong.add("%s:%d: %s: want %s", name, m.Line, subject, m.Want)
	}
}

// applySets sets single fields, each at most once among all settings and flags. Workload and
// topology count as one: they exclude each other.
func (o *options) applySets(flags *pflag.FlagSet, sets []string, wrong *mistakes) {
	seen := make(map[string]string) // by what
	for _, path := range sim.ScenarioPaths() {
		if name := flagName(path); flags.Changed(name) {
			seen[one(path)] = "--" + name
		}
	}
	for _, set := range sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok {
			wrong.add("--set %q: want path=value, such as rate=200", set)
			continue
		}
		if by := seen[one(path)]; by != "" {
			wrong.add("--set %s: want it or %s, not both", set, by)
			continue
		}
		seen[one(path)] = "--set " + path
		o.given[path] = true
		wrong.forget(path) // what the file says
		wrong.places[path] = "--set " + path
		var m sim.Mistake
		if errors.As(o.scenario.Set(path, value), &m) {
			wrong.couldNotRead(flagName(path))
			if m.Field == path && m.Got != strconv.Quote(value) { // it is about a part of the text
				set += ": " + m.Got
			}
			wrong.add("--set %s: want %s", set, m.Want)
		}
	}
}

// one is the same for both fields that name a world.
func one(path string) string {
	if path == "topology" {
		return "workload"
	}
	return path
}

// healFor is the time to heal that is right for as many consumers, unless another is asked for.
func healFor(s *sim.Scenario) time.Duration {
	return max(s.Heal, time.Duration(s.Consumers)*40*time.Microsecond)
}

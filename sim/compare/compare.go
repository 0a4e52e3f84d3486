package compare

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/sim"
)

// Schema names the form of a Result in JSON.
const Schema = "notifylab.compare/1"

// What Compare returns wraps one of these.
var (
	// ErrRefused: the sides can't be compared; the message says in what they differ.
	ErrRefused = errors.New("not comparable")
	// ErrOption: an option is wrong; the message names it and what it accepts.
	ErrOption = errors.New("bad option")
)

// Options say what is compared.
type Options struct {
	Metrics []string // names of Metrics; none: all of them
	Force   bool     // compare what differs in more than the code, too, and warn of it
}

// Result is a comparison. Side A is what it was, side B what it is.
type Result struct {
	Schema         string           `json:"schema"`
	Headline       string           `json:"headline"`
	Warnings       []string         `json:"warnings"`
	Statistics     []string         `json:"statistics"` // what the intervals and signs mean
	Tests          int              `json:"tests"`
	Confidence     float64          `json:"confidence"` // of each interval; 0 without tests
	A              []Source         `json:"a"`
	B              []Source         `json:"b"`
	Configurations []*Configuration `json:"configurations"` // in A's order, then those of B only

	Limits []*Limit `json:"limits,omitempty"` // of documents that searched for one
}

// Source is where a document of a side is from.
type Source struct {
	Name      string    `json:"name"`
	Seed      uint64    `json:"seed"`
	Clock     string    `json:"clock"`
	Scenario  string    `json:"scenario_hash"` // that of sim.Identify
	Time      time.Time `json:"time"`
	GoVersion string    `json:"go_version"`
	Machine   string    `json:"machine"`
	Revision  string    `json:"revision,omitempty"`
}

// Configuration is one configuration on both sides, or on one.
type Configuration struct {
	Config   sim.Config    `json:"config"`
	Settings []sim.Setting `json:"settings,omitempty"` // its own, beside the scenario's
	Only     string        `json:"only,omitempty"`     // A or B: the other side didn't run it
	Changed  bool          `json:"changed"`
	VerdictA string        `json:"verdict_a,omitempty"` // of several runs, each verdict once
	VerdictB string        `json:"verdict_b,omitempty"`
	Verdict  Outcome       `json:"verdict_outcome,omitempty"`
	Notes    []string      `json:"notes,omitempty"`
	Figures  []*Figure     `json:"figures,omitempty"`

	Objectives []*Objective `json:"objectives,omitempty"` // by their text, A's first
}

// Objective is what became of a service-level objective. A side that doesn't have it is "".
type Objective struct {
	SLO     string  `json:"slo"` // as a scenario file has it
	A       string  `json:"a"`   // of several runs, each verdict once
	B       string  `json:"b"`
	Outcome Outcome `json:"outcome"`
}

// Outcome is what came out for one figure.
type Outcome string

// The outcomes. The first three are changes; Changed is one that isn't good or bad by itself.
const (
	Better  Outcome = "better"
	Worse   Outcome = "worse"
	Changed Outcome = "changed"
	Unclear Outcome = "~" // not distinguishable, or not tested
	Equal   Outcome = "=" // exactly
	Missing Outcome = "missing"
)

// Figure is one metric of a configuration. A value that isn't there is nil, and Note says why.
type Figure struct {
	Metric   string   `json:"metric"`
	Unit     string   `json:"unit"`
	A        *float64 `json:"a"`
	B        *float64 `json:"b"`
	Outcome  Outcome  `json:"outcome"`
	Change   *float64 `json:"change"`   // from A to B
	Low      *float64 `json:"low"`      // ends of its interval; nil if exact or not tested
	High     *float64 `json:"high"`     //
	Relative bool     `json:"relative"` // these three are shares of A, not in Unit
	Samples  string   `json:"samples,omitempty"`
	Note     string   `json:"note,omitempty"`
}

// Compare compares two sides of one or more documents each.
func Compare(a, b []*Document, o Options) (*Result, error) {
	chosen, err := choose(o.Metrics)
	if err != nil {
		return nil, err
	}
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("%w: %d documents of A and %d of B: want one or more of each",
			ErrOption, len(a), len(b))
	}
	reasons := differences(a, b)
	if len(reasons) > 0 && !o.Force {
		return nil, fmt.Errorf("%w: %s", ErrRefused, strings.Join(reasons, "; "))
	}
	r := &Result{Schema: Schema, A: sources(a), B: sources(b)}
	r.Warnings = []string{}
	for _, reason := range reasons {
		r.Warnings = append(r.Warnings, "compared all the same: "+reason)
	}
	r.Warnings = append(r.Warnings, environments(a, b)...)
	var tests []*test
	searched := searches(a) && searches(b)
	for _, c := range loads(a, b) {
		found, ts := lay(c, samplesOf(a, c), samplesOf(b, c), chosen)
		if found.Only != "" && searched { // the steps of a search are what they are
			continue
		}
		r.Configurations = append(r.Configurations, found)
		tests = append(tests, ts...)
	}
	r.Limits = limits(a, b)
	if r.Tests = len(tests); r.Tests > 0 {
		alpha := falseAlarms / float64(r.Tests)
		r.Confidence = 1 - alpha
		for _, t := range tests {
			t.settle(alpha)
		}
	}
	for _, c := range r.Configurations {
		c.Changed = isChange(c.Verdict) || slices.ContainsFunc(c.Figures, func(f *Figure) bool {
			return isChange(f.Outcome)
		}) || slices.ContainsFunc(c.Objectives, func(o *Objective) bool {
			return isChange(o.Outcome)
		})
	}
	r.Statistics = statistics(r)
	r.Headline = headline(r)
	return r, nil
}

func isChange(o Outcome) bool { return o == Better || o == Worse || o == Changed }

func sources(side []*Document) []Source {
	var out []Source
	for _, d := range side {
		e := &d.Environment
		out = append(out, Source{Name: d.Name, Seed: d.Seed, Clock: e.Clock,
			Scenario: d.identity.Hash, Time: e.Time, GoVersion: e.GoVersion,
			Machine: machine(e), Revision: e.Revision})
	}
	return out
}

func machine(e *sim.Environment) string {
	return fmt.Sprintf("%s/%s, %d CPUs, GOMAXPROCS %d", e.OS, e.Arch, e.CPUs, e.GOMAXPROCS)
}

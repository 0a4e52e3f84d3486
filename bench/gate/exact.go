package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"

	"github.com/notifylab/notifylab/sim"
)

// ExactSchema names the form of a kept result.
const ExactSchema = "notifylab.baseline/1"

// Model is the version of what a simulation means. Raise it when that changes on purpose, so that
// older kept results are called outdated and not wrong.
const Model = 1

// kept is a result as it is kept, and what it belongs to. The run has fingerprints in the place of
// its histograms, and no machine.
type kept struct {
	Schema   string        `json:"schema"`
	Model    int           `json:"model"`
	Hash     string        `json:"scenario_hash"` // that of sim.Identify
	Scenario sim.Scenario  `json:"scenario"`
	Config   sim.Config    `json:"config"`
	Cost     sim.CostModel `json:"cost_model"`
	Run      *sim.Run      `json:"run"`
}

const exactPrefix = "exact-"

func exactFile(dir, name string) string { return filepath.Join(dir, exactPrefix+name+".json") }

// CheckExact runs the cases and compares them with what dir keeps; tell hears of each before it
// runs. The errors are those of the runs, of ctx, and ErrBaseline for a file of a form that this
// program doesn't know.
func CheckExact(ctx context.Context, dir string, cases []Case, tell func(string)) (Tier, error) {
	t := Tier{Name: Exact, Notes: []string{fmt.Sprintf(
		"virtual time, model %d; every field must be what is kept", Model)}}
	for _, c := range cases {
		tell(c.Name)
		now, err := c.encoded(ctx)
		if err != nil {
			return t, err
		}
		line, err := compareKept(exactFile(dir, c.Name), now)
		if err != nil {
			return t, err
		}
		line.Name = c.Name
		t.Lines = append(t.Lines, line)
	}
	orphans, err := orphans(dir, cases)
	if err != nil {
		return t, err
	}
	for _, name := range orphans {
		t.Lines = append(t.Lines, Line{Name: name, Verdict: Failed,
			Reason: "a result is kept, but the scenario is no longer run"})
	}
	t.judge()
	return t, nil
}

// UpdateExact keeps what the cases give now, and removes what is kept for others.
func UpdateExact(ctx context.Context, dir string, cases []Case, tell func(string)) error {
	all := make([][]byte, len(cases))
	for i, c := range cases { // all of them first: a failure must leave the files as they are
		tell(c.Name)
		var err error
		if all[i], err = c.encoded(ctx); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, c := range cases {
		if err := maybe.WriteFile(exactFile(dir, c.Name), all[i], 0o644); err != nil {
			return err
		}
	}
	names, err := orphans(dir, cases)
	for _, name := range names {
		err = errors.Join(err, os.Remove(exactFile(dir, name)))
	}
	return err
}

// orphans are the names of kept results without a case.
func orphans(dir string, cases []Case) (names []string, err error) {
	files, err := filepath.Glob(exactFile(dir, "*"))
	for _, file := range files {
		name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(file), ".json"), exactPrefix)
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.Name == name }) {
			names = append(names, name)
		}
	}
	return names, err
}

// encoded runs a case and gives what would be kept.
func (c Case) encoded(ctx context.Context) ([]byte, error) {
	run, err := c.Run(ctx)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", c.Name, err)
	}
	id, err := sim.Identify(c.Scenario, run.World)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", c.Name, err)
	}
	data, err := json.Marshal(kept{ExactSchema, Model, id.Hash, c.Scenario, c.Config, c.Cost, run})
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", c.Name, err)
	}
	tree, err := decodeTree(data)
	if err != nil {
		return nil, err
	}
	if err := fingerprint(tree); err != nil {
		return nil, fmt.Errorf("scenario %s: %w", c.Name, err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	err = enc.Encode(tree)
	return b.Bytes(), err
}

// compareKept compares what a file has with what was found now.
func compareKept(file string, now []byte) (Line, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return Line{Verdict: Failed, Reason: "nothing is kept for it: see --update"}, nil
	} else if err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrBaseline, err)
	}
	var head struct {
		Schema string `json:"schema"`
		Model  int    `json:"model"`
		Hash   string `json:"scenario_hash"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Line{}, fmt.Errorf("%w: %s: %w", ErrBaseline, file, err)
	}
	if err := checkSchema(file, head.Schema, ExactSchema); err != nil {
		return Line{}, err
	}
	if head.Model > Model {
		return Line{}, fmt.Errorf("%w: %s: model %d is newer than this program: want %d",
			ErrBaseline, file, head.Model, Model)
	}
	before, err := decodeTree(data)
	if err != nil {
		return Line{}, fmt.Errorf("%w: %s: %w", ErrBaseline, file, err)
	}
	after, err := decodeTree(now)
	if err != nil {
		return Line{}, err
	}
	l := Line{Verdict: Passed, Details: differences(before, after)}
	if n := len(l.Details); n > 0 {
		l.Verdict, l.Reason = Failed, fmt.Sprintf("%d fields differ", n)
		if head.Model < Model {
			l.Reason = fmt.Sprintf("kept under model %d, this is %d: see --update", head.Model,
				Model)
		} else if h := after["scenario_hash"]; h != head.Hash {
			l.Reason = fmt.Sprintf("another scenario: %d fields differ", n)
		}
	}
	return l, nil
}

// checkSchema refuses a form that this program doesn't know.
func checkSchema(file, got, want string) error {
	family, _, _ := strings.Cut(want, "/")
	switch {
	case got == want:
		return nil
	case strings.HasPrefix(got, family+"/"):
		return fmt.Errorf("%w: %s: schema %q is newer than this program: want %q", ErrBaseline,
			file, got, want)
	}
	return fmt.Errorf("%w: %s: schema %q: want %q", ErrBaseline, file, got, want)
}

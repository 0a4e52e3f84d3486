package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// ErrSchema is what a document is refused with whose form this version doesn't know.
var ErrSchema = errors.New("unknown schema")

// Result is a document and the name it is shown under: that of its file.
type Result struct {
	Name string
	*sim.Document
}

// Read reads a result document, as simulate --out writes it, and refuses what can't be shown: every
// format can write what it returns. The error names the field that isn't as it has to be and says
// what is wanted; it wraps ErrSchema for a document of another version.
func Read(r io.Reader) (*sim.Document, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	d, err := Parse(data)
	if err != nil {
		return nil, err
	}
	return d, checkHistograms(d)
}

// Parse is Read for a text that is in memory, but that it doesn't look into the histograms: for
// readers of the other figures.
func Parse(data []byte) (*sim.Document, error) {
	// The schema is looked at alone first: the fields of another version may have other types.
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, explain(data, head, err)
	}
	if err := checkSchema(head.Schema); err != nil {
		return nil, err
	}
	d := new(sim.Document)
	if err := json.Unmarshal(data, d); err != nil {
		return nil, explain(data, *d, err)
	}
	return d, check(d)
}

func checkSchema(got string) error {
	if got == sim.Schema {
		return nil
	}
	name, version, _ := strings.Cut(sim.Schema, "/")
	gotName, gotVersion, _ := strings.Cut(got, "/")
	mine, _ := strconv.Atoi(version)
	if n, err := strconv.Atoi(gotVersion); err == nil && gotName == name && n > mine {
		return fmt.Errorf("schema %q is newer than this program: want %s: %w", got, sim.Schema,
			ErrSchema)
	}
	return fmt.Errorf("schema %q: want %s: %w", got, sim.Schema, ErrSchema)
}

// Select keeps the runs with these numbers, counted from 1, in each of the results. What else a
// document says about a run that isn't kept says it about none.
func Select(results []Result, numbers []int) ([]Result, error) {
	out := make([]Result, len(results))
	for i, r := range results {
		d := *r.Document
		d.Runs = nil
		kept := make(map[int]int) // where a run is now
		for _, n := range numbers {
			if n < 1 || n > len(r.Runs) {
				return nil, fmt.Errorf("run %d: %s has runs 1 to %d", n, r.Name, len(r.Runs))
			}
			if _, twice := kept[n-1]; !twice {
				kept[n-1] = len(d.Runs)
			}
			d.Runs = append(d.Runs, r.Runs[n-1])
		}
		renumber(&d, kept)
		out[i] = Result{r.Name, &d}
	}
	return out, nil
}

// renumber gives the answers of a document that lost runs the numbers that these have now; -1 is
// that of none.
func renumber(d *sim.Document, kept map[int]int) {
	now := func(old int) int {
		if i, ok := kept[old]; ok {
			return i
		}
		return -1
	}
	if d.Capacity != nil {
		c := *d.Capacity
		c.Trials, c.Knee = slices.Clone(c.Trials), slices.Clone(c.Knee)
		for i := range c.Trials {
			c.Trials[i].Run = now(c.Trials[i].Run)
		}
		for i := range c.Knee {
			c.Knee[i].Run = now(c.Knee[i].Run)
		}
		d.Capacity = &c
	}
	if d.Recommendation != nil {
		rec := *d.Recommendation
		rec.Options = slices.Clone(rec.Options)
		for i := range rec.Options {
			for _, runs := range []*[]int{&rec.Options[i].Runs, &rec.Options[i].Fresh} {
				*runs = slices.Clone(*runs)
				for k, old := range *runs {
					(*runs)[k] = now(old)
				}
			}
		}
		d.Recommendation = &rec
	}
}

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Read reads a result document, as simulate --out writes it. The error says what isn't as it has to
// be; it wraps ErrSchema for a document of another version.
func Read(r io.Reader) (*sim.Document, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	// The schema is looked at alone first: the fields of another version may have other types.
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: want a result document (JSON), as simulate --out writes it",
			err)
	}
	if err := checkSchema(head.Schema); err != nil {
		return nil, err
	}
	d := new(sim.Document)
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("%w: want a result document of schema %s", err, sim.Schema)
	}
	for i, run := range d.Runs {
		if run == nil {
			return nil, fmt.Errorf("runs[%d] is null: want the object of a run", i)
		}
	}
	return d, nil
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

// Select keeps the runs with these numbers, counted from 1, in each of the results.
func Select(results []Result, numbers []int) ([]Result, error) {
	out := make([]Result, len(results))
	for i, r := range results {
		d := *r.Document
		d.Runs = nil
		for _, n := range numbers {
			if n < 1 || n > len(r.Runs) {
				return nil, fmt.Errorf("run %d: %s has runs 1 to %d", n, r.Name, len(r.Runs))
			}
			d.Runs = append(d.Runs, r.Runs[n-1])
		}
		out[i] = Result{r.Name, &d}
	}
	return out, nil
}

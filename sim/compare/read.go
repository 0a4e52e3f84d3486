package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// ErrDocument is what a document that can't be used wraps. The message names the document and the
// field, and says what is wanted.
var ErrDocument = errors.New("unusable result document")

// Document is a result that was read.
type Document struct {
	Name string // that of its file
	*sim.Document

	identity sim.Identity
	loads    []load           // of the runs
	raw      []map[string]any // the runs, to see what isn't there
}

// Read reads a document, as simulate --out writes it. The errors wrap ErrDocument.
func Read(name string, r io.Reader) (*Document, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	d := &Document{Name: name}
	if err := d.decode(data); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	return d, nil
}

func (d *Document) decode(data []byte) (err error) {
	if d.Document, err = report.Parse(data); err != nil {
		return err
	}
	var raw struct {
		Scenario json.RawMessage  `json:"scenario"`
		Runs     []map[string]any `json:"runs"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if raw.Scenario == nil {
		return errors.New("scenario is missing: want the object of a scenario")
	}
	d.raw = raw.Runs
	if err := d.check(); err != nil {
		return err
	}
	world := d.Runs[0].World
	if slices.ContainsFunc(d.Runs, func(r *sim.Run) bool { return len(r.Settings) > 0 }) {
		world = "" // it may vary: a load says which it had
	}
	d.identity, err = sim.Identify(d.Scenario, world)
	return err
}

// check finds what can be shown and still can't be compared.
func (d *Document) check() error {
	if c := d.Environment.Clock; c != sim.WallClock && c != sim.VirtualClock {
		return fmt.Errorf("environment.clock %q: want %s or %s", c, sim.WallClock, sim.VirtualClock)
	}
	if len(d.Runs) == 0 {
		return errors.New("runs is missing or empty: want an array with a run or more")
	}
	known := make(map[string]int)
	for i, r := range d.Runs {
		if r.Config.Engine == "" {
			return fmt.Errorf("runs[%d].config.engine is missing: want the name of an engine", i)
		}
		if !slices.Contains([]string{sim.Passed, sim.Failed, sim.Invalid}, r.Verdict) {
			return fmt.Errorf("runs[%d].verdict %q: want %s, %s or %s", i, r.Verdict, sim.Passed,
				sim.Failed, sim.Invalid)
		}
		if r.World != d.Runs[0].World && len(r.Settings) == 0 {
			return fmt.Errorf("runs[%d].world %q: want that of runs[0], %q, without settings", i,
				r.World, d.Runs[0].World)
		}
		// A search makes the same run again where it confirms what it found: that is no sample
		// more, and settings are empty for runs of the scenario alone.
		d.loads = append(d.loads, loadOf(r))
		key := fmt.Sprintf("%+v %d", d.loads[i], r.Seed)
		if j, twice := known[key]; twice && d.Capacity == nil && d.Recommendation == nil {
			return fmt.Errorf("runs[%d].config is that of runs[%d]: want each once, or with other "+
				"settings or another seed", i, j)
		}
		known[key] = i
	}
	return nil
}

// has reports whether the i-th run has a field, given as a path such as books.delivered.
func (d *Document) has(i int, path string) bool {
	var v any = d.raw[i]
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		var ok bool
		if v, ok = object[name]; !ok {
			return false
		}
	}
	return v != nil
}

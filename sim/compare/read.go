package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// ErrDocument is what a document that can't be used wraps. The message names the document and the
// field, and says what is wanted.
var ErrDocument = errors.New("unusable result document")

// Document is a result that was read.
type Document struct {
	Name string // that of its file
	*sim.Document

	identity sim.Identity
	raw      []map[string]any // the runs, to see what isn't there
}

// Read reads a document, as simulate --out writes it. The errors wrap ErrDocument.
func Read(name string, r io.Reader) (*Document, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	d := &Document{Name: name, Document: new(sim.Document)}
	if err := d.decode(data); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDocument, name, err)
	}
	return d, nil
}

func (d *Document) decode(data []byte) error {
	// The schema comes first: the fields of another version may have other types.
	var head struct {
		Schema   string          `json:"schema"`
		Scenario json.RawMessage `json:"scenario"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return explain(data, err)
	}
	if err := checkSchema(head.Schema); err != nil {
		return err
	}
	if head.Scenario == nil {
		return errors.New("scenario is missing: want the object of a scenario")
	}
	var raw struct {
		Runs []map[string]any `json:"runs"`
	}
	for _, to := range []any{d.Document, &raw} {
		if err := json.Unmarshal(data, to); err != nil {
			return explain(data, err)
		}
	}
	d.raw = raw.Runs
	if err := d.check(); err != nil {
		return err
	}
	var err error
	d.identity, err = sim.Identify(d.Scenario, d.Runs[0].World)
	return err
}

func checkSchema(got string) error {
	if got == sim.Schema {
		return nil
	}
	name, version, _ := strings.Cut(sim.Schema, "/")
	number, ours := strings.CutPrefix(got, name+"/")
	mine, _ := strconv.Atoi(version)
	if n, err := strconv.Atoi(number); err == nil && ours && n > mine {
		return fmt.Errorf("schema %q is newer than this program: want %q", got, sim.Schema)
	}
	return fmt.Errorf("schema %q: want %q", got, sim.Schema)
}

// check finds what decodes and still can't be compared.
func (d *Document) check() error {
	if c := d.Environment.Clock; c != sim.WallClock && c != sim.VirtualClock {
		return fmt.Errorf("environment.clock %q: want %s or %s", c, sim.WallClock, sim.VirtualClock)
	}
	if len(d.Runs) == 0 {
		return errors.New("runs is missing or empty: want an array with a run or more")
	}
	for i, r := range d.Runs {
		if r == nil {
			return fmt.Errorf("runs[%d] is null: want the object of a run", i)
		}
		if r.Config.Engine == "" {
			return fmt.Errorf("runs[%d].config.engine is missing: want the name of an engine", i)
		}
		if !slices.Contains([]string{sim.Passed, sim.Failed, sim.Invalid}, r.Verdict) {
			return fmt.Errorf("runs[%d].verdict %q: want %s, %s or %s", i, r.Verdict, sim.Passed,
				sim.Failed, sim.Invalid)
		}
		if r.World != d.Runs[0].World {
			return fmt.Errorf("runs[%d].world %q: want that of runs[0], %q", i, r.World,
				d.Runs[0].World)
		}
		for j, p := range r.Series {
			if j > 0 && p.At <= r.Series[j-1].At {
				return fmt.Errorf("runs[%d].series[%d].at_s %v: want seconds, more than the "+
					"point before", i, j, p.At)
			}
		}
		for j := range i {
			if r.Config == d.Runs[j].Config {
				return fmt.Errorf("runs[%d].config is that of runs[%d]: want each once", i, j)
			}
		}
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

// explain adds to an error of package json where it is.
func explain(data []byte, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: is a %s: want what decodes as %v",
			orTop(fieldAt(data, wrong.Offset)), wrong.Value, wrong.Type)
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		return fmt.Errorf("ends after %d bytes at %s: want a whole document (JSON), "+
			"as simulate --out writes it", len(data), orTop(fieldAt(data, syntax.Offset)))
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d, at %s: %w: want a document (JSON), as simulate --out writes it",
			syntax.Offset, orTop(fieldAt(data, syntax.Offset)), err)
	}
	return err
}

func orTop(field string) string {
	if field == "" {
		return "its top"
	}
	return field
}

// fieldAt names the field of a JSON text that is being read at offset, such as runs[2].heal_ns: as
// far as the text can be read, when it breaks before.
func fieldAt(data []byte, offset int64) string {
	type level struct {
		array bool
		index int    // in an array; -1 before its first element
		key   string // in an object
		value bool   // in an object: the next token is a value
	}
	var at []level
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		delim, _ := token.(json.Delim)
		closing := delim == '}' || delim == ']'
		if len(at) > 0 && err == nil && !closing {
			switch l := &at[len(at)-1]; {
			case l.array:
				l.index++
			case l.value:
				l.value = false
			default:
				l.key, l.value = token.(string), true
			}
		}
		if err != nil || dec.InputOffset() >= offset {
			break
		}
		switch {
		case closing:
			at = at[:len(at)-1]
		case delim != 0:
			at = append(at, level{array: delim == '[', index: -1})
		}
	}
	var path strings.Builder
	for _, l := range at {
		switch {
		case l.array && l.index >= 0:
			fmt.Fprintf(&path, "[%d]", l.index)
		case l.key != "" && path.Len() > 0:
			path.WriteString("." + l.key)
		default:
			path.WriteString(l.key)
		}
	}
	return path.String()
}

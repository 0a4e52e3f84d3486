package capacity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// ErrOther is what Resume wraps when a document is that of another sweep.
var ErrOther = errors.New("capacity: the document is of another sweep")

// Resume takes over the runs of a document that the same sweep left, as it would make them in
// environment e: with the same scenario, knobs, seeds, configuration, dump, clock, cost model and
// revision of the program. It says how many; an error names what differs.
func (s *Sweep) Resume(d *sim.Document, e sim.Environment) (taken int, err error) {
	if d.Sweep == nil {
		return 0, fmt.Errorf("%w: it has no sweep: want a document that sweep wrote", ErrOther)
	}
	mine, err := identify(s.Document(e))
	if err != nil {
		return 0, err
	}
	theirs, err := identify(d)
	if err != nil {
		return 0, err
	}
	if found := differences(mine, theirs); len(found) > 0 {
		return 0, fmt.Errorf("%w: %s", ErrOther, strings.Join(found, "; "))
	}
	for _, r := range d.Runs {
		i := slices.IndexFunc(s.jobs, func(j *Job) bool {
			return j.Scenario.Seed == r.Seed && slices.Equal(j.Settings, r.Settings)
		})
		if i < 0 || !s.jobs[i].ran(r) {
			return 0, fmt.Errorf("%w: it has a run of %s, which isn't planned here", ErrOther,
				&Job{Settings: r.Settings, Scenario: sim.Scenario{Seed: r.Seed}})
		}
		if s.runs[i] == nil {
			s.runs[i] = r
			taken++
		}
	}
	return taken, nil
}

// ran reports whether r has the configuration of j. A number of shards that was left open is up to
// the clock.
func (j *Job) ran(r *sim.Run) bool {
	_, c, err := j.Config.Resolve()
	if err != nil {
		return false
	}
	if j.Config.Shards == 0 {
		c.Shards = r.Config.Shards
	}
	return c == r.Config
}

// identify collects what two documents must have in common to be of one sweep, by name.
func identify(d *sim.Document) (map[string]string, error) {
	fields := map[string]string{"schema": d.Schema, "clock": d.Environment.Clock,
		"revision": d.Environment.Revision}
	for prefix, v := range map[string]any{
		"scenario.": d.Scenario, "sweep.": d.Sweep, "cost_model.": d.Environment.CostModel,
	} {
		if reflect.ValueOf(v).Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil() {
			continue
		}
		var data bytes.Buffer
		enc := json.NewEncoder(&data)
		enc.SetEscapeHTML(false) // for those who read it
		var raw map[string]json.RawMessage
		if err := errors.Join(enc.Encode(v), json.Unmarshal(data.Bytes(), &raw)); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSuffix(prefix, "."), err)
		}
		for name, value := range raw {
			fields[prefix+name] = string(value)
		}
	}
	return fields, nil
}

// differences names the fields that differ, with what they are here and there, by name.
func differences(here, there map[string]string) (found []string) {
	all := maps.Clone(here)
	maps.Copy(all, there)
	or := func(v string) string {
		if v == "" {
			return "none"
		}
		return v
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if here[name] != there[name] {
			found = append(found, fmt.Sprintf("%s is %s here and %s there", name,
				or(here[name]), or(there[name])))
		}
	}
	return found
}

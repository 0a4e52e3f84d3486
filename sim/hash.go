package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Identity says what was run: two runs of one configuration whose identities are equal are samples
// of the same thing. It is made of the scenario and of the world that the run describes, so another
// dump of the same name shows. The seed isn't part of it: other seeds are other samples. Objectives
// aren't either: they judge what was run. What a result leaves out counts as the default that it
// stands for.
type Identity struct {
	Hash   string                     // of Fields, hexadecimal
	Fields map[string]json.RawMessage // by their names in a document; no zero values
}

// hashLen is how many hexadecimal digits tell scenarios apart: 64 bits.
const hashLen = 16

// Identify gives the identity of a run of s in the world that Run.World describes.
func Identify(s Scenario, world string) (Identity, error) {
	s.Seed, s.SLOs = 0, nil
	if s.Transport.InProcess() {
		s.Transport = ""
	} else {
		s.Heartbeat, s.WriteTimeout, s.ReadTimeout = s.StreamTimes()
	}
	data, err := json.Marshal(s)
	if err != nil {
		return Identity{}, fmt.Errorf("scenario: %w", err)
	}
	fields := make(map[string]json.RawMessage)
	if err := json.Unmarshal(data, &fields); err != nil {
		return Identity{}, fmt.Errorf("scenario: %w", err)
	}
	if fields["world"], err = json.Marshal(world); err != nil {
		return Identity{}, fmt.Errorf("world: %w", err)
	}
	// A field that this program knows and the writer of the result didn't is zero.
	maps.DeleteFunc(fields, func(_ string, v json.RawMessage) bool {
		return slices.Contains([]string{"0", `""`, "false", "null", "[]", "{}"}, string(v))
	})
	canonical, err := json.Marshal(fields) // sorts the names
	if err != nil {
		return Identity{}, fmt.Errorf("scenario: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return Identity{hex.EncodeToString(sum[:])[:hashLen], fields}, nil
}

// Differences names the fields in which i and o differ, with both values, sorted by name.
func (i Identity) Differences(o Identity) []string {
	names := slices.Concat(slices.Collect(maps.Keys(i.Fields)), slices.Collect(maps.Keys(o.Fields)))
	slices.Sort(names)
	value := func(fields map[string]json.RawMessage, name string) string {
		if v, ok := fields[name]; ok {
			return string(v)
		}
		return "none"
	}
	var found []string
	for _, name := range slices.Compact(names) {
		if a, b := value(i.Fields, name), value(o.Fields, name); a != b {
			found = append(found, fmt.Sprintf("%s: %s and %s", name, a, b))
		}
	}
	return found
}

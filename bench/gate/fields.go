package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/notifylab/notifylab/sim"
)

// decodeTree reads a JSON object, with its numbers as they are written: a revision of 2^53 or a
// float's last digit must show.
func decodeTree(data []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	err := dec.Decode(&tree)
	return tree, err
}

// fingerprint replaces each encoded histogram by one of its bars: its bytes are those of a
// compressor, which may change with the version of Go.
func fingerprint(tree any) error {
	switch x := tree.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if hdr, ok := x[name].(string); ok && name == "hdr" {
				sum, err := hdrSum(hdr)
				if err != nil {
					return err
				}
				x[name] = sum
			} else if err := fingerprint(x[name]); err != nil {
				return err
			}
		}
	case []any:
		for _, v := range x {
			if err := fingerprint(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func hdrSum(hdr string) (string, error) {
	h, err := (&sim.Summary{HDR: hdr}).Decode()
	if err != nil {
		return "", fmt.Errorf("hdr: %w", err)
	}
	sum := fnv.New64a()
	for _, bar := range h.Distribution() {
		if bar.Count > 0 {
			fmt.Fprintln(sum, bar.From, bar.Count)
		}
	}
	return fmt.Sprintf("fnv %016x", sum.Sum64()), nil
}

// differences names the fields in which two trees differ, sorted, with both values.
func differences(before, after map[string]any) (found []string) {
	a, b := make(map[string]string), make(map[string]string)
	flatten("", before, a)
	flatten("", after, b)
	names := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if x, y := valueOr(a, name), valueOr(b, name); x != y {
			found = append(found, fmt.Sprintf("%s: %s is now %s", name, x, y))
		}
	}
	return found
}

func valueOr(fields map[string]string, name string) string {
	if v, ok := fields[name]; ok {
		return v
	}
	return "none"
}

// flatten puts each leaf of a tree under its path, such as run.series[3].delivered. Empty objects
// and arrays are leaves, too.
func flatten(path string, tree any, to map[string]string) {
	switch x := tree.(type) {
	case map[string]any:
		for name, v := range x {
			if path != "" {
				name = path + "." + name
			}
			flatten(name, v, to)
		}
		if len(x) > 0 {
			return
		}
	case []any:
		for i, v := range x {
			flatten(path+"["+strconv.Itoa(i)+"]", v, to)
		}
		if len(x) > 0 {
			return
		}
	}
	data, err := json.Marshal(tree)
	if err != nil { // what was decoded can be encoded
		panic(err)
	}
	to[path] = string(data)
}

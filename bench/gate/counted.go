package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2/maybe"
)

// CountedSchema names the form of the kept counts.
const CountedSchema = "notifylab.counted/1"

// tolerances are shares, by unit. Units that aren't here aren't counted.
var tolerances = map[string]float64{
	"allocs/op":      0,
	"units/delivery": 0,
	"goroutines":     0,
	"B/op":           0.02,
	"B/sub":          0.02,
}

// IsCounted reports whether the counted tier compares a unit.
func IsCounted(unit string) bool {
	_, ok := tolerances[unit]
	return ok
}

// keptCounts is the file of the counted tier.
type keptCounts struct {
	Schema    string  `json:"schema"`
	GoVersion string  `json:"go_version"` // whose runtime and library allocated
	Arch      string  `json:"arch"`       // whose words they are made of
	Figures   Figures `json:"figures"`
}

func countedFile(dir string) string { return filepath.Join(dir, "counted.json") }

// UpdateCounted keeps figures. There must be one at least.
func UpdateCounted(dir, goVersion, arch string, now Figures) error {
	if len(now) == 0 {
		return fmt.Errorf("%w: no counted figure in it", ErrBench)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	if err := enc.Encode(keptCounts{CountedSchema, goVersion, arch, now}); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return maybe.WriteFile(countedFile(dir), b.Bytes(), 0o644)
}

// CheckCounted compares figures with what dir keeps, by "name unit". The error is ErrBaseline.
//
// Counts of another architecture can't be compared, so the tier is Invalid there. Those of another
// Go are, for a new one that allocates more is worth to know; it is noted.
func CheckCounted(dir, goVersion, arch string, now Figures) (Tier, error) {
	t := Tier{Name: Counted}
	file := countedFile(dir)
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Verdict, t.Reason = Failed, "nothing is kept for it: see --update"
		return t, nil
	}
	var before keptCounts
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	if err != nil {
		return t, fmt.Errorf("%w: %s: %w", ErrBaseline, file, err)
	}
	if err := checkSchema(file, before.Schema, CountedSchema); err != nil {
		return t, err
	}
	if before.Arch != arch {
		t.Verdict = Invalid
		t.Reason = fmt.Sprintf("kept on %s, this is %s: there is nothing to compare", before.Arch,
			arch)
		return t, nil
	}
	if version.Lang(before.GoVersion) != version.Lang(goVersion) {
		t.Notes = append(t.Notes, fmt.Sprintf("kept with %s, this is %s: a difference may be Go's",
			before.GoVersion, goVersion))
	}
	all := maps.Clone(now)
	if all == nil {
		all = make(Figures)
	}
	maps.Copy(all, before.Figures)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Lines = append(t.Lines, countedLine(name, before.Figures, now))
	}
	t.judge()
	return t, nil
}

func countedLine(key string, before, now Figures) Line {
	l := nameLine(key)
	l.Verdict = Passed
	base, inBase := before[key]
	head, inHead := now[key]
	inHead = inHead && head >= 0 && !math.IsInf(head, 1) // or it is no count, NaN for one
	if inBase {
		l.Base = &base
	}
	if inHead {
		l.Head = &head
	}
	switch {
	case !inHead:
		l.Verdict, l.Reason = Failed, "missing: it is kept, and wasn't measured"
		return l
	case !inBase:
		l.Verdict, l.Reason = Failed, "nothing is kept for it: see --update"
		return l
	}
	if base != 0 {
		l.Change = ptr(head/base - 1)
	}
	switch slack := tolerances[l.Metric] * base; {
	case head > base+slack:
		l.Verdict, l.Reason = Failed, "worse"
	case head < base-slack:
		l.Verdict, l.Reason = Better, "keep it with --update"
	}
	return l
}

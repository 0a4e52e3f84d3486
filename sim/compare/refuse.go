package compare

import (
	"fmt"
	"slices"
	"strings"
)

// differences says why the sides aren't samples of the same scenario. Every document is held
// against the first one of A.
func differences(a, b []*Document) []string {
	var found []string
	first := a[0]
	for _, d := range slices.Concat(a[1:], b) {
		if diff := first.identity.Differences(d.identity); len(diff) > 0 {
			found = append(found, fmt.Sprintf("scenario of %s and %s (%s and %s): %s", first.Name,
				d.Name, first.identity.Hash, d.identity.Hash, strings.Join(diff, ", ")))
		}
		if x, y := first.Environment.Clock, d.Environment.Clock; x != y {
			found = append(found, fmt.Sprintf("clock of %s and %s: %s and %s", first.Name, d.Name,
				x, y))
		}
	}
	for _, side := range [][]*Document{a, b} {
		found = append(found, repeated(side)...)
	}
	return found
}

// repeated finds what isn't a sample of its own: a document that a side has twice, and in virtual
// time a run of one load with one seed.
func repeated(side []*Document) []string {
	type run struct {
		load
		seed uint64
	}
	var found []string
	names := make(map[string]bool)
	known := make(map[run]*Document)
	for _, d := range side {
		if names[d.Name] {
			found = append(found, d.Name+" is given twice on one side")
			continue
		}
		names[d.Name] = true
		told := false
		for i, r := range d.Runs {
			s := sample{r, d, i}
			if !s.virtual() {
				continue
			}
			key := run{d.loads[i], s.seed()}
			o := known[key]
			if o == nil {
				known[key] = d
			} else if o != d && !told {
				told = true
				found = append(found, fmt.Sprintf("seed %d in both %s and %s: in virtual time "+
					"that is one sample, not two", s.seed(), o.Name, d.Name))
			}
		}
	}
	return found
}

// environments warns of what else may be behind a change.
func environments(a, b []*Document) []string {
	var found []string
	all := slices.Concat(a, b)
	for _, x := range []struct {
		name  string
		value func(*Document) string
	}{
		{"machines", func(d *Document) string { return machine(&d.Environment) }},
		{"Go versions", func(d *Document) string { return d.Environment.GoVersion }},
		{"cost models", func(d *Document) string {
			if d.Environment.CostModel == nil {
				return "none"
			}
			return fmt.Sprintf("%+v", *d.Environment.CostModel)
		}},
	} {
		var values []string
		for _, d := range all {
			if v := x.value(d); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		if len(values) > 1 {
			found = append(found, fmt.Sprintf("%s differ: %s", x.name, strings.Join(values, "; ")))
		}
	}
	if x, y := seeds(a), seeds(b); !slices.Equal(x, y) {
		found = append(found, fmt.Sprintf("seeds differ: %d and %d: what that does to the load is "+
			"part of the noise", x, y))
	}
	return found
}

// seeds are those of the runs of a side.
func seeds(side []*Document) []uint64 {
	var out []uint64
	for _, d := range side {
		for i, r := range d.Runs {
			out = append(out, sample{r, d, i}.seed())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

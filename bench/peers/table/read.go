package main

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// figures are what a run says.
type figures struct {
	config  map[string]string    // of the whole output; the latest of each key
	samples map[figure][]float64 // one for each time that it was measured
	peers   map[string]bool      // all that there is a sample of
}

// figure names one number.
type figure struct {
	peer string
	load string // key=value of the name but for the peer: subs=10000/mode=burst
	unit string // as the benchmark has it
}

// read reads benchmark output. It is an error if there is nothing in it.
func read(r io.Reader) (*figures, error) {
	f := &figures{map[string]string{}, map[figure][]float64{}, map[string]bool{}}
	reader := benchfmt.NewReader(r, "stdin")
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			f.add(rec)
		}
	}
	if len(f.samples) == 0 {
		return nil, cmp.Or(reader.Err(), errors.New("no benchmark of a peer in the input"))
	}
	return f, reader.Err()
}

func (f *figures) add(r *benchfmt.Result) {
	for _, c := range r.Config {
		f.config[c.Key] = string(c.Value)
	}
	_, parts := r.Name.Parts()
	var peer string
	var load []string
	for _, p := range parts {
		part := strings.TrimPrefix(string(p), "/")
		if name, ok := strings.CutPrefix(part, "peer="); ok {
			peer = name
		} else if strings.Contains(part, "=") { // not the number of CPUs
			load = append(load, part)
		}
	}
	if peer == "" {
		return
	}
	f.peers[peer] = true
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" {
			value, unit = v.OrigValue, v.OrigUnit
		}
		key := figure{peer, strings.Join(load, "/"), unit}
		f.samples[key] = append(f.samples[key], value)
	}
}

// median returns the median of what was measured, or false if nothing was.
func (f *figures) median(peer, load, unit string) (float64, bool) {
	s := slices.Sorted(slices.Values(f.samples[figure{peer, load, unit}]))
	if len(s) == 0 {
		return 0, false
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2, true
}

// any reports whether a figure was ever there and not 0.
func (f *figures) any(peer, load, unit string) bool {
	return slices.ContainsFunc(f.samples[figure{peer, load, unit}],
		func(v float64) bool { return v != 0 })
}

// runs is how often the figures were measured, at most.
func (f *figures) runs() int {
	most := 0
	for s := range maps.Values(f.samples) {
		most = max(most, len(s))
	}
	return most
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
)

const benchmark = "Growth" // without "Benchmark", as benchfmt has it

// readFile reads the output of go test.
func readFile(name string) ([]series, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f, name)
}

// read returns what every panel needs, in the order of the panels, their modes and GOMAXPROCS.
func read(r io.Reader, file string) ([]series, error) {
	runs, err := collect(r, file)
	if err != nil {
		return nil, err
	}
	var all []series
	var missing []error
	for i := range panels {
		p := &panels[i]
		for _, mode := range p.modes {
			lines := p.lines(mode, engineKey, runs)
			if len(lines) == 0 {
				missing = append(missing, fmt.Errorf("%s: no Benchmark%s/by=%s with mode=%s",
					file, benchmark, p.by, mode))
			}
			for _, s := range lines {
				if len(s.points) < 2 {
					missing = append(missing, fmt.Errorf(
						"%s: only one %s for by=%s, %s: want two or more, or nothing grows",
						file, p.by, p.by, s.name()))
				}
			}
			if p.floor {
				if err := pair(lines, p.lines(mode, floorKey, runs)); err != nil {
					missing = append(missing, fmt.Errorf("%s: by=%s, mode=%s: %w",
						file, p.by, mode, err))
				}
			}
			all = append(all, lines...)
		}
	}
	return all, errors.Join(missing...)
}

// repeats are the figures of all runs of one benchmark, and where they belong.
type repeats struct {
	name    string
	by      string
	mode    string
	engine  string
	procs   int
	x       int
	figures []float64
}

// lines makes the series of a mode of the engine or of the floor, one per GOMAXPROCS.
func (p *panel) lines(mode, engine string, runs []*repeats) []series {
	var lines []series
	for _, r := range runs {
		if r.by != p.by || r.mode != mode || r.engine != engine {
			continue
		}
		i := slices.IndexFunc(lines, func(s series) bool { return s.procs == r.procs })
		if i < 0 {
			i = len(lines)
			lines = append(lines, series{panel: p, mode: mode, procs: r.procs})
		}
		n := len(r.figures)
		pt := point{x: r.x, value: median(r.figures), fewest: n, most: n}
		lines[i].points = append(lines[i].points, pt)
	}
	slices.SortFunc(lines, func(a, b series) int { return cmp.Compare(a.procs, b.procs) })
	for _, s := range lines {
		slices.SortFunc(s.points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	}
	return lines
}

// pair puts the figures of the floor beside those of the engine. A point that only one of them has
// would leave open what a step there is due to.
func pair(lines, floors []series) error {
	sameX := func(a, b point) bool { return a.x == b.x }
	same := slices.EqualFunc(lines, floors, func(a, b series) bool {
		return a.procs == b.procs && slices.EqualFunc(a.points, b.points, sameX)
	})
	if !same {
		return fmt.Errorf("engine=%s is at %s, and engine=%s at %s: want both at the same",
			engineKey, sizes(lines), floorKey, sizes(floors))
	}
	for i := range lines {
		for j := range lines[i].points {
			pt, floor := &lines[i].points[j], floors[i].points[j]
			pt.floor = floor.value
			pt.fewest, pt.most = min(pt.fewest, floor.fewest), max(pt.most, floor.most)
		}
	}
	return nil
}

// collect reads the results of the benchmark and passes over all others.
func collect(r io.Reader, file string) ([]*repeats, error) {
	var runs []*repeats
	reader := benchfmt.NewReader(r, file)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			if string(rec.Name.Base()) != benchmark {
				continue
			}
			run, err := understand(rec)
			if err == nil {
				runs, err = merge(runs, run)
			}
			if err != nil {
				_, line := rec.Pos()
				return nil, fmt.Errorf("%s:%d: Benchmark%s: %w", file, line, rec.Name, err)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("%s: no Benchmark%s: want the output of go test -bench %s",
			file, benchmark, benchmark)
	}
	return runs, nil
}

// understand takes from a result what its panel needs.
func understand(res *benchfmt.Result) (*repeats, error) {
	run := &repeats{name: res.Name.String(), procs: 1}
	keys := make(map[string]string)
	_, parts := res.Name.Parts()
	for _, part := range parts {
		if procs, ok := strings.CutPrefix(string(part), "-"); ok {
			run.procs, _ = strconv.Atoi(procs) // benchfmt has seen that it is a number
			continue
		}
		key, value, _ := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
		keys[key] = value
	}
	run.by, run.mode, run.engine = keys["by"], keys["mode"], keys["engine"]
	p := slices.IndexFunc(panels, func(p panel) bool {
		return p.by == run.by && slices.Contains(p.modes, run.mode)
	})
	if p < 0 {
		return nil, fmt.Errorf("no panel is about by=%q and mode=%q", run.by, run.mode)
	}
	if run.engine != engineKey && (run.engine != floorKey || !panels[p].floor) {
		return nil, fmt.Errorf("engine=%q: want %s, or %s where a panel has a floor; "+
			"older output has none: measure again", run.engine, engineKey, floorKey)
	}
	var err error
	if run.x, err = strconv.Atoi(keys[run.by]); err != nil || run.x < 1 {
		return nil, fmt.Errorf("%s=%q: want a whole number from 1", run.by, keys[run.by])
	}
	figure, err := find(res, panels[p].unit)
	run.figures = []float64{figure}
	return run, err
}

// find returns the figure of that unit as it was printed: benchfmt turns ns into seconds.
func find(res *benchfmt.Result, unit string) (float64, error) {
	for _, v := range res.Values {
		if v.OrigUnit == unit {
			v.Value, v.Unit = v.OrigValue, v.OrigUnit
		}
		if v.Unit != unit {
			continue
		}
		if !(v.Value > 0) || math.IsInf(v.Value, 0) { // the first is so for NaN, too
			return 0, fmt.Errorf("%v %s: want a number, more than 0", v.Value, unit)
		}
		return v.Value, nil
	}
	return 0, fmt.Errorf("no %s", unit)
}

// merge adds a run to the others of its benchmark. Two benchmarks must not claim the same point.
func merge(runs []*repeats, run *repeats) ([]*repeats, error) {
	for _, r := range runs {
		switch {
		case r.name == run.name:
			r.figures = append(r.figures, run.figures...)
			return runs, nil
		case r.by == run.by && r.mode == run.mode && r.engine == run.engine &&
			r.procs == run.procs && r.x == run.x:
			return nil, fmt.Errorf("the same point as Benchmark%s", r.name)
		}
	}
	return append(runs, run), nil
}

// median is the mean of the middle two when there is no middle one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

package gate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"

	"golang.org/x/perf/benchfmt"
)

// ErrBench is what output of benchmarks that can't be used wraps.
var ErrBench = errors.New("unusable benchmark output")

// errNoResult is an ErrBench: a binary without such benchmarks prints nothing.
var errNoResult = fmt.Errorf("%w: no result in it", ErrBench)

// Result is one line of a benchmark.
type Result struct {
	Name   string             // without Benchmark, and without the number of CPUs
	Values map[string]float64 // by unit, as written
}

var cpuSuffix = regexp.MustCompile(`-\d+$`)

// ReadBench reads the Go benchmark format
// (https://golang.org/design/14313-benchmark-format). Output without a single result is an error.
func ReadBench(r io.Reader) ([]Result, error) {
	reader := benchfmt.NewReader(r, "benchmarks")
	var all []Result
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%w: %w", ErrBench, rec)
		case *benchfmt.Result:
			x := Result{cpuSuffix.ReplaceAllString(rec.Name.String(), ""), map[string]float64{}}
			for _, v := range rec.Values {
				if v.OrigUnit != "" { // the reader turns ns into sec
					v.Unit, v.Value = v.OrigUnit, v.OrigValue
				}
				x.Values[v.Unit] = v.Value
			}
			all = append(all, x)
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBench, err)
	}
	if len(all) == 0 {
		return nil, errNoResult
	}
	return all, nil
}

// Least gives of each benchmark and unit the least of all rounds, by "name unit". Only the units
// asked for are in it.
func Least(results []Result, wanted func(unit string) bool) Figures {
	f := make(Figures)
	for _, r := range results {
		for unit, v := range r.Values {
			name := r.Name + " " + unit
			if old, seen := f[name]; wanted(unit) && (!seen || v < old) {
				f[name] = v
			}
		}
	}
	return f
}

// IsTime reports whether the timed tier compares a unit.
func IsTime(unit string) bool { return unit == "ns/delivery" }

// Number writes a figure: a count in full, for one more must show, and others with six digits.
func Number(v float64) string {
	if size := math.Abs(v); size < 1e15 && (v == math.Trunc(v) || size >= 1e5) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

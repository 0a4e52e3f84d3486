package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// ErrRun is what a program that failed wraps; the message has the end of what it said.
var ErrRun = errors.New("failed")

// Side is a compiled test binary.
type Side struct {
	Name   string // base or head
	Binary string
	Dir    string // where its package is
}

// Bench says what a binary runs.
type Bench struct {
	Pattern string        // of -test.bench
	Time    string        // of -test.benchtime
	Count   int           // rounds
	Limit   time.Duration // after which it has hung
}

// Run runs the benchmarks of a side on one CPU. No result at all is none, not an error.
func (s Side) Run(ctx context.Context, b Bench) ([]Result, error) {
	out, err := Output(ctx, s.Dir, s.Binary, "-test.run=^$", "-test.bench="+b.Pattern,
		"-test.benchtime="+b.Time, fmt.Sprintf("-test.count=%d", b.Count), "-test.benchmem",
		"-test.cpu=1", fmt.Sprintf("-test.timeout=%v", b.Limit))
	if err != nil {
		return nil, fmt.Errorf("benchmarks of %s: %w", s.Name, err)
	}
	results, err := ReadBench(bytes.NewReader(out))
	if errors.Is(err, errNoResult) {
		return nil, nil
	}
	return results, err
}

// Build compiles the tests of a package of the module at dir.
func Build(ctx context.Context, dir, pkg, binary string) error {
	_, err := Output(ctx, dir, "go", "test", "-c", "-buildvcs=false", "-o", binary, pkg)
	return err
}

// Turns measures base and head in turns: base, head, head, base is one pair. For A/A it is base
// in all four places. Of the rounds of b in one run the least counts: what disturbs a round makes
// it longer. tell hears how many pairs of how many are done.
func Turns(ctx context.Context, base, head Side, b Bench, tell func(Phase, int, int)) Measure {
	return func(phase Phase, n int) ([]Pair, error) {
		other := head
		if phase == AA {
			other = base
		}
		pairs := make([]Pair, n)
		for i := range pairs {
			tell(phase, i, n)
			p := &pairs[i]
			for _, turn := range []struct {
				side Side
				to   *Figures
			}{{base, &p.Base[0]}, {other, &p.Head[0]}, {other, &p.Head[1]}, {base, &p.Base[1]}} {
				results, err := turn.side.Run(ctx, b)
				if err != nil {
					return nil, err
				}
				*turn.to = Least(results, IsTime)
			}
		}
		return pairs, nil
	}
}

// grace is how long a program may take to end after an interrupt.
const grace = 5 * time.Second

// Output runs a program in a directory and gives what it printed. It is interrupted with ctx.
func Output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = dir, grace
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s %s: %w: %w\n%s", name, firstOf(args), ErrRun, err,
			tail(errs.String()+out.String()))
	}
	return out.Bytes(), nil
}

func firstOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// tail is the last lines of a text.
func tail(text string) string {
	const most = 15
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

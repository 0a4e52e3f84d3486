package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What is wrong with a program that is run.
var (
	ErrRun  = errors.New("failed")                      // the message has the end of what it said
	ErrHead = errors.New("this tree can't be measured") // it can't be built, or its benchmarks fail
	ErrBase = errors.New("the base can't be measured")  // the same, and no fault of this commit
)

// Side is a compiled test binary.
type Side struct {
	Binary string
	Dir    string // where its package is
	Fault  error  // ErrHead or ErrBase: what an error of it wraps
}

// Build compiles the tests of a package of the module at root. The error is fault, or ctx's. Paths
// are left out, so that the same source is the same binary, wherever it lies, and is compiled once.
func Build(ctx context.Context, root, pkg, binary string, fault error) (Side, error) {
	s := Side{Binary: binary, Dir: filepath.Join(root, pkg), Fault: fault}
	_, err := Output(ctx, root, "go", "test", "-c", "-trimpath", "-buildvcs=false", "-o", binary,
		pkg)
	if err != nil {
		return s, fmt.Errorf("%w: %w", fault, err)
	}
	return s, nil
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
		return nil, fmt.Errorf("%w: %w", s.Fault, err)
	}
	results, err := ReadBench(bytes.NewReader(out))
	switch {
	case errors.Is(err, errNoResult):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", s.Fault, err)
	}
	return results, nil
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
const grace = 10 * time.Second

// Output runs a program in a directory and gives what it printed. With ctx it is interrupted, not
// killed: go and git remove what they have half done.
func Output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = dir, grace
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) == nil {
			return nil
		}
		return cmd.Process.Kill() // where there are no interrupts
	}
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

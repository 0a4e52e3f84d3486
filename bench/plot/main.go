// Command plot shows how the cost of a delivery grows. It reads what BenchmarkGrowth printed, draws
// it as one SVG with a panel for each thing that grows, and prints the same as a table, with the
// steps marked at which a delivery gets much dearer.
//
// Such a step has two possible causes: the engine's algorithm, or the machine's memory when what
// has to be visited leaves a cache. So each point with more subscribers or groups has one of the
// floor beside it, measured in the same run: rings, where only the memory can grow dearer. A step
// that the growth of the floor accounts for is marked "memory", any other "faster than linear".
// Output in which the engine and the floor aren't at the same points is refused.
//
// It exits with 0, or with 2 if it can't read, draw or write; then nothing is written.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"
)

const usage = `plot draws how the cost of a delivery grows with subscribers, groups and shards, and prints it
as a table. FILE is the output of go test -bench Growth; of repeated runs it takes the medians.

Usage:
  plot [flags] FILE

Example:
  go run ./bench/plot results/growth.txt --out results/growth.svg

Exit codes: 0 done; 2 bad input, and nothing is written.

Flags:
`

const exitBad = 2

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without its process.
func run(args []string, stdout, stderr io.Writer) int {
	err := plotFile(args, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "plot:", err)
		return exitBad
	}
	return 0
}

// plotFile understands the command line and does what it says. It writes last, when nothing can be
// wrong with the input any more.
func plotFile(args []string, stdout io.Writer) error {
	fs := pflag.NewFlagSet("plot", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	out := fs.String("out", "", "write the drawing (SVG) to this file; without it, only the table")
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		_, err = fmt.Fprint(stdout, usage+fs.FlagUsages())
		return err
	case err != nil:
		return err
	case fs.NArg() != 1:
		return fmt.Errorf("%q: want one file, the output of go test -bench Growth", fs.Args())
	case fs.Changed("out") && *out == "":
		return errors.New("--out is empty: want the name of a file")
	}
	all, err := readFile(fs.Arg(0))
	if err != nil {
		return err
	}
	var svg, text bytes.Buffer
	if err := drawSVG(&svg, all); err != nil {
		return err
	}
	if err := writeTable(&text, all); err != nil {
		return err
	}
	if *out != "" {
		if err := maybe.WriteFile(*out, svg.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	_, err = stdout.Write(text.Bytes())
	return err
}

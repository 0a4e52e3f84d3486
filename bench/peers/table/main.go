// Command table reads the output of the benchmarks of package peers, of one run or of several in a
// row, and prints the medians as one Markdown table: an engine a row, a workload a column, and in
// each cell the figure and its ratio to the ring floor's.
//
//	go test -run '^$' -bench . . | go run ./table
package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprintln(stderr, "usage: table < benchmark-output > table.md")
		return 2
	}
	f, err := read(stdin)
	if err == nil {
		err = f.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "table:", err)
		return 1
	}
	return 0
}

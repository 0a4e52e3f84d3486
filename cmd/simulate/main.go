// Command simulate runs a notification engine under thousands of synthetic providers and
// consumers, one configuration after another, and shows what each of them does to latency,
// staleness and loss.
//
// It exits with 0 if every configuration passed, 1 if a check failed, 2 on bad input, 3 if a run
// says nothing (the generator was saturated, too few samples), and 130 when interrupted.
//
// As simulate serve it is a registry for real clients. An interrupt is how that ends: with 0.
package main

import (
	"io"
	"os"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// The exit codes.
const (
	exitPassed      = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitInterrupted = 130
)

// commands are those that have a name.
var commands = []string{"calibrate", "capacity", "compare", "diff", "gate", "history", "list",
	"recommend", "record", "report", "serve", "show", "sweep", "validate"}

func main() { Main() }

// Main is the process: tests run it under another name.
func Main() { os.Exit(simulate(os.Args[1:], os.Stdout, os.Stderr)) }

// simulate is the program without its process.
func simulate(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "calibrate":
			return calibrate(args[1:], stdout, stderr)
		case "capacity":
			return findCapacity(args[1:], stdout, stderr)
		case "compare":
			return compareCommand(args[1:], stdout, stderr)
		case "gate":
			return gateCommand(args[1:], stdout, stderr)
		case "history":
			return historyCommand(args[1:], stdout, stderr)
		case "diff":
			return diff(args[1:], stdout, stderr)
		case "list":
			return listWorkloads(args[1:], stdout, stderr)
		case "recommend":
			return recommend(args[1:], stdout, stderr)
		case "record":
			return recordCommand(args[1:], stdout, stderr)
		case "report":
			return reportCommand(args[1:], os.Stdin, stdout, stderr)
		case "serve":
			return serve(args[1:], stdout, stderr)
		case "show":
			return showScenario(args[1:], stdout, stderr)
		case "sweep":
			return sweep(args[1:], stdout, stderr)
		case "validate":
			return validate(args[1:], stdout, stderr)
		}
		if !strings.HasPrefix(args[0], "-") {
			wrong := mistakes{}
			wrong.add("command %q: want flags, or %s", args[0], sim.OneOf(args[0], commands))
			wrong.report(stderr)
			return exitUsage
		}
	}
	o, code := parse(&everyConfig, args, stdout, stderr)
	if o == nil {
		return code
	}
	return o.run(stdout, stderr)
}

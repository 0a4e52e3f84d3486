package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

const showUsage = `simulate show prints the scenario file of a built-in workload, with a comment beside each field: a
file to start from. Run as it is, it does the same as --workload with that name.

Usage:
  simulate show NAME

Examples:
  simulate show medium
  simulate show small | simulate --scenario - --clock virtual
  simulate show small >my.yaml; simulate --scenario my.yaml --set storm_wave=50 --rate 200

Flags:
`

// showScenario is the command show.
func showScenario(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("show")
	wrong := mistakes{command: fs.Name()}
	switch err := readCommand(fs, showUsage, args, stdout, &wrong); {
	case errors.Is(err, pflag.ErrHelp):
		return exitPassed
	case err == nil && fs.NArg() != 1:
		wrong.add("%s: want one, of %s", plural(fs.NArg(), "name"), workloadNames())
	}
	w, err := sim.FindWorkload(fs.Arg(0))
	if err != nil && fs.NArg() == 1 {
		wrong.add("workload %q: want %s", fs.Arg(0),
			sim.OneOf(fs.Arg(0), strings.Split(workloadNames(), ", ")))
	}
	if wrong.report(stderr) {
		return exitUsage
	}
	s := sim.DefaultScenario()
	s.Workload, s.Consumers, s.Transport = w.Name, w.Consumers, sim.InProc
	s.Heal = healFor(&s)
	// The time to heal is a comment: it follows the consumers, also when they are changed.
	if err := sim.WriteScenario(stdout, s, "heal"); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return exitPassed
}

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

const validateUsage = `simulate validate runs a set of scenarios on both clocks and prints what the virtual one predicted
beside what was measured in real time, with the relative errors. It takes about half a minute.
A figure that misses its aim is marked; that is a finding, not a failure.

Usage:
  simulate validate [flags]

Examples:
  simulate validate
  simulate validate --cost zero

Flags:
`

// validate is the command of that name.
func validate(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("validate")
	o := &options{clock: sim.VirtualClock}
	fs.StringVar(&o.costFrom, "cost", "default",
		"cost model of the virtual clock: default, zero or a file")
	fs.BoolVar(&o.quiet, "quiet", false, "no progress")
	if done, code := parseCommand(fs, validateUsage, args, stdout, stderr); done {
		return code
	}
	wrong := mistakes{command: fs.Name()}
	if o.resolveClock(fs, &wrong); wrong.report(stderr) {
		return exitUsage
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	fmt.Fprintf(stdout, "predicted in virtual time and measured in real time; cost model: %s\n\n",
		o.cost.Machine)
	fmt.Fprintf(stdout, "%-16s %-11s %10s %10s %8s %8s\n", "scenario", "figure", "predicted",
		"measured", "error", "aim")
	invalid, missed, figures := 0, 0, 0
	for _, c := range sim.ValidationCases() {
		if !o.quiet {
			fmt.Fprintf(stderr, "validate: %s (%s)\n", c.Name, c.About)
		}
		predicted, measured, err := c.Validate(ctx, o.cost, nil)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		if err != nil {
			fmt.Fprintln(stderr, "simulate:", err)
			return exitFailed
		}
		note := ""
		if measured.Verdict == sim.Invalid {
			invalid++
			note = "  measured while the machine was busy"
		}
		for _, x := range sim.Compare(predicted, measured, &c.Scenario) {
			figures++
			mark := ""
			if !x.Met() {
				missed++
				mark = "  missed"
			}
			fmt.Fprintf(stdout, "%-16s %-11s %10s %10s %+7.0f%% %7.0f%%%s%s\n", c.Name, x.Figure,
				figure(x.Predicted, x.Unit), figure(x.Measured, x.Unit), 100*x.Error(), 100*x.Aim,
				mark, note)
		}
	}
	fmt.Fprintf(stdout, "\n%d of %d figures within their aim\n", figures-missed, figures)
	if invalid > 0 {
		fmt.Fprintf(stdout, "%d scenarios were measured on a machine too busy to say\n", invalid)
		return exitInvalid
	}
	return exitPassed
}

func figure(v float64, unit string) string {
	switch unit {
	case "ns":
		return report.Duration(int64(v))
	case "/s":
		return report.Count(uint64(v)) + "/s"
	}
	return fmt.Sprintf("%.3g%s", v, unit)
}

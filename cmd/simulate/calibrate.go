package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/renameio/v2/maybe"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

const calibrateUsage = `simulate calibrate measures what the engine's work costs on this machine, for the virtual clock.
It takes some seconds, and refuses (exit code 3) when the machine is too noisy to say.

Usage:
  simulate calibrate [flags]

Examples:
  simulate calibrate
  simulate calibrate --out cost.json

Flags:
`

// calibrate is the command of that name.
func calibrate(args []string, stdout, stderr io.Writer) int {
	fs, out := commandFlags("calibrate"), ""
	fs.StringVar(&out, "out", "", "write the cost model (JSON) to this file")
	rounds := fs.Int("rounds", sim.CalibrationRounds, "fewer are faster and say less")
	quiet := fs.Bool("quiet", false, "no progress")
	if done, code := parseCommand(fs, calibrateUsage, args, stdout, stderr); done {
		return code
	}
	wrong := mistakes{command: fs.Name()}
	if *rounds < 1 {
		wrong.add("--rounds %d: want 1 or more", *rounds)
	}
	if fs.Changed("out") {
		if err := writable(out); err != nil {
			wrong.add("--out: %v: want a file in a directory that can be written", err)
		}
	}
	if wrong.report(stderr) {
		return exitUsage
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	show := func(done int) {
		if !*quiet && done%5 == 0 {
			fmt.Fprintf(stderr, "calibrate: %d of %d rounds\n", done, *rounds)
		}
	}
	model, figures, err := sim.Calibrate(ctx, clock.Real{}, *rounds, show)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return deliverModel(&model, figures, out, stdout, stderr)
}

// deliverModel shows what was measured, and keeps it if it can be trusted.
func deliverModel(model *sim.CostModel, figures []sim.Measured, out string,
	stdout, stderr io.Writer) int {
	fmt.Fprintf(stdout, "cost of the engine's work on %s\n", model.Machine)
	noisy := false
	for i := range figures {
		f, note := &figures[i], ""
		if f.Noisy() {
			noisy, note = true, fmt.Sprintf("   too noisy: the bound is %.0f%%", 100*f.Bound)
		}
		fmt.Fprintf(stdout, "%-11s %8s   spread %3.0f%%%s\n", f.Field,
			report.Duration(int64(f.NS+0.5)), 100*f.Spread, note)
	}
	if noisy {
		fmt.Fprintln(stderr, "simulate: the machine is too noisy to say; nothing is written")
		return exitInvalid
	}
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetIndent("", " ")
	err := enc.Encode(model)
	if err == nil && out != "" {
		err = maybe.WriteFile(out, data.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulate: --out:", err)
		return exitFailed
	}
	return exitPassed
}

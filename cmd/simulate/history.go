package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2/maybe"

	"github.com/notifylab/notifylab/bench/gate"
)

const historyUsage = `simulate history shows how the figures of accepted commits went, and where their level changed.
simulate gate --tier counted,history adds to them.

Usage:
  simulate history [flags]

Examples:
  simulate history
  simulate history -o out/history.html
  simulate history --format csv -o out/history.csv

The csv is what Apache Otava imports. Change points are found by e-divisive means with a t-test, so
the same history always has the same ones. They never fail anything.

Exit codes: 0 shown; 1 the output can't be written; 2 bad input.

Flags:
`

type historyForm struct {
	name  string
	write func(io.Writer, []gate.Record) error
}

var historyForms = []historyForm{
	{"text", func(w io.Writer, all []gate.Record) error {
		return gate.HistoryText(w, gate.AllSeries(all))
	}},
	{"html", func(w io.Writer, all []gate.Record) error {
		return gate.HistoryHTML(w, gate.AllSeries(all))
	}},
	{"csv", gate.WriteCSV},
}

// historyCommand is the command history.
func historyCommand(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("history")
	file := fs.String("history", "results/history.ndjson", "file of the history")
	format := fs.String("format", "", "text, html or csv (default: the file's extension, or text)")
	out := fs.StringP("output", "o", "-", "file to write; - is standard output")
	if done, code := parseCommand(fs, historyUsage, args, stdout, stderr); done {
		return code
	}
	wrong := mistakes{command: fs.Name()}
	name := *format
	if name == "" {
		if name = "text"; filepath.Ext(*out) != "" {
			name = filepath.Ext(*out)[1:]
		}
	}
	form := slices.IndexFunc(historyForms, func(f historyForm) bool { return f.name == name })
	if form < 0 {
		wrong.add("--format %q: want text, html or csv", name)
	}
	if *out != "-" {
		if err := writable(*out); err != nil {
			wrong.add("--output: %v: want a file in a directory that can be written, or -", err)
		}
	}
	if wrong.report(stderr) {
		return exitUsage
	}
	all, err := readHistory(*file)
	if err != nil {
		fmt.Fprintln(stderr, "simulate: history:", err)
		return exitUsage
	}
	var b bytes.Buffer
	err = historyForms[form].write(&b, all)
	switch {
	case err != nil:
	case *out == "-":
		_, err = stdout.Write(b.Bytes())
	default:
		err = maybe.WriteFile(*out, b.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulate: history:", err)
		return exitFailed
	}
	return exitPassed
}

// readHistory reads a history that must have a line.
func readHistory(file string) ([]gate.Record, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--history: %w: want a file that simulate gate wrote", err)
	}
	defer f.Close()
	all, err := gate.ReadHistory(f)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%w: no line in it", gate.ErrHistory)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return all, nil
}

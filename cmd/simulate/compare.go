package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim/compare"
)

const compareUsage = `simulate compare lays two results beside each other: per configuration and metric both values, the
change from A to B with an interval, and "~" where it can't be told from noise. Each side is one
document that simulate --out wrote, or several with commas between them, which then are the
samples: three of each side, run in turns, find what one of each can't. The runs of sweeps are
matched by what was set for them, with their seeds as the samples; of capacity searches the limits
come first.

Usage:
  simulate compare A.json B.json [flags]
  simulate compare A1.json,A2.json,A3.json B1.json,B2.json,B3.json [flags]

Examples:
  simulate compare A.json B.json
  simulate compare A.json B.json --metric propagation_p99_ns,delivered
  simulate compare A.json B.json --format markdown
  simulate compare A.json B.json -o compare.html
  simulate compare A1.json,A2.json,A3.json B1.json,B2.json,B3.json --format json
  simulate compare A.json other.json --force

The form is that of the extension of --output, text without one. The html is one page that needs
nothing else: no network and no script.

Exit codes: 0 compared, whatever came out; 1 it can't be written; 2 bad input, or results of
different scenarios (which --force compares all the same).

Flags:
`

type compareForm struct {
	name  string
	ext   string // of a file of that form
	write func(io.Writer, *compare.Result) error
}

// compareForms are the forms of a comparison, by the names that --format takes.
var compareForms = []compareForm{
	{"text", ".txt", compare.Text},
	{"markdown", ".md", compare.Markdown},
	{"html", ".html", compare.HTML},
	{"json", ".json", func(w io.Writer, r *compare.Result) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(r)
	}},
}

// compareCommand is the command compare.
func compareCommand(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("compare")
	chosen := fs.String("metric", "", "metrics, separated by commas (default: all); fewer are\n"+
		"tested more finely. They are "+wrapped(compare.Metrics()))
	out := fs.StringP("output", "o", "-", "file to write; - is standard output")
	format := fs.String("format", "", compareFormNames()+
		" (default: that of the file's extension, or text)")
	force := fs.Bool("force", false, "compare results of different scenarios, too")
	wrong := mistakes{command: fs.Name()}
	switch err := readCommand(fs, compareUsage, args, stdout, &wrong); {
	case errors.Is(err, pflag.ErrHelp):
		return exitPassed
	case err == nil && fs.NArg() != 2:
		wrong.add("%s: want two, A and B; several of a side have commas between them",
			plural(fs.NArg(), "result"))
	}
	o := compare.Options{Force: *force, Metrics: metricNames(fs, *chosen, &wrong)}
	form := formOf(fs, *format, *out, &wrong)
	checkOutput(*out, fs.Args(), &wrong)
	if wrong.report(stderr) {
		return exitUsage
	}
	r, err := compareFiles(fs.Arg(0), fs.Arg(1), o)
	if err != nil {
		fmt.Fprintln(stderr, "simulate: compare:", err)
		return exitUsage
	}
	if err := writeComparison(form, r, *out, stdout); err != nil {
		fmt.Fprintln(stderr, "simulate: compare:", err)
		return exitFailed
	}
	return exitPassed
}

// formOf finds the form, by its name or else by the file.
func formOf(fs *pflag.FlagSet, format, out string, wrong *mistakes) *compareForm {
	for i, f := range compareForms {
		switch {
		case fs.Changed("format") && f.name == format:
			return &compareForms[i]
		case !fs.Changed("format") && (out == "-" || f.ext == filepath.Ext(out)):
			return &compareForms[i]
		}
	}
	if fs.Changed("format") {
		wrong.add("--format %q: want %s", format, compareFormNames())
		return nil
	}
	var extensions []string
	for _, f := range compareForms {
		extensions = append(extensions, f.ext)
	}
	wrong.add("--output %q: want a file with one of the extensions %s, or --format too", out,
		strings.Join(extensions, ", "))
	return nil
}

// checkOutput refuses a place for the file before anything is read, and one where a result is.
func checkOutput(out string, sides []string, wrong *mistakes) {
	if out == "-" {
		return
	}
	if err := writable(out); err != nil {
		wrong.add("--output: %v: want a file in a directory that can be written, or -", err)
	}
	there, err := os.Stat(out)
	if err != nil {
		return
	}
	for name := range strings.SplitSeq(strings.Join(sides, ","), ",") {
		if in, err := os.Stat(name); err == nil && os.SameFile(in, there) {
			wrong.add("--output %s: want another file than the results", out)
		}
	}
}

func writeComparison(f *compareForm, r *compare.Result, out string, stdout io.Writer) error {
	if out == "-" {
		return f.write(stdout, r)
	}
	var b bytes.Buffer
	if err := f.write(&b, r); err != nil {
		return err
	}
	if err := maybe.WriteFile(out, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// metricNames reads --metric.
func metricNames(fs *pflag.FlagSet, list string, wrong *mistakes) []string {
	if !fs.Changed("metric") {
		return nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(compare.Metrics(), name) {
			wrong.add("--metric %q: want some of %s", name, strings.Join(compare.Metrics(), ", "))
		}
	}
	return names
}

func compareFormNames() string {
	var names []string
	for _, f := range compareForms {
		names = append(names, f.name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// wrapped lists names in lines that go below a flag.
func wrapped(names []string) string {
	const width = 70
	text, column := "", len("tested more finely. They are ")
	for i, name := range names {
		if i > 0 {
			text += ","
			if column++; column+1+len(name) > width {
				text, column = text+"\n", 0
			} else {
				text, column = text+" ", column+1
			}
		}
		text, column = text+name, column+len(name)
	}
	return text
}

func compareFiles(a, b string, o compare.Options) (*compare.Result, error) {
	x, err := readSide(a)
	if err != nil {
		return nil, err
	}
	y, err := readSide(b)
	if err != nil {
		return nil, err
	}
	r, err := compare.Compare(x, y, o)
	if errors.Is(err, compare.ErrRefused) {
		err = fmt.Errorf("%w; --force compares them all the same", err)
	}
	return r, err
}

// readSide reads the documents of a side.
func readSide(names string) ([]*compare.Document, error) {
	var side []*compare.Document
	for name := range strings.SplitSeq(names, ",") {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%w: want a result that simulate --out wrote", err)
		}
		d, err := compare.Read(name, f)
		if f.Close(); err != nil {
			return nil, err
		}
		side = append(side, d)
	}
	return side, nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim/report"
)

const reportUsage = `simulate report shows what the result documents hold that simulate --out wrote.

Usage:
  simulate report RESULT... [flags]

Examples:
  simulate report result.json
  simulate report result.json -o report.html
  simulate report old.json new.json --format bench -o -
  simulate report result.json --run 2 -o propagation.hgrm

A RESULT of - is standard input. The format is that of the file's extension, text without a file.
The html is one file that needs nothing else; a hgrm for a plotter has to hold one configuration;
a junit file has the extension .xml, one for benchstat .bench. For spreadsheets, csv has a row per
configuration with columns for its objectives, and csv-stages a row per stage.

Exit codes: 0 the report is written, whatever its verdict; 1 it can't be; 2 bad input.

Flags:
`

// reportOptions are the command line of simulate report.
type reportOptions struct {
	out, format, runs string
	numbers           []int // of --run
	to                report.Format
	results           []report.Result
}

// reportCommand is the command of that name.
func reportCommand(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, code := parseReport(args, stdin, stdout, stderr)
	if o == nil {
		return code
	}
	var b bytes.Buffer
	if err := o.to.Write(&b, o.results); err != nil { // a histogram that can't be read
		fmt.Fprintln(stderr, "simulate:", err)
		return exitUsage
	}
	var err error
	if o.out == "-" {
		_, err = stdout.Write(b.Bytes())
	} else if err = maybe.WriteFile(o.out, b.Bytes(), 0o644); err != nil {
		err = fmt.Errorf("--output: %w", err)
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return exitPassed
}

// parseReport understands the command line and reads the documents. A nil result comes with the
// exit code.
func parseReport(args []string, stdin io.Reader, stdout, stderr io.Writer) (*reportOptions, int) {
	o := &reportOptions{}
	fs := commandFlags("report")
	fs.StringVarP(&o.out, "output", "o", "-", "file to write; - is standard output")
	fs.StringVar(&o.format, "format", "", "one of "+formatNames()+
		" (default: that of the file's extension, or text)")
	fs.StringVar(&o.runs, "run", "",
		"numbers of the configurations to show, such as 1,3 (default: all)")
	wrong := mistakes{command: fs.Name()}
	if errors.Is(readCommand(fs, reportUsage, args, stdout, &wrong), pflag.ErrHelp) {
		return nil, exitPassed
	}
	o.resolveFormat(fs, &wrong)
	o.numbers = sizes("run", o.runs, &wrong)
	if fs.NArg() == 0 {
		wrong.add("RESULT is missing: want files that simulate --out wrote")
	}
	o.read(fs.Args(), stdin, &wrong)
	o.spare(fs.Args(), &wrong)
	if fs.Changed("run") && len(wrong.lines) == 0 {
		var err error
		if o.results, err = report.Select(o.results, o.numbers); err != nil {
			wrong.add("--run: %v", err)
		}
	}
	if wrong.report(stderr) {
		return nil, exitUsage
	}
	return o, exitPassed
}

// resolveFormat finds the format, and checks the place for the file before anything is read.
func (o *reportOptions) resolveFormat(fs *pflag.FlagSet, wrong *mistakes) {
	var known bool
	o.to, known = report.ForFile(o.out)
	switch {
	case fs.Changed("format"):
		var err error
		if o.to, err = report.Find(o.format); err != nil {
			wrong.add("--format %q: want one of %s", o.format, formatNames())
		}
	case o.out == "-":
		o.to, _ = report.Find("text")
	case !known:
		wrong.add("--output %q: want a file with one of the extensions %s, or --format too",
			o.out, strings.Join(report.Extensions(), ", "))
	}
	if o.out == "-" {
		return
	}
	if err := writable(o.out); err != nil {
		wrong.add("--output: %v: want a file in a directory that can be written, or -", err)
	}
}

// read reads the documents, and goes on after one that can't be read.
func (o *reportOptions) read(files []string, stdin io.Reader, wrong *mistakes) {
	names := make(map[string]int)
	for _, file := range files {
		r, err := readResult(file, stdin)
		if err != nil {
			wrong.add("%v", err)
			continue
		}
		// Names have to differ: readers of the formats tell results apart by them.
		if names[r.Name]++; names[r.Name] > 1 {
			r.Name += "#" + strconv.Itoa(names[r.Name])
		}
		o.results = append(o.results, r)
	}
}

// spare refuses to write over a document: what a report leaves out would be lost.
func (o *reportOptions) spare(files []string, wrong *mistakes) {
	out, err := os.Stat(o.out)
	if err != nil {
		return
	}
	for _, file := range files {
		if in, err := os.Stat(file); err == nil && os.SameFile(in, out) {
			wrong.add("--output %s: want another file than the RESULT", o.out)
		}
	}
}

func readResult(file string, stdin io.Reader) (report.Result, error) {
	in, name := stdin, "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return report.Result{}, fmt.Errorf("%w: want a file that simulate --out wrote", err)
		}
		defer f.Close()
		in, name = f, strings.TrimSuffix(filepath.Base(file), ".json")
	}
	d, err := report.Read(in)
	if err != nil {
		return report.Result{}, fmt.Errorf("%s: %w", file, err)
	}
	return report.Result{Name: name, Document: d}, nil
}

func formatNames() string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

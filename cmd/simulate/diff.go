package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/trace"
)

const diffUsage = `simulate diff compares two admin dumps of a registry, taken at different times, and writes the
changes of instances between them as a trace, for simulate --trace: what was created, updated and
deleted. When each of them happened dumps don't say: they all come at once, or evenly spread over
the time that --over gives. The trace goes to stdout, or into the file that --out names; a summary
goes to stderr, or with --out to stdout. A replay in the world of the old dump leaves out what
happened to services that were added since, for it doesn't have those.

Usage:
  simulate diff OLD.json NEW.json [flags]

Examples:
  simulate diff OLD.json NEW.json
  simulate diff OLD.json NEW.json --over 60s --out changes.ndjson
  simulate --topology OLD.json --trace changes.ndjson --clock virtual

Exit codes: 0 compared, whatever came out; 1 the trace can't be written; 2 bad input.

Flags:
`

// diff is the command of that name.
func diff(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("diff")
	out := fs.String("out", "", "write the trace to this file; gzipped if its name ends in .gz")
	over := fs.Duration("over", 0, "spread the changes evenly over this time (0s: all at once)")
	wrong := mistakes{command: fs.Name()}
	switch err := readCommand(fs, diffUsage, args, stdout, &wrong); {
	case errors.Is(err, pflag.ErrHelp):
		return exitPassed
	case err == nil && fs.NArg() != 2:
		wrong.add("%s: want two, OLD.json and NEW.json", plural(fs.NArg(), "dump"))
	}
	if *over < 0 {
		wrong.add("--over %v: want a duration, 0s or more", *over)
	}
	if fs.Changed("out") {
		if err := writable(*out); err != nil {
			wrong.add("--out: %v: want a file in a directory that can be written", err)
		}
	}
	var dumps []*sim.Topology
	for _, path := range fs.Args() {
		t, err := readDumpFile(path)
		if err != nil {
			wrong.add("%s: %v", cmp.Or(path, `""`), err)
		}
		dumps = append(dumps, t)
	}
	if wrong.report(stderr) {
		return exitUsage
	}
	d := sim.Diff(dumps[0], dumps[1])
	d.Spread(*over)
	summary := stdout
	if *out == "" {
		summary = stderr
	}
	source := fmt.Sprintf("%s to %s", filepath.Base(fs.Arg(0)), filepath.Base(fs.Arg(1)))
	if err := writeDiff(d, source, *out, stdout); err != nil {
		fmt.Fprintln(stderr, "simulate: diff:", err)
		return exitFailed
	}
	summarizeDiff(d, *over, summary)
	if *out != "" {
		fmt.Fprintf(summary, "replay them: simulate --topology %s --trace %s\n", fs.Arg(0), *out)
	}
	return exitPassed
}

func readDumpFile(path string) (*sim.Topology, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: want a readable service-center dump (JSON)", err)
	}
	defer f.Close()
	return sim.ReadDump(f, filepath.Base(path))
}

// writeDiff writes the trace: a file as a whole, or not at all.
func writeDiff(d *sim.Difference, source, path string, stdout io.Writer) error {
	var b bytes.Buffer
	to := trace.NewStream(&b, path)
	w, err := trace.NewWriter(to, trace.Header{Source: source})
	for i := range d.Changes {
		if err == nil {
			err = w.Write(&d.Changes[i])
		}
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	if path == "" {
		_, err = stdout.Write(b.Bytes())
		return err
	}
	return maybe.WriteFile(path, b.Bytes(), 0o644)
}

func summarizeDiff(d *sim.Difference, over time.Duration, w io.Writer) {
	for _, x := range []struct {
		what string
		keys []registry.Key
	}{{"added", d.Added}, {"removed", d.Removed}} {
		for _, key := range x.keys {
			fmt.Fprintf(w, "service %s: %s/%s %s %s\n", x.what, key.App, key.Name, key.Version,
				key.Env)
		}
	}
	when := "all at once"
	if over > 0 {
		when = fmt.Sprintf("evenly over %v", over)
	}
	fmt.Fprintf(w, "%s, %s: %s created, %d updated, %d deleted; %s added, %d removed\n",
		plural(len(d.Changes), "change"), when, plural(d.Created, "instance"), d.Updated,
		d.Deleted, plural(len(d.Added), "service"), len(d.Removed))
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim/record"
	"github.com/notifylab/notifylab/sim/report"
	"github.com/notifylab/notifylab/sim/trace"
)

const recordUsage = `simulate record watches a service registry, a service-center or simulate serve, and writes what
happens to its instances as a trace, which simulate --trace replays. It is there as a consumer
named notifylab-recorder that depends on every service, and deletes that in the end. After a cut it
connects again, and the trace has a gap. Ctrl-C ends it, or the duration.

Usage:
  simulate record --from URL --out FILE [flags]

Examples:
  simulate record --from http://127.0.0.1:30100 --out trace.ndjson
  simulate record --from http://127.0.0.1:30100 --out trace.ndjson.gz --duration 60s
  simulate record --from http://127.0.0.1:30100 --out cart.ndjson --service shop/cart --service order
  simulate --trace trace.ndjson --workload small --clock virtual

A trace is one JSON object per line; a header comes first, and may be left out:
  {"schema":"notifylab.trace/1","begin":"2026-03-01T12:00:00Z","source":"http://sc:30100"}
  {"t":0.25,"action":"create","service":"shop/cart","version":"1.0.0","instance":"c-1"}
  {"t":9.1,"gap":1.5}
t is in seconds since the begin, or "time" takes its place, in RFC 3339. The action is create,
update, delete or expire (of a whole service: no instance). The service is an application and a
name, a name alone or an id. These may be absent: version, environment, status, endpoints (a list
of texts), properties (an object of texts). A gap is a time in seconds, up to t, in which nobody
watched.

Exit codes: 0 it was ended by Ctrl-C or the duration; 1 it couldn't connect the first time, or
write; 2 bad input; 130 it was stopped by a second Ctrl-C.

Flags:
`

// recordOptions are the flags of record.
type recordOptions struct {
	out      string
	duration time.Duration
	quiet    bool
	config   record.Config
}

// recordCommand is the command record.
func recordCommand(args []string, stdout, stderr io.Writer) int {
	fs, o := commandFlags("record"), recordOptions{}
	fs.StringVar(&o.config.URL, "from", "", "the registry, such as http://127.0.0.1:30100")
	fs.StringVar(&o.out, "out", "", "write the trace to this file; gzipped if its name ends in .gz")
	fs.DurationVar(&o.duration, "duration", 0, "end after this time (0s: at Ctrl-C)")
	fs.StringArrayVar(&o.config.Services, "service", nil,
		"only this service, a name or application/name; may be repeated")
	fs.StringVar(&o.config.Domain, "domain", "default", "of the registry's tenants")
	fs.StringVar(&o.config.Project, "project", "default", "of the registry's tenants")
	fs.BoolVar(&o.quiet, "quiet", false, "no line about what goes on")
	if done, code := parseCommand(fs, recordUsage, args, stdout, stderr); done {
		return code
	}
	wrong := mistakes{command: fs.Name()}
	r := o.recorder(&wrong)
	if wrong.report(stderr) {
		return exitUsage
	}
	if err := o.run(r, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return exitPassed
}

// recording is a recorder, with what the command does while it is at work.
type recording struct {
	*record.Recorder
	ready func() // it is connected
}

// recorder checks the flags.
func (o *recordOptions) recorder(wrong *mistakes) *recording {
	r := &recording{}
	o.config.Create = func() (record.Output, error) {
		r.ready()
		return trace.Create(o.out)
	}
	var err error
	if r.Recorder, err = record.New(o.config); err != nil {
		what := strings.TrimPrefix(err.Error(), record.ErrConfig.Error()+": ")
		for field, flag := range map[string]string{"URL": "--from", "Services": "--service"} {
			if rest, ok := strings.CutPrefix(what, field); ok {
				what = flag + rest
			}
		}
		wrong.add("%s", what)
	}
	if err := writable(o.out); err != nil {
		wrong.add("--out: %v: want a file in a directory that can be written", err)
	}
	if o.duration < 0 {
		wrong.add("--duration %v: want a duration, 0s (until Ctrl-C) or more", o.duration)
	}
	return r
}

// run records until it is interrupted or the duration is over, and says what it did.
func (o *recordOptions) run(r *recording, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onInterrupt(cancel, stderr)()
	var beside sync.WaitGroup
	began := clock.Real{}.Now()
	r.ready = func() {
		began = clock.Real{}.Now()
		fmt.Fprintf(stdout, "recording %s to %s\n", o.config.URL, o.out)
		o.warn(r.Stats(), stderr)
		beside.Go(func() { o.show(ctx, r.Recorder, stderr) })
		if o.duration > 0 {
			beside.Go(func() {
				over := clock.Real{}.NewTimer(o.duration)
				defer over.Stop()
				select {
				case <-over.C():
					cancel()
				case <-ctx.Done():
				}
			})
		}
	}
	err := r.Run(ctx)
	cancel()
	beside.Wait()
	if err == nil {
		o.summarize(r.Stats(), clock.Real{}.Now().Sub(began), stdout)
	}
	return err
}

// warn says what makes it likely that nothing will come. It may come all the same, from services
// that are registered later.
func (o *recordOptions) warn(s record.Stats, w io.Writer) {
	if s.Known == 0 {
		fmt.Fprintf(w, "WARNING: the registry has no services yet in domain %s, project %s\n",
			o.config.Domain, o.config.Project)
		return
	}
	for _, name := range s.Absent {
		fmt.Fprintf(w, "WARNING: none of the registry's %s is named %s yet\n",
			plural(s.Known, "service"), name)
	}
}

// show tells how far it is, until ctx ends: every second on a terminal, more rarely where lines
// stay.
func (o *recordOptions) show(ctx context.Context, r *record.Recorder, w io.Writer) {
	every, form, last := progressRare, "%s\n", ""
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, form, last = time.Second, "\r\x1b[K%s", "\r\x1b[K"
	}
	if o.quiet {
		w = io.Discard
	}
	clk := clock.Real{}
	began, timer := clk.Now(), clk.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprint(w, last)
			return
		case <-timer.C():
		}
		timer.Reset(every)
		s := r.Stats()
		state := "watching"
		if !s.Connected {
			state = "connecting again"
		}
		fmt.Fprintf(w, form, fmt.Sprintf("%s for %v: %s changes of %d services, %d gaps", state,
			clk.Now().Sub(began).Round(time.Second), report.Count(s.Changes), s.Services, s.Gaps))
	}
}

func (o *recordOptions) summarize(s record.Stats, took time.Duration, w io.Writer) {
	fmt.Fprintf(w, "%s of %s in %s\n", plural(s.Changes, "change"),
		plural(s.Services, "service"), report.Duration(int64(took)))
	if s.Gaps > 0 {
		fmt.Fprintf(w, "%s in which nobody watched, %s in all\n", plural(s.Gaps, "gap"),
			report.Duration(int64(s.Missed)))
	}
	if s.Others > 0 {
		fmt.Fprintf(w, "%s of other services left out\n", plural(s.Others, "change"))
	}
	if s.Unreadable > 0 {
		fmt.Fprintf(w, "%s left out: no changes of instances\n", plural(s.Unreadable, "frame"))
	}
	if s.Left != nil {
		fmt.Fprintf(w, "the service %s is still in the registry: %v\n", record.ServiceName, s.Left)
	}
	if s.Changes > 0 {
		fmt.Fprintf(w, "replay them: simulate --trace %s\n", o.out)
	}
}

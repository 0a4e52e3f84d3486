package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/notifylab/notifylab/notify/clock"
	"github.com/notifylab/notifylab/sim/live"
)

// ui is the live page while the runs go. A nil one is a program without it.
type ui struct {
	board  *live.Board
	wait   bool // until an interrupt, after the runs
	stop   context.CancelFunc
	ended  chan error
	stderr io.Writer
}

// checkUI reports what is wrong with the flags of the live page.
func (o *options) checkUI(changed func(string) bool, wrong *mistakes) {
	if changed("ui") {
		checkAddress("ui", o.ui, wrong)
	} else if o.uiWait {
		wrong.add("--ui-wait: want it with --ui only, such as --ui 127.0.0.1:0")
	}
}

// openUI serves the live page, if it is wanted, and says where.
func (o *options) openUI(stderr io.Writer) (*ui, error) {
	if o.ui == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", o.ui)
	if err != nil {
		return nil, fmt.Errorf("--ui %s: %w", o.ui, err)
	}
	title := "simulate"
	if len(o.args) > 0 {
		title += " " + strings.Join(o.args, " ")
	}
	u := &ui{board: live.NewBoard(title, clock.Real{}.Now()), wait: o.uiWait,
		ended: make(chan error, 1), stderr: stderr}
	server := live.New(live.Config{Board: u.board, Listener: listener})
	fmt.Fprintf(stderr, "live view on %s\n", server.URL())
	if !server.Local() {
		fmt.Fprintln(stderr, "WARNING: other machines can reach it, and it shows everything to "+
			"everybody")
	}
	ctx, stop := context.WithCancel(context.Background())
	u.stop = stop
	go func() { u.ended <- server.Run(ctx) }()
	return u, nil
}

// page is what the runs are shown on; nil: nothing.
func (u *ui) page() *live.Board {
	if u == nil {
		return nil
	}
	return u.board
}

// close says on the page how it ended, and ends it: when everybody has read that, or at an
// interrupt.
func (u *ui) close(ctx context.Context, code int) {
	if u == nil {
		return
	}
	u.board.Done(conclusion(code))
	if u.wait && ctx.Err() == nil {
		fmt.Fprintln(u.stderr, "the live view stays until Ctrl-C")
		<-ctx.Done()
	}
	u.stop()
	if err := <-u.ended; err != nil {
		fmt.Fprintln(u.stderr, "simulate: live view:", err)
	}
}

// conclusion is an exit code in words.
func conclusion(code int) live.Done {
	switch code {
	case exitPassed:
		return live.Done{Verdict: "passed", Text: "Every check held; baselines don't count."}
	case exitInvalid:
		return live.Done{Verdict: "invalid", Text: "The figures of a configuration say nothing; " +
			"the program's output says why."}
	case exitInterrupted:
		return live.Done{Verdict: "interrupted", Text: "What is here is what there was by then."}
	}
	return live.Done{Verdict: "failed", Text: "A check failed, or the program did; " +
		"its output says what."}
}

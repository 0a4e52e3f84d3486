package main

import (
	"io"
	"time"
)

// AwaitSetUp begins a run that tells nothing, on a writer that is no terminal.
func AwaitSetUp(w io.Writer, name string) {
	newReporter(w, 1, false, false, nil).begin(0, name, time.Second)
}

// Part is a piece of a progress line.
type Part = part

// NewPart makes one.
func NewPart(rank int, text string) Part { return part{rank, text} }

// Fit makes a line of parts.
var Fit = fit

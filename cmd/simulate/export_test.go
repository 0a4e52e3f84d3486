package main

// Part is a piece of a progress line.
type Part = part

// NewPart makes one.
func NewPart(rank int, text string) Part { return part{rank, text} }

// Fit makes a line of parts.
var Fit = fit

package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/notifylab/notifylab/sim"
)

const listUsage = `simulate list shows the built-in workloads: how many consumers, provider instances and services
they have, what they are like, and what they are for.

Usage:
  simulate list

Examples:
  simulate list

Flags:
`

// listWorkloads is the command list.
func listWorkloads(args []string, stdout, stderr io.Writer) int {
	fs := commandFlags("list")
	if done, code := parseCommand(fs, listUsage, args, stdout, stderr); done {
		return code
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "workload\tconsumers\tproviders\tservices\tis like\tis for")
	for _, x := range sim.Workloads() {
		fmt.Fprintf(w, "%s\t%9d\t%9d\t%8d\t%s\t%s\n", x.Name, x.Consumers, x.Instances,
			x.Services, x.Description, x.Purpose())
	}
	if err := w.Flush(); err != nil {
		fmt.Fprintln(stderr, "simulate:", err)
		return exitFailed
	}
	return exitPassed
}

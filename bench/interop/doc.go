// Package interop holds simulate serve to what real clients make of it: its tests and benchmarks
// build that program, start it on a free port of loopback, and speak to it with
// github.com/go-chassis/sc-client, the Go client of Apache ServiceComb service-center, as released.
//
// It is a module of its own, so that nobody who uses the engine inherits what the client depends
// on. Nothing of this repository is imported, either: what is tested is what a process says to
// another. So go test doesn't know what a result depends on; run it with -count=1.
//
// # Figures
//
// Measured in the client, from before the request that makes the change until its callback:
//
//   - Burst: ms-to-last, of 12 instances that are registered one after the other, until all 12
//     callbacks were called. The aim is 50 ms; service-center, which looks for one event every
//     500 ms, takes 5.8 s.
//   - Neighbour: quiet-ms, of one change after a second of nothing, median; stuck-ms, the same
//     right after 5060 changes for another client that doesn't read its socket; and their ratio.
//     The aim is at most 2. For comparison, busy-ms is the same when that client does read. There
//     are 51 changes in a row each time; the -first-ms are of the first alone, for which processes
//     have to wake up.
package interop

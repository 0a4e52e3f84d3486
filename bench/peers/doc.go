// Package peers measures other engines beside this one, under the definitions of package bench, in
// one run: go test -bench .
//
// It is a module of its own, so that nobody who uses the engine inherits what its peers depend on.
// Each peer is used as its documentation recommends; the file that has it says what was chosen. All
// of them run in this process.
//
// # Workloads
//
//   - mode=burst, lockstep, unicast and idle are those of package bench. B/sub does not count the
//     benchmark's own part of a subscriber.
//   - mode=stuck is an open loop: 500 events for 1000 subscribers, 250 a second, of which one takes
//     nothing, and had 1024 events waiting for it before the first of the 500. Where an engine
//     bounds what waits for a subscriber, the bound is 1024. Latency counts from when an event was
//     due. The window closes 1 s after the last event was, at the latest; then the stuck one comes
//     back to life, takes what there still is for it, and what it never gets is lost to it.
//
// # Figures
//
// Those of package bench, and
//
//   - lost and reordered: deliveries that were owed and not made, and, where all were made, those
//     out of turn. Where something was lost, the times say nothing.
//   - in-time-%, with mode=stuck: the share of the deliveries to the other 999 that were made in
//     the window; p50-ns, p99-ns and max-ns are over these.
//   - blocked, with mode=stuck: 1 if the publisher hadn't published everything when the window
//     closed.
//   - stuck-lost, with mode=stuck: the events published that the stuck one never gets.
//
// What a peer can't do is not run. Program table prints the medians side by side. With -short,
// mode=stuck is a tenth as long, for a smoke test.
package peers

// Package bench measures what a delivery costs, with go test -bench. It holds the engine's
// benchmarks and, beside them and under the same definitions, floors: the least that any engine
// built on a mechanism can cost, because nothing but the mechanism is there.
//
// # Definitions
//
// A delivery is one event that one subscriber has in hand: the subscriber's own code was given the
// pointer, compared its revision with the one expected next, and counted it. An event published to
// n subscribers owes n deliveries.
//
//   - mode=burst: publish 256 events to all n subscribers without waiting between them, then wait
//     until each of the n has all 256. That is one iteration.
//   - mode=lockstep: publish one event to all n subscribers, then wait until all n have it. That is
//     one iteration.
//   - mode=unicast: publish one event to each of the groups, which have one member each, by name
//     and in a shuffled order without waiting between them, then wait until all members have
//     theirs. That is one iteration.
//   - mode=idle: nothing is published; what the subscribers cost is their memory alone.
//   - open loop (BenchmarkOpenLoop, BenchmarkStuck): events are due at planned times, whatever the
//     engine does, and latency counts from there. In BenchmarkStuck one subscriber may take
//     nothing.
//   - over WebSocket (BenchmarkStream…): the watchers are connections of loopback, and their
//     clients another process, which counts bytes. A delivery is all bytes of one event at one
//     client. The floor is a loop that writes the ready frame to the same sockets.
//
// The subscribers are called by the engine, but for BenchmarkPull: there each has a goroutine, as
// the channels of the floors have, and has an event in hand when a call of Next has returned it.
//
// # Figures
//
//   - ns/delivery: time divided by deliveries owed. The time runs from before the first event is
//     published until after the last delivery was counted. CPUs that work at the same time are not
//     added up.
//   - p99-ns, in lockstep only: the 99th percentile over events of the time from before an event is
//     published until the last of the n subscribers has it. With fewer than 100 subscribers one
//     event in 64 is timed, because reading the clock would cost more than the event.
//   - p50-ns, p99-ns, max-ns and lag-p99-ns, in the open loop: the time from when an event was due
//     until a subscriber has it, over all but the stuck one, and the publisher's own part of that.
//     Where lag-p99-ns is large the machine was busy, and the others say nothing. The subscribers
//     themselves read the clock for each of their events, so the last of many waits for all before
//     it, whatever the engine does: engine=recorder is what that alone takes on one CPU.
//   - dropped: what the stuck subscriber lost, exactly.
//   - subscribe-s, gc-ms and event-ms: see BenchmarkMillion.
//   - B/sub: heap and stacks in use with the subscribers less those without, each after a garbage
//     collection, divided by their number.
//
// A subscriber knows which revision comes next, so a loss, a repetition or a swap anywhere makes
// the benchmark fail, whatever the figures were. A wait in which nothing arrives any more fails
// too.
//
// # Reading them
//
// The names carry key=value, so benchstat can lay kinds and modes side by side. A floor is not a
// bound for every engine: one that hands over several events at once can be below the ring floor in
// bursts, because the ring floor goes through all subscribers for every single event.
//
// Command plot draws what BenchmarkGrowth measures: how the cost of a delivery grows with the
// subscribers, the groups and the shards, beside the ring floor at the same sizes: where that grows
// too, it is the memory of the machine, which no cache holds any more.
package bench

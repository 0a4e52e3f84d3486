// Package sim is the workbench: it runs the engine under synthetic providers and consumers and
// says what that did.
//
// A Scenario describes the load, a Topology the services and who consumes whom, a Config the engine
// under test. RunWall puts them together in real time and returns a Run: what became of every
// delivery, how long changes took to arrive, for how long consumers acted on a stale view, and
// whether all that can be trusted.
//
// # What is measured
//
// Propagation is the time from the moment a change was due (not from when the generator got round
// to it) until a consumer has handled the event that tells of it.
//
// Staleness is the time for which a consumer's view of its providers differed from the truth,
// without a break: from the first change it had not applied until it had applied all there were.
// A view is repaired by events, by a new list, and by the periodic pull. An interval still open at
// the end is recorded as long as it is by then.
//
// Generator lag is how late the generator was by its own fault; time spent inside Publish is the
// engine's, is recorded by itself, and counts in propagation. A run whose generator lagged more
// than Scenario.LagBound at p99 is invalid, for then it did not offer the load it claims.
//
// # How events get to consumers
//
// Scenario.Transport says it. In process the engine calls the consumer, or the simulated network
// that is in between. With Session each connection is a stream.Session in front of that network,
// on either clock: its frames take room there, which a consumer that doesn't read never gives back,
// so that the write times out; its pings are answered by consumers that read and can be reached,
// else there is a read timeout. With WebSocket and GRPC, in real time only, connections are real
// ones on loopback, to a server in this process; consumers then have a goroutine each, and one that
// is busy doesn't read. A frame carries the revision and the due time of its change before what the
// registry sends, so that all is measured and checked as in process. Consumers connect again
// whatever ended their session. One that is stuck notices at once with Session, and with real
// connections when it reads again.
//
// Under the virtual clock encoding and writing take what the cost model says, of as many writers as
// there are shards, each of which serves its sessions one after the other.
//
// # What is checked
//
// During every run: per subscription, revisions arrive in order and never back behind its list; a
// consumer that misses a revision was told of the loss by the engine; the books balance in every
// reading; what the engine says it delivered is what consumers received. After the load, faults
// are switched off, and every view must equal the truth within Scenario.Heal.
//
// A view is kept as one position in the log of its group's changes, plus the changes before it
// that were missed; so it costs a few bytes while nothing is lost, and the check doesn't believe
// what the engine says of itself.
//
// # Repeatable
//
// Every consumer and every stream of arrivals draws from a PCG stream of its own, derived from the
// seed and its number.
package sim

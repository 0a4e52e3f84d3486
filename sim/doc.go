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
// the end is recorded as long as it is by then. In a Point it is in the second in which the view
// became right; should a change then turn out to have been due before, the interval goes on.
//
// A stage has figures of its own, of the changes that were due in it: when they arrive later they
// count there all the same. Offered in a stage are the deliveries owed to the consumers that were
// connected when a change was published, dropped are those of them of which the engine said so.
// What was lost on a connection that broke had been delivered, and is Run.OnWire.
//
// Generator lag is how late the generator was by its own fault; time spent inside Publish is the
// engine's, is recorded by itself, and counts in propagation. A run whose generator lagged more
// than Scenario.LagBound at p99 is invalid, for then it did not offer the load it claims.
//
// # Stages and faults
//
// Stages give parts of the recorded time a rate of changes of their own: held, a ramp, or a burst
// at its begin. Arrivals follow it exactly, whether they are constant or Poisson.
//
// Faults are blocks of trouble, which begin at a time and last for a length; FaultKinds says what
// each kind does. What changes providers is planned when the block begins, from the instances
// that there are then; changes are due at their planned time, as all are, and one that is due
// after the recorded time doesn't happen. What happens to consumers, to their links or to lists
// holds from begin to end by the clock, even while the generator waits in Publish. All ends with
// the load.
//
// Edits of rules, tags and dependencies change no instance, but who may see some, and the registry
// says who must hear of that: EXPIRE to all who depend on a service whose rules change, and to one
// whose tags change for each of its services; to one whose dependencies change an EXPIRE of each
// service that it lost, and an UPDATE of each instance that it gained. A consumer that gets an
// EXPIRE forgets the service and asks for it again. That is part of handling it and no find that
// Finds counts, and what it gets is taken as of the EXPIRE: it is no older, and what is newer in it
// comes as an event, too. So the consumer then misses nothing of that service; one that misses the
// EXPIRE is stale until the next one, a list or a pull. Each change of an edit is one event and
// counts as one change; all have the due time of the edit.
//
// A restart of the registry cuts connections and holds up new ones; its data and its task queue
// survive, for it is the watchers' side of it that is simulated: who lists again, when, and how
// much at once. Crashes and cuts happen to those that are connected, and to no others.
//
// # Traces
//
// Instead of generated changes a scenario can have those of a recording, in the form of package
// trace: Scenario.ReadTrace reads it. Each is due at its time after the end of the warm-up,
// divided by TraceSpeed. They take the place of Rate, Storm, and the rates and bursts of stages;
// faults and what consumers do are as without.
//
// Services of a trace are those of the same application and name, or id; the most alike in
// environment and version, if there are several. Where the world lacks some of them their changes
// are refused and counted. A trace of which it has no service at all is from elsewhere: then the
// world's own providers take the parts, in their order, which keeps the times and who changes
// together. An instance that the trace creates is a new one. One that was there before the
// recording began, and isn't here, is stood in for by another of its service; without any it is
// registered by an update, and its deletion refused. Run.Trace counts all that.
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
// # Pulls
//
// Every Scenario.Pull each consumer asks for its providers as clients of service-center do: one
// find for each of its rules, with the revision of the answer that it has. A registry.Hub answers,
// from its find cache where it can, and what it answers is what the registry holds at one position
// in the log of the consumer's group; to that its view is repaired. On the wall clock finds cost
// the CPU time that they cost; under the virtual clock they take no time. Where a machine can't
// keep up with them, consumers of a group that pull within a second, while neither what they ask
// for changes nor whether they may see it, share the answers of the first: the registry would give
// the very same. They ask nothing, and the figures of finds leave them out.
//
// A run begins amid the consumers' lives: all have the answers as of its begin, and these are in
// the cache. One that is born later has none. Finds says how many were answered from the cache, and
// how many the consumer had already. Nobody can find "*": who has such a rule reads the truth as a
// list does, and asks nothing.
//
// # What is checked
//
// During every run: per subscription, revisions arrive in order and never back behind its list; a
// consumer that misses a revision was told of the loss by the engine; the books balance in every
// reading; what the engine says it delivered is what consumers received; a pull gets as many
// instances as there are, and at one position always the same. After the load, faults are switched
// off, and every view must equal the truth within Scenario.Heal.
//
// A view is kept as one position in the log of its group's changes, plus the changes before it
// that were missed; so it costs a few bytes while nothing is lost, and the check doesn't believe
// what the engine says of itself.
//
// # Objectives
//
// Scenario.SLOs are what a run is asked for: figures that must stay below their limits. One that
// doesn't makes the run fail; one that nobody can judge makes it invalid, unless it fails anyway: a
// quantile of too few values (each takes ten values beyond it), or a figure that this clock doesn't
// measure. Objectives of a stage are about the changes that were due in it. Baselines are judged,
// too. Objectives are no part of the load: runs that were asked for other things are comparable.
//
// # Repeatable
//
// Every consumer and every stream of arrivals draws from a PCG stream of its own, derived from the
// seed and its number; every fault from one that follows from its kind and how many of that kind
// come before it, so that adding one changes nothing that the others draw.
package sim

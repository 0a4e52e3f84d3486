// Package notify is a notification engine: it fans events out to subscribers, fast, in order, and
// with every loss counted.
//
//	types := map[notify.Type]notify.TypeConfig{"INSTANCE": {}}
//	engine, err := notify.New(notify.Config{Types: types})
//	go engine.Run(ctx)
//	sub, err := engine.Subscribe("INSTANCE", "/instances/", "shop", subscriber, nil)
//	err = engine.Publish(ctx, &notify.Event{Type: "INSTANCE", Subject: "/instances/"}, "shop")
//
// # The way of an event
//
// Publish puts an event on the task queues of those shards of its type's processor where members of
// its groups live: a group of up to 128 lives on one, a larger one is spread over all of them. A
// shard takes runs of events for the same target, finds the members among its own subscriptions
// (subject → group → members), and calls each one's Deliver. A subscriber that takes less than it
// is offered is parked: what it did not take, and what comes later, waits in a mailbox of its own,
// until it calls Ready.
//
// # Contract
//
// Order: a subscription gets its events in publish order. It lives on one shard, which handles
// events one run after the other. Events whose Publish calls overlap may come in either order.
//
// Joining: an event published after Subscribe returned is offered to that subscription.
//
// Blocking: neither Publish nor a shard waits for a subscriber. Publish waits only for room in the
// task queue, or returns ErrFull when so configured; the wait ends with its context and with the
// engine. The exceptions are chosen: Backlog.Overflow Block and Backlog.WaitForList make the shard
// wait up to AddTimeout, as service-center 1.x does.
//
// Slow subscribers: up to Backlog.Size events wait in order; then Overflow decides. The memory
// for it is allocated while there is a backlog and freed when that is gone. An event costs a group
// the same, however many of its members conflate.
//
// Blocking subscribers: Deliver must not block. When one does all the same, for longer than
// Config.Patience, Run has another goroutine go on with the rest of the shard, and tells
// Config.Blocked. What the call was given stays in flight; what comes later waits in the mailbox;
// nothing else is delivered to this subscription until the call has returned. Then what it did not
// take comes first. Its end waits for the call, and so does Run's. A subscriber that is Prompt is
// not watched, for it can't block.
//
// Failing subscribers: one that returns an error, panics or ends its goroutine loses its
// subscription, with that as the reason. The others do not notice.
//
// Ends: a subscription ends exactly once, with the reason that came first; ending it again is
// legal and does nothing. A group and a subject vanish with their last member, and come again with
// the next: a joiner never lands in a group that nobody reaches.
//
// Books: for every delivery owed there is an outcome with a name (Books). The figures that Stats
// reads balance at every instant.
//
// Shutdown: when the context of Run ends, or Close is called, Publish and Subscribe return
// ErrClosed, waiting publishers too. Every subscription ends with ErrClosed, what was waiting is
// counted as lost or discarded, and Run returns after its last goroutine.
//
// # Two drivers
//
// The engine decides without goroutines, clocks or I/O of its own. Run drives it with one goroutine
// per shard and real time. Step does one unit of work on the caller's goroutine, at the time that
// the caller names, and says what it cost: with it a program drives the same code in virtual time,
// and a test drives it without sleeping.
//
// # Sub-packages
//
// Package clock is the engine's only access to real time, queue the bounded task queue, watch the
// list-watcher on top of Subscribe, stream what brings a watcher's events to a client over a
// connection (stream/ws, stream/grpc), registry the model of a service registry that makes events
// and finds instances (registry/rest is its HTTP face), and alarm what says that the engine, or
// something else, is not well.
package notify

// Package watch has list-watchers: subscriptions that first deliver the state there is, and then
// every change to it, without a gap and without a duplicate.
//
// # Contract
//
// Splice: a watcher subscribes first and lists then. Until the list is delivered, events wait in
// the subscription's backlog; from then on those with a revision up to the list's are stale, and
// the later ones follow in order. So nothing published between the list and the subscription is
// lost, and nothing of the list comes again.
//
// Order: Init comes before any event later than it, and never while Deliver is under way.
//
// Slow watchers: up to Config.Backlog.Size events wait in order, then its overflow policy decides.
// With Config.Resync a watcher that lost an event asks for a new list, so that a gap repairs
// itself: what the new list covers is stale.
//
// Lists: one that fails ends the watcher with its error as an ErrList; one that takes longer than
// ListTimeout ends it with ErrListTimeout, which is one too.
//
// Ends: a watcher ends once, with a reason, like the subscription under it.
//
// # Two ways to use it
//
// Open makes a Watcher, which is a passive state machine: no goroutine, no clock. It tells its Sink
// when it needs a list, and the sink's owner answers with Listed or Fail in their own time. Ten
// thousand of them cost no goroutine.
//
// Pull makes a Puller for users who prefer a goroutine per watcher: Next lists when that is due,
// and returns what there is.
package watch

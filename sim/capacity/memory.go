package capacity

import (
	"reflect"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim"
)

// The bytes of a slot, on a machine of 64 bits. Those of unexported types are measured by a test.
const (
	taskBytes    = 40 // in a task queue: the event, the names of its groups and the group found
	slotBytes    = 8  // in a watcher queue: a pointer to the event
	mailboxBytes = 64 // of a watcher that is behind, besides its slots
	trailBytes   = 72 // of an instance beyond the queues of a group: an entry, and its place by key
)

// eventBytes is an event with the change in it; what they point to is the registry's.
var eventBytes = int64(reflect.TypeFor[notify.Event]().Size() +
	reflect.TypeFor[registry.Change]().Size())

// QueueMemory is what the queues of a configuration take when all are full, in bytes:
//
//   - a slot of 40 bytes for each place in the task queue of each shard;
//   - a mailbox of 64 bytes and a slot of 8 for each place in the queue of each consumer;
//   - with conflate, 72 bytes for each instance that a group of consumers can hear of, for what is
//     beyond the queues is kept once per group;
//   - the events that wait. The watchers of a group share them, so there are as many as places in
//     the task queues and in one watcher queue per group.
//
// It is a bound: queues grow as they are needed, and all are never full at once in practice.
func QueueMemory(c sim.Config, w *sim.World) int64 {
	shards, slots := int64(max(c.Shards, 1)), int64(c.WatcherQueue)
	watchers, groups := int64(0), int64(0)
	watched := make(map[string]bool)
	for _, g := range w.Groups {
		if g.Watchers > 0 {
			watchers, groups = watchers+int64(g.Watchers), groups+1
			watched[g.ServiceID] = true
		}
	}
	events := shards*int64(c.QueueSize) + groups*slots
	total := shards*int64(c.QueueSize)*taskBytes + watchers*(mailboxBytes+slots*slotBytes)
	if c.Policy == notify.Conflate.String() {
		heard := int64(0)
		for _, p := range w.Providers {
			for _, id := range w.Registry.Consumers(p.ServiceID) {
				if watched[id] {
					heard += int64(len(p.Instances))
				}
			}
		}
		total += heard * trailBytes
		events += heard
	}
	return total + events*eventBytes
}

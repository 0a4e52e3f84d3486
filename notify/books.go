package notify

import "fmt"

// Cause says why a subscription did not get an event that was offered to it.
type Cause uint8

const (
	Oldest    Cause = iota // DropOldest made place for a newer event
	Newest                 // there was no room: DropNewest, or Conflate without a Key
	Flushed                // Flush threw the backlog away
	Evicted                // Evict ended the subscription with these still waiting
	TimedOut               // Block waited for AddTimeout in vain
	Failed                 // the subscriber returned an error or panicked
	Closed                 // the subscription or the engine was closed with these still waiting
	Conflated              // not a loss: a newer event of the same Key is waiting
	numCauses = int(Conflated)
)

var causeNames = [...]string{
	"oldest", "newest", "flushed", "evicted", "timed_out", "failed", "closed", "conflated",
}

// String is the cause's name in results and reports.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return fmt.Sprintf("Cause(%d)", uint8(c))
}

// Causes lists the causes of a loss, in the order of Books.Dropped.
func Causes() []Cause {
	out := make([]Cause, numCauses)
	for i := range out {
		out[i] = Cause(i)
	}
	return out
}

// Books says what became of every delivery that was owed. They balance at every instant:
//
//	Offered = Delivered + sum(Dropped) + Stale + Conflated + InFlight
type Books struct {
	Offered   uint64            // deliveries owed: members of the target when it was routed
	Delivered uint64            // taken by the subscriber
	Dropped   [numCauses]uint64 // lost, indexed by Cause
	Stale     uint64            // at or before the subscription's list (StartAfter)
	Conflated uint64            // superseded by a newer event of the same Key, and passed over
	InFlight  uint64            // waiting in a mailbox, or for one
}

// DroppedTotal is the sum of Dropped over all causes.
func (b Books) DroppedTotal() uint64 {
	var sum uint64
	for _, n := range b.Dropped {
		sum += n
	}
	return sum
}

// Balance is Offered less everything that became of it: 0, or the engine has lost count.
func (b Books) Balance() int64 {
	return int64(b.Offered - b.Delivered - b.DroppedTotal() - b.Stale - b.Conflated - b.InFlight)
}

func (b *Books) add(o *Books) {
	b.Offered += o.Offered
	b.Delivered += o.Delivered
	for i := range o.Dropped {
		b.Dropped[i] += o.Dropped[i]
	}
	b.Stale += o.Stale
	b.Conflated += o.Conflated
	b.InFlight += o.InFlight
}

// Stats is what an engine can say about itself at one instant.
type Stats struct {
	Published uint64 // events that Publish accepted
	Rejected  uint64 // events that it did not: ErrFull, or ctx ended while it waited for room
	Discarded uint64 // events accepted but not routed before the engine closed, times their shards

	Queued    int // events in the fullest task queue
	QueueHigh int // the most there ever were since the start or ResetHighWater

	Subjects, Groups, Subscriptions int // living; a group on two shards counts twice
	Parked                          int // subscriptions with a backlog
	Blocked                         int // of them, those whose Deliver hasn't returned in time
	Books
}

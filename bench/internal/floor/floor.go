// Package floor is the least that an engine built on a mechanism can cost, because nothing but the
// mechanism is there. By the definitions of package bench:
//
//   - Ring*: a ring of 64 pointers per subscriber. Publishing stores the pointer into the
//     subscribers' rings one after another, and a full ring is drained into its receiver on the
//     spot. The wait drains what is left and looks at every receiver's count. All of it happens on
//     the publisher's goroutine; nobody is woken. So a burst of 256 events has up to 64 in flight
//     per subscriber and four drains, and in lockstep and unicast the wait makes the deliveries.
//   - Chan*: a channel of 1024 pointers and a goroutine per subscriber, which is woken, receives
//     and counts. A burst fits into the channel, so the publisher doesn't wait within one. The wait
//     is for a shared counter, to which every subscriber adds after the last event of a burst, or
//     after each event in lockstep and unicast.
//
// Unicast looks the target up in a map by the name of its group, as an engine must.
package floor

import (
	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

func events() []*notify.Event { return measure.Events("floor", "floor") }

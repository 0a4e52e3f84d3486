package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/clock"
)

// DefaultFindTTL is ten times the 30 s between two pulls of a usual client. A cached answer is
// never stale, so all that its end is good for is the memory of those that nobody asks for.
const DefaultFindTTL = 5 * time.Minute

// DefaultFindMax is the answers for 10 000 services under a few rules each: some 20 MB.
const DefaultFindMax = 1 << 16

// leasePoll is how late a lease may start: a registration tells no time, so Run looks this often.
const leasePoll = time.Second

// HubConfig configures a Hub. The zero value keeps no leases and has the defaults.
type HubConfig struct {
	Leases  *LeaseConfig  // nil: leases are not kept
	FindTTL time.Duration // of a cached answer; 0 means DefaultFindTTL
	FindMax int           // cached answers; 0 means DefaultFindMax
	Clock   clock.Clock   // nil: clock.Real

	// Deleted is told of each service that was deleted, after its changes were published; whoever
	// watches as this service must be sent away. It runs under the hub's lock, so that a service
	// that comes anew under the same id comes after it. So it must not call Change or Expire. May
	// be nil.
	Deleted func(serviceID string)
}

// Validate reports all mistakes at once.
func (c HubConfig) Validate() error {
	var errs []error
	if c.Leases != nil {
		if err := c.Leases.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("Leases: %w", err))
		}
	}
	if c.FindTTL < 0 {
		errs = append(errs, invalid("FindTTL", c.FindTTL.String(), "0 (the default) or more"))
	}
	if c.FindMax < 0 {
		errs = append(errs, invalid("FindMax", fmt.Sprint(c.FindMax), "0 (the default) or more"))
	}
	return errors.Join(errs...)
}

// Hub is a registry whose changes are told to those who must hear of them: it publishes them
// through an engine. See the package documentation. All methods may be called concurrently.
type Hub struct {
	registry *Registry
	engine   *notify.Engine
	clock    clock.Clock
	leases   bool
	deleted  func(serviceID string)
	cache    *findCache

	mu    sync.Mutex // held from a change to the last of its events: their orders are the same
	stats HubStats   // of changes; those of finds are in the cache
}

// NewHub makes a hub and starts nothing. The engine must know InstanceEvents, and should wait for
// room in its task queue: one that rejects loses changes. With Leases the registry keeps leases
// from now on. A registry has one hub.
func NewHub(r *Registry, e *notify.Engine, c HubConfig) (*Hub, error) {
	if r == nil || e == nil {
		return nil, fmt.Errorf("%w: a hub needs a registry and an engine", ErrInvalid)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &Hub{registry: r, engine: e, clock: c.Clock, deleted: c.Deleted,
		cache: newFindCache(c.FindTTL, c.FindMax)}
	h.stats.Changes, h.stats.Published = map[Action]uint64{}, map[Action]uint64{}
	if h.clock == nil {
		h.clock = clock.Real{}
	}
	if c.Leases != nil {
		h.leases = true
		if err := r.KeepLeases(*c.Leases); err != nil {
			return nil, err
		}
	}
	r.noteDeleted(c.Deleted != nil)
	return h, nil
}

// Registry is for reading, and for heartbeats, which are no changes: who changes it directly
// bypasses the hub, and nobody hears of it.
func (h *Hub) Registry() *Registry { return h.registry }

// Change runs do and publishes the changes that it returns, each once, in their order, which is
// that of their revisions: do must return all that it made, also beside an error. One call after
// the other has its turn, whoever calls. due is when the changes were due; zero means now.
//
// Change returns when the events stand in the engine's task queues. It waits for room there as
// long as the engine lives, for a change that happened must be told. So it must not be called
// where the engine delivers. It returns the error of do, and joined with that the one of
// publishing: notify.ErrClosed means that the change happened but the engine closed before it was
// told, and is counted as lost.
func (h *Hub) Change(due time.Time, do func(*Registry) ([]Change, error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	changes, err := do(h.registry)
	return errors.Join(err, h.tellLocked(due, changes))
}

// Expire removes the instances whose leases have run out at now and tells of them. It says when to
// be called again; zero if nothing is leased. Its error is that of publishing.
func (h *Hub) Expire(now time.Time) (next time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	expiry := h.registry.Expire(now)
	return expiry.Next, h.tellLocked(now, expiry.Changes)
}

// Run expires leases until ctx ends, and then returns nil; when the engine closed before, it
// returns notify.ErrClosed. An event that waits for room in a task queue ends with the engine only.
func (h *Hub) Run(ctx context.Context) error {
	if !h.leases {
		<-ctx.Done()
		return nil
	}
	timer := h.clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C():
		}
		now := h.clock.Now()
		next, err := h.Expire(now)
		if errors.Is(err, notify.ErrClosed) && ctx.Err() == nil {
			return err
		}
		wait := leasePoll
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		timer.Reset(wait)
	}
}

// HubStats counts since NewHub. Finds are Hits + Misses + Refreshed.
type HubStats struct {
	Changes   map[Action]uint64 // that happened
	Published map[Action]uint64 // events: the changes that somebody had to hear of
	Lost      uint64            // changes that the engine didn't take, so that nobody heard

	FindHits        uint64 // answered from the cache
	FindMisses      uint64 // not there, or not any more, or no answer at all
	FindRefreshed   uint64 // not looked for there: NoCache
	FindNotModified uint64 // answers that the client had already
	FindEvicted     uint64 // answers that had to go before their time: FindMax
	FindEntries     int    // cached now
}

// Stats gives the counts.
func (h *Hub) Stats() HubStats {
	h.mu.Lock()
	stats := h.stats.clone()
	h.mu.Unlock()
	h.cache.count(&stats)
	return stats
}

// tellLocked publishes. The cached answers that a change made wrong are so since it happened: see
// findCache.
func (h *Hub) tellLocked(due time.Time, changes []Change) error {
	if due.IsZero() {
		due = h.clock.Now()
	}
	var first error
	for i := range changes {
		c := &changes[i]
		if c.Revision == 0 {
			continue // the zero Change of a call that failed
		}
		h.stats.Changes[c.Action]++
		if len(c.Consumers) == 0 {
			continue // no group at all would be every group
		}
		err := h.engine.Publish(context.Background(), c.Event(due), c.Consumers...)
		if err != nil {
			h.stats.Lost++
			if first == nil {
				first = fmt.Errorf("revision %d changed, but nobody heard: %w", c.Revision, err)
			}
			continue
		}
		h.stats.Published[c.Action]++
	}
	if h.deleted != nil {
		for _, id := range h.registry.takeDeleted() {
			h.deleted(id)
		}
	}
	return first
}

package registry

import (
	"cmp"
	"container/list"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Query asks for the instances of a provider, as Registry.Find does.
type Query struct {
	ConsumerID string // "" is nobody in particular
	Provider   Key    // Version and Alias play no part
	Rule       Rule
	Revision   string // what the client has; an equal one gives NotModified

	NoCache   bool // compute the answer anew, whatever is cached; wins over CacheOnly
	CacheOnly bool // answer from the cache or not at all
}

// Answer is what a Query found.
type Answer struct {
	Found       // Instances are nil when NotModified
	NotModified bool
	Cached      bool // not computed for this query
}

// Find answers as Registry.Find would at this moment, and with its errors, but cheaper when the
// answer is cached. With CacheOnly it is an ErrUnknownService when nothing is cached, for an empty
// answer would make the client forget the instances it has.
func (h *Hub) Find(q Query) (Answer, error) {
	a, err := h.answer(q)
	if err != nil {
		return Answer{}, err
	}
	if q.Revision != "" && q.Revision == a.Revision {
		a.Instances, a.NotModified = nil, true
		h.cache.notModified.Add(1)
	}
	return a, nil
}

func (h *Hub) answer(q Query) (Answer, error) {
	now := h.clock.Now()
	if q.NoCache {
		h.cache.refreshed.Add(1)
		return h.compute(q, now)
	}
	at, err := h.registry.locate(q.ConsumerID, q.Provider, q.Rule)
	if err == nil {
		if found, ok := h.cache.get(at, now); ok {
			h.cache.hits.Add(1)
			return Answer{Found: found, Cached: true}, nil
		}
	}
	h.cache.misses.Add(1)
	switch {
	case err != nil:
		return Answer{}, err
	case q.CacheOnly:
		return Answer{}, fmt.Errorf("%w: CacheOnly: Key %s%s: want one whose answer is cached",
			ErrUnknownService, q.Provider.family(), q.Rule)
	}
	return h.compute(q, now)
}

// compute keeps no errors: to find out that a service is unknown costs what looking it up in the
// cache would.
func (h *Hub) compute(q Query, now time.Time) (Answer, error) {
	found, at, err := h.registry.find(q.ConsumerID, q.Provider, q.Rule)
	if err != nil {
		return Answer{}, err
	}
	h.cache.put(at, found, now)
	return Answer{Found: found}, nil
}

// findCache keeps answers together with the version of what they were made of, as both were in one
// cut of the registry. They are compared with what is the version now, under the registry's lock:
// so a change invalidates exactly the answers it made wrong, at once and at the cost of a counter,
// and an answer that is stored late, after a change, is wrong from the start.
type findCache struct {
	ttl time.Duration
	max int

	mu     sync.RWMutex
	byID   map[answerID]*list.Element // of *cachedAnswer
	oldest *list.List                 // by the time they were stored: the first ends first

	hits, misses, refreshed, notModified, evicted atomic.Uint64
}

type cachedAnswer struct {
	answerAt
	found  Found
	stored time.Time
}

func newFindCache(ttl time.Duration, most int) *findCache {
	return &findCache{
		ttl:    cmp.Or(ttl, DefaultFindTTL),
		max:    cmp.Or(most, DefaultFindMax),
		byID:   map[answerID]*list.Element{},
		oldest: list.New(),
	}
}

func (c *findCache) get(at answerAt, now time.Time) (Found, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e := c.byID[at.answerID]; e != nil {
		a := e.Value.(*cachedAnswer)
		if a.answerVersion == at.answerVersion && now.Sub(a.stored) < c.ttl {
			return a.found, true
		}
	}
	return Found{}, false
}

// put evicts the answer that was stored first: the order needs no upkeep when one is used, so that
// readers don't wait for each other, and what is evicted in use comes back with its next use.
func (c *findCache) put(at answerAt, found Found, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[at.answerID]; e != nil {
		c.removeLocked(e)
	}
	for e := c.oldest.Front(); e != nil; e = c.oldest.Front() {
		ended := now.Sub(e.Value.(*cachedAnswer).stored) >= c.ttl
		if !ended && c.oldest.Len() < c.max {
			break
		}
		if !ended {
			c.evicted.Add(1)
		}
		c.removeLocked(e)
	}
	c.byID[at.answerID] = c.oldest.PushBack(&cachedAnswer{at, found, now})
}

func (c *findCache) removeLocked(e *list.Element) {
	c.oldest.Remove(e)
	delete(c.byID, e.Value.(*cachedAnswer).answerID)
}

func (c *findCache) count(to *HubStats) {
	to.FindHits, to.FindMisses = c.hits.Load(), c.misses.Load()
	to.FindRefreshed, to.FindNotModified = c.refreshed.Load(), c.notModified.Load()
	to.FindEvicted = c.evicted.Load()
	c.mu.RLock()
	defer c.mu.RUnlock()
	to.FindEntries = len(c.byID)
}

func (s HubStats) clone() HubStats {
	s.Changes, s.Published = maps.Clone(s.Changes), maps.Clone(s.Published)
	return s
}

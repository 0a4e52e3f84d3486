package registry

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// Times of this file are Unix nanoseconds, and not before 1970.

const (
	second = 1_000_000_000
	never  = math.MaxInt64
	// leaseMax keeps sums of times from overflowing; longer leases are cut.
	leaseMax = 365 * 24 * 3600 * second
	modePush = "push"
)

type leaseID struct{ service, instance string }

type lease struct {
	leaseID
	ttl   int64
	heard int64 // the last sign of life
	fresh bool  // it starts when the book next learns the time
	at    int   // in the heap, or notInHeap
	key   int64 // that the heap goes by: when it runs out, or earlier
}

const notInHeap = -1

func (l *lease) end() int64 { return l.heard + l.ttl }

// leases is the book of the leases of a registry. A heartbeat only notes the time; the heap learns
// of it when the lease comes to its top, so at most once per lease time.
type leases struct {
	config LeaseConfig
	byID   map[leaseID]*lease
	fresh  []*lease // some may not be any more
	heap   leaseHeap
	now    int64 // the latest that Expire was told: it doesn't go back

	services map[string]*leasedService
	paused   map[string]bool // services of which the last Expire held some
	stats    LeaseStats
}

// leasedService is what decides whether the losses of a service are believed.
type leasedService struct {
	leased int
	recent []loss // within the window, the oldest first
}

type loss struct {
	at    int64
	count int
}

// put starts, renews or ends the lease of an instance that was registered or updated.
func (b *leases) put(in *Instance) {
	id := leaseID{in.ServiceID, in.ID}
	ttl := in.HealthCheck.ttl()
	if ttl == 0 {
		b.drop(in)
		return
	}
	l := b.byID[id]
	if l == nil {
		l = &lease{leaseID: id, at: notInHeap}
		b.byID[id] = l
		b.service(in.ServiceID).leased++
	}
	l.ttl = ttl
	if !l.fresh {
		l.fresh = true
		b.fresh = append(b.fresh, l)
	}
}

// drop forgets the lease of an instance that went. It may be called without a book.
func (b *leases) drop(in *Instance) {
	if b == nil {
		return
	}
	id := leaseID{in.ServiceID, in.ID}
	l := b.byID[id]
	if l == nil {
		return
	}
	l.fresh = false
	if l.at != notInHeap {
		heap.Remove(&b.heap, l.at)
	}
	b.forget(l)
}

func (b *leases) service(id string) *leasedService {
	s := b.services[id]
	if s == nil {
		s = &leasedService{}
		b.services[id] = s
	}
	return s
}

// forget takes a lease out of the book, and with the last one the service.
func (b *leases) forget(l *lease) {
	delete(b.byID, l.leaseID)
	s := b.services[l.service]
	if s.leased--; s.leased == 0 {
		delete(b.services, l.service)
	}
}

func (b *leases) renew(id leaseID, now int64) {
	l := b.byID[id]
	switch {
	case l == nil:
	case l.fresh:
		b.start(l, now)
	default:
		l.heard = max(l.heard, now)
	}
}

func (b *leases) start(l *lease, now int64) {
	l.fresh = false
	l.heard = max(l.heard, now)
	l.key = l.end()
	if l.at == notInHeap {
		heap.Push(&b.heap, l)
		return
	}
	heap.Fix(&b.heap, l.at) // its time may have become shorter
}

// expire takes out of the book what has run out, or holds it, and says when to look again.
func (b *leases) expire(now int64) (gone []*lease, held int, next int64) {
	now = max(now, b.now)
	b.now = now
	for _, l := range b.fresh {
		if l.fresh {
			b.start(l, now)
		}
	}
	b.fresh = nil
	silent := map[string][]*lease{}
	for l := b.first(); l != nil && l.end() <= now; l = b.first() {
		heap.Pop(&b.heap)
		silent[l.service] = append(silent[l.service], l)
	}
	next = never
	if l := b.first(); l != nil {
		next = l.end()
	}
	paused := map[string]bool{}
	for id, of := range silent {
		believed, doubted := b.judge(b.services[id], of, now)
		gone = append(gone, believed...)
		held += len(doubted)
		if len(doubted) > 0 && !b.paused[id] {
			b.stats.Pauses++
		}
		paused[id] = len(doubted) > 0
		for _, l := range doubted {
			heap.Push(&b.heap, l)
			next = min(next, now+int64(b.config.Window), b.believedAt(l))
		}
	}
	b.paused = paused
	for _, l := range gone {
		b.forget(l)
	}
	slices.SortFunc(gone, func(a, b *lease) int {
		return cmp.Or(cmp.Compare(a.end(), b.end()), cmp.Compare(a.service, b.service),
			cmp.Compare(a.instance, b.instance))
	})
	b.stats.Held = held
	b.stats.Expired += int64(len(gone))
	return gone, held, next
}

// judge says which of the leases of a service that ran out are believed. Too many at once are not,
// until each of them has been silent for as long again.
func (b *leases) judge(s *leasedService, silent []*lease, now int64) (believed, doubted []*lease) {
	old := func(l loss) bool { return l.at <= now-int64(b.config.Window) }
	s.recent = slices.DeleteFunc(s.recent, old)
	lost, all := len(silent), s.leased
	for _, l := range s.recent {
		lost += l.count
		all += l.count
	}
	if all < b.config.Min || b.config.Share == 1 || float64(lost) < b.config.Share*float64(all) {
		s.recent = append(s.recent, loss{now, len(silent)})
		return silent, nil
	}
	for _, l := range silent {
		if b.believedAt(l) <= now {
			believed = append(believed, l) // doesn't count against the next that runs out
		} else {
			doubted = append(doubted, l)
		}
	}
	return believed, doubted
}

// believedAt is when a lease has run out at the latest, however many do.
func (b *leases) believedAt(l *lease) int64 { return l.end() + min(l.ttl, int64(b.config.Hold)) }

// first gives the lease that runs out first; nil if there is none.
func (b *leases) first() *lease {
	for len(b.heap) > 0 {
		l := b.heap[0]
		if l.key == l.end() {
			return l
		}
		l.key = l.end()
		heap.Fix(&b.heap, 0)
	}
	return nil
}

// ttl is how long an instance is believed to live without a heartbeat; 0 is for ever.
func (h *HealthCheck) ttl() int64 {
	if h == nil || h.Mode != modePush || h.Interval <= 0 || h.Times < 0 {
		return 0
	}
	seconds := float64(h.Interval) * (float64(h.Times) + 1) // a product of ints might overflow
	return int64(min(seconds, float64(leaseMax/second))) * second
}

// leaseHeap is a container/heap, the earliest key first.
type leaseHeap []*lease

func (h leaseHeap) Len() int           { return len(h) }
func (h leaseHeap) Less(i, j int) bool { return h[i].key < h[j].key }

func (h leaseHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *leaseHeap) Push(x any) {
	l := x.(*lease)
	l.at = len(*h)
	*h = append(*h, l)
}

func (h *leaseHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	l.at = notInHeap
	return l
}

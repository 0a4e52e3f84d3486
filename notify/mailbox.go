package notify

// minMailbox is the size of a mailbox's first ring.
const minMailbox = 4

// mailbox is the backlog of one parked subscription. It exists only while there is a backlog.
// Up to size events wait in a ring, in order; what Conflate keeps beyond that waits on the trail of
// the group. It belongs to the goroutine that steps the shard.
type mailbox struct {
	ring []*Event
	size int
	head int32
	n    int32
	at   int32 // the ring is full, and more waits on the trail of the group from here on; or none
	lent int32 // events in the hands of a Deliver that doesn't return; they are not in the ring
}

// none is the position of a mailbox that has nothing on a trail.
const none = -1

func newMailbox(size int, prealloc bool) *mailbox {
	m := &mailbox{size: size, at: none}
	if prealloc {
		m.ring = make([]*Event, size)
	}
	return m
}

// full reports whether push would go beyond size. What unshift has brought back may be beyond it.
func (m *mailbox) full() bool { return int(m.n) >= m.size }

// push appends ev; the mailbox must not be full.
func (m *mailbox) push(ev *Event) {
	if int(m.n) == len(m.ring) {
		ring := make([]*Event, min(max(2*len(m.ring), minMailbox), m.size))
		k := copy(ring, m.ring[m.head:])
		copy(ring[k:], m.ring[:m.head])
		m.ring, m.head = ring, 0
	}
	i := int(m.head) + int(m.n)
	if i >= len(m.ring) {
		i -= len(m.ring)
	}
	m.ring[i] = ev
	m.n++
}

// front is the longest run of first events that lie side by side, at most limit of them. It is
// valid until the next call.
func (m *mailbox) front(limit int) []*Event {
	end := min(int(m.head)+min(int(m.n), limit), len(m.ring))
	return m.ring[m.head:end]
}

// pop removes the first k events.
func (m *mailbox) pop(k int) {
	clear(m.ring[m.head:][:k])
	m.n -= int32(k)
	if m.head += int32(k); int(m.head) == len(m.ring) {
		m.head = 0
	}
}

// lend removes the first k events, which front gave, and leaves the slice that it gave as it is.
func (m *mailbox) lend(k int) {
	ring := make([]*Event, len(m.ring))
	n := copy(ring, m.ring[m.head:])
	copy(ring[n:], m.ring[:m.head])
	m.ring, m.head, m.lent = ring, 0, int32(k)
	m.pop(k)
}

// unshift puts events before all others, whatever the size.
func (m *mailbox) unshift(events []*Event) {
	if len(events) == 0 {
		return
	}
	ring := make([]*Event, max(len(events)+int(m.n), len(m.ring)))
	n := copy(ring, events)
	end := int(m.head) + int(m.n)
	n += copy(ring[n:], m.ring[m.head:min(end, len(m.ring))])
	copy(ring[n:], m.ring[:max(end-len(m.ring), 0)])
	m.ring, m.head, m.n = ring, 0, m.n+int32(len(events))
}

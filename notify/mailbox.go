package notify

// minMailbox is the size of a mailbox's first ring.
const minMailbox = 4

// mailbox is the backlog of one parked subscription. It exists only while there is a backlog.
// Up to size events wait in a ring, in order; what Conflate keeps beyond that waits behind them.
// It belongs to the goroutine that steps the shard.
type mailbox struct {
	size int
	ring []*Event
	head int
	n    int
	over *conflated // nil until Conflate first needs it
}

func newMailbox(size int, prealloc bool) *mailbox {
	m := &mailbox{size: size}
	if prealloc {
		m.ring = make([]*Event, size)
	}
	return m
}

// len is the number of events waiting.
func (m *mailbox) len() int {
	if m.over == nil {
		return m.n
	}
	return m.n + m.over.live
}

// full reports whether push would go beyond size.
func (m *mailbox) full() bool { return m.n == m.size }

// push appends ev; the mailbox must not be full.
func (m *mailbox) push(ev *Event) {
	if m.n == len(m.ring) {
		ring := make([]*Event, min(max(2*m.n, minMailbox), m.size))
		k := copy(ring, m.ring[m.head:])
		copy(ring[k:], m.ring[:m.head])
		m.ring, m.head = ring, 0
	}
	i := m.head + m.n
	if i >= len(m.ring) {
		i -= len(m.ring)
	}
	m.ring[i] = ev
	m.n++
}

// front is the longest run of first events that lie side by side, at most limit of them. It is
// valid until the next call.
func (m *mailbox) front(limit int) []*Event {
	end := min(m.head+min(m.n, limit), len(m.ring))
	return m.ring[m.head:end]
}

// pop removes the first k events and moves as many conflated ones up.
func (m *mailbox) pop(k int) {
	clear(m.ring[m.head : m.head+k])
	m.n -= k
	if m.head += k; m.head == len(m.ring) {
		m.head = 0
	}
	for m.over != nil && m.n < m.size {
		ev := m.over.pop()
		if ev == nil {
			m.over = nil
			return
		}
		m.push(ev)
	}
}

// conflate keeps ev beyond the full ring and returns the older event of its Key that it replaces
// there, if any. ev.Key must not be empty.
func (m *mailbox) conflate(ev *Event) (replaced *Event) {
	if m.over == nil {
		m.over = &conflated{last: make(map[string]int)}
	}
	return m.over.push(ev)
}

// conflated holds the latest event of each Key in publish order: a newer one goes to the end and
// leaves a hole where the older was. So order holds, and a Key that changes all the time yields to
// the quiet ones. The number of slots is at most twice the number of keys.
type conflated struct {
	slots []*Event
	base  int            // absolute position of slots[0]
	last  map[string]int // Key -> absolute position
	live  int
}

func (c *conflated) push(ev *Event) (replaced *Event) {
	if at, ok := c.last[ev.Key]; ok {
		replaced = c.slots[at-c.base]
		c.slots[at-c.base] = nil
		c.live--
	}
	if len(c.slots) > 2*c.live+minMailbox {
		c.compact()
	}
	c.last[ev.Key] = c.base + len(c.slots)
	c.slots = append(c.slots, ev)
	c.live++
	return replaced
}

// pop removes the first event; nil means there is none.
func (c *conflated) pop() *Event {
	for i, ev := range c.slots {
		if ev == nil {
			continue
		}
		c.slots[i] = nil
		c.slots = c.slots[i+1:]
		c.base += i + 1
		c.live--
		delete(c.last, ev.Key)
		return ev
	}
	return nil
}

// compact closes the holes.
func (c *conflated) compact() {
	live := make([]*Event, 0, 2*c.live+minMailbox)
	for _, ev := range c.slots {
		if ev != nil {
			c.last[ev.Key] = c.base + len(live)
			live = append(live, ev)
		}
	}
	c.slots = live
}

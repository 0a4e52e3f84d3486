package sim

// timer is one thing that a consumer will do, at a time in nanoseconds since epoch.
type timer struct {
	at   int64
	set  int64  // when it was set, where that can be after at
	seq  uint64 // timers of one instant go off in the order they were set
	c    *consumer
	link *link // the connection it is about; nil if about the consumer
	kind timerKind
}

type timerKind uint8

const (
	timerHandled  timerKind = iota // the event in hand is dealt with
	timerListRead                  // the list is read
	timerListed                    // the list arrives
	timerUnlisted                  // the list has taken too long
	timerConnect                   // time to connect again
	timerArrived                   // the first frame on the wire is there
)

// timers is a binary heap of timers, the next one first. (container/heap would allocate for every
// push.)
type timers struct {
	heap []timer
	seq  uint64
}

func (a *timer) before(b *timer) bool {
	return a.at < b.at || (a.at == b.at && a.seq < b.seq)
}

func (t *timers) push(x timer) {
	t.seq++
	x.seq = t.seq
	t.heap = append(t.heap, x)
	h, i := t.heap, len(t.heap)-1
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// next is when the first timer goes off; never if there is none.
func (t *timers) next() int64 {
	if len(t.heap) == 0 {
		return never
	}
	return t.heap[0].at
}

// pop removes the first timer; there must be one.
func (t *timers) pop() timer {
	h := t.heap
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = timer{}
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].before(&h[child]) {
			child++
		}
		if !h[child].before(&h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	t.heap = h
	return first
}

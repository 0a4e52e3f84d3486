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
	timerPong                      // the answer to a ping has come back
	timerServe                     // the session has something to do
)

// timers is a heap of timers with four children to a node, the next one first: half as deep as a
// binary one, and what is compared lies side by side. (container/heap would allocate for every
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
		parent := (i - 1) / 4
		if !x.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = x
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
	last := len(t.heap) - 1
	first, x := t.heap[0], t.heap[last]
	t.heap[last] = timer{}
	t.heap = t.heap[:last]
	if last == 0 {
		return first
	}
	h, i := t.heap, 0
	for {
		child := 4*i + 1
		if child >= last {
			break
		}
		for other := child + 1; other < min(child+4, last); other++ {
			if h[other].before(&h[child]) {
				child = other
			}
		}
		if x.before(&h[child]) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = x
	return first
}

package notify

// What waits beyond the full mailboxes of those members of a group that conflate. It is the same
// for all of them, so the group keeps it once, and each has a position in it: an event costs one
// entry, however many members lag.

// minTrail is how many entries a trail may have before it is worth tidying.
const minTrail = 64

// trail holds the events of a group that its laggards have yet to get, in order. It exists while
// there are laggards.
type trail struct {
	entries []trailed
	base    int            // position of the first
	latest  map[string]int // Key → position of its latest event
	limit   int            // entries beyond which it is tidied
}

// trailed is one event in a trail.
type trailed struct {
	ev         *Event
	superseded bool  // the trail has a newer event of its Key
	rank       int32 // scratch: entries before this one that aren't superseded
}

func newTrail() *trail { return &trail{latest: make(map[string]int), limit: minTrail} }

// end is the position of the next event.
func (t *trail) end() int { return t.base + len(t.entries) }

// append adds the events that have a Key: without one there is nothing to conflate.
func (t *trail) append(batch []*Event) {
	for _, ev := range batch {
		if ev.Key == "" {
			continue
		}
		if at, ok := t.latest[ev.Key]; ok {
			t.entries[at-t.base].superseded = true
		}
		t.latest[ev.Key] = t.end()
		t.entries = append(t.entries, trailed{ev: ev})
	}
}

// from is what follows a position.
func (t *trail) from(at int32) []trailed { return t.entries[int(at)-t.base:] }

// offerLaggards owes the batch to all members of g that lag.
func (sh *shard) offerLaggards(g *group) {
	batch, n := sh.walk.batch, len(g.laggards)
	if len(g.trail.entries)+len(batch) > g.trail.limit {
		sh.tidy(g)
	}
	sh.extend(g)
	sh.counts.Offered += uint64(n * len(batch))
	sh.counts.InFlight += uint64(n * (g.trail.end() - sh.walk.trailAt))
	for i, ev := range batch {
		if ev.Key == "" {
			for _, s := range g.laggards {
				sh.lose(s, batch[i:i+1], Newest)
			}
		}
	}
}

// extend puts the batch of the walk on the trail of g.
func (sh *shard) extend(g *group) {
	sh.walk.trailAt, sh.walk.onTrail = g.trail.end(), true
	g.trail.append(sh.walk.batch)
	sh.work.Queued += g.trail.end() - sh.walk.trailAt
}

// lag has s, whose mailbox is full, get the rest of the walk's batch and what follows from the
// trail of its group.
func (sh *shard) lag(s *Subscription, rest []*Event) {
	g, w := s.group, &sh.walk
	if g.trail == nil {
		g.trail = newTrail()
	}
	if !w.onTrail {
		sh.extend(g)
	}
	at := w.trailAt
	for _, ev := range w.batch[:restFrom(w.batch, rest)] {
		if ev.Key != "" {
			at++
		}
	}
	owed := uint64(0)
	for i, ev := range rest {
		if ev.Key == "" {
			sh.lose(s, rest[i:i+1], Newest)
		} else {
			owed++
		}
	}
	if owed == 0 {
		if len(g.laggards) == 0 {
			g.trail, w.onTrail = nil, false
		}
		return
	}
	// The trail has those of the batch, too, that s was not given for being stale. They are counted
	// when it comes to them.
	ahead := uint64(g.trail.end() - at)
	sh.counts.Stale -= ahead - owed
	sh.counts.InFlight += ahead
	s.box.at = int32(at)
	g.members = swapOut(g.members, int(s.pos), movedTo(s.pos))
	s.pos, g.laggards = int32(len(g.laggards)), append(g.laggards, s)
	w.mi-- // s stood there, and now one that the batch hasn't reached
}

// restFrom is where in batch the rest begins: a suffix of it but for stale events left out.
func restFrom(batch, rest []*Event) int {
	i := len(batch)
	for j := len(rest); j > 0; {
		if i--; batch[i] == rest[j-1] {
			j--
		}
	}
	return i
}

// catchUp moves events from the trail into the mailbox of s, which lags, while there is room. One
// that has come to the end lags no longer.
func (sh *shard) catchUp(s *Subscription) {
	g := s.group
	since, passed := s.since.Load(), sh.passed[:0]
	for ahead := g.trail.from(s.box.at); len(ahead) > 0 && !s.box.full(); ahead = ahead[1:] {
		s.box.at++
		sh.work.Queued++
		if ahead[0].superseded {
			passed = append(passed, ahead[0].ev)
		} else {
			s.box.push(ahead[0].ev)
			if isStale(ahead[0].ev, since) {
				s.state.Or(stateSince)
			}
		}
	}
	sh.pass(s, passed)
	clear(passed)
	sh.passed = passed
	if int(s.box.at) < g.trail.end() {
		return
	}
	s.box.at = none
	g.laggards = swapOut(g.laggards, int(s.pos), movedTo(s.pos))
	s.pos, g.members = int32(len(g.members)), append(g.members, s)
	if len(g.laggards) == 0 {
		g.trail = nil
	}
}

// pass has s pass events over, for newer ones that wait.
func (sh *shard) pass(s *Subscription, events []*Event) {
	sh.counts.Conflated += uint64(len(events))
	sh.counts.InFlight -= uint64(len(events))
	sh.tell(s, events, Conflated)
}

// tidy takes out of the trail what is superseded, which every laggard that it was for is told, and
// what all of them have behind them.
func (sh *shard) tidy(g *group) {
	t, live := g.trail, 0
	var gone []*Event
	for i := range t.entries {
		e := &t.entries[i]
		e.rank = int32(live)
		if e.superseded {
			gone = append(gone, e.ev)
		} else {
			live++
		}
	}
	lowest := live
	for _, s := range g.laggards {
		at := int(s.box.at) - t.base // never at the end
		s.box.at = t.entries[at].rank
		lowest = min(lowest, int(s.box.at))
		of := gone[at-int(s.box.at):] // of what lies before at, so much was superseded
		sh.work.Queued += len(of)
		sh.pass(s, of)
	}
	old := t.entries
	t.entries, t.base = make([]trailed, 0, 2*(live-lowest)+minTrail), lowest
	clear(t.latest)
	for i := range old {
		if e := &old[i]; !e.superseded && int(e.rank) >= lowest {
			t.latest[e.ev.Key] = t.end()
			t.entries = append(t.entries, trailed{ev: e.ev})
		}
	}
	t.limit = cap(t.entries)
}

package sim

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
)

// truth is the registry with, for each group, the log of the changes its watchers must hear of. A
// view is a position in that log. Times are nanoseconds since epoch.
type truth struct {
	epoch  time.Time
	groups map[string]*groupLog

	framed bool // events go over a wire, so each keeps its frame

	mu      sync.Mutex // a change and its entries are one; so are a list's revision and position
	reg     *registry.Registry
	entries int // in all logs since the last trim
}

// groupLog is what one group of watchers must hear of, in order.
type groupLog struct {
	id      string // of the consuming service
	subject string // of the events it hears
	pulls   pullLog

	mu      sync.Mutex
	base    int // position of the first entry; what every view has applied is forgotten
	entries []entry
	slots   map[string]int32 // instance → its small number, while an entry or a view has it
	vacant  []int32          // numbers below len(slots)+len(vacant) that nobody has
	roomy   int              // instances up to which vacant numbers aren't looked for

	needed  int    // trim's: the lowest position of a view…
	crowded bool   // …whether vacant numbers are looked for…
	held    bitset // …and the numbers that views have
}

// entry is one change.
type entry struct {
	revision int64
	due      int64
	slot     int32 // the instance
	unsent   bool  // Publish refused it: no watcher will ever be told
}

// minRoomy is how many instances a log may always know.
const minRoomy = 256

func newTruth(w *World, epoch time.Time) *truth {
	t := &truth{epoch: epoch, reg: w.Registry, groups: make(map[string]*groupLog, len(w.Groups))}
	for _, g := range w.Groups {
		t.groups[g.ServiceID] = &groupLog{
			id: g.ServiceID, subject: registry.SubjectOf(w.Registry.Service(g.ServiceID).Tenant),
			roomy: minRoomy,
		}
	}
	return t
}

// step is one change of the registry.
type step func(*registry.Registry) (registry.Change, error)

// change applies one that was due at due, and makes the event that tells of it.
func (t *truth) change(due int64, apply step) (*registry.Change, *notify.Event, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := apply(t.reg)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range c.Consumers {
		if g := t.groups[id]; g != nil {
			g.append(entry{revision: c.Revision, due: due}, c.Instance.ID)
			t.entries++
		}
	}
	ev := c.Event(t.epoch.Add(time.Duration(due)))
	if t.framed {
		ev.Payload = &framed{change: &c, due: due}
	}
	return &c, ev, nil
}

// grown reports whether the logs have so many new entries, and counts from 0 again if so.
func (t *truth) grown(entries int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries < entries {
		return false
	}
	t.entries = 0
	return true
}

// unsent notes that nobody will be told of a change.
func (t *truth) unsent(c *registry.Change) {
	for _, id := range c.Consumers {
		if g := t.groups[id]; g != nil {
			g.mu.Lock()
			if i, ok := g.findLocked(c.Revision, math.MaxInt); ok {
				g.entries[i-g.base].unsent = true
			}
			g.mu.Unlock()
		}
	}
}

// list reads what a watcher of g lists: the revision, and the position in the log that it is at.
func (t *truth) list(g *groupLog) (revision int64, position int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.listLocked(g)
}

func (t *truth) listLocked(g *groupLog) (revision int64, position int) {
	return t.reg.Revision(), g.len()
}

func (g *groupLog) append(e entry, instance string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e.slot = g.slotLocked(instance)
	g.entries = append(g.entries, e)
}

// slotLocked is the small number of an instance.
func (g *groupLog) slotLocked(instance string) int32 {
	slot, ok := g.slots[instance]
	if ok {
		return slot
	}
	if n := len(g.vacant); n > 0 {
		slot, g.vacant = g.vacant[n-1], g.vacant[:n-1]
	} else {
		slot = int32(len(g.slots))
	}
	if g.slots == nil {
		g.slots = make(map[string]int32)
	}
	g.slots[instance] = slot
	return slot
}

func (g *groupLog) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.base + len(g.entries)
}

// beginTrim begins to find out what is needed.
func (g *groupLog) beginTrim() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.needed, g.crowded = g.base+len(g.entries), len(g.slots) > g.roomy
}

// hold keeps what a view needs.
func (g *groupLog) hold(v *view) {
	g.needed = min(g.needed, v.position)
	if v.missed != nil && g.crowded {
		g.held.add(v.missed.lacks)
	}
}

// trim forgets what lies before needed, and the instances that are in no entry and not in held.
func (g *groupLog) trim() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.needed - g.base; n > 0 {
		g.entries = append([]entry(nil), g.entries[n:]...)
		g.base = g.needed
	}
	if !g.crowded {
		return
	}
	for i := range g.entries {
		g.held.set(int(g.entries[i].slot))
	}
	for _, instance := range slices.Sorted(maps.Keys(g.slots)) { // the same order in every run
		if slot := g.slots[instance]; !g.held.has(int(slot)) {
			delete(g.slots, instance)
			g.vacant = append(g.vacant, slot)
		}
	}
	g.held, g.roomy = nil, max(2*len(g.slots), minRoomy)
}

// from is the log from position on. What is in there doesn't change, but for unsent, which is set
// before any later entry is.
func (g *groupLog) from(position int) []entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entries[position-g.base:]
}

// findLocked is the position of a revision; the search begins near where it is guessed to be.
func (g *groupLog) findLocked(revision int64, near int) (position int, ok bool) {
	n := len(g.entries)
	low := min(max(near-g.base, 0), n) // entries before it are older
	for step := 1; low > 0 && (low == n || g.entries[low].revision > revision); step *= 2 {
		low = max(low-step, 0)
	}
	high := low // entries from it on are newer
	for step := 1; high < n && g.entries[high].revision <= revision; step *= 2 {
		low, high = high, min(high+step, n)
	}
	position, ok = slices.BinarySearchFunc(g.entries[low:high], revision,
		func(e entry, r int64) int { return cmp.Compare(e.revision, r) })
	return g.base + low + position, ok
}

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
	edits   int // of what its consumers ask for; under the truth's lock

	mu      sync.Mutex
	base    int // position of the first entry; what every view has applied is forgotten
	entries []entry
	slots   map[string]int32 // key of events → its small number, while an entry or a view has it
	owners  []int32          // the service's number, by the number of the key
	vacant  []int32          // numbers below len(slots)+len(vacant) that nobody has
	roomy   int              // keys up to which vacant numbers aren't looked for

	services map[string]int32 // number of each service that a key is about

	needed  int    // trim's: the lowest position of a view…
	crowded bool   // …whether vacant numbers are looked for…
	held    bitset // …and the numbers that views have
}

// entry is one change.
type entry struct {
	revision int64
	due      int64
	slot     int32 // the instance, or that of the EXPIREs of a service
	unsent   bool  // Publish refused it: no watcher will ever be told
	expire   bool  // who hears it knows all of the service, for it has asked again
}

// minRoomy is how many keys a log may always know.
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

// edit is what makes any number of changes at once: it edits rules or tags.
type edit func(*registry.Registry) ([]registry.Change, error)

// edit applies one, and makes the events that tell of it. For groups whose dependencies it changes
// that is a new beginning: they ask for something else from now on.
func (t *truth) edit(due int64, apply edit, asks ...string) (all []announcement, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changes, err := apply(t.reg)
	if err != nil {
		return nil, err
	}
	for i := range changes {
		c := &changes[i]
		all = append(all, announcement{c: c, ev: t.noteLocked(due, c)})
	}
	for _, id := range asks {
		if g := t.groups[id]; g != nil {
			g.edits++
		}
	}
	return all, nil
}

// change applies one that was due at due, and makes the event that tells of it.
func (t *truth) change(due int64, apply step) (*registry.Change, *notify.Event, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := apply(t.reg)
	if err != nil {
		return nil, nil, err
	}
	return &c, t.noteLocked(due, &c), nil
}

// noteLocked enters a change into the logs of all that must hear of it, and makes its event.
func (t *truth) noteLocked(due int64, c *registry.Change) *notify.Event {
	ev := c.Event(t.epoch.Add(time.Duration(due)))
	for _, id := range c.Consumers {
		if g := t.groups[id]; g != nil {
			e := entry{revision: c.Revision, due: due, expire: c.Action == registry.Expire}
			g.append(e, ev.Key, c.Service.ID)
			t.entries++
		}
	}
	if t.framed {
		ev.Payload = &framed{change: c, due: due}
	}
	return ev
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

// cut is what pulls are answered as of: the same answers are right at the same cut.
type cut struct {
	position int // in the log of the group
	edits    int
}

func (t *truth) cut(g *groupLog) (revision int64, at cut) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cutLocked(g)
}

func (t *truth) cutLocked(g *groupLog) (revision int64, at cut) {
	revision, position := t.listLocked(g)
	return revision, cut{position, g.edits}
}

// append enters a change; its key is what its event has, and is about that service.
func (g *groupLog) append(e entry, key, serviceID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e.slot = g.slotLocked(key, serviceID)
	g.entries = append(g.entries, e)
}

// slotLocked is the small number of a key.
func (g *groupLog) slotLocked(key, serviceID string) int32 {
	slot, ok := g.slots[key]
	if ok {
		return slot
	}
	if n := len(g.vacant); n > 0 {
		slot, g.vacant = g.vacant[n-1], g.vacant[:n-1]
	} else {
		slot = int32(len(g.slots))
		g.owners = append(g.owners, 0)
	}
	if g.slots == nil {
		g.slots, g.services = make(map[string]int32), make(map[string]int32)
	}
	g.slots[key] = slot
	owner, ok := g.services[serviceID]
	if !ok {
		owner = int32(len(g.services))
		g.services[serviceID] = owner
	}
	g.owners[slot] = owner
	return slot
}

// settle takes the numbers of all keys that are about the same service as this one out of a set,
// and says how many were in there.
func (g *groupLog) settle(lacks bitset, slot int32) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, owner := range g.owners {
		if owner == g.owners[slot] && lacks.unset(i) {
			n++
		}
	}
	return n
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

// trim forgets what lies before needed, and the keys that are in no entry and not in held.
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
	for _, key := range slices.Sorted(maps.Keys(g.slots)) { // the same order in every run
		if slot := g.slots[key]; !g.held.has(int(slot)) {
			delete(g.slots, key)
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

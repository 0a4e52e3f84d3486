package sim

import (
	"cmp"
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

	mu  sync.Mutex // a change and its log entries are one; so are a list's revision and position
	reg *registry.Registry
}

// groupLog is what one group of watchers must hear of, in order.
type groupLog struct {
	id      string // of the consuming service
	subject string // of the events it hears

	mu      sync.Mutex
	base    int // position of the first entry; what every view has applied is forgotten
	entries []entry

	needed int // trim's: the lowest position of a view
}

// entry is one change.
type entry struct {
	revision int64
	due      int64
	key      string // the instance
	unsent   bool   // Publish refused it: no watcher will ever be told
}

func newTruth(w *World, epoch time.Time) *truth {
	t := &truth{epoch: epoch, reg: w.Registry, groups: make(map[string]*groupLog, len(w.Groups))}
	for _, g := range w.Groups {
		t.groups[g.ServiceID] = &groupLog{
			id: g.ServiceID, subject: registry.SubjectOf(w.Registry.Service(g.ServiceID).Tenant),
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
			g.append(entry{revision: c.Revision, due: due, key: c.Instance.ID})
		}
	}
	return &c, c.Event(t.epoch.Add(time.Duration(due))), nil
}

// unsent notes that nobody will be told of a change.
func (t *truth) unsent(c *registry.Change) {
	for _, id := range c.Consumers {
		if g := t.groups[id]; g != nil {
			g.mu.Lock()
			if i, ok := g.findLocked(c.Revision); ok {
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
	return t.reg.Revision(), g.len()
}

func (g *groupLog) append(e entry) {
	g.mu.Lock()
	g.entries = append(g.entries, e)
	g.mu.Unlock()
}

func (g *groupLog) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.base + len(g.entries)
}

// trim forgets what lies before a position.
func (g *groupLog) trim(position int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := position - g.base; n > 0 {
		g.entries = append([]entry(nil), g.entries[n:]...)
		g.base = position
	}
}

// from is the log from position on. What is in there doesn't change, but for unsent, which is set
// before any later entry is.
func (g *groupLog) from(position int) []entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entries[position-g.base:]
}

// find is the position of a revision.
func (g *groupLog) find(revision int64) (position int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.findLocked(revision)
}

// findLocked looks from the end, for what is asked about is mostly recent.
func (g *groupLog) findLocked(revision int64) (position int, ok bool) {
	n, back := len(g.entries), 1
	for back < n && g.entries[n-back].revision > revision {
		back *= 2
	}
	from := max(n-back, 0)
	position, ok = slices.BinarySearchFunc(g.entries[from:], revision,
		func(e entry, r int64) int { return cmp.Compare(e.revision, r) })
	return g.base + from + position, ok
}

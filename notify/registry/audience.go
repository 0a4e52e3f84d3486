package registry

import "slices"

// Who saw a service before a change and who sees it after it, and what these are told.

// audience is who heard of a service, to be compared with who does later.
type audience struct {
	entry     *entry
	consumers []string
}

// latestLocked gives the audience of what "latest" names in a family, or would name without the
// service that is leaving: only these gain or lose consumers when a version comes or goes.
func (r *Registry) latestLocked(name Key, leaving *entry) []audience {
	f := r.index.families[name]
	if f == nil {
		return nil
	}
	rest := slices.Clone(f.services)
	rest = slices.DeleteFunc(rest, func(e *entry) bool { return e == leaving })
	var all []audience
	for _, e := range rest {
		if e.version == rest[len(rest)-1].version {
			all = append(all, audience{e, r.consumersLocked(e)})
		}
	}
	return all
}

// supersededLocked tells those who don't see a service any more, now that a higher version came.
// Nobody else changed: who came with it as a consumer has no watcher yet, and begins with a list.
func (r *Registry) supersededLocked(before []audience) []Change {
	var changes []Change
	for _, a := range before {
		if lost := without(a.consumers, r.consumersLocked(a.entry)); len(lost) > 0 {
			changes = append(changes, r.expireLocked(a.entry, lost))
		}
	}
	return changes
}

// restoredLocked tells those who see a service now that a higher version went.
func (r *Registry) restoredLocked(before []audience) []Change {
	var changes []Change
	for _, a := range before {
		if won := without(r.consumersLocked(a.entry), a.consumers); len(won) > 0 {
			changes = append(changes, r.replayLocked(a.entry, won)...)
		}
	}
	return changes
}

func (r *Registry) expireLocked(e *entry, consumers []string) Change {
	r.revision++
	return Change{Action: Expire, Service: e.service, Revision: r.revision, Consumers: consumers}
}

// replayLocked says UPDATE, for clients duplicate an instance on a CREATE of one they know. The
// instances didn't change, only who sees them: their revision stays.
func (r *Registry) replayLocked(e *entry, consumers []string) []Change {
	var changes []Change
	for _, in := range e.instances.sorted() {
		r.revision++
		changes = append(changes, Change{Action: Update, Service: e.service, Instance: in,
			Revision: r.revision, Consumers: consumers})
	}
	return changes
}

// without gives what of a is not in b; both are sorted.
func without(a, b []string) []string {
	var out []string
	for _, id := range a {
		if _, ok := slices.BinarySearch(b, id); !ok {
			out = append(out, id)
		}
	}
	return out
}

package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
)

// listing is what Find makes of the instances of a service: sorted, each digested, and all together
// too. It is immutable. The next one is made of it and of what changed since, so that each record
// is encoded and digested once, however often those beside it change.
type listing struct {
	revision  int64 // of the instances
	instances []*Instance
	digests   []byte // of each instance, by its position: revisionBytes
	digest    [sha256.Size]byte
}

// step is what one change did to a service's instances.
type step struct {
	revision int64
	id       string
	instance *Instance // nil: it went
}

// listed is the last listing of a service and the steps after it. It begins with the first Find, so
// that services nobody asks for don't pay, and ends where catching up would cost as much as a
// listing from scratch: nobody seems to ask any more. The next Find is a new beginning.
type listed struct {
	listing *listing // nil until the first is made
	on      bool
	since   int64  // it began at this revision
	steps   []step // all since listing, or since it began; by revision
}

// stepsMin keeps the smallest services from giving up their listings with every other change.
const stepsMin = 8

// note keeps the step of a change of one of now n instances.
func (l *listed) note(action Action, in *Instance, revision int64, n int) {
	if !l.on {
		return
	}
	if len(l.steps) >= max(n, stepsMin) {
		*l = listed{}
		return
	}
	s := step{revision, in.ID, in}
	if action == Delete {
		s.instance = nil
	}
	l.steps = append(l.steps, s)
}

// keep takes a listing that was made outside the lock, unless there is a younger one already, or it
// was made of what was before a new beginning, so that steps are missing.
func (l *listed) keep(made *listing) {
	if !l.on || made.revision < l.since || l.listing != nil && made.revision <= l.listing.revision {
		return
	}
	at, _ := slices.BinarySearchFunc(l.steps, made.revision+1, func(s step, revision int64) int {
		return cmp.Compare(s.revision, revision)
	})
	l.listing = made
	l.steps = slices.Clone(l.steps[at:]) // the old array holds records that are gone
}

// part is a service that Find found: what its listing can be made of.
type part struct {
	entry    *entry
	id       string
	revision int64    // of the instances
	listing  *listing // the last one; nil if there is none
	steps    []step   // from it to the instances as they are

	instances []*Instance // if there is no listing; in no order, not to modify
}

// partOf leaves the instances alone where it can: the next change must copy what was handed out.
// Steps are only ever appended, so those of the cut stay as they are.
func partOf(e *entry) part {
	l := &e.listed
	if !l.on {
		l.on, l.since = true, e.instances.revision
	}
	p := part{entry: e, id: e.service.ID, revision: e.instances.revision, listing: l.listing}
	if p.listing != nil {
		p.steps = slices.Clip(l.steps)
		return p
	}
	p.instances = e.instances.share()
	return p
}

// listingOf works outside the lock: a service may have ten thousands of instances.
func (r *Registry) listingOf(p part) *listing {
	if p.listing != nil && p.listing.revision == p.revision {
		return p.listing
	}
	base, steps := p.listing, p.steps
	if base == nil {
		base = &listing{}
		for _, in := range p.instances {
			steps = append(steps, step{id: in.ID, instance: in})
		}
	}
	made := base.with(steps, p.revision)
	r.mu.Lock()
	defer r.mu.Unlock()
	p.entry.listed.keep(made)
	return made
}

// with makes the listing at a revision, after these steps. Steps are few where there is a listing
// already, so it copies what lies between two of them in one piece.
func (l *listing) with(steps []step, revision int64) *listing {
	steps = lastOfEach(steps)
	next := &listing{
		revision:  revision,
		instances: make([]*Instance, 0, len(l.instances)+len(steps)),
		digests:   make([]byte, 0, len(l.digests)+len(steps)*revisionBytes),
	}
	from := 0
	upTo := func(to int) {
		next.instances = append(next.instances, l.instances[from:to]...)
		next.digests = append(next.digests, l.digests[from*revisionBytes:to*revisionBytes]...)
		from = to
	}
	for _, s := range steps {
		at, known := slices.BinarySearchFunc(l.instances, s.id, func(in *Instance, id string) int {
			return strings.Compare(in.ID, id)
		})
		upTo(at)
		if known {
			from++
		}
		if s.instance != nil {
			digest := digestOf(s.instance)
			next.instances = append(next.instances, s.instance)
			next.digests = append(next.digests, digest[:revisionBytes]...)
		}
	}
	upTo(len(l.instances))
	next.instances = slices.Clip(next.instances) // so that appending to an answer copies it
	next.digest = sha256.Sum256(next.digests)
	return next
}

// lastOfEach gives the last step of each instance, by its id.
func lastOfEach(steps []step) []step {
	steps = slices.Clone(steps)
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(strings.Compare(a.id, b.id), cmp.Compare(b.revision, a.revision))
	})
	return slices.CompactFunc(steps, func(a, b step) bool { return a.id == b.id })
}

// digestOf is of the JSON: it sorts properties, and no two instances have the same.
func digestOf(in *Instance) [sha256.Size]byte {
	text, err := json.Marshal(in)
	if err != nil {
		panic(err) // as in Frame.Encode
	}
	return sha256.Sum256(text)
}

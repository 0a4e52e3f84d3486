package notify

import (
	"maps"
	"slices"
)

// The tables of one shard: subject → group → members. They belong to the goroutine that steps the
// shard, so a leaver that empties a group and a joiner of it can't meet half-way. Slices beside the
// maps keep the order of first arrival: a run must not depend on the order of a map.

type subject struct {
	name   string
	groups map[string]*group
	list   []*group
}

// group has first what every event needs, side by side.
type group struct {
	members  []*Subscription
	first    [1]*Subscription // where members lie as long as there is one
	laggards []*Subscription  // members that get events from the trail
	trail    *trail           // nil while there are none

	name    string
	subject *subject // nil while there are no members
	pos     int      // in subject.list
}

type tables struct {
	subjects map[string]*subject
	recent   *subject // the last one looked up; most engines have few subjects
	groups   int
	members  int
}

// subject finds the subject of that name; nil means that nobody listens.
func (t *tables) subject(name string) *subject {
	if t.recent != nil && t.recent.name == name {
		return t.recent
	}
	s := t.subjects[name]
	if s != nil {
		t.recent = s
	}
	return s
}

// join makes s a member of its group, making group and subject when they are new.
func (t *tables) join(j *joining) {
	sub := t.subject(j.subject)
	if sub == nil {
		sub = &subject{name: j.subject, groups: make(map[string]*group)}
		t.subjects[j.subject] = sub
	}
	g := j.at
	if g == nil {
		g = sub.groups[j.group]
	}
	if g == nil {
		g = &group{name: j.group}
	}
	if g.subject == nil {
		g.subject, g.pos, g.members = sub, len(sub.list), g.first[:0]
		sub.groups[g.name] = g
		sub.list = append(sub.list, g)
		t.groups++
	}
	s := j.s
	s.group, s.pos = g, int32(len(g.members))
	g.members = append(g.members, s)
	t.members++
}

// leave removes s, which doesn't lag, and prunes what it leaves empty. The last member takes the
// place of s.
func (t *tables) leave(s *Subscription) {
	g := s.group
	g.members = swapOut(g.members, int(s.pos), movedTo(s.pos))
	s.group = nil
	t.members--
	if len(g.members)+len(g.laggards) > 0 {
		return
	}
	sub := g.subject
	g.subject = nil
	delete(sub.groups, g.name)
	sub.list = swapOut(sub.list, g.pos, func(moved *group) { moved.pos = g.pos })
	t.groups--
	if len(sub.list) > 0 {
		return
	}
	delete(t.subjects, sub.name)
	if t.recent == sub {
		t.recent = nil
	}
}

// everyone is all members, in an order that depends only on who came and went.
func (t *tables) everyone() []*Subscription {
	all := make([]*Subscription, 0, t.members)
	for _, name := range slices.Sorted(maps.Keys(t.subjects)) {
		for _, g := range t.subjects[name].list {
			all = append(append(all, g.members...), g.laggards...)
		}
	}
	return all
}

// movedTo is for swapOut.
func movedTo(pos int32) func(*Subscription) { return func(s *Subscription) { s.pos = pos } }

// swapOut removes element i by moving the last one there.
func swapOut[T any](list []*T, i int, moved func(*T)) []*T {
	last := len(list) - 1
	if i != last {
		list[i] = list[last]
		moved(list[i])
	}
	list[last] = nil
	return list[:last]
}

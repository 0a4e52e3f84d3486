package notify

// directory knows on which shards the members of each group live, so that an event goes to no
// other. A small group lives on one shard, where one worker serves it out of one cache; a large one
// is spread over all of them. It belongs to its processor's lock.
type directory struct {
	shards   int
	next     int // the shard of the next new group
	subjects map[string]*places
	recent   *places // those looked up last; most engines have few subjects
}

// places is where the groups of a subject live.
type places struct {
	subject string
	groups  map[string]place
	only    int  // the shard of the only group…
	known   bool // …if that has been looked up
}

// place is where a group lives.
type place struct {
	members int32  // that have subscribed, and that their shard has not let go of
	home    int32  // the shard of the first ones
	at      *group // there; for the shard alone to look into
	spread  bool   // there were more than fit there; until the last one has left
}

// smallGroup is how many members live on one shard.
const smallGroup = 128

func newDirectory(shards int) directory {
	return directory{shards: shards, subjects: make(map[string]*places)}
}

// of finds the places of a subject; nil if it has none.
func (d *directory) of(subject string) *places {
	if d.recent != nil && d.recent.subject == subject {
		return d.recent
	}
	ps := d.subjects[subject]
	if ps != nil {
		d.recent = ps
	}
	return ps
}

// join gives the shard of a new member, and the group there unless that is the shard's to make.
func (d *directory) join(subject, name string) (shard int, g *group) {
	ps := d.of(subject)
	if ps == nil {
		ps = &places{subject: subject, groups: make(map[string]place)}
		d.subjects[subject] = ps
	}
	p, ok := ps.groups[name]
	if !ok {
		p.home, p.at = int32(d.next), &group{name: name}
		d.next = (d.next + 1) % d.shards
	}
	shard = int(p.home)
	if p.members >= smallGroup || p.spread {
		p.spread = true
		shard = (shard + int(p.members)) % d.shards
	}
	p.members++
	ps.groups[name], ps.known = p, false
	if shard != int(p.home) {
		return shard, nil
	}
	return shard, p.at
}

// leave forgets a member.
func (d *directory) leave(subject, group string) {
	ps := d.of(subject)
	p := ps.groups[group]
	ps.known = false
	if p.members--; p.members > 0 {
		ps.groups[group] = p
		return
	}
	if delete(ps.groups, group); len(ps.groups) == 0 {
		delete(d.subjects, subject)
		d.recent = nil
	}
}

// all stands for every shard.
const all = -1

// find gives the shard on which all members of the groups live, or all, and the group if one on one
// shard is named. An event that nobody hears goes to all, too: its way ends there, and it takes its
// place in the queues until then.
func (d *directory) find(subject string, groups []string) (shard int, g *group) {
	ps := d.of(subject)
	if ps == nil {
		return all, nil
	}
	switch len(groups) {
	case 0:
		return ps.everybody(), nil
	case 1:
		if p, known := ps.groups[groups[0]]; known {
			return p.find()
		}
		return all, nil
	}
	shard = all
	for _, name := range groups {
		p, known := ps.groups[name]
		if !known {
			continue
		}
		if p.spread || shard != all && shard != int(p.home) {
			return all, nil
		}
		shard = int(p.home)
	}
	return shard, nil
}

// everybody is the shard of the only group; with more than one it isn't worth a search.
func (ps *places) everybody() int {
	if len(ps.groups) > 1 {
		return all
	}
	if !ps.known {
		for _, p := range ps.groups {
			ps.only, _ = p.find()
		}
		ps.known = true
	}
	return ps.only
}

func (p place) find() (shard int, g *group) {
	if p.spread {
		return all, nil
	}
	return int(p.home), p.at
}

package registry

import (
	"cmp"
	"slices"
)

// The index resolves rules in both directions without looking at services or rules that can't
// match. A family is what a rule names (all versions of a service, or "*"); a party is what owns
// rules (one version, registered or not yet); an edge is one rule, and hangs in both.

type family struct {
	name     Key
	services []*entry // by version, so that the last is the latest
	edges    []*edge  // in no order
	choosy   int      // services with visibility rules
	version  uint64   // counts what a Find could notice: services, visibility, instances
}

type party struct {
	identity Key
	service  *entry // nil until it is registered
	edges    []*edge
}

type edge struct {
	party  *party
	family *family
	rule   Rule
	pos    int // in family.edges, so that removing costs O(1) among ten thousands of consumers
}

// entry is a registered service: its record, its place in the index, its instances.
type entry struct {
	service *Service
	version Version
	family  *family
	party   *party

	consumers resolved
	providers resolved
	instances instanceSet
	listed    listed // what Find has made of the instances

	tags        map[string]string
	tagsVersion uint64 // counts their changes
	visibility  visibility
}

// resolved is a cached answer: ids holds as long as the index is of this generation.
type resolved struct {
	generation uint64
	ids        []string
}

func (r *resolved) get(generation uint64, resolve func() []string) []string {
	if r.generation != generation {
		// An equal answer keeps the old slice: holders of it needn't notice.
		if ids := resolve(); !slices.Equal(ids, r.ids) {
			r.ids = ids
		}
		r.generation = generation
	}
	return r.ids
}

type index struct {
	services   map[string]*entry // by id
	families   map[Key]*family
	parties    map[Key]*party
	choosy     int    // services with visibility rules: most worlds have none
	generation uint64 // of services and rules; starts at 1, so that no zero resolved looks fresh
}

func newIndex() index {
	return index{
		services:   map[string]*entry{},
		families:   map[Key]*family{},
		parties:    map[Key]*party{},
		generation: 1,
	}
}

func (x *index) addService(s *Service, v Version) {
	e := &entry{service: s, version: v, family: x.familyOf(s.family()), party: x.partyOf(s.Key)}
	e.party.service = e
	at, _ := e.family.find(e)
	e.family.services = slices.Insert(e.family.services, at, e)
	x.services[s.ID] = e
	e.family.version++
	x.generation++
}

// removeService takes the service's own rules with it, so that coming and going leaves nothing.
func (x *index) removeService(e *entry) {
	x.setEdges(e.party, nil)
	x.setVisibility(e, visibility{})
	e.party.service = nil
	at, _ := e.family.find(e)
	e.family.services = slices.Delete(e.family.services, at, at+1)
	delete(x.services, e.service.ID)
	x.pruneParty(e.party)
	x.pruneFamily(e.family)
	x.generation++
}

func (x *index) setRules(consumer Key, wants []want) {
	p := x.partyOf(consumer)
	edges := make([]*edge, len(wants))
	for i, w := range wants {
		edges[i] = &edge{party: p, family: x.familyOf(w.family), rule: w.rule}
	}
	x.setEdges(p, edges)
	x.pruneParty(p)
	x.generation++
}

// wantsOf gives the rules of a consumer in the order they came.
func (x *index) wantsOf(consumer Key) []want {
	p := x.parties[consumer.identity()]
	if p == nil {
		return nil
	}
	wants := make([]want, len(p.edges))
	for i, d := range p.edges {
		wants[i] = want{d.family.name, d.rule}
	}
	return wants
}

func (x *index) setVisibility(e *entry, v visibility) {
	if len(e.visibility.rules) > 0 {
		x.choosy--
		e.family.choosy--
	}
	if len(v.rules) > 0 {
		x.choosy++
		e.family.choosy++
	}
	e.visibility = v
	e.family.version++ // also when the service goes
	x.generation++
}

// setEdges hangs in the new edges before it takes out the old ones, so that no family that both
// name is pruned between.
func (x *index) setEdges(p *party, edges []*edge) {
	old := p.edges
	p.edges = edges
	for _, e := range edges {
		e.pos = len(e.family.edges)
		e.family.edges = append(e.family.edges, e)
	}
	for _, e := range old {
		f := e.family
		last := len(f.edges) - 1
		f.edges[e.pos] = f.edges[last]
		f.edges[e.pos].pos = e.pos
		f.edges[last] = nil
		f.edges = f.edges[:last]
		x.pruneFamily(f)
	}
}

// consumersOf resolves who wants e and may see it.
func (x *index) consumersOf(e *entry) []string {
	ids := x.matchedBy(e)
	if len(e.visibility.rules) == 0 {
		return ids
	}
	return slices.Clip(slices.DeleteFunc(ids, func(id string) bool {
		return !e.visibility.admits(x.services[id])
	}))
}

// matchedBy resolves who wants e: rules that name its family and take its version, and "*".
func (x *index) matchedBy(e *entry) []string {
	var ids []string
	latest := e.family.latest()
	for _, d := range e.family.edges {
		if d.party.service != nil && d.rule.Match(e.version, latest) {
			ids = append(ids, d.party.service.service.ID)
		}
	}
	if all := x.families[e.service.everything()]; all != nil {
		for _, d := range all.edges {
			if d.party.service != nil {
				ids = append(ids, d.party.service.service.ID)
			}
		}
	}
	return sortedSet(ids)
}

// providersOf resolves whom e wants and may see.
func (x *index) providersOf(e *entry) []string {
	ids := x.matching(e)
	if x.choosy == 0 {
		return ids
	}
	return slices.Clip(slices.DeleteFunc(ids, func(id string) bool {
		return !x.services[id].visibility.admits(e)
	}))
}

// matching resolves whom e wants.
func (x *index) matching(e *entry) []string {
	var ids []string
	for _, d := range e.party.edges {
		if d.family.name.Name == everyService {
			ids = append(ids, x.everyServiceOf(d.family.name)...)
			continue
		}
		for _, p := range d.family.services {
			if d.rule.Match(p.version, d.family.latest()) {
				ids = append(ids, p.service.ID)
			}
		}
	}
	return sortedSet(ids)
}

// everyServiceOf walks all services: "*" is rare, and its answer is about as long as the walk.
func (x *index) everyServiceOf(everything Key) []string {
	var ids []string
	for id, p := range x.services {
		if p.service.everything() == everything {
			ids = append(ids, id)
		}
	}
	return ids
}

func (x *index) familyOf(name Key) *family {
	f := x.families[name]
	if f == nil {
		f = &family{name: name}
		x.families[name] = f
	}
	return f
}

func (x *index) partyOf(k Key) *party {
	identity := k.identity()
	p := x.parties[identity]
	if p == nil {
		p = &party{identity: identity}
		x.parties[identity] = p
	}
	return p
}

func (x *index) pruneFamily(f *family) {
	if len(f.services) == 0 && len(f.edges) == 0 {
		delete(x.families, f.name)
	}
}

func (x *index) pruneParty(p *party) {
	if p.service == nil && len(p.edges) == 0 {
		delete(x.parties, p.identity)
	}
}

// latest is the highest version there is; 0 if there is none.
func (f *family) latest() Version {
	if len(f.services) == 0 {
		return 0
	}
	return f.services[len(f.services)-1].version
}

func (f *family) find(e *entry) (int, bool) {
	return slices.BinarySearchFunc(f.services, e, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.version, b.version),
			cmp.Compare(a.service.ID, b.service.ID))
	})
}

func sortedSet(ids []string) []string {
	slices.Sort(ids)
	return slices.Clip(slices.Compact(ids))
}

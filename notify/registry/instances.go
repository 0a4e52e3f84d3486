package registry

import (
	"slices"
	"strings"
)

// Register adds an instance: CREATE, or UPDATE if it is known. An empty Status becomes UP, an
// empty Version its service's, a zero Timestamp that of the known instance. The registry keeps
// Endpoints, Properties, HealthCheck and DataCenter, which must not change any more.
func (r *Registry) Register(in Instance) (Change, error) { return r.put(in) }

// Update replaces what is known of an instance: UPDATE, or CREATE if it is unknown. The defaults
// are those of Register.
func (r *Registry) Update(in Instance) (Change, error) { return r.put(in) }

func (r *Registry) put(in Instance) (Change, error) {
	if in.ID == "" {
		return Change{}, invalid("ID", in.ID, "the instance's id, not empty")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[in.ServiceID]
	if e == nil {
		return Change{}, unknownService(in.ServiceID)
	}
	in.ServiceID = e.service.ID // one string for all its instances
	if in.Version == "" {
		in.Version = e.service.Version
	}
	if in.Status == "" {
		in.Status = StatusUp
	}
	known := e.instances.get(in.ID)
	if r.leases != nil {
		r.leases.put(&in)
	}
	if known == nil {
		e.instances.add(&in)
		return r.changeLocked(Create, e, &in), nil
	}
	in.ID = known.ID // as for ServiceID
	if in.Timestamp == 0 {
		in.Timestamp = known.Timestamp
	}
	e.instances.replace(&in)
	return r.changeLocked(Update, e, &in), nil
}

// Deregister removes an instance: DELETE, with its last state.
func (r *Registry) Deregister(serviceID, instanceID string) (Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil {
		return Change{}, unknownService(serviceID)
	}
	in := e.instances.remove(instanceID)
	if in == nil {
		return Change{}, unknownInstance(serviceID, instanceID)
	}
	r.leases.drop(in)
	return r.changeLocked(Delete, e, in), nil
}

// Instances gives the instances of a service; nil if it is unknown. The order follows from the
// history of the service and means nothing. The slice is shared and must not be modified; it
// stays as it is when instances change.
func (r *Registry) Instances(serviceID string) []*Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return e.instances.share()
	}
	return nil
}

// Instance gives the record of an instance; nil if it or its service is unknown.
func (r *Registry) Instance(serviceID, instanceID string) *Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return e.instances.get(instanceID)
	}
	return nil
}

// CountInstances says how many a service has; 0 if it is unknown.
func (r *Registry) CountInstances(serviceID string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return len(e.instances.list)
	}
	return 0
}

// Pick gives instance n, modulo their number, of a service, in the order of Instances but without
// copying; nil if there is none. A random n makes it a fair pick.
func (r *Registry) Pick(serviceID string, n uint64) *Instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil || len(e.instances.list) == 0 {
		return nil
	}
	return e.instances.list[n%uint64(len(e.instances.list))]
}

// changeLocked counts a revision and says what happened at it.
func (r *Registry) changeLocked(action Action, e *entry, in *Instance) Change {
	r.revision++
	e.instances.revision = r.revision
	e.family.version++
	e.listed.note(action, in, r.revision, len(e.instances.list))
	return Change{
		Action:    action,
		Service:   e.service,
		Instance:  in,
		Revision:  r.revision,
		Consumers: r.consumersLocked(e),
	}
}

// instanceSet holds the instances of one service: a dense list, to be handed out and picked from,
// and the position of each id in it.
type instanceSet struct {
	list     []*Instance
	pos      map[string]int32
	shared   bool  // list was handed out: copy it before the next change
	revision int64 // at which it last changed
}

func (s *instanceSet) get(id string) *Instance {
	if at, ok := s.pos[id]; ok {
		return s.list[at]
	}
	return nil
}

func (s *instanceSet) add(in *Instance) {
	if s.pos == nil {
		s.pos = map[string]int32{}
	}
	// Appending needs no copy: those who hold the list see only its old length.
	s.pos[in.ID] = int32(len(s.list))
	s.list = append(s.list, in)
}

func (s *instanceSet) replace(in *Instance) {
	s.own()
	s.list[s.pos[in.ID]] = in
}

// remove fills the gap with the last instance, so that it costs the same in a large service.
func (s *instanceSet) remove(id string) *Instance {
	at, ok := s.pos[id]
	if !ok {
		return nil
	}
	s.own()
	gone, last := s.list[at], len(s.list)-1
	s.list[at] = s.list[last]
	s.pos[s.list[at].ID] = at
	s.list[last] = nil
	s.list = s.list[:last]
	delete(s.pos, id)
	return gone
}

func (s *instanceSet) share() []*Instance {
	s.shared = true
	return slices.Clip(s.list)
}

// sorted gives a copy in the order of the ids.
func (s *instanceSet) sorted() []*Instance {
	list := slices.Clone(s.list)
	slices.SortFunc(list, func(a, b *Instance) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func (s *instanceSet) own() {
	if s.shared {
		s.list, s.shared = slices.Clone(s.list), false
	}
}

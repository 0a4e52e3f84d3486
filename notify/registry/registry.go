package registry

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Registry is the truth about services, instances and rules. See the package documentation.
type Registry struct {
	mu       sync.Mutex
	revision int64
	index    index
	leases   *leases // nil until KeepLeases

	notesDeleted bool
	deleted      []string // services that are gone, for the hub to take
}

// New makes an empty registry at revision 0.
func New() *Registry { return &Registry{index: newIndex()} }

// PutService registers a service, or replaces the record of a known one. Its key must be that of
// no other service, and can't change while the service exists. The registry keeps Properties.
//
// A new highest version takes the place of the one before under "latest": it returns one EXPIRE of
// that to those who don't see it any more.
func (r *Registry) PutService(s Service) ([]Change, error) {
	if s.ID == "" {
		return nil, invalid("ID", s.ID, "the service's id, not empty")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	version, err := ParseVersion(s.Version)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.index.services[s.ID]
	if known != nil && known.service.identity() != s.identity() {
		return nil, fmt.Errorf("%w: ID %q: want an id that is free, this one is of %s",
			ErrConflict, s.ID, known.service.Key)
	}
	if p := r.index.parties[s.identity()]; known == nil && p != nil && p.service != nil {
		return nil, fmt.Errorf("%w: Key %s: want a key that is free, this one is of service %q",
			ErrConflict, s.Key, p.service.service.ID)
	}
	r.revision++
	if known != nil {
		known.service = &s
		return nil, nil
	}
	before := r.latestLocked(s.family(), nil)
	r.index.addService(&s, version)
	return r.supersededLocked(before), nil
}

// DeleteService removes a service, its instances and the rules it has as a consumer. It returns
// one DELETE per instance, in the order of their ids. Where another version becomes the highest, an
// UPDATE of each of its instances follows, to those who see it now under "latest".
func (r *Registry) DeleteService(id string) ([]Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[id]
	if e == nil {
		return nil, unknownService(id)
	}
	gone := e.instances.sorted()
	changes := make([]Change, len(gone))
	for i, in := range gone {
		changes[i] = r.changeLocked(Delete, e, in)
		r.leases.drop(in)
	}
	before := r.latestLocked(e.service.family(), e)
	r.revision++
	r.index.removeService(e)
	if r.notesDeleted {
		r.deleted = append(r.deleted, id)
	}
	return append(changes, r.restoredLocked(before)...), nil
}

// Consumers gives the ids of the services whose rules match this one; nil if it is unknown.
func (r *Registry) Consumers(serviceID string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return r.consumersLocked(e)
	}
	return nil
}

// Providers gives the ids of the services that match this one's rules; nil if it is unknown.
func (r *Registry) Providers(consumerID string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[consumerID]; e != nil {
		return r.providersLocked(e)
	}
	return nil
}

// Service gives the record of a service; nil if it is unknown.
func (r *Registry) Service(id string) *Service {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[id]; e != nil {
		return e.service
	}
	return nil
}

// ServiceByKey gives the record of the service that has this key, whose alias plays no part; nil if
// there is none. A version must be in the same words: 1.0 and 1.0.0 are two services.
func (r *Registry) ServiceByKey(k Key) *Service {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.index.parties[k.identity()]; p != nil && p.service != nil {
		return p.service.service
	}
	return nil
}

// ServicesOf gives the versions of a service that a rule takes, the lowest first. Version and Alias
// of the key play no part.
func (r *Registry) ServicesOf(provider Key, rule Rule) []*Service {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.index.families[provider.family()]
	if f == nil {
		return nil
	}
	var taken []*Service
	for _, e := range f.services {
		if rule.Match(e.version, f.latest()) {
			taken = append(taken, e.service)
		}
	}
	return taken
}

// CountServices says how many there are, of all tenants.
func (r *Registry) CountServices() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.index.services)
}

// Services gives the records of all services, by id.
func (r *Registry) Services() []*Service {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*Service, 0, len(r.index.services))
	for _, e := range r.index.services {
		all = append(all, e.service)
	}
	slices.SortFunc(all, func(a, b *Service) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Revision counts the changes so far.
func (r *Registry) Revision() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revision
}

// View is a consistent cut of the registry as a consumer sees it.
type View struct {
	Revision int64         // of the registry; what is in here is no newer, what isn't is
	Services []ServiceView // the consumer's providers, by id
}

// ServiceView is a provider with its instances.
type ServiceView struct {
	Service   *Service
	Revision  int64       // at which its instances last changed; 0 if they never did
	Instances []*Instance // shared, not to modify; in the order of Registry.Instances
}

// View gives what a consumer sees: list it, and all later changes have a higher revision.
func (r *Registry) View(consumerID string) (View, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[consumerID]
	if e == nil {
		return View{}, unknownService(consumerID)
	}
	ids := r.providersLocked(e)
	v := View{Revision: r.revision, Services: make([]ServiceView, len(ids))}
	for i, id := range ids {
		p := r.index.services[id]
		v.Services[i] = ServiceView{p.service, p.instances.revision, p.instances.share()}
	}
	return v, nil
}

func (r *Registry) consumersLocked(e *entry) []string {
	return e.consumers.get(r.index.generation, func() []string { return r.index.consumersOf(e) })
}

func (r *Registry) providersLocked(e *entry) []string {
	return e.providers.get(r.index.generation, func() []string { return r.index.providersOf(e) })
}

// noteDeleted has DeleteService note for takeDeleted which services it removes.
func (r *Registry) noteDeleted(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notesDeleted = on
}

func (r *Registry) takeDeleted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := r.deleted
	r.deleted = nil
	return ids
}

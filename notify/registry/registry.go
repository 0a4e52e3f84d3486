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
}

// New makes an empty registry at revision 0.
func New() *Registry { return &Registry{index: newIndex()} }

// PutService registers a service, or replaces the record of a known one. Its key must be that of
// no other service, and can't change while the service exists. The registry keeps Properties.
func (r *Registry) PutService(s Service) error {
	if s.ID == "" {
		return invalid("ID", s.ID, "the service's id, not empty")
	}
	if err := s.Validate(); err != nil {
		return err
	}
	version, err := ParseVersion(s.Version)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.index.services[s.ID]
	if known != nil && known.service.identity() != s.identity() {
		return fmt.Errorf("%w: ID %q: want an id that is free, this one is of %s",
			ErrConflict, s.ID, known.service.Key)
	}
	if p := r.index.parties[s.identity()]; known == nil && p != nil && p.service != nil {
		return fmt.Errorf("%w: Key %s: want a key that is free, this one is of service %q",
			ErrConflict, s.Key, p.service.service.ID)
	}
	r.revision++
	if known != nil {
		known.service = &s
		return nil
	}
	r.index.addService(&s, version)
	return nil
}

// DeleteService removes a service, its instances and the rules it has as a consumer. It returns
// one DELETE per instance, in the order of their ids.
func (r *Registry) DeleteService(id string) ([]Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[id]
	if e == nil {
		return nil, unknownService(id)
	}
	gone := slices.Clone(e.instances.list)
	slices.SortFunc(gone, func(a, b *Instance) int { return strings.Compare(a.ID, b.ID) })
	changes := make([]Change, len(gone))
	for i, in := range gone {
		changes[i] = r.changeLocked(Delete, e, in)
		r.leases.drop(in)
	}
	r.revision++
	r.index.removeService(e)
	return changes, nil
}

// SetDependencies replaces the rules of a consumer, which is named by its whole key and needn't
// exist yet; without providers it has no rules any more. A provider without a tenant is one of
// the consumer's. If one rule is wrong, none is set.
func (r *Registry) SetDependencies(consumer Key, providers []Key) error {
	if err := consumer.Validate(); err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	names, rules := make([]Key, len(providers)), make([]Rule, len(providers))
	for i, p := range providers {
		if err := p.ValidateRule(consumer.Tenant); err != nil {
			return fmt.Errorf("providers[%d]: %w", i, err)
		}
		p.Tenant = consumer.Tenant
		if p.Name == everyService {
			names[i] = p.everything()
			continue
		}
		rule, err := ParseRule(p.Version)
		if err != nil {
			return fmt.Errorf("providers[%d]: %w", i, err)
		}
		names[i], rules[i] = p.family(), rule
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revision++
	r.index.setRules(consumer, names, rules)
	return nil
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

package sim

import (
	"fmt"
	"math/rand/v2"
	"sort"

	"github.com/notifylab/notifylab/notify/registry"
)

// World is a topology come to life: a filled registry, the groups of watchers, and the providers
// whose changes they hear of. Groups and Providers say what was built and don't follow what
// changes afterwards; the truth is the Registry.
type World struct {
	Registry  *registry.Registry
	Groups    []Group    // in the order of the topology
	Providers []Provider // in the order of the topology
	Instances int        // registered at the beginning, of all services
	Edges     int        // (consumer, provider) pairs of services, as the rules resolve

	makers map[string]*instanceMaker // by service id
	until  []int                     // instances of Providers up to and including this one
}

// Group is a consuming service, one with at least one provider, and all its watchers.
type Group struct {
	ServiceID string
	Watchers  int
}

// Provider is a service that has consumers and began with instances.
type Provider struct {
	ServiceID string
	Instances []string // ids, as it began
}

// instancesMax is what the addresses 10.0.0.0/8 of synthesised instances suffice for.
const instancesMax = 1 << 24

// consumersMax is some times what one machine has the memory for.
const consumersMax = 1 << 26

// Build makes a world of its own, with this many consumers and provider instances.
//
// The consumers are watchers. Each consuming service gets its share of them, in proportion to its
// instances in the topology by largest remainder, and at least one if there are enough. Without
// any instance all groups count the same.
//
// With providers 0, or as many as there are, the topology's instances are registered as they are.
// Any other number scales them in the same proportion by largest remainder, at least one for each
// service that has any; then all are synthesised by the service's own pattern (see NewInstance).
//
// A number that can't be met is an ErrWorld that names it.
func (t *Topology) Build(consumers, providers int) (*World, error) {
	if err := checkConsumers(consumers); err != nil {
		return nil, err
	}
	counts, err := t.scale(providers)
	if err != nil {
		return nil, err
	}
	w := &World{Registry: registry.New(), makers: make(map[string]*instanceMaker, len(t.Services))}
	// Services and rules first, so that resolving who consumes whom happens once.
	for i := range t.Services {
		s := &t.Services[i]
		if _, err := w.Registry.PutService(s.Service); err != nil {
			return nil, fmt.Errorf("%w: %s: Services[%d]: %w", ErrWorld, t.Name, i, err)
		}
		w.makers[s.Service.ID] = newInstanceMaker(i, s, uint32(w.Instances))
		w.Instances += counts[i]
	}
	for i, rule := range t.Rules {
		if _, err := w.Registry.SetDependencies(rule.Consumer, rule.Providers); err != nil {
			return nil, fmt.Errorf("%w: %s: Rules[%d]: %w", ErrWorld, t.Name, i, err)
		}
	}
	asIs := w.Instances == t.TotalInstances()
	for i := range t.Services {
		if err := w.fill(&t.Services[i], counts[i], asIs); err != nil {
			return nil, fmt.Errorf("%w: %s: Services[%d]: %w", ErrWorld, t.Name, i, err)
		}
	}
	if err := w.group(t, consumers); err != nil {
		return nil, err
	}
	return w, nil
}

// Check reports what Build would refuse for these numbers, without the work of building.
func (t *Topology) Check(consumers, providers int) error {
	if err := checkConsumers(consumers); err != nil {
		return err
	}
	_, err := t.scale(providers)
	return err
}

func checkConsumers(n int) error {
	if n < 0 || n > consumersMax {
		return fmt.Errorf("%w: consumers %d: want 0 to %d", ErrWorld, n, consumersMax)
	}
	return nil
}

// scale says how many instances each service gets.
func (t *Topology) scale(providers int) ([]int, error) {
	var counts []int
	var owners []int // services that have any
	var weights []int64
	for i, s := range t.Services {
		if s.Instances < 0 || (s.Real != nil && len(s.Real) != s.Instances) {
			return nil, fmt.Errorf("%w: %s: Services[%d].Instances %d: want 0 or more, "+
				"and the number of Real where there are any", ErrWorld, t.Name, i, s.Instances)
		}
		counts = append(counts, s.Instances)
		if s.Instances > 0 {
			owners, weights = append(owners, i), append(weights, int64(s.Instances))
		}
	}
	switch {
	case providers == 0:
		return counts, nil
	case providers < len(owners) || providers > instancesMax:
		return nil, fmt.Errorf("%w: providers %d: want 0 for the %d of %s, or from %d "+
			"(one for each service that has any) to %d",
			ErrWorld, providers, t.TotalInstances(), t.Name, len(owners), instancesMax)
	case len(owners) == 0:
		return nil, fmt.Errorf("%w: providers %d: want 0, for %s has no instances to scale",
			ErrWorld, providers, t.Name)
	}
	for i, n := range apportion(providers, weights, 1) {
		counts[owners[i]] = n
	}
	return counts, nil
}

// fill registers the instances of a service and notes it if it is a provider.
func (w *World) fill(s *ServiceSpec, count int, asIs bool) error {
	id := s.Service.ID
	wanted := len(w.Registry.Consumers(id)) > 0 && count > 0
	var ids []string
	if wanted {
		ids = make([]string, count)
	}
	for n := range count {
		var in registry.Instance
		if asIs && s.Real != nil {
			in = s.Real[n]
		} else {
			in = w.makers[id].instance(n)
		}
		if _, err := w.Registry.Register(in); err != nil {
			return err
		}
		if wanted {
			ids[n] = in.ID
		}
	}
	if wanted {
		before := 0
		if len(w.until) > 0 {
			before = w.until[len(w.until)-1]
		}
		w.Providers = append(w.Providers, Provider{id, ids})
		w.until = append(w.until, before+count)
	}
	return nil
}

// group divides the consumers among the consuming services.
func (w *World) group(t *Topology, consumers int) error {
	var weights []int64
	for i := range t.Services {
		s := &t.Services[i]
		providers := w.Registry.Providers(s.Service.ID)
		if len(providers) == 0 {
			continue
		}
		w.Edges += len(providers)
		w.Groups = append(w.Groups, Group{ServiceID: s.Service.ID})
		weights = append(weights, int64(s.Instances))
	}
	if len(w.Groups) == 0 && consumers > 0 {
		return fmt.Errorf("%w: consumers %d: want 0, for no service of %s depends on another",
			ErrWorld, consumers, t.Name)
	}
	floor := 0
	if consumers >= len(w.Groups) {
		floor = 1
	}
	for i, n := range apportion(consumers, weights, floor) {
		w.Groups[i].Watchers = n
	}
	return nil
}

// Pick draws an instance that is registered now. First it draws one of Providers, each as likely
// as the number of instances it began with, then any instance of that one. It says which provider,
// even if that one has no instance left (nil); it is -1 if there are no providers at all.
func (w *World) Pick(rng *rand.Rand) (provider int, in *registry.Instance) {
	if len(w.until) == 0 {
		return -1, nil
	}
	n := rng.IntN(w.until[len(w.until)-1])
	provider = sort.SearchInts(w.until, n+1)
	return provider, w.Registry.Pick(w.Providers[provider].ServiceID, rng.Uint64())
}

// NewInstance synthesises instance number n of a service: always the same for the same world,
// service and number, unique among the synthesised ones, and not registered by this. Build has
// registered those numbered below the service's count where it synthesised. A service from a dump
// gives the pattern by its first instance: properties, health check, scheme and port.
func (w *World) NewInstance(serviceID string, n int) (registry.Instance, error) {
	m := w.makers[serviceID]
	if m == nil {
		return registry.Instance{}, fmt.Errorf("%w: ServiceID %q: want a service of this world",
			registry.ErrUnknownService, serviceID)
	}
	if n < 0 {
		return registry.Instance{}, fmt.Errorf("%w: n %d: want 0 or more", ErrWorld, n)
	}
	return m.instance(n), nil
}

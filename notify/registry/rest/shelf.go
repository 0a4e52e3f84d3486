package rest

import (
	"maps"
	"slices"
	"sync"

	"github.com/notifylab/notifylab/notify/registry"
)

// shelf keeps what clients store with a service and the registry doesn't give back. It is written
// only where the hub makes changes, so that what belongs together changes together; so the lock is
// for readers. Maps and slices in it are replaced, never changed: readers keep what they got.
type shelf struct {
	schemaBytesMax int

	mu          sync.RWMutex
	byID        map[string]*stored
	ids         map[registry.Key]string // by identity; may be out of date
	schemaBytes int
}

// stored is what is kept for one service.
type stored struct {
	key     registry.Key // its identity
	schemas map[string]schema
	tags    map[string]string
	rules   []rule
}

func newShelf(schemaBytesMax int) shelf {
	return shelf{schemaBytesMax: schemaBytesMax,
		byID: map[string]*stored{}, ids: map[registry.Key]string{}}
}

// open makes a place for a service that exists.
func (s *shelf) open(id string, k registry.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placeLocked(id, k)
}

func (s *shelf) placeLocked(id string, k registry.Key) *stored {
	at := s.byID[id]
	if at == nil {
		at = &stored{key: identity(k)}
		s.byID[id] = at
		s.ids[at.key] = id
	}
	return at
}

// forget makes room. The id of a key is left alone where it belongs to a later service.
func (s *shelf) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.byID[id]
	if at == nil {
		return
	}
	for _, sc := range at.schemas {
		s.schemaBytes -= sc.bytes()
	}
	delete(s.byID, id)
	if s.ids[at.key] == id {
		delete(s.ids, at.key)
	}
}

// idOf gives the id that a key had when it was last seen; the caller checks that it still has.
func (s *shelf) idOf(k registry.Key) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ids[identity(k)]
}

// of gives what is kept for a service, which is nothing for an unknown one.
func (s *shelf) of(id string) stored {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if at := s.byID[id]; at != nil {
		return *at
	}
	return stored{}
}

// setTags keeps tags, which become the shelf's.
func (s *shelf) setTags(of *registry.Service, tags map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placeLocked(of.ID, of.Key).tags = tags
}

// setRules keeps rules, which become the shelf's.
func (s *shelf) setRules(of *registry.Service, rules []rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placeLocked(of.ID, of.Key).rules = rules
}

// setSchemas adds or replaces schemas, all or none.
func (s *shelf) setSchemas(of *registry.Service, schemas []schema) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.placeLocked(of.ID, of.Key)
	changed := maps.Clone(at.schemas)
	if changed == nil {
		changed = map[string]schema{}
	}
	bytes := s.schemaBytes
	for _, sc := range schemas {
		bytes += sc.bytes() - changed[sc.ID].bytes()
		changed[sc.ID] = sc
	}
	if bytes > s.schemaBytesMax {
		return fail(CodeNotEnoughQuota, "schemas: want at most %d bytes of all services together",
			s.schemaBytesMax)
	}
	at.schemas, s.schemaBytes = changed, bytes
	return nil
}

// dropSchema says whether it was there.
func (s *shelf) dropSchema(serviceID, schemaID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.byID[serviceID]
	if at == nil {
		return false
	}
	gone, ok := at.schemas[schemaID]
	at.schemas = maps.Clone(at.schemas)
	delete(at.schemas, schemaID)
	s.schemaBytes -= gone.bytes()
	return ok
}

// sortedSchemas are by id.
func (s stored) sortedSchemas() []schema {
	list := []schema{}
	for _, id := range slices.Sorted(maps.Keys(s.schemas)) {
		list = append(list, s.schemas[id])
	}
	return list
}

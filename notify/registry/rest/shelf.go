package rest

import (
	"maps"
	"slices"
	"sync"

	"github.com/notifylab/notifylab/notify/registry"
)

// shelf keeps the schemas of services, about which the registry knows nothing. It is written only
// where the hub makes changes, so that a schema never comes to a service that is gone; so the lock
// is for readers. The maps in it are replaced, never changed: readers keep what they got.
type shelf struct {
	schemaBytesMax int

	mu          sync.RWMutex
	byService   map[string]map[string]schema // by service id and schema id
	schemaBytes int
}

func newShelf(schemaBytesMax int) shelf {
	return shelf{schemaBytesMax: schemaBytesMax, byService: map[string]map[string]schema{}}
}

// forget makes room.
func (s *shelf) forget(serviceID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sc := range s.byService[serviceID] {
		s.schemaBytes -= sc.bytes()
	}
	delete(s.byService, serviceID)
}

// of gives the schemas of a service by their ids: none for an unknown one.
func (s *shelf) of(serviceID string) map[string]schema {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byService[serviceID]
}

// put adds or replaces schemas, all or none. The quota is of all services together: what must be
// bounded is the memory of the server, and a few services may well need most of it.
func (s *shelf) put(of *registry.Service, schemas []schema) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := maps.Clone(s.byService[of.ID])
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
	s.byService[of.ID], s.schemaBytes = changed, bytes
	return nil
}

// drop takes a schema away, if it is there.
func (s *shelf) drop(serviceID, schemaID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone, ok := s.byService[serviceID][schemaID]
	if !ok {
		return
	}
	left := maps.Clone(s.byService[serviceID])
	delete(left, schemaID)
	s.byService[serviceID] = left
	s.schemaBytes -= gone.bytes()
}

// sorted are schemas by id.
func sorted(schemas map[string]schema) []schema {
	list := []schema{} // never null in JSON
	for _, id := range slices.Sorted(maps.Keys(schemas)) {
		list = append(list, schemas[id])
	}
	return list
}

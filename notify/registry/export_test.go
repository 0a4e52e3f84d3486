package registry

// Cut is a Find of a service between its two halves: it has seen the instances, under the lock, and
// makes the listing, outside of it, when finish is called.
func (r *Registry) Cut(serviceID string) (finish func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := partOf(r.index.services[serviceID])
	return func() { r.listingOf(p) }
}

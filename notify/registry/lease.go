package registry

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// LeaseConfig says when leases that ran out are believed. The zero value has the defaults. No time
// is longer than a year.
type LeaseConfig struct {
	// Share of a service's leased instances: when so many would go within one window, they are
	// held. Default 0.8, as in service-center; 1 never holds any.
	Share float64
	// Min is how many leased instances the service must have for that. Default 6.
	Min int
	// Window in which losses count together. Default 2 s.
	Window time.Duration
	// Hold is how long an instance is held at most; it is held no longer than its lease was. What
	// is still silent then is believed to be gone. Default 10 min.
	Hold time.Duration
}

// Validate reports all mistakes at once.
func (c LeaseConfig) Validate() error {
	var errs []error
	if !(c.Share >= 0 && c.Share <= 1) { // so that NaN is one too
		errs = append(errs, invalid("Share", fmt.Sprint(c.Share), "0 (the default) to 1"))
	}
	if c.Min < 0 {
		errs = append(errs, invalid("Min", fmt.Sprint(c.Min), "0 (the default) or more"))
	}
	if c.Window < 0 {
		errs = append(errs, invalid("Window", c.Window.String(), "0 (the default) or more"))
	}
	if c.Hold < 0 {
		errs = append(errs, invalid("Hold", c.Hold.String(), "0 (the default) or more"))
	}
	return errors.Join(errs...)
}

func (c LeaseConfig) withDefaults() LeaseConfig {
	return LeaseConfig{
		Share:  cmp.Or(c.Share, 0.8),
		Min:    cmp.Or(c.Min, 6),
		Window: min(cmp.Or(c.Window, 2*time.Second), leaseMax),
		Hold:   min(cmp.Or(c.Hold, 10*time.Minute), leaseMax),
	}
}

// Expiry is what Expire did.
type Expiry struct {
	Changes []Change  // one DELETE each, by the time they ran out, service id and id
	Held    int       // ran out too, but aren't believed yet
	Next    time.Time // when to call again; zero if nothing is leased
}

// LeaseStats counts since KeepLeases.
type LeaseStats struct {
	Leased  int   // now
	Held    int   // by the last Expire
	Expired int64 // instances that Expire removed
	Pauses  int64 // times that a service's instances began to be held
}

// KeepLeases makes the registry keep leases from now on. Instances that are there already get
// theirs as if they were registered now. A second call changes the config and keeps the leases.
func (r *Registry) KeepLeases(c LeaseConfig) error {
	if err := c.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases != nil {
		r.leases.config = c.withDefaults()
		return nil
	}
	r.leases = &leases{config: c.withDefaults(), byID: map[leaseID]*lease{},
		services: map[string]*leasedService{}}
	for _, e := range r.index.services {
		for _, in := range e.instances.list {
			r.leases.put(in)
		}
	}
	return nil
}

// Heartbeat says that an instance lives, and renews its lease if it has one. It is no change. A
// lease that has run out is renewed too, as long as Expire didn't see it.
func (r *Registry) Heartbeat(serviceID, instanceID string, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil {
		return unknownService(serviceID)
	}
	if e.instances.get(instanceID) == nil {
		return unknownInstance(serviceID, instanceID)
	}
	if r.leases != nil {
		r.leases.renew(leaseID{serviceID, instanceID}, now.UnixNano())
	}
	return nil
}

// Expire removes the instances whose leases have run out, unless that were too many at once: see
// the package documentation. It costs next to nothing when none has.
func (r *Registry) Expire(now time.Time) Expiry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases == nil {
		return Expiry{}
	}
	var out Expiry
	gone, held, next := r.leases.expire(now.UnixNano())
	for _, l := range gone {
		e := r.index.services[l.service]
		out.Changes = append(out.Changes, r.changeLocked(Delete, e, e.instances.remove(l.instance)))
	}
	out.Held = held
	if next != never {
		out.Next = now.Add(time.Duration(next - now.UnixNano()))
	}
	return out
}

// Leases gives the counts; all zero without KeepLeases.
func (r *Registry) Leases() LeaseStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leases == nil {
		return LeaseStats{}
	}
	stats := r.leases.stats
	stats.Leased = len(r.leases.byID)
	return stats
}

package registry

import (
	"slices"
	"strings"
	"time"
)

// The statuses of an instance. Consumers call an instance that is UP, and no other.
const (
	StatusUp           = "UP" // also of an instance that says nothing else
	StatusDown         = "DOWN"
	StatusStarting     = "STARTING"
	StatusTesting      = "TESTING"
	StatusOutOfService = "OUTOFSERVICE"
)

var statuses = []string{StatusUp, StatusDown, StatusStarting, StatusTesting, StatusOutOfService}

// SetStatus gives an instance another status, which must be one of the five: UPDATE, even if it
// has this one already. It renews no lease, for it is no sign of life: operators set it too.
func (r *Registry) SetStatus(serviceID, instanceID, status string, now time.Time) (Change, error) {
	if !slices.Contains(statuses, status) {
		return Change{}, invalid("Status", status, strings.Join(statuses, ", "))
	}
	return r.modify(serviceID, instanceID, now, func(in *Instance) { in.Status = status })
}

// SetProperties replaces all properties of an instance: UPDATE, even if they are the same. The
// registry keeps them, and they must not change any more. Like SetStatus it renews no lease.
func (r *Registry) SetProperties(
	serviceID, instanceID string, properties map[string]string, now time.Time,
) (Change, error) {
	return r.modify(serviceID, instanceID, now,
		func(in *Instance) { in.Properties = properties })
}

// modify makes a new record out of that of a known instance.
func (r *Registry) modify(
	serviceID, instanceID string, now time.Time, set func(*Instance),
) (Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil {
		return Change{}, unknownService(serviceID)
	}
	known := e.instances.get(instanceID)
	if known == nil {
		return Change{}, unknownInstance(serviceID, instanceID)
	}
	in := *known
	set(&in)
	in.ModTimestamp = now.Unix()
	e.instances.replace(&in)
	return r.changeLocked(Update, e, &in), nil
}

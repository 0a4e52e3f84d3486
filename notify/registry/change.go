package registry

import (
	"sync/atomic"
	"time"

	"github.com/notifylab/notifylab/notify"
)

// Service is a service of one version.
type Service struct {
	ID string `json:"serviceId,omitempty"`
	Key
	Level        string            `json:"level,omitempty"`
	Status       string            `json:"status,omitempty"`
	Properties   map[string]string `json:"properties,omitempty"`
	Timestamp    int64             `json:"timestamp,string,omitempty"` // Unix seconds
	ModTimestamp int64             `json:"modTimestamp,string,omitempty"`
}

// Instance is one running copy of a service. A world holds millions: what is empty is nil, and
// what instances have in common they share.
type Instance struct {
	ID           string            `json:"instanceId,omitempty"`
	ServiceID    string            `json:"serviceId,omitempty"`
	Endpoints    []string          `json:"endpoints,omitempty"`
	HostName     string            `json:"hostName,omitempty"`
	Status       string            `json:"status,omitempty"`
	Properties   map[string]string `json:"properties,omitempty"`
	HealthCheck  *HealthCheck      `json:"healthCheck,omitempty"`
	Timestamp    int64             `json:"timestamp,string,omitempty"` // Unix seconds
	DataCenter   *DataCenter       `json:"dataCenterInfo,omitempty"`
	ModTimestamp int64             `json:"modTimestamp,string,omitempty"`
	Version      string            `json:"version,omitempty"` // its service's
}

// HealthCheck says how an instance proves that it lives: in mode "push" it sends a heartbeat every
// Interval seconds, and is gone after Times missed ones and one more.
type HealthCheck struct {
	Mode     string `json:"mode,omitempty"`
	Interval int    `json:"interval,omitempty"`
	Times    int    `json:"times,omitempty"`
	Port     int    `json:"port,omitempty"`
	URL      string `json:"url,omitempty"`
}

// DataCenter says where an instance runs.
type DataCenter struct {
	Name   string `json:"name,omitempty"`
	Region string `json:"region,omitempty"`
	Zone   string `json:"availableZone,omitempty"`
}

// Action is what happened, in the words of the wire.
type Action string

// The actions.
const (
	Init   Action = "INIT"   // it was there when the watch began
	Create Action = "CREATE" // it came
	Update Action = "UPDATE" // it is different now
	Delete Action = "DELETE" // it went; the record is its last state
	Expire Action = "EXPIRE" // what the consumer may see changed: query again
)

// Change is one step of the truth, and who must hear of it. Share it by its pointer: what
// Encoded keeps is kept in the one it was called on.
type Change struct {
	Action    Action
	Service   *Service  // the provider
	Instance  *Instance // what it is now, or last was; nil in an EXPIRE
	Revision  int64     // the registry's, after this change
	Consumers []string  // ids of the services that must hear of it: sorted, shared, not to modify

	frame atomic.Value // of *lazyFrame; unset until Encoded
}

// expireKey keeps the ids of services and instances apart.
const expireKey = "expire/"

// Event makes of the change the one event that all its consumers share. The change is the
// payload, and must stay as it is from now on. Events of an instance conflate by its id, and those
// that have none by their service: a newer EXPIRE says all that an older one did.
func (c *Change) Event(due time.Time) *notify.Event {
	ev := &notify.Event{
		Type:     InstanceEvents,
		Subject:  SubjectOf(c.Service.Tenant),
		Revision: c.Revision,
		Due:      due,
		Payload:  c,
	}
	if c.Instance != nil {
		ev.Key = c.Instance.ID
	} else {
		ev.Key = expireKey + c.Service.ID
	}
	return ev
}

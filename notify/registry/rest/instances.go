package rest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	instanceForm   = `{"instance":{"endpoints","hostName","status","healthCheck",…}}`
	propertiesForm = `{"properties":{"name":"value",…}}`
	heartbeatsForm = `{"instances":[{"serviceId","instanceId"},…]}`
)

// The ways to prove that one lives: by heartbeats, or by being asked, which is not done here.
const (
	modePush = "push"
	modePull = "pull"
)

// defaultHealthCheck is what service-center takes for an instance that says nothing.
var defaultHealthCheck = registry.HealthCheck{Mode: modePush, Interval: 30, Times: 3}

var statuses = []string{registry.StatusUp, registry.StatusDown, registry.StatusStarting,
	registry.StatusTesting, registry.StatusOutOfService}

// instanceBody is an instance as clients send it; version and timestamps aren't theirs to say.
type instanceBody struct {
	ID          string                `json:"instanceId"`
	ServiceID   string                `json:"serviceId"`
	Endpoints   []string              `json:"endpoints"`
	HostName    string                `json:"hostName"`
	Status      string                `json:"status"`
	Properties  map[string]string     `json:"properties"`
	HealthCheck *registry.HealthCheck `json:"healthCheck"`
	DataCenter  *registry.DataCenter  `json:"dataCenterInfo"`
}

// record checks the body and fills in the defaults. It checks more than the registry, which takes
// any status and any health check: a mistake that nobody hears of is found when calls fail.
func (b *instanceBody) record(c *call) (registry.Instance, error) {
	in := registry.Instance{
		ID: b.ID, ServiceID: c.r.PathValue("serviceId"), Endpoints: b.Endpoints,
		HostName: b.HostName, Status: orDefault(b.Status, registry.StatusUp),
		Properties: b.Properties, HealthCheck: b.HealthCheck, DataCenter: b.DataCenter,
		Timestamp: c.now.Unix(), ModTimestamp: c.now.Unix(),
	}
	if b.ServiceID != "" && b.ServiceID != in.ServiceID {
		return in, invalid("instance.serviceId", b.ServiceID, "none, or that of the path")
	}
	if err := checkStatus("instance.status", in.Status); err != nil {
		return in, err
	}
	if in.HealthCheck == nil {
		in.HealthCheck = &defaultHealthCheck // shared: nobody changes it
	}
	if err := checkHealthCheck(in.HealthCheck); err != nil {
		return in, err
	}
	if in.ID == "" {
		in.ID = newID()
	}
	return in, checkID("instance.instanceId", in.ID)
}

func checkStatus(field, status string) error {
	if !slices.Contains(statuses, status) {
		return invalid(field, status, strings.Join(statuses, ", "))
	}
	return nil
}

// checkHealthCheck lets no value through with which an instance would live for ever by mistake: the
// registry gives no lease where the interval makes no sense.
func checkHealthCheck(h *registry.HealthCheck) error {
	switch {
	case h.Mode != modePush && h.Mode != modePull:
		return invalid("instance.healthCheck.mode", h.Mode, "push or pull")
	case h.Mode == modePush && h.Interval < 1:
		return invalid("instance.healthCheck.interval", fmt.Sprint(h.Interval), "1 s or more")
	case h.Interval < 0, h.Times < 0, h.Port < 0, h.Port > 65535:
		return fail(CodeInvalid, "instance.healthCheck: interval, times or port out of range: "+
			"want 0 or more, a port up to 65535")
	}
	return nil
}

// registerInstance takes {"instance":{…}} and answers {"instanceId"}. One that is known is
// replaced, which its consumers hear of as UPDATE: who restarts under its old id is no new one.
func (c *call) registerInstance() (any, error) {
	var body struct {
		Instance *instanceBody `json:"instance"`
	}
	if err := c.decode(&body, instanceForm); err != nil {
		return nil, err
	}
	if body.Instance == nil {
		return nil, fail(CodeInvalid, "instance: missing: want %s", instanceForm)
	}
	in, err := body.Instance.record(c)
	if err != nil {
		return nil, err
	}
	// In the turn of changes, or two at once would both find the last place free.
	err = c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		isNew := r.Instance(s.ID, in.ID) == nil
		if isNew && r.CountInstances(s.ID) >= c.config.InstancesMax {
			return nil, fail(CodeNotEnoughQuota, "instance: want at most %d of one service",
				c.config.InstancesMax)
		}
		return one(r.Register(in))
	})
	return map[string]string{"instanceId": in.ID}, err
}

// visible gives the instances of a service that the one who asks may see, by id. It is a find, but
// one that makes no consumer: administration pages ask so, and need nothing.
func (c *call) visible(s *registry.Service) ([]*registry.Instance, error) {
	consumer, err := c.consumer()
	if err != nil {
		return nil, err
	}
	rule, err := registry.ParseRule(s.Version)
	if err != nil {
		return nil, err
	}
	answer, err := c.hub.Find(registry.Query{ConsumerID: consumer, Provider: s.Key, Rule: rule})
	if err != nil {
		return nil, err
	}
	list := []*registry.Instance{} // never null in JSON
	for _, in := range answer.Instances {
		if in.ServiceID == s.ID { // 1.0 and 1.0.0 are one version and may be two services
			list = append(list, in)
		}
	}
	return list, nil
}

// instancesBody is an answer.
type instancesBody struct {
	Instances []*registry.Instance `json:"instances"`
}

// instances answers {"instances":[…]}, by id.
func (c *call) instances(s *registry.Service) (any, error) {
	list, err := c.visible(s)
	return instancesBody{list}, err
}

// instance answers {"instance":{…}}.
func (c *call) instance(s *registry.Service) (any, error) {
	list, err := c.visible(s)
	if err != nil {
		return nil, err
	}
	id := c.r.PathValue("instanceId")
	at, ok := slices.BinarySearchFunc(list, id, func(in *registry.Instance, id string) int {
		return cmp.Compare(in.ID, id)
	})
	if !ok {
		return nil, noInstance("instanceId", id)
	}
	return map[string]*registry.Instance{"instance": list[at]}, nil
}

func noInstance(field, id string) error {
	return fail(CodeNoInstance, "%s %q: want the id of an instance of the service", field,
		shorten(id))
}

// changeInstance makes one change of the instance that the path names. Whether there is one the
// registry says.
func (c *call) changeInstance(
	do func(r *registry.Registry, serviceID, instanceID string) (registry.Change, error),
) (any, error) {
	return nil, c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		return one(do(r, s.ID, c.r.PathValue("instanceId")))
	})
}

// deregister takes nothing and answers nothing, as all that follow but heartbeats.
func (c *call) deregister() (any, error) {
	return c.changeInstance((*registry.Registry).Deregister)
}

// putStatus takes the parameter value: one of the five statuses.
func (c *call) putStatus() (any, error) {
	value := c.query.Get("value")
	if err := checkStatus("value", value); err != nil {
		return nil, err
	}
	return c.changeInstance(func(r *registry.Registry, s, id string) (registry.Change, error) {
		return r.SetStatus(s, id, value, c.now)
	})
}

// putProperties takes {"properties":{…}}, which replace those there are; clients send a whole
// instance, of which the rest is ignored.
func (c *call) putProperties() (any, error) {
	properties, err := c.decodeProperties()
	if err != nil {
		return nil, err
	}
	return c.changeInstance(func(r *registry.Registry, s, id string) (registry.Change, error) {
		return r.SetProperties(s, id, properties, c.now)
	})
}

// decodeProperties wants them to be there: none at all would be a request gone wrong and delete
// everything.
func (c *call) decodeProperties() (map[string]string, error) {
	var body struct {
		Properties map[string]string `json:"properties"`
	}
	if err := c.decode(&body, propertiesForm); err != nil {
		return nil, err
	}
	if body.Properties == nil {
		return nil, fail(CodeInvalid, "properties: missing: want %s", propertiesForm)
	}
	return body.Properties, nil
}

// heartbeat renews a lease. It is no change, so it needs no turn at the hub: with a million
// instances these are most of all requests.
func (c *call) heartbeat(s *registry.Service) (any, error) {
	return nil, c.hub.Registry().Heartbeat(s.ID, c.r.PathValue("instanceId"), c.now)
}

// heartbeats renews all that it can; the error names those that are unknown. It takes
// {"instances":[{"serviceId","instanceId"}]} and answers the same.
func (c *call) heartbeats() (any, error) {
	type element struct {
		ServiceID  string `json:"serviceId"`
		InstanceID string `json:"instanceId"`
	}
	var body struct {
		Instances []element `json:"instances"`
	}
	if err := c.decode(&body, heartbeatsForm); err != nil {
		return nil, err
	}
	if len(body.Instances) == 0 {
		return nil, fail(CodeInvalid, "instances: missing or empty: want %s", heartbeatsForm)
	}
	var unknown []string
	for _, e := range body.Instances {
		_, err := c.known(e.ServiceID)
		if err == nil {
			err = c.hub.Registry().Heartbeat(e.ServiceID, e.InstanceID, c.now)
		}
		if err != nil {
			unknown = append(unknown, shorten(e.ServiceID)+"/"+shorten(e.InstanceID))
		}
	}
	if unknown != nil {
		return nil, fail(CodeNoInstance, "instances %s: want those of registered services; "+
			"the others were renewed", strings.Join(unknown, ", "))
	}
	return body, nil
}

package rest

import (
	"github.com/notifylab/notifylab/notify/registry"
)

// What service-center takes for a service that says nothing.
const (
	defaultApp     = "default"
	defaultVersion = "0.0.1"
	defaultLevel   = "BACK"
)

const serviceForm = `{"service":{"serviceName","appId","version","environment",…}}`

// serviceBody is a service as clients send it; timestamps aren't theirs to say, for their clocks
// differ.
type serviceBody struct {
	ID         string            `json:"serviceId"`
	Env        string            `json:"environment"`
	App        string            `json:"appId"`
	Name       string            `json:"serviceName"`
	Alias      string            `json:"alias"`
	Version    string            `json:"version"`
	Level      string            `json:"level"`
	Status     string            `json:"status"`
	Properties map[string]string `json:"properties"`
}

// record checks the body and fills in the defaults.
func (b *serviceBody) record(c *call) (registry.Service, error) {
	s := registry.Service{
		ID: b.ID, Level: orDefault(b.Level, defaultLevel),
		Status: orDefault(b.Status, registry.StatusUp), Properties: b.Properties,
		Timestamp: c.now.Unix(), ModTimestamp: c.now.Unix(),
		Key: registry.Key{Tenant: c.tenant, Env: b.Env, App: orDefault(b.App, defaultApp),
			Name: b.Name, Alias: b.Alias, Version: orDefault(b.Version, defaultVersion)},
	}
	if s.ID != "" {
		if err := checkID("service.serviceId", s.ID); err != nil {
			return s, err
		}
	}
	if s.Name == "" {
		return s, invalid("service.serviceName", "", idForm)
	}
	if s.Status != registry.StatusUp && s.Status != registry.StatusDown {
		return s, invalid("service.status", s.Status, "UP or DOWN")
	}
	for _, f := range []struct{ field, value string }{
		{"service.environment", s.Env}, {"service.appId", s.App},
		{"service.serviceName", s.Name}, {"service.alias", s.Alias},
	} {
		if err := checkName(f.field, f.value); err != nil {
			return s, err
		}
	}
	if _, err := registry.ParseVersion(s.Version); err != nil {
		return s, fail(CodeInvalid, "service.version: %v", err)
	}
	return s, nil
}

// orDefault is for fields where a client that says nothing means something.
func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// identity is the part of a key that no other service may have.
func identity(k registry.Key) registry.Key {
	k.Alias = ""
	return k
}

// serviceID is an answer.
type serviceID struct {
	ID string `json:"serviceId"`
}

// registerService takes {"service":{…}} and answers {"serviceId"}. A client registers whenever it
// starts, so that the service is known already is the usual case, and no error.
func (c *call) registerService() (any, error) {
	var body struct {
		Service   *serviceBody   `json:"service"`
		Tags      map[string]any `json:"tags"`
		Rules     []any          `json:"rules"`
		Instances []any          `json:"instances"`
	}
	if err := c.decode(&body, serviceForm); err != nil {
		return nil, err
	}
	switch {
	case body.Service == nil:
		return nil, fail(CodeInvalid, "service: missing: want %s", serviceForm)
	case len(body.Tags)+len(body.Rules)+len(body.Instances) > 0:
		// Older interfaces took all in one; what is passed over in silence would be missed.
		return nil, fail(CodeInvalid,
			"tags, rules, instances: want none, they have paths of their own")
	}
	s, err := body.Service.record(c)
	if err != nil {
		return nil, err
	}
	id, err := c.put(s)
	return serviceID{id}, err
}

// put registers a service, or gives the id of the one that has this key. To look and to register is
// one turn, so of many who come at once with a new key one registers it and all get its id.
func (c *call) put(s registry.Service) (id string, err error) {
	wanted := s.ID
	// The usual case needs no turn among the changes, where it would wait for publishers.
	if known := c.hub.Registry().ServiceByKey(s.Key); known != nil {
		if wanted == "" || wanted == known.ID {
			return known.ID, nil
		}
	}
	err = c.change(func(r *registry.Registry) (changeList, error) {
		known := r.ServiceByKey(s.Key)
		if known == nil && wanted != "" {
			known = r.Service(wanted)
		}
		if known == nil {
			if r.CountServices() >= c.config.ServicesMax {
				return nil, fail(CodeNotEnoughQuota, "service: want at most %d services, of all "+
					"tenants together", c.config.ServicesMax)
			}
			id = orDefault(wanted, newID())
			s.ID = id
			return r.PutService(s)
		}
		if identity(known.Key) != identity(s.Key) || wanted != "" && wanted != known.ID {
			return nil, fail(CodeServiceExists, "service.serviceId %q: want none, or the id and "+
				"the key of one service", wanted)
		}
		id = known.ID
		return nil, nil
	})
	return id, err
}

// shown is a service as clients see it: without the tenant, which is their own.
func shown(s *registry.Service) *registry.Service {
	copied := *s
	copied.Tenant = ""
	return &copied
}

// services answers {"services":[…]}, those of the tenant, by id. It walks those of all tenants:
// who needs a certain one asks for its key instead.
func (c *call) services() (any, error) {
	var body struct {
		Services []*registry.Service `json:"services"`
	}
	body.Services = []*registry.Service{}
	for _, s := range c.hub.Registry().Services() {
		if s.Tenant == c.tenant {
			body.Services = append(body.Services, shown(s))
		}
	}
	return body, nil
}

// service answers {"service":{…}}.
func (c *call) service(s *registry.Service) (any, error) {
	return map[string]*registry.Service{"service": shown(s)}, nil
}

// putServiceProperties takes {"properties":{…}}, which replace those there are. Watchers get the
// properties of instances and never those of services, so nobody is told.
func (c *call) putServiceProperties() (any, error) {
	properties, err := c.decodeProperties()
	if err != nil {
		return nil, err
	}
	return nil, c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		changed := *s
		changed.Properties, changed.ModTimestamp = properties, c.now.Unix()
		return r.PutService(changed)
	})
}

// deleteService takes the parameter force. The check and the deletion are one change: nobody can
// register an instance between the two.
func (c *call) deleteService() (any, error) {
	force, err := c.flag("force")
	if err != nil {
		return nil, err
	}
	return nil, c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		if err := c.mayDelete(r, s); err != nil && !force {
			return nil, err
		}
		changes, err := r.DeleteService(s.ID)
		if err == nil {
			c.ServiceDeleted(s.ID) // the hub may not have been told to call it
		}
		return changes, err
	})
}

// mayDelete says why a service is still needed.
func (c *call) mayDelete(r *registry.Registry, s *registry.Service) error {
	if r.Pick(s.ID, 0) != nil {
		return fail(CodeHasInstances, "serviceId %q: want one without instances, or force=1", s.ID)
	}
	for _, consumer := range r.Consumers(s.ID) {
		if consumer != s.ID {
			return fail(CodeHasConsumers, "serviceId %q: want one without consumers (it has %s), "+
				"or force=1", s.ID, consumer)
		}
	}
	return nil
}

// existence tells the id of a service, or the summary of a schema, for those who register what
// isn't there yet.
func (c *call) existence() (any, error) {
	switch kind := c.query.Get("type"); kind {
	case "microservice":
		return c.serviceExistence()
	case "schema":
		return c.schemaExistence()
	default:
		return nil, invalid("type", kind, "microservice or schema")
	}
}

// serviceExistence answers {"serviceId"}: of the highest version that the rule takes, for clients
// ask for "latest" too.
func (c *call) serviceExistence() (any, error) {
	key, rule, err := c.askedFor()
	if err != nil {
		return nil, err
	}
	// Of two that write the same version in other words, the one that was asked for.
	if s := c.hub.Registry().ServiceByKey(key); s != nil {
		return serviceID{s.ID}, nil
	}
	versions := c.hub.Registry().ServicesOf(key, rule)
	if len(versions) == 0 {
		return nil, fail(CodeNoService, "serviceName %q, version %q: want a registered service",
			key.Name, shorten(key.Version))
	}
	return serviceID{versions[len(versions)-1].ID}, nil
}

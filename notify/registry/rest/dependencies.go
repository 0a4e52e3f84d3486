package rest

import (
	"fmt"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	dependenciesForm = `{"dependencies":[{"consumer":{…},"providers":[{…},…]},…]}`

	// providersMax of one consumer in one request: each costs a rule that is kept.
	providersMax = 1000
)

// dependency is what one consumer needs.
type dependency struct {
	Consumer  *registry.Key  `json:"consumer"`
	Providers []registry.Key `json:"providers"`
}

// setDependencies replaces what consumers need. It takes dependenciesForm and answers nothing.
func (c *call) setDependencies() (any, error) {
	return c.changeDependencies((*registry.Registry).SetDependencies)
}

// addDependencies adds to it.
func (c *call) addDependencies() (any, error) {
	return c.changeDependencies((*registry.Registry).AddDependencies)
}

// changeDependencies changes all that the body says or nothing.
func (c *call) changeDependencies(
	do func(*registry.Registry, registry.Key, []registry.Key) (changeList, error),
) (any, error) {
	var body struct {
		Dependencies []dependency `json:"dependencies"`
	}
	if err := c.decode(&body, dependenciesForm); err != nil {
		return nil, err
	}
	if len(body.Dependencies) == 0 {
		return nil, fail(CodeInvalid, "dependencies: missing or empty: want %s", dependenciesForm)
	}
	for i := range body.Dependencies {
		if err := body.Dependencies[i].check(c, fmt.Sprintf("dependencies[%d].", i)); err != nil {
			return nil, err
		}
	}
	return nil, c.change(func(r *registry.Registry) (changeList, error) {
		// Rules of services that don't exist would be kept for ever. Nobody may be halfway done
		// when one is found, so all are looked for first.
		for i, d := range body.Dependencies {
			if c.lookup(*d.Consumer) == nil {
				return nil, fail(CodeNoService, "dependencies[%d].consumer %s: want a registered "+
					"service", i, *d.Consumer)
			}
		}
		var changes changeList
		for _, d := range body.Dependencies {
			more, err := do(r, *d.Consumer, d.Providers)
			changes = append(changes, more...)
			if err != nil {
				return changes, err
			}
		}
		return changes, nil
	})
}

// check checks all that the registry will, so that it refuses nothing, and completes the keys.
func (d *dependency) check(c *call, in string) error {
	if d.Consumer == nil {
		return fail(CodeInvalid, "%sconsumer: missing: want %s", in, dependenciesForm)
	}
	d.Consumer.Tenant = c.tenant
	d.Consumer.App = orDefault(d.Consumer.App, defaultApp)
	if err := d.Consumer.Validate(); err != nil {
		return fail(CodeInvalid, "%sconsumer: %v", in, err)
	}
	if len(d.Providers) > providersMax {
		return fail(CodeInvalid, "%sproviders: %d: want at most %d", in, len(d.Providers),
			providersMax)
	}
	for i := range d.Providers {
		p, at := &d.Providers[i], fmt.Sprintf("%sproviders[%d]", in, i)
		p.Tenant = c.tenant
		if err := p.ValidateRule(c.tenant); err != nil {
			return fail(CodeInvalid, "%s: %v", at, err)
		}
		if p.Name == "*" {
			continue
		}
		p.App = orDefault(p.App, defaultApp)
		if _, _, err := c.provider(at+".", *p); err != nil {
			return err
		}
	}
	return nil
}

// servicesOf gives records by their ids, as far as they are there.
func (c *call) servicesOf(ids []string) []*registry.Service {
	list := []*registry.Service{}
	for _, id := range ids {
		if s, err := c.known(id); err == nil {
			list = append(list, shown(s))
		}
	}
	return list
}

// providers answers {"providers":[{…}]}: the services that this one depends on and may see.
func (c *call) providers(s *registry.Service) (any, error) {
	list := c.servicesOf(c.hub.Registry().Providers(s.ID))
	return map[string][]*registry.Service{"providers": list}, nil
}

// consumers answers {"consumers":[{…}]}: the services that hear of this one.
func (c *call) consumers(s *registry.Service) (any, error) {
	list := c.servicesOf(c.hub.Registry().Consumers(s.ID))
	return map[string][]*registry.Service{"consumers": list}, nil
}

package rest

import (
	"fmt"

	"github.com/notifylab/notifylab/notify/registry"
)

const dependenciesForm = `{"dependencies":[{"consumer":{…},"providers":[{…},…]},…]}`

// dependency is what one consumer needs.
type dependency struct {
	Consumer  *registry.Key  `json:"consumer"`
	Providers []registry.Key `json:"providers"`
}

// setDependencies replaces what consumers need. It takes dependenciesForm and answers nothing.
func (c *call) setDependencies() (any, error) {
	return c.changeDependencies(false)
}

// addDependencies adds to it.
func (c *call) addDependencies() (any, error) {
	return c.changeDependencies(true)
}

// changeDependencies changes all that the body says or nothing. Its changes can't be undone, for
// watchers hear of each. So all that could be wrong is looked for before the first.
func (c *call) changeDependencies(adds bool) (any, error) {
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
			if r.ServiceByKey(*d.Consumer) == nil {
				return nil, fail(CodeNoService, "dependencies[%d].consumer %s: want a registered "+
					"service", i, *d.Consumer)
			}
		}
		do := r.SetDependencies // of which each has been checked alone
		if adds {
			do = r.AddDependencies
			if err := fitTogether(r, body.Dependencies); err != nil {
				return nil, err
			}
		}
		var changes changeList
		for _, d := range body.Dependencies {
			more, err := do(*d.Consumer, d.Providers)
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
	if n := len(d.Providers); n > registry.RulesMax {
		return tooManyRules(in, n)
	}
	for i := range d.Providers {
		p, at := &d.Providers[i], fmt.Sprintf("%sproviders[%d]", in, i)
		p.Tenant, p.Alias = c.tenant, ""
		if err := p.ValidateRule(c.tenant); err != nil {
			return fail(CodeInvalid, "%s: %v", at, err)
		}
		if p.Name == "*" {
			p.App, p.Version = "", "" // they play no part, and fitTogether compares
			continue
		}
		p.App = orDefault(p.App, defaultApp)
		if _, _, err := c.provider(at+".", *p); err != nil {
			return err
		}
	}
	return nil
}

// fitTogether checks that no consumer will have more rules than it may, before the first is
// changed: one may have rules already, and may be named several times.
func fitTogether(r *registry.Registry, all []dependency) error {
	rules := map[registry.Key]map[registry.Key]struct{}{}
	for i, d := range all {
		of := rules[*d.Consumer]
		if of == nil {
			of = map[registry.Key]struct{}{}
			rules[*d.Consumer] = of
			for _, p := range r.Dependencies(*d.Consumer) {
				of[p] = struct{}{}
			}
		}
		for _, p := range d.Providers {
			of[p] = struct{}{}
		}
		if len(of) > registry.RulesMax {
			return tooManyRules(fmt.Sprintf("dependencies[%d].", i), len(of))
		}
	}
	return nil
}

func tooManyRules(in string, n int) error {
	return fail(CodeNotEnoughQuota, "%sproviders: %d: want at most %d of one consumer", in, n,
		registry.RulesMax)
}

// servicesOf gives records by their ids, as far as they are there: a service may have gone since
// the ids were read.
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

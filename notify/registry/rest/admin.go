package rest

import (
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
)

const adminTenant = "default/default"

// The keys of service-center's storage, under which a dump has its records.
const (
	prefix         = "/cse-sr/ms/"
	instancePrefix = "/cse-sr/inst/files/"
	cluster        = "notifylab"
)

// record is one key and value of a dump.
type record struct {
	Key      string `json:"key"`
	Revision int64  `json:"rev"` // of the registry at the dump: records have none of their own
	Cluster  string `json:"cluster"`
	Value    any    `json:"value"`
}

// dumped has the lists that service-center has, and nothing about the server itself: settings and
// environment have leaked secrets there (CVE-2023-44312).
type dumped struct {
	Services        []record `json:"services,omitempty"`
	ServiceIndexes  []record `json:"serviceIndexes,omitempty"`
	ServiceAliases  []record `json:"serviceAliases,omitempty"`
	ServiceTags     []record `json:"serviceTags,omitempty"`
	ServiceRules    []record `json:"serviceRules,omitempty"`
	DependencyRules []record `json:"dependencyRules,omitempty"`
	Instances       []record `json:"instances,omitempty"`
}

// dependencies is the value of a dependency rule.
type dependencies struct {
	Dependency []registry.Key `json:"Dependency"`
}

// cut is all about one service at one revision.
type cut struct {
	service   *registry.Service
	instances []*registry.Instance
	providers []string
	kept      stored
}

// admin refuses those whose request is about another tenant: these paths tell of all.
func (c *call) admin() error {
	if c.tenant != adminTenant {
		return fail(CodeForbidden, "project and X-Domain-Name %q: want %s", c.tenant, adminTenant)
	}
	return nil
}

// dump answers {"cache":{…}} in the form of service-center's.
func (c *call) dump() (any, error) {
	if err := c.admin(); err != nil {
		return nil, err
	}
	var revision int64
	var cuts []cut
	// Where changes are made none is made meanwhile. What is taken here is shared and immutable, so
	// it can be written afterwards.
	err := c.change(func(r *registry.Registry) (changeList, error) {
		revision = r.Revision()
		for _, s := range r.Services() {
			cuts = append(cuts,
				cut{s, r.Instances(s.ID), r.Providers(s.ID), c.shelf.of(s.ID)})
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]*dumped{"cache": dumpOf(revision, cuts)}, nil
}

// dumpOf writes what was cut, by service id.
func dumpOf(revision int64, cuts []cut) *dumped {
	d := &dumped{}
	add := func(to *[]record, key string, value any) {
		*to = append(*to, record{key, revision, cluster, value})
	}
	byID := make(map[string]*registry.Service, len(cuts))
	for _, s := range cuts {
		byID[s.service.ID] = s.service
	}
	consumers := map[string][]registry.Key{} // by provider id
	for _, s := range cuts {
		id, key := s.service.ID, identity(s.service.Key)
		at := key.Tenant + "/" + id
		add(&d.Services, prefix+"files/"+at, shown(s.service))
		add(&d.ServiceIndexes, prefix+"indexes/"+key.String(), id)
		if alias := key; s.service.Alias != "" {
			alias.Name = s.service.Alias
			add(&d.ServiceAliases, prefix+"alias/"+alias.String(), id)
		}
		if len(s.kept.tags) > 0 {
			add(&d.ServiceTags, prefix+"tags/"+at, s.kept.tags)
		}
		for _, r := range s.kept.rules {
			add(&d.ServiceRules, prefix+"rules/"+at+"/"+r.ID, r)
		}
		instances := slices.Clone(s.instances)
		slices.SortFunc(instances, func(a, b *registry.Instance) int {
			return strings.Compare(a.ID, b.ID)
		})
		for _, in := range instances {
			add(&d.Instances, instancePrefix+at+"/"+in.ID, in)
		}
		var providers []registry.Key
		for _, p := range s.providers {
			providers = append(providers, identity(byID[p].Key))
			consumers[p] = append(consumers[p], key)
		}
		if providers != nil {
			add(&d.DependencyRules, ruleKey("c", key), dependencies{providers})
		}
	}
	for _, s := range cuts { // who needs it, mirrored
		if keys := consumers[s.service.ID]; keys != nil {
			add(&d.DependencyRules, ruleKey("p", s.service.Key), dependencies{keys})
		}
	}
	return d
}

// ruleKey is the key of a dependency rule: of a consumer, c, or of a provider, p.
func ruleKey(side string, k registry.Key) string {
	path := strings.TrimPrefix(k.String(), k.Tenant)
	return prefix + "dep-rules/" + k.Tenant + "/" + side + path
}

// alarms answers {"alarms":[…]}, by id, cleared ones too.
func (c *call) alarms() (any, error) {
	if err := c.admin(); err != nil {
		return nil, err
	}
	list := []alarm.Alarm{}
	if c.config.Alarms != nil {
		list = c.config.Alarms.List()
	}
	return map[string][]alarm.Alarm{"alarms": list}, nil
}

// clearAlarms clears what is lit. The alarms stay listed, as cleared.
func (c *call) clearAlarms() (any, error) {
	if err := c.admin(); err != nil || c.config.Alarms == nil {
		return nil, err
	}
	_, err := c.config.Alarms.ClearAll(c.now)
	return nil, err
}

// health names the server itself at the address where the client has found it: clients take these
// endpoints for those of the cluster.
func (c *call) health() (any, error) {
	self := &registry.Instance{ID: cluster, Endpoints: []string{"rest://" + c.r.Host},
		Status: registry.StatusUp, Version: c.config.Version}
	return instancesBody{[]*registry.Instance{self}}, nil
}

// version answers {"version","apiVersion"}; clients look at the second to know what they may call.
func (c *call) version() (any, error) {
	return map[string]string{"version": c.config.Version, "apiVersion": "4.0.0"}, nil
}

package rest

import (
	"maps"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

// The keys of service-center's storage, under which a dump has its records.
const (
	prefix         = "/cse-sr/ms/"
	instancePrefix = "/cse-sr/inst/files/"
	cluster        = "notifylab" // the name of this one, in records and in health
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

	revision int64 // of all records
}

// dependencies is the value of a dependency rule.
type dependencies struct {
	Dependency []registry.Key `json:"Dependency"`
}

// cut is all about one service at one revision.
type cut struct {
	service   *registry.Service
	instances []*registry.Instance
	tags      map[string]string
	rules     ruleList
}

// dump answers {"cache":{…}} in the form of service-center's.
func (c *call) dump() (any, error) {
	if err := c.admin(); err != nil {
		return nil, err
	}
	d := &dumped{}
	var cuts []cut
	var wanted []dependency
	// Where changes are made none is made meanwhile. What is taken here is shared and immutable, so
	// it can be written afterwards.
	err := c.change(func(r *registry.Registry) (changeList, error) {
		d.revision = r.Revision()
		for _, s := range r.Services() {
			cuts = append(cuts, cut{s, r.Instances(s.ID), r.Tags(s.ID), rulesOf(r, s.ID)})
		}
		for _, k := range r.Dependents() {
			wanted = append(wanted, dependency{&k, r.Dependencies(k)})
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	for _, s := range cuts {
		d.addService(s)
	}
	d.addDependencies(wanted)
	return map[string]*dumped{"cache": d}, nil
}

func (d *dumped) add(to *[]record, key string, value any) {
	*to = append(*to, record{key, d.revision, cluster, value})
}

// addService writes what was cut.
func (d *dumped) addService(s cut) {
	id, key := s.service.ID, identity(s.service.Key)
	at := key.Tenant + "/" + id
	d.add(&d.Services, prefix+"files/"+at, shown(s.service))
	d.add(&d.ServiceIndexes, prefix+"indexes/"+key.String(), id)
	if alias := key; s.service.Alias != "" {
		alias.Name = s.service.Alias
		d.add(&d.ServiceAliases, prefix+"alias/"+alias.String(), id)
	}
	if len(s.tags) > 0 {
		d.add(&d.ServiceTags, prefix+"tags/"+at, s.tags)
	}
	for _, r := range s.rules {
		d.add(&d.ServiceRules, prefix+"rules/"+at+"/"+r.ID, r)
	}
	instances := slices.Clone(s.instances)
	slices.SortFunc(instances, func(a, b *registry.Instance) int {
		return strings.Compare(a.ID, b.ID)
	})
	for _, in := range instances {
		d.add(&d.Instances, instancePrefix+at+"/"+in.ID, in)
	}
}

// addDependencies writes each rule twice, as service-center keeps it: what a consumer needs, by
// consumer, and mirrored who needs a provider, by the provider as the rule names it.
func (d *dumped) addDependencies(wanted []dependency) {
	consumers := map[string][]registry.Key{} // by the provider's key
	for _, w := range wanted {
		d.add(&d.DependencyRules, ruleKey("c", *w.Consumer), dependencies{w.Providers})
		for _, p := range w.Providers {
			at := ruleKey("p", p)
			consumers[at] = append(consumers[at], *w.Consumer)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(consumers)) {
		d.add(&d.DependencyRules, at, dependencies{consumers[at]})
	}
}

// ruleKey is the key of a dependency rule: of a consumer, c, or of a provider, p. What every
// service is wanted by stands there without application and version, which it hasn't.
func ruleKey(side string, k registry.Key) string {
	if k.Name == "*" {
		return prefix + "dep-rules/" + k.Tenant + "/" + side + "/" + k.Env + "/*"
	}
	path := strings.TrimPrefix(k.String(), k.Tenant)
	return prefix + "dep-rules/" + k.Tenant + "/" + side + path
}

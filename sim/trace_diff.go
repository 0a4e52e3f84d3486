package sim

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/trace"
)

// Difference is what happened to the instances of a registry between two dumps of it, as far as
// that shows: what came and went between them doesn't, nor do two updates of one instance.
type Difference struct {
	Added, Removed            []registry.Key // services
	Created, Updated, Deleted int            // instances
	Changes                   []trace.Change // by service and instance, all at 0
}

// Diff finds what changed from one dump to another. Services are the same by their keys, instances
// by their ids. An instance was updated if anything of it is different, and be it the time of
// its last modification.
func Diff(before, after *Topology) *Difference {
	d := &Difference{}
	old, now := servicesByKey(before), servicesByKey(after)
	keys := slices.Collect(maps.Keys(old))
	for key := range now {
		if old[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	for _, key := range keys {
		was, is := old[key], now[key]
		if was == nil {
			d.Added = append(d.Added, key)
			was = &ServiceSpec{}
		}
		if is == nil {
			d.Removed = append(d.Removed, key)
			is = &ServiceSpec{}
		}
		d.service(key, was.Real, is.Real)
	}
	return d
}

func servicesByKey(t *Topology) map[registry.Key]*ServiceSpec {
	services := make(map[registry.Key]*ServiceSpec, len(t.Services))
	for i := range t.Services {
		key := t.Services[i].Service.Key
		key.Alias = "" // which takes no part
		services[key] = &t.Services[i]
	}
	return services
}

// service compares the instances of a service.
func (d *Difference) service(key registry.Key, before, after []registry.Instance) {
	was := make(map[string]*registry.Instance, len(before))
	for i := range before {
		was[before[i].ID] = &before[i]
	}
	first := len(d.Changes)
	for i := range after {
		in := &after[i]
		old := was[in.ID]
		delete(was, in.ID)
		switch {
		case old == nil:
			d.Created++
			d.add(key, registry.Create, in)
		case !reflect.DeepEqual(old, in):
			d.Updated++
			d.add(key, registry.Update, in)
		}
	}
	d.Deleted += len(was)
	for _, in := range was {
		d.add(key, registry.Delete, in)
	}
	slices.SortFunc(d.Changes[first:], func(a, b trace.Change) int {
		return cmp.Compare(a.Instance, b.Instance)
	})
}

func (d *Difference) add(key registry.Key, action registry.Action, in *registry.Instance) {
	d.Changes = append(d.Changes, trace.Change{
		Action: action, Instance: in.ID, Status: in.Status, Endpoints: in.Endpoints,
		Properties: in.Properties,
		Service: trace.Service{Name: key.App + "/" + key.Name, Env: key.Env,
			Version: key.Version},
	})
}

// Spread has the changes come evenly within a time from 0 on, in their order.
func (d *Difference) Spread(over time.Duration) {
	for i := range d.Changes {
		d.Changes[i].At = time.Duration(float64(over) / float64(len(d.Changes)) * float64(i))
	}
}

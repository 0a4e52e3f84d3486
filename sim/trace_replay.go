package sim

import (
	"iter"
	"math"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/trace"
)

// cast finds services by the names that a trace has for them.
type cast map[string][]*registry.Service

func newCast(services iter.Seq[*registry.Service]) cast {
	c := make(cast)
	for s := range services {
		for _, name := range []string{s.App + "/" + s.Name, s.Name, s.ID} {
			c[name] = append(c[name], s)
		}
	}
	return c
}

// find gives the id of the service, "" if there is none. Of several that have the name it is the
// one that is most like it: a version that came after the dump was taken counts as another one.
func (c cast) find(s trace.Service) string {
	best, id := -1, ""
	for _, x := range c[s.Name] {
		likeness := 0
		if x.Env == s.Env {
			likeness += 2
		}
		if x.Version == s.Version {
			likeness++
		}
		if likeness > best {
			best, id = likeness, x.ID
		}
	}
	return id
}

// replay is the block that makes the changes of a trace, each when it is due.
type replay struct {
	st     *stage
	begin  int64
	left   []trace.Change
	roles  map[trace.Service]*role
	result TraceRun
}

// role is a service of the trace, with the part of the world that plays it. Instances of the trace
// that the world has are themselves. One that it creates is a new one. Any other was there before
// the recording began: an instance that has no part yet stands in for it.
type role struct {
	serviceID string            // "": nobody plays it
	players   map[string]string // by instance of the trace
	free      []string          // instances without a part
	made      int               // new instances
}

// newReplay casts the trace of the scenario; nil if there is none.
func newReplay(st *stage, begin int64) *replay {
	t := st.s.changes
	if t == nil {
		return nil
	}
	p := &replay{st: st, begin: begin, left: t.Changes}
	p.result.Changes = int64(len(t.Changes))
	players := p.cast(t.Services())
	for i := range t.Changes {
		c := &t.Changes[i]
		if r := p.roles[c.Service]; st.world.Registry.Instance(r.serviceID, c.Instance) != nil {
			r.players[c.Instance] = c.Instance
		}
	}
	for _, r := range players {
		for _, in := range st.world.Registry.Instances(r.serviceID) {
			if _, taken := r.players[in.ID]; !taken {
				r.free = append(r.free, in.ID)
			}
		}
	}
	return p
}

// cast gives each service of the trace its role. A trace of which the world knows nothing is from
// another one: the providers of this one take the parts, in turn. Two versions may have
// one player, so the roles are also given by player.
func (p *replay) cast(services []trace.Service) (played map[string]*role) {
	named := newCast(func(yield func(*registry.Service) bool) {
		for _, s := range p.st.world.Registry.Services() {
			if !yield(s) {
				return
			}
		}
	})
	p.roles = make(map[trace.Service]*role, len(services))
	played = make(map[string]*role)
	known := false
	for _, s := range services {
		known = known || named.find(s) != ""
	}
	for i, s := range services {
		id := named.find(s)
		if n := len(p.st.world.Providers); !known && n > 0 {
			id = p.st.world.Providers[i%n].ServiceID
		}
		if played[id] == nil {
			played[id] = &role{serviceID: id, players: make(map[string]string)}
		}
		p.roles[s] = played[id]
	}
	return played
}

func (p *replay) next() int64 {
	if len(p.left) == 0 {
		return never
	}
	at := int64(p.st.s.traced(p.left[0].At))
	if at > math.MaxInt64-p.begin {
		return never
	}
	return p.begin + at
}

// act makes the next change, or counts why it can't be.
func (p *replay) act(g *load, due int64) error {
	c := &p.left[0]
	p.left = p.left[1:]
	apply, refused, err := p.step(c)
	switch {
	case err != nil:
		return err
	case refused != "":
		p.result.refuse(refused)
		return nil
	}
	p.result.Applied++
	return g.make(due, apply)
}

// step is what a change of the trace is in this world.
func (p *replay) step(c *trace.Change) (apply step, refused string, err error) {
	r := p.roles[c.Service]
	switch {
	case r.serviceID == "":
		return nil, traceNoService, nil
	case c.Action == registry.Expire: // which rules changed it doesn't say; that they did is enough
		return func(reg *registry.Registry) (registry.Change, error) {
			return reg.SetVisibility(r.serviceID, reg.Visibility(r.serviceID))
		}, "", nil
	}
	id, known := r.players[c.Instance]
	if !known && c.Action != registry.Create {
		if id = p.standIn(r); id != "" {
			r.players[c.Instance] = id
			p.result.StandIns++
		}
	}
	in := p.st.world.Registry.Instance(r.serviceID, id)
	if c.Action != registry.Delete {
		return p.put(r, c, id, in)
	}
	switch {
	case id == "":
		return nil, traceNoInstance, nil
	case in == nil:
		return nil, traceGone, nil
	}
	return func(reg *registry.Registry) (registry.Change, error) {
		return reg.Deregister(r.serviceID, id)
	}, "", nil
}

// standIn takes an instance that has no part yet; "" if there is none left.
func (p *replay) standIn(r *role) string {
	for len(r.free) > 0 {
		id := r.free[0]
		r.free = r.free[1:]
		if p.st.world.Registry.Instance(r.serviceID, id) != nil { // else a fault took it
			return id
		}
	}
	return ""
}

// firstMade is the number of the first new instance of a service: beyond all that the rest of the
// generator gives, which counts from the instances there were.
const firstMade = instancesMax

// put registers an instance, or registers it anew with what the trace says of it. Without an id it
// is a new one.
func (p *replay) put(r *role, c *trace.Change, id string, known *registry.Instance) (
	step, string, error) {
	var in registry.Instance
	if known != nil {
		in = *known
	} else {
		var err error
		if in, err = p.st.world.NewInstance(r.serviceID, firstMade+r.made); err != nil {
			return nil, "", err
		}
		r.made++
		if id != "" { // it was there before
			in.ID = id
		}
		r.players[c.Instance] = in.ID
	}
	if c.Status != "" {
		in.Status = c.Status
	}
	if c.Endpoints != nil {
		in.Endpoints = c.Endpoints
	}
	if c.Properties != nil {
		in.Properties = c.Properties
	}
	in.ModTimestamp++
	return func(reg *registry.Registry) (registry.Change, error) { return reg.Update(in) }, "", nil
}

package sim

import (
	"slices"

	"github.com/notifylab/notifylab/notify/registry"
)

// The plans of the faults that change providers. An instance that has gone meanwhile, by another
// fault or the load, is left alone.

// services draws the providers that a fault hits, by number. Each is as likely, whatever its size:
// who deploys is a team, not an instance.
func (p *plot) services() []int {
	all := p.rng.Perm(len(p.st.world.Providers))
	return all[:min(p.f.Services, len(all))]
}

// instances lists those of a provider, in an order by lot: the registry's own says nothing, but
// would have the same ones hit by every fault.
func (p *plot) instances(provider int) []*registry.Instance {
	w := p.st.world
	all := slices.Clone(w.Registry.Instances(w.Providers[provider].ServiceID))
	p.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// part is a share of n, rounded, but at least 1 of any.
func part(share float64, n int) int { return min(max(int(share*float64(n)+0.5), 1), n) }

// goes is an instance's end; gone then says whether it was there, which decides if another has to
// come for it.
func goes(at int64, in *registry.Instance, gone *bool) moment {
	return moment{at, func(g *load, due int64) error {
		if g.st.world.Registry.Instance(in.ServiceID, in.ID) == nil {
			return nil
		}
		*gone = true
		return g.make(due, func(r *registry.Registry) (registry.Change, error) {
			return r.Deregister(in.ServiceID, in.ID)
		})
	}}
}

// comes is a new instance of a provider, if there is need for it.
func comes(at int64, provider int, needed *bool) moment {
	return moment{at, func(g *load, due int64) error {
		if !*needed {
			return nil
		}
		another, err := g.another(provider)
		if err != nil {
			return err
		}
		return g.make(due, another)
	}}
}

// planDeploy replaces one share after the other: each goes at once, and half-way to the next one
// as many come. A share is rounded down, so no more than that is away at once, but it is at least
// one instance.
func planDeploy(p *plot) (out []moment) {
	for _, provider := range p.services() {
		all := p.instances(provider)
		const ulp = 1e-9 // 10 % of 30 are 3, whatever the product's last bit says
		size := max(int(p.f.Share*float64(len(all))+ulp), 1)
		waves := int64((len(all) + size - 1) / size)
		for i, in := range all {
			gone := new(bool)
			wave := int64(i / size)
			at := p.begin + (p.end-p.begin)*wave/max(waves, 1)
			back := p.begin + (p.end-p.begin)*(2*wave+1)/(2*max(waves, 1))
			out = append(out, goes(at, in, gone), comes(back, provider, gone))
		}
	}
	return out
}

// evenly is the time of the i-th of n things over the fault's length; the first comes at its begin.
func (p *plot) evenly(i, n int) int64 {
	return p.begin + int64(float64(p.end-p.begin)*(float64(i)/float64(n)))
}

// planScaleOut adds instances for good; what comes later may find them there.
func planScaleOut(p *plot) (out []moment) {
	yes := true
	for _, provider := range p.services() {
		serviceID := p.st.world.Providers[provider].ServiceID
		n := part(p.f.Share, p.st.world.Registry.CountInstances(serviceID))
		for i := range n {
			out = append(out, comes(p.evenly(i, n), provider, &yes))
		}
	}
	return out
}

// planScaleIn takes instances away for good: the load replaces those that it has taken away itself,
// and no others while a service has any.
func planScaleIn(p *plot) (out []moment) {
	for _, provider := range p.services() {
		all := p.instances(provider)
		all = all[:part(p.f.Share, len(all))]
		for i, in := range all {
			out = append(out, goes(p.evenly(i, len(all)), in, new(bool)))
		}
	}
	return out
}

// planFlapping takes instances away and brings the very same back; at the end all are there.
func planFlapping(p *plot) (out []moment) {
	for _, provider := range p.services() {
		all := p.instances(provider)
		for _, in := range all[:min(p.f.Count, len(all))] {
			out = append(out, p.flap(p.begin, in))
		}
	}
	return out
}

// flap is one period of an instance, and the next ones.
func (p *plot) flap(at int64, in *registry.Instance) moment {
	gone, period := new(bool), int64(p.f.Period)
	down := goes(at, in, gone)
	return moment{at, func(g *load, due int64) error {
		p.later(moment{min(at+period/2, p.end-1), func(g *load, due int64) error {
			if !*gone {
				return nil
			}
			return g.make(due, func(r *registry.Registry) (registry.Change, error) {
				return r.Register(*in)
			})
		}})
		if at+period < p.end {
			p.later(p.flap(at+period, in))
		}
		return down.do(g, due)
	}}
}

// planZoneLoss takes a share of all instances at once. With a length others come in their place at
// its end, unless that is the end of the recorded time.
func planZoneLoss(p *plot) (out []moment) {
	var all []moment
	for provider := range p.st.world.Providers {
		for _, in := range p.instances(provider) {
			gone := new(bool)
			all = append(all, goes(p.begin, in, gone), comes(p.end, provider, gone))
		}
	}
	n := len(all) / 2
	if n == 0 {
		return nil
	}
	for _, i := range p.rng.Perm(n)[:part(p.f.Share, n)] {
		out = append(out, all[2*i])
		if p.end > p.begin {
			out = append(out, all[2*i+1])
		}
	}
	return out
}

// update changes any instance that a provider then has; a new one comes where it has none, so that
// there are as many changes as were asked for.
func (p *plot) update(due int64, provider int) error {
	w := p.st.world
	in := w.Registry.Pick(w.Providers[provider].ServiceID, p.rng.Uint64())
	if in != nil {
		return p.make(due, update(in))
	}
	another, err := p.another(provider)
	if err != nil {
		return err
	}
	return p.make(due, another)
}

// planStorm is as Scenario.Storm, but its service is drawn, and nothing comes in waves.
func planStorm(p *plot) (out []moment) {
	for _, provider := range p.services() {
		out = append(out, p.storm(0, func() int { return provider }))
	}
	return out
}

// planBurst is that of a stage: updates of any instances, all at once.
func planBurst(p *plot) (out []moment) {
	if len(p.st.world.Providers) == 0 {
		return nil
	}
	return []moment{p.storm(0, func() int {
		provider, _ := p.st.world.Pick(p.rng)
		return provider
	})}
}

// storm is the i-th of Count updates, and the next ones.
func (p *plot) storm(i int, provider func() int) moment {
	return moment{p.evenly(i, p.f.Count), func(_ *load, due int64) error {
		if i+1 < p.f.Count {
			p.later(p.storm(i+1, provider))
		}
		return p.update(due, provider())
	}}
}

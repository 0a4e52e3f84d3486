package sim

import (
	"fmt"
	"slices"
)

// The faults that edit rules and tags: no instance changes, but who may see some does. What such a
// fault has taken from somebody it gives back just before its end, for what would be due at the end
// of the recorded time doesn't happen.

// The kinds of edits.
const (
	kindRules        = "rule-edits"
	kindTags         = "tag-edits"
	kindDependencies = "dependency-edits"
)

// edits says whether a scenario has any of them.
func (s *Scenario) edits() bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool {
		return slices.Contains([]string{kindRules, kindTags, kindDependencies}, f.Kind)
	})
}

// deed is one of the edits that are made at the same time.
type deed func(g *load, due int64) error

// alternation hides a service from some and shows it again; over is what is left to do at the end.
type alternation struct{ hide, show, over func(serviceID string) []deed }

// alternately has one of the fault's services by lot hidden from some every period, or shown again
// if it is hidden, and all shown at the end.
func (p *plot) alternately(a alternation) (out []moment) {
	var services []string
	for _, i := range p.services() {
		services = append(services, p.st.world.Providers[i].ServiceID)
	}
	if len(services) == 0 {
		return nil
	}
	hidden := make(map[string]bool)
	flip := func(id string) []deed {
		if hidden[id] = !hidden[id]; hidden[id] {
			return a.hide(id)
		}
		return a.show(id)
	}
	out = append(out, p.repeat(p.begin, func() []deed {
		return flip(services[p.rng.IntN(len(services))])
	}))
	for _, id := range services {
		out = append(out, p.moment(p.end-1, func() (last []deed) {
			if hidden[id] {
				last = flip(id)
			}
			if a.over != nil {
				last = append(last, a.over(id)...)
			}
			return last
		}))
	}
	return out
}

// moment is a time and edits that are chosen then, each of which may make several changes.
func (p *plot) moment(at int64, choose func() []deed) moment {
	return moment{at, func(_ *load, due int64) error {
		for _, do := range choose() {
			p.later(moment{due, do})
		}
		return nil
	}}
}

// repeat is a moment and those a period later each, before all is given back.
func (p *plot) repeat(at int64, choose func() []deed) moment {
	return p.moment(at, func() []deed {
		if next := at + int64(p.f.Period); next < p.end-1 {
			p.later(p.repeat(next, choose))
		}
		return choose()
	})
}

// edit makes an edit of the truth, and queues what it changed.
func (g *load) edit(due int64, apply edit, asks ...string) error {
	all, err := g.st.truth.edit(due, apply, asks...)
	if err != nil {
		return fmt.Errorf("edit the registry: %w", err)
	}
	g.changes += int64(len(all))
	for _, a := range all {
		if len(a.c.Consumers) > 0 {
			g.queued = append(g.queued, a)
		}
	}
	g.announce()
	return nil
}

// announce has the next of what is queued published.
func (g *load) announce() {
	if len(g.queued) == 0 {
		return
	}
	g.pending, g.queued = g.queued[0], g.queued[1:]
	g.pending.since = g.st.now()
	g.depth.record(int64(g.st.engine.Stats().Queued))
}

package sim

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

// The plans of the faults that edit rules and tags. Several may overlap: each draws from those who
// see a service then, and gives back no more than it has taken.

// audience draws the fault's share of those who see a service: ids, sorted.
func (p *plot) audience(serviceID string) (some, rest []string) {
	all := slices.Clone(p.st.world.Registry.Consumers(serviceID)) // it is shared
	p.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	n := part(p.f.Share, len(all))
	slices.Sort(all[:n])
	slices.Sort(all[n:])
	return all[:n], all[n:]
}

// planRuleEdits hides services by rules that name consumers: black ones name those who are kept
// out, white ones those who aren't. All who depend on the service are told.
func planRuleEdits(p *plot) []moment {
	return p.alternately(alternation{
		hide: func(id string) []deed {
			out, in := p.audience(id)
			black := serviceRule(registry.Black, out)
			x := held{by: p, alone: black, beside: black}
			// Who sees a service besides the rules of others isn't all who may when those are gone.
			if p.rng.IntN(2) == 1 && len(p.held[id]) == 0 {
				x.alone = serviceRule(registry.White, in)
			}
			return []deed{p.hold(id, x)}
		},
		show: func(id string) []deed { return []deed{p.hold(id)} },
	})
}

// held is the rule that a fault wants a service to have. The rules of a service all have to be of
// one type: so beside those of others it is a black one.
type held struct {
	by            *plot
	alone, beside registry.Visibility
}

// hold has a service have this rule for p, or none, and those that other faults hold.
func (p *plot) hold(serviceID string, rules ...held) deed {
	return func(g *load, due int64) error {
		all := slices.DeleteFunc(g.held[serviceID], func(x held) bool { return x.by == p })
		all = append(all, rules...)
		g.held[serviceID] = all
		var wanted []registry.Visibility
		for _, x := range all {
			if len(all) == 1 {
				wanted = append(wanted, x.alone)
			} else {
				wanted = append(wanted, x.beside)
			}
		}
		if slices.Equal(g.st.world.Registry.Visibility(serviceID), wanted) {
			return nil
		}
		return g.make(due, func(r *registry.Registry) (registry.Change, error) {
			return r.SetVisibility(serviceID, wanted)
		})
	}
}

// serviceRule is about consumers by their ids. These are sorted, so that the pattern is made a tree
// of their common parts, and thousands of them cost no more than one.
func serviceRule(kind registry.VisibilityType, ids []string) registry.Visibility {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = regexp.QuoteMeta(id)
	}
	return registry.Visibility{Type: kind, Attribute: "serviceId",
		Pattern: "^(" + strings.Join(quoted, "|") + ")$"}
}

// planTagEdits hides services by tags of their consumers, at which a rule looks that they have
// from the first time on. Those whose tags change are told, and of all services that they depend
// on: the registry doesn't look which of them care.
func planTagEdits(p *plot) []moment {
	tagged := make(map[string][]string)
	return p.alternately(alternation{
		hide: func(id string) []deed {
			rule := p.tagRule(id)
			out := []deed{p.hold(id, held{by: p, alone: rule, beside: rule})}
			tagged[id], _ = p.audience(id)
			for _, consumer := range tagged[id] {
				out = append(out, tags(consumer, func(all map[string]string) {
					all[p.tagOf(id)] = "yes"
				}))
			}
			return out
		},
		show: func(id string) (out []deed) {
			for _, consumer := range tagged[id] {
				out = append(out, tags(consumer, func(all map[string]string) {
					delete(all, p.tagOf(id))
				}))
			}
			return out
		},
		over: func(id string) []deed { return []deed{p.hold(id)} },
	})
}

// tagOf is what hides a service from those who have it, as the fault wants.
func (p *plot) tagOf(serviceID string) string {
	return fmt.Sprintf("hidden-from-%s-by-%d", serviceID, p.number)
}

// tagRule is the rule that looks at the fault's tag.
func (p *plot) tagRule(serviceID string) registry.Visibility {
	return registry.Visibility{
		Type: registry.Black, Attribute: "tag_" + p.tagOf(serviceID), Pattern: ".",
	}
}

// tags changes some tags of a service and leaves the others.
func tags(serviceID string, change func(map[string]string)) deed {
	return func(g *load, due int64) error {
		return g.edit(due, func(r *registry.Registry) ([]registry.Change, error) {
			all := maps.Clone(r.Tags(serviceID))
			if all == nil {
				all = make(map[string]string)
			}
			change(all)
			return r.SetTags(serviceID, all)
		})
	}
}

// planDependencyEdits takes the rules that name a service from some of its consumers, and gives
// them back. Those who consume it by a rule for every service keep that.
func planDependencyEdits(p *plot) []moment {
	taken := make(map[string][]*taking) // by service
	return p.alternately(alternation{
		hide: func(id string) (out []deed) {
			some, _ := p.audience(id)
			taken[id] = nil
			for _, consumer := range some {
				t := &taking{provider: id, consumer: consumer}
				taken[id], out = append(taken[id], t), append(out, t.take)
			}
			return out
		},
		show: func(id string) (out []deed) {
			for _, t := range taken[id] {
				out = append(out, t.giveBack)
			}
			return out
		},
	})
}

// taking is the rules that a consumer has had for a provider.
type taking struct {
	provider, consumer string
	rules              []registry.Key
}

// take edits nothing of a consumer that has no rule by this name, or not any more.
func (t *taking) take(g *load, due int64) error {
	r := g.st.world.Registry
	consumer := r.Service(t.consumer).Key
	var kept []registry.Key
	kept, t.rules = naming(r.Dependencies(consumer), r.Service(t.provider).Key)
	if len(t.rules) == 0 {
		return nil
	}
	return g.edit(due, func(r *registry.Registry) ([]registry.Change, error) {
		return r.SetDependencies(consumer, kept)
	}, t.consumer)
}

func (t *taking) giveBack(g *load, due int64) error {
	consumer := g.st.world.Registry.Service(t.consumer).Key
	return g.edit(due, func(r *registry.Registry) ([]registry.Change, error) {
		return r.AddDependencies(consumer, t.rules)
	}, t.consumer)
}

// naming parts rules in those that don't name a service, in whatever version, and those that do.
func naming(rules []registry.Key, service registry.Key) (others, those []registry.Key) {
	for _, rule := range rules {
		if rule.Env == service.Env && rule.App == service.App && rule.Name == service.Name {
			those = append(those, rule)
		} else {
			others = append(others, rule)
		}
	}
	return others, those
}

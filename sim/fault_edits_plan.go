package sim

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

// The plans of the faults that edit rules and tags. Several may overlap, as the edits of operators
// do who don't know of each other: the last one counts, and each looks at what there is then.

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
			if p.rng.IntN(2) == 0 {
				return []deed{sets(id, serviceRule(registry.Black, out))}
			}
			return []deed{sets(id, serviceRule(registry.White, in))}
		},
		show: func(id string) []deed { return []deed{sets(id)} },
	})
}

// sets gives a service these rules.
func sets(serviceID string, rules ...registry.Visibility) deed {
	return func(g *load, due int64) error {
		return g.make(due, func(r *registry.Registry) (registry.Change, error) {
			return r.SetVisibility(serviceID, rules)
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
			out := []deed{tagRule(id, true)}
			tagged[id], _ = p.audience(id)
			for _, consumer := range tagged[id] {
				out = append(out, tags(consumer, func(all map[string]string) {
					all[tagOf(id)] = "yes"
				}))
			}
			return out
		},
		show: func(id string) (out []deed) {
			for _, consumer := range tagged[id] {
				out = append(out, tags(consumer, func(all map[string]string) {
					delete(all, tagOf(id))
				}))
			}
			return out
		},
		over: func(id string) []deed { return []deed{tagRule(id, false)} },
	})
}

// tagOf is what hides a service from those who have it.
func tagOf(serviceID string) string { return "hidden-from-" + serviceID }

// tagRule gives a service the rule that looks at tags, or takes it away. One by another fault is
// left alone.
func tagRule(serviceID string, wanted bool) deed {
	rule := registry.Visibility{
		Type: registry.Black, Attribute: "tag_" + tagOf(serviceID), Pattern: ".",
	}
	return func(g *load, due int64) error {
		has := g.st.world.Registry.Visibility(serviceID)
		switch {
		case wanted && len(has) == 0:
			return sets(serviceID, rule)(g, due)
		case !wanted && slices.Contains(has, rule):
			return sets(serviceID)(g, due)
		}
		return nil
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

package registry

import (
	"fmt"
	"slices"
)

// SetDependencies replaces the rules of a consumer, which is named by its whole key and needn't
// exist yet; without providers it has no rules any more. A provider without a tenant is one of
// the consumer's. If one rule is wrong, none is set.
//
// It returns what the consumer must hear to know what it sees now: one EXPIRE per provider that it
// doesn't see any more, by id, and then one UPDATE per instance of each that it sees now and didn't
// before, by the providers' ids and theirs.
func (r *Registry) SetDependencies(consumer Key, providers []Key) ([]Change, error) {
	names, rules, err := parseRules(consumer, providers)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.setRulesLocked(consumer, names, rules), nil
}

// AddDependencies adds those rules that a consumer doesn't have yet, and is otherwise like
// SetDependencies. If it has them all nothing changes, the revision neither.
func (r *Registry) AddDependencies(consumer Key, providers []Key) ([]Change, error) {
	added, addedRules, err := parseRules(consumer, providers)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []Key
	var rules []Rule
	if p := r.index.parties[consumer.identity()]; p != nil {
		for _, d := range p.edges {
			names, rules = append(names, d.family.name), append(rules, d.rule)
		}
	}
	had := len(names)
	for i, name := range added {
		if !hasRule(names, rules, name, addedRules[i]) {
			names, rules = append(names, name), append(rules, addedRules[i])
		}
	}
	if len(names) == had {
		return nil, nil
	}
	return r.setRulesLocked(consumer, names, rules), nil
}

func hasRule(names []Key, rules []Rule, name Key, rule Rule) bool {
	for i := range names {
		if names[i] == name && rules[i] == rule {
			return true
		}
	}
	return false
}

// parseRules gives for each provider the family that the rule names, and the rule.
func parseRules(consumer Key, providers []Key) ([]Key, []Rule, error) {
	if err := consumer.Validate(); err != nil {
		return nil, nil, fmt.Errorf("consumer: %w", err)
	}
	names, rules := make([]Key, len(providers)), make([]Rule, len(providers))
	for i, p := range providers {
		if err := p.ValidateRule(consumer.Tenant); err != nil {
			return nil, nil, fmt.Errorf("providers[%d]: %w", i, err)
		}
		p.Tenant = consumer.Tenant
		if p.Name == everyService {
			names[i] = p.everything()
			continue
		}
		rule, err := ParseRule(p.Version)
		if err != nil {
			return nil, nil, fmt.Errorf("providers[%d]: %w", i, err)
		}
		names[i], rules[i] = p.family(), rule
	}
	return names, rules, nil
}

// setRulesLocked resolves what the consumer sees before and after. It doesn't keep the results, as
// Providers does: with rules set one consumer after the other, each is out of date with the next.
func (r *Registry) setRulesLocked(consumer Key, names []Key, rules []Rule) []Change {
	var before []string
	// No party yet means no service either, and then nobody watches as it.
	if p := r.index.parties[consumer.identity()]; p != nil && p.service != nil {
		before = r.index.providersOf(p.service)
	}
	r.revision++
	r.index.setRules(consumer, names, rules)
	p := r.index.parties[consumer.identity()]
	if p == nil || p.service == nil {
		return nil
	}
	after := r.index.providersOf(p.service)
	hears := []string{p.service.service.ID}
	var changes []Change
	for _, id := range without(before, after) {
		changes = append(changes, r.expireLocked(r.index.services[id], hears))
	}
	for _, id := range without(after, before) {
		changes = append(changes, r.replayLocked(r.index.services[id], hears)...)
	}
	return changes
}

// audience is who heard of a service, to be compared with who does later.
type audience struct {
	entry     *entry
	consumers []string
}

// latestLocked gives the audience of what "latest" names in a family, or would name without the
// service that is leaving: only these gain or lose consumers when a version comes or goes.
func (r *Registry) latestLocked(name Key, leaving *entry) []audience {
	f := r.index.families[name]
	if f == nil {
		return nil
	}
	rest := slices.Clone(f.services)
	rest = slices.DeleteFunc(rest, func(e *entry) bool { return e == leaving })
	var all []audience
	for _, e := range rest {
		if e.version == rest[len(rest)-1].version {
			all = append(all, audience{e, r.consumersLocked(e)})
		}
	}
	return all
}

// supersededLocked tells those who don't see a service any more, now that a higher version came.
// Nobody else changed: who came with it as a consumer has no watcher yet, and begins with a list.
func (r *Registry) supersededLocked(before []audience) []Change {
	var changes []Change
	for _, a := range before {
		if lost := without(a.consumers, r.consumersLocked(a.entry)); len(lost) > 0 {
			changes = append(changes, r.expireLocked(a.entry, lost))
		}
	}
	return changes
}

// restoredLocked tells those who see a service now that a higher version went.
func (r *Registry) restoredLocked(before []audience) []Change {
	var changes []Change
	for _, a := range before {
		if won := without(r.consumersLocked(a.entry), a.consumers); len(won) > 0 {
			changes = append(changes, r.replayLocked(a.entry, won)...)
		}
	}
	return changes
}

func (r *Registry) expireLocked(e *entry, consumers []string) Change {
	r.revision++
	return Change{Action: Expire, Service: e.service, Revision: r.revision, Consumers: consumers}
}

// replayLocked says UPDATE, for clients duplicate an instance on a CREATE of one they know. The
// instances didn't change, only who sees them: their revision stays.
func (r *Registry) replayLocked(e *entry, consumers []string) []Change {
	var changes []Change
	for _, in := range e.instances.sorted() {
		r.revision++
		changes = append(changes, Change{Action: Update, Service: e.service, Instance: in,
			Revision: r.revision, Consumers: consumers})
	}
	return changes
}

// without gives what of a is not in b; both are sorted.
func without(a, b []string) []string {
	var out []string
	for _, id := range a {
		if _, ok := slices.BinarySearch(b, id); !ok {
			out = append(out, id)
		}
	}
	return out
}

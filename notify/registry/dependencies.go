package registry

import (
	"fmt"
	"slices"
)

// RulesMax is how many rules a consumer may have, and how many one call may name: each costs its
// place in the index, and a change of a consumer's rules looks at all that it has.
const RulesMax = 10_000

// SetDependencies replaces the rules of a consumer, which is named by its whole key and needn't
// exist yet; without providers it has no rules any more. A provider without a tenant is one of
// the consumer's. If one rule is wrong, or there are more than RulesMax, none is set.
//
// It returns what the consumer must hear to know what it sees now: one EXPIRE per provider that it
// doesn't see any more, by id, and then one UPDATE per instance of each that it sees now and didn't
// before, by the providers' ids and theirs.
func (r *Registry) SetDependencies(consumer Key, providers []Key) ([]Change, error) {
	wants, err := parseWants(consumer, providers)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.setRulesLocked(consumer, union(nil, wants)), nil
}

// AddDependencies adds those rules that a consumer doesn't have yet, and is otherwise like
// SetDependencies. If it has them all nothing changes, the revision neither. Where it would have
// more than RulesMax in all none is added, and the error is an ErrLimit.
func (r *Registry) AddDependencies(consumer Key, providers []Key) ([]Change, error) {
	added, err := parseWants(consumer, providers)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	had := r.index.wantsOf(consumer)
	wants := union(had, added)
	if len(wants) == len(had) {
		return nil, nil
	}
	if err := checkRules(len(wants)); err != nil {
		return nil, err
	}
	return r.setRulesLocked(consumer, wants), nil
}

// Dependencies gives the rules of a consumer in the order they came, each once and written as it
// was: with its range or "latest", with the consumer's tenant, and whether there is such a provider
// or not. Their aliases aren't kept, and the application and version of a "*" neither, for these
// take no part in matching. Setting the result anew changes nothing.
func (r *Registry) Dependencies(consumer Key) []Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []Key
	for _, w := range r.index.wantsOf(consumer) {
		keys = append(keys, w.key())
	}
	return keys
}

// Depends says whether a service has this very rule: the same provider, and the versions in the
// same words. A provider without a tenant is one of the consumer's. It tells who asks often, as a
// find does, that there is nothing to add.
func (r *Registry) Depends(consumerID string, provider Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[consumerID]
	if e == nil {
		return false
	}
	if provider.Tenant == "" {
		provider.Tenant = e.service.Tenant
	}
	family, text := provider.family(), provider.Version
	if provider.Name == everyService {
		family, text = provider.everything(), ""
	}
	// Most rules differ in their family, so this compares little more than pointers.
	f := r.index.families[family]
	return f != nil && slices.ContainsFunc(e.party.edges, func(d *edge) bool {
		return d.family == f && d.rule.text == text
	})
}

// Dependents gives the keys of all consumers that have rules, registered or not, in the order of
// their parts.
func (r *Registry) Dependents() []Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []Key
	for k, p := range r.index.parties {
		if len(p.edges) > 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

// want is a rule as a consumer has it: the family that it names, and the versions that it takes.
type want struct {
	family Key
	rule   Rule
}

// key writes the rule as it was given.
func (w want) key() Key {
	k := w.family
	k.Version = w.rule.text
	return k
}

// parseWants checks all before anything is changed.
func parseWants(consumer Key, providers []Key) ([]want, error) {
	if err := consumer.Validate(); err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	if err := checkRules(len(providers)); err != nil {
		return nil, err
	}
	wants := make([]want, len(providers))
	for i, p := range providers {
		if err := p.ValidateRule(consumer.Tenant); err != nil {
			return nil, fmt.Errorf("providers[%d]: %w", i, err)
		}
		p.Tenant = consumer.Tenant
		if p.Name == everyService {
			wants[i].family = p.everything()
			continue
		}
		rule, err := ParseRule(p.Version)
		if err != nil {
			return nil, fmt.Errorf("providers[%d]: %w", i, err)
		}
		wants[i] = want{p.family(), rule}
	}
	return wants, nil
}

func checkRules(n int) error {
	if n > RulesMax {
		return fmt.Errorf("%w: providers: %d: want at most %d rules of one consumer", ErrLimit, n,
			RulesMax)
	}
	return nil
}

// union gives each rule once, in the order they came. A map keeps ten thousand rules from being
// compared with each other.
func union(had, added []want) []want {
	all := make([]want, 0, len(had)+len(added))
	seen := make(map[want]struct{}, len(had)+len(added))
	for _, w := range slices.Concat(had, added) {
		if _, ok := seen[w]; !ok {
			seen[w] = struct{}{}
			all = append(all, w)
		}
	}
	return all
}

// setRulesLocked resolves what the consumer sees before and after. It doesn't keep the results, as
// Providers does: with rules set one consumer after the other, each is out of date with the next.
func (r *Registry) setRulesLocked(consumer Key, wants []want) []Change {
	var before []string
	// No party yet means no service either, and then nobody watches as it.
	if p := r.index.parties[consumer.identity()]; p != nil && p.service != nil {
		before = r.index.providersOf(p.service)
	}
	r.revision++
	r.index.setRules(consumer, wants)
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

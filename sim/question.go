package sim

import (
	"fmt"
	"slices"

	"github.com/notifylab/notifylab/notify/registry"
)

// question is what the consumers of a group ask for because of one of its rules. All groups that
// have the same rule share it.
type question struct {
	provider registry.Key
	rule     registry.Rule
	services []string // that the rule takes
}

// questioner makes the questions of groups.
type questioner struct {
	registry *registry.Registry
	known    map[registry.Key]*question // by the provider in a rule
}

// of gives the questions of a group: one for each of its rules, in their order. Nobody can find
// "*", so who has such a rule reads the truth without a question, as a list does. Who isn't there
// isn't asked for; services don't come and go in a run.
func (m *questioner) of(serviceID string) (out []*question, err error) {
	for _, rule := range m.registry.Dependencies(m.registry.Service(serviceID).Key) {
		if rule.Name == "*" {
			continue
		}
		q, err := m.ask(rule)
		if err != nil {
			return nil, fmt.Errorf("%w: rule %s of %s: %w", ErrWorld, rule, serviceID, err)
		}
		if len(q.services) > 0 {
			out = append(out, q)
		}
	}
	return out, nil
}

func (m *questioner) ask(rule registry.Key) (*question, error) {
	if q := m.known[rule]; q != nil {
		return q, nil
	}
	parsed, err := registry.ParseRule(rule.Version)
	if err != nil {
		return nil, err
	}
	q := &question{provider: rule, rule: parsed}
	for _, s := range m.registry.ServicesOf(rule, parsed) {
		q.services = append(q.services, s.ID)
	}
	m.known[rule] = q
	return q, nil
}

// count says how many instances the answer has now, and whether there is a service that the
// consumer may see. Where nothing is edited all may be seen.
func (q *question) count(r *registry.Registry, consumer string, edited bool) (n int, seen bool) {
	for _, id := range q.services {
		if edited && !sees(r, consumer, id) {
			continue
		}
		n, seen = n+r.CountInstances(id), true
	}
	return n, seen
}

// sees says whether a service lets in one that depends on it.
func sees(r *registry.Registry, consumer, serviceID string) bool {
	if len(r.Visibility(serviceID)) == 0 {
		return true
	}
	_, ok := slices.BinarySearch(r.Consumers(serviceID), consumer)
	return ok
}

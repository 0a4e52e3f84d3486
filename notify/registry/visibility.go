package registry

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// VisibilityType says whether those who match a rule are let in or kept out.
type VisibilityType string

// The types of rules.
const (
	White VisibilityType = "WHITE"
	Black VisibilityType = "BLACK"
)

// Visibility is a rule of a provider about its consumers.
type Visibility struct {
	ID   string         `json:"ruleId,omitempty"`
	Type VisibilityType `json:"ruleType"`
	// Attribute of the consumer: serviceId, environment, appId, serviceName, version, or tag_ and
	// the name of a tag.
	Attribute string `json:"attribute"`
	// Pattern is a regular expression that some part of the attribute must match; ^ and $ ask for
	// the whole of it.
	Pattern string `json:"pattern"`

	// These, and the ID, say nothing to the registry. It keeps them for those who show the rules.
	Description  string `json:"description,omitempty"`
	Timestamp    int64  `json:"timestamp,string,omitempty"` // Unix seconds
	ModTimestamp int64  `json:"modTimestamp,string,omitempty"`
}

const (
	tagPrefix     = "tag_"
	attributeForm = "serviceId, environment, appId, serviceName, version, or tag_ and a tag's name"
)

// attributes are those that are fixed as long as a service exists, so that putting a service anew
// never changes who sees what.
var attributes = map[string]func(*Service) string{
	"serviceId":   func(s *Service) string { return s.ID },
	"environment": func(s *Service) string { return s.Env },
	"appId":       func(s *Service) string { return s.App },
	"serviceName": func(s *Service) string { return s.Name },
	"version":     func(s *Service) string { return s.Version },
}

// SetVisibility replaces the rules that decide which consumers hear of a service and find it; no
// rules let everybody in. All must have the same type. It returns one EXPIRE to all whose
// dependencies match the service, those who may not see it any more included.
func (r *Registry) SetVisibility(serviceID string, rules []Visibility) (Change, error) {
	var v visibility
	for i, rule := range rules {
		if err := v.add(rule); err != nil {
			return Change{}, fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	v.asSet = slices.Clone(rules)
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil {
		return Change{}, unknownService(serviceID)
	}
	r.index.setVisibility(e, v)
	r.revision++
	return Change{Action: Expire, Service: e.service, Revision: r.revision,
		Consumers: r.index.matchedBy(e)}, nil
}

// Visibility gives the rules of a service as they were set; nil if it has none or is unknown. The
// slice is shared and must not be modified; it stays as it is when others are set.
func (r *Registry) Visibility(serviceID string) []Visibility {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return e.visibility.asSet
	}
	return nil
}

// SetTags replaces the tags of a service, which the rules of its providers may look at. It returns
// one EXPIRE per provider, to this consumer only, in the order of the providers' ids; those that it
// may not see are among them.
func (r *Registry) SetTags(serviceID string, tags map[string]string) ([]Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.index.services[serviceID]
	if e == nil {
		return nil, unknownService(serviceID)
	}
	e.tags = maps.Clone(tags)
	e.tagsVersion++
	r.index.generation++
	r.revision++
	var changes []Change
	hears := []string{e.service.ID}
	for _, id := range r.index.matching(e) {
		r.revision++
		changes = append(changes, Change{Action: Expire, Service: r.index.services[id].service,
			Revision: r.revision, Consumers: hears})
	}
	return changes, nil
}

// Tags gives the tags of a service; nil if it has none or is unknown. The map is shared and must
// not be modified; it stays as it is when others are set.
func (r *Registry) Tags(serviceID string) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.index.services[serviceID]; e != nil {
		return e.tags
	}
	return nil
}

// visibility is the compiled rules of a service; the zero value lets everybody in.
type visibility struct {
	kind  VisibilityType
	rules []visibilityRule
	asSet []Visibility
}

type visibilityRule struct {
	attribute func(*Service) string // nil if it is a tag
	tag       string
	pattern   *regexp.Regexp
}

func (v *visibility) add(rule Visibility) error {
	if rule.Type != White && rule.Type != Black || v.kind != "" && rule.Type != v.kind {
		return invalid("Type", string(rule.Type), "WHITE or BLACK, the same in all rules")
	}
	v.kind = rule.Type
	tag, isTag := strings.CutPrefix(rule.Attribute, tagPrefix)
	attribute := attributes[rule.Attribute]
	if attribute == nil && (!isTag || tag == "") {
		return invalid("Attribute", rule.Attribute, attributeForm)
	}
	pattern, err := regexp.Compile(rule.Pattern)
	if err != nil || rule.Pattern == "" {
		return invalid("Pattern", rule.Pattern, "a regular expression, not empty")
	}
	v.rules = append(v.rules, visibilityRule{attribute, tag, pattern})
	return nil
}

// admits says whether a consumer may see a service with these rules.
func (v *visibility) admits(consumer *entry) bool {
	if len(v.rules) == 0 {
		return true
	}
	matches := slices.ContainsFunc(v.rules, func(rule visibilityRule) bool {
		if rule.attribute != nil {
			return rule.pattern.MatchString(rule.attribute(consumer.service))
		}
		value, ok := consumer.tags[rule.tag]
		return ok && rule.pattern.MatchString(value)
	})
	return matches == (v.kind == White)
}

package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	rulesForm = `{"rules":[{"ruleType","attribute","pattern","description"},…]}`

	rulesMax        = 100 // of a service, as in service-center
	patternBytesMax = 256 // a pattern that is compiled takes much more than its text
)

// rule is a rule of a service about its consumers, with what only its owner cares about.
type rule struct {
	ID string `json:"ruleId,omitempty"`
	registry.Visibility
	Description  string `json:"description,omitempty"`
	Timestamp    int64  `json:"timestamp,string,omitempty"` // Unix seconds
	ModTimestamp int64  `json:"modTimestamp,string,omitempty"`
}

// ruleBody is a rule as clients send it; id and timestamps aren't theirs to say.
type ruleBody struct {
	Type        registry.VisibilityType `json:"ruleType"`
	Attribute   string                  `json:"attribute"`
	Pattern     string                  `json:"pattern"`
	Description string                  `json:"description"`
}

// visibility is the part that the registry knows.
func (b *ruleBody) visibility() registry.Visibility {
	return registry.Visibility{Type: b.Type, Attribute: b.Attribute, Pattern: b.Pattern}
}

// rules answers {"rules":[{"ruleId","ruleType","attribute","pattern",…}]}, in the order they came.
func (c *call) rules(s *registry.Service) (any, error) {
	list := c.shelf.of(s.ID).rules
	if list == nil {
		list = []rule{}
	}
	return map[string][]rule{"rules": list}, nil
}

// changeRules makes new rules out of those that the service of the path has. The registry checks
// the attributes and compiles the patterns, and only then they are kept here.
func (c *call) changeRules(edit func(rules []rule) ([]rule, error)) error {
	return c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		rules, err := edit(slices.Clone(c.shelf.of(s.ID).rules))
		if err != nil {
			return nil, err
		}
		if len(rules) > rulesMax {
			return nil, fail(CodeNotEnoughQuota, "rules: want at most %d of a service", rulesMax)
		}
		visible := make([]registry.Visibility, len(rules))
		for i := range rules {
			visible[i] = rules[i].Visibility
			if len(visible[i].Pattern) > patternBytesMax {
				return nil, invalid("pattern", visible[i].Pattern,
					fmt.Sprintf("at most %d bytes", patternBytesMax))
			}
			if visible[i].Type != visible[0].Type {
				return nil, fail(CodeBlackAndWhite, "ruleType %q: want that of the other rules, %s",
					shorten(string(visible[i].Type)), visible[0].Type)
			}
		}
		change, err := r.SetVisibility(s.ID, visible)
		if err != nil {
			return nil, err
		}
		c.shelf.setRules(s, rules)
		return one(change, nil)
	})
}

// addRules takes rulesForm and answers {"RuleIds":[…]}, in the order of the rules.
func (c *call) addRules() (any, error) {
	var body struct {
		Rules []ruleBody `json:"rules"`
	}
	if err := c.decode(&body, rulesForm); err != nil {
		return nil, err
	}
	if len(body.Rules) == 0 {
		return nil, fail(CodeInvalid, "rules: missing or empty: want %s", rulesForm)
	}
	ids := make([]string, len(body.Rules))
	err := c.changeRules(func(rules []rule) ([]rule, error) {
		for i, b := range body.Rules {
			ids[i] = newID()
			rules = append(rules, rule{ID: ids[i], Visibility: b.visibility(),
				Description: b.Description, Timestamp: c.now.Unix(), ModTimestamp: c.now.Unix()})
		}
		return rules, nil
	})
	return map[string][]string{"RuleIds": ids}, err // in this spelling
}

// putRule changes a rule; its type stays. A client that wants the other type deletes the rules
// first, as in service-center: half of them turned would let in nobody.
func (c *call) putRule() (any, error) {
	var body ruleBody
	if err := c.decode(&body, `{"ruleType","attribute","pattern","description"}`); err != nil {
		return nil, err
	}
	return nil, c.changeRules(func(rules []rule) ([]rule, error) {
		at, err := findRule(rules, c.r.PathValue("ruleId"))
		if err != nil {
			return nil, err
		}
		if body.Type != rules[at].Type {
			return nil, fail(CodeRuleType, "ruleType %q: want %s, as it was",
				shorten(string(body.Type)), rules[at].Type)
		}
		rules[at].Visibility, rules[at].Description = body.visibility(), body.Description
		rules[at].ModTimestamp = c.now.Unix()
		return rules, nil
	})
}

// deleteRules takes ids with commas between.
func (c *call) deleteRules() (any, error) {
	return nil, c.changeRules(func(rules []rule) ([]rule, error) {
		for _, id := range strings.Split(c.r.PathValue("ruleId"), ",") {
			at, err := findRule(rules, id)
			if err != nil {
				return nil, err
			}
			rules = slices.Delete(rules, at, at+1)
		}
		return rules, nil
	})
}

// findRule gives the position of a rule.
func findRule(rules []rule, id string) (int, error) {
	at := slices.IndexFunc(rules, func(r rule) bool { return r.ID == id })
	if at < 0 {
		return 0, fail(CodeNoRule, "ruleId %q: want %s", shorten(id),
			fmt.Sprintf("the id of one of the %d rules of the service", len(rules)))
	}
	return at, nil
}

package rest

import (
	"crypto/sha256"
	"encoding/hex"
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

// ruleList is what a service says about its consumers.
type ruleList = []registry.Visibility

// ruleBody is a rule as clients send it; id and timestamps aren't theirs to say.
type ruleBody struct {
	Type        registry.VisibilityType `json:"ruleType"`
	Attribute   string                  `json:"attribute"`
	Pattern     string                  `json:"pattern"`
	Description string                  `json:"description"`
}

// rule gives the body as a rule of this id, at first and whenever it changes.
func (b *ruleBody) rule(id string, timestamp, now int64) registry.Visibility {
	return registry.Visibility{ID: id, Type: b.Type, Attribute: b.Attribute, Pattern: b.Pattern,
		Description: b.Description, Timestamp: timestamp, ModTimestamp: now}
}

// rulesOf gives the rules of a service in the order they came, as the caller's own. Rules that came
// by another way than this handler may have no ids. Clients name rules by them, so these get some:
// always the same as long as the rule is.
func rulesOf(r *registry.Registry, serviceID string) ruleList {
	rules := append(ruleList{}, r.Visibility(serviceID)...) // never null in JSON
	for i := range rules {
		if rules[i].ID == "" {
			text := fmt.Sprintf("%q %q %q", rules[i].Type, rules[i].Attribute, rules[i].Pattern)
			sum := sha256.Sum256([]byte(text))
			rules[i].ID = hex.EncodeToString(sum[:16]) // as long as those of newID
		}
	}
	return rules
}

// rules answers {"rules":[{"ruleId","ruleType","attribute","pattern",…}]}, in the order they came.
func (c *call) rules(s *registry.Service) (any, error) {
	list := rulesOf(c.hub.Registry(), s.ID)
	return map[string]ruleList{"rules": list}, nil
}

// changeRules makes new rules out of those that the service of the path has. The registry checks
// the attributes and compiles the patterns.
func (c *call) changeRules(edit func(rules ruleList) (ruleList, error)) error {
	return c.changeNamed(func(r *registry.Registry, s *registry.Service) (changeList, error) {
		rules, err := edit(rulesOf(r, s.ID))
		if err != nil {
			return nil, err
		}
		if len(rules) > rulesMax {
			return nil, fail(CodeNotEnoughQuota, "rules: want at most %d of a service", rulesMax)
		}
		for _, rule := range rules {
			if len(rule.Pattern) > patternBytesMax {
				return nil, invalid("pattern", rule.Pattern,
					fmt.Sprintf("at most %d bytes", patternBytesMax))
			}
			// The registry refuses this too; clients know it by a code of its own.
			if rule.Type != rules[0].Type {
				return nil, fail(CodeBlackAndWhite, "ruleType %q: want that of the other rules, %s",
					shorten(string(rule.Type)), rules[0].Type)
			}
		}
		return one(r.SetVisibility(s.ID, rules))
	})
}

// addRules takes rulesForm and answers {"RuleIds":[…]}, in the order of the rules. A rule that is
// there already comes twice, which changes nothing for consumers: who added it may delete it.
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
	err := c.changeRules(func(rules ruleList) (ruleList, error) {
		for i, b := range body.Rules {
			ids[i] = newID()
			rules = append(rules, b.rule(ids[i], c.now.Unix(), c.now.Unix()))
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
	return nil, c.changeRules(func(rules ruleList) (ruleList, error) {
		at, err := findRule(rules, c.r.PathValue("ruleId"))
		if err != nil {
			return nil, err
		}
		if body.Type != rules[at].Type {
			return nil, fail(CodeRuleType, "ruleType %q: want %s, as it was",
				shorten(string(body.Type)), rules[at].Type)
		}
		rules[at] = body.rule(rules[at].ID, rules[at].Timestamp, c.now.Unix())
		return rules, nil
	})
}

// deleteRules takes ids with commas between.
func (c *call) deleteRules() (any, error) {
	return nil, c.changeRules(func(rules ruleList) (ruleList, error) {
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
func findRule(rules ruleList, id string) (int, error) {
	at := slices.IndexFunc(rules, func(r registry.Visibility) bool { return r.ID == id })
	if at < 0 {
		return 0, fail(CodeNoRule, "ruleId %q: want %s", shorten(id),
			fmt.Sprintf("the id of one of the %d rules of the service", len(rules)))
	}
	return at, nil
}

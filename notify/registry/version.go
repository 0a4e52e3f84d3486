package registry

import (
	"strconv"
	"strings"
)

// Version is a parsed version: up to four numbers, the first the most significant, so that
// versions compare like integers. Parts that aren't written are 0: 1.0 equals 1.0.0.
type Version uint64

const (
	versionParts   = 4
	versionPartMax = 1<<15 - 1
	versionForm    = "1 to 4 numbers from 0 to 32767, separated by dots, such as 1.0.0"
	ruleForm       = "a version such as 1.0.0, a lower bound 1.0+, a range 1.0-2.0 " +
		"(its end excluded and greater than its start), or latest"
)

// ParseVersion reads a version: one to four dotted decimal numbers from 0 to 32767, which is what
// service-center accepts. Anything else, such as 1.0-beta, is an error and not a guess.
func ParseVersion(s string) (Version, error) {
	v, ok := parseVersion(s)
	if !ok {
		return 0, invalid("Version", s, versionForm)
	}
	return v, nil
}

// String writes all four parts, so that equal versions look equal.
func (v Version) String() string {
	parts := make([]string, versionParts)
	for i := range parts {
		parts[i] = strconv.FormatUint(uint64(v)>>(16*(versionParts-1-i))&versionPartMax, 10)
	}
	return strings.Join(parts, ".")
}

// Rule says which versions of a provider a consumer takes.
type Rule struct {
	text     string
	kind     ruleKind
	from, to Version
}

type ruleKind uint8

const (
	ruleExact ruleKind = iota // from
	ruleFrom                  // from, or later
	ruleRange                 // from, or later, but before to
	ruleLatest
)

// ParseRule reads a rule: 1.0.0 takes that version, 1.0+ that and all later ones, 1.0-2.0 all
// from 1.0 on but before 2.0, and latest the highest version there is.
func ParseRule(s string) (Rule, error) {
	from, to, isRange := strings.Cut(s, "-")
	bound, isFrom := strings.CutSuffix(from, "+")
	v, ok := parseVersion(bound)
	rule := Rule{text: s, from: v}
	switch {
	case s == "latest":
		return Rule{text: s, kind: ruleLatest}, nil
	case isRange && !isFrom:
		rule.kind = ruleRange
		end, endOK := parseVersion(to)
		rule.to, ok = end, ok && endOK && rule.from < end
	case isRange:
		ok = false // 1.0+-2.0
	case isFrom:
		rule.kind = ruleFrom
	}
	if !ok {
		return Rule{}, invalid("Version", s, ruleForm)
	}
	return rule, nil
}

// String gives the rule as it was written.
func (r Rule) String() string { return r.text }

// Match says whether the rule takes version v of a provider whose highest version is latest.
func (r Rule) Match(v, latest Version) bool {
	switch r.kind {
	case ruleFrom:
		return r.from <= v
	case ruleRange:
		return r.from <= v && v < r.to
	case ruleLatest:
		return v == latest
	default:
		return v == r.from
	}
}

// parseVersion is on the path of every rule of a planet-sized world: it allocates nothing, and
// leaves the wording of the error to its callers.
func parseVersion(s string) (Version, bool) {
	var v Version
	part, parts, digits := 0, 0, 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if digits == 0 || parts == versionParts {
				return 0, false
			}
			v = v<<16 | Version(part)
			part, digits = 0, 0
			parts++
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if part = part*10 + int(s[i]-'0'); part > versionPartMax {
			return 0, false
		}
		digits++
	}
	return v << (16 * (versionParts - parts)), true
}

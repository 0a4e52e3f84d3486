package sim

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

// The dependency rules of a dump: first the consumers' records, which count, then their mirrors.

// wants reads a c record: what this consumer needs.
func (d *dumpReader) wants(rec *dumpRecord) error {
	if !rec.isRule("c") {
		return rec.wellFormedRule()
	}
	parts, err := rec.keyParts(ruleKeyForm, 7)
	if err != nil {
		return err
	}
	consumer := ruleKey(parts)
	if err := consumer.Validate(); err != nil {
		return dumpError(rec.path, "key: %w", err)
	}
	if d.consumers[consumer] {
		return dumpError(rec.path, "consumer %s: want one record per consumer", consumer)
	}
	d.consumers[consumer] = true
	keys, err := rec.dependency()
	if err != nil {
		return err
	}
	var providers []registry.Key
	for i, p := range keys {
		if p.Tenant != "" && p.Tenant != consumer.Tenant {
			d.orphan(rec.Key, fmt.Sprintf("it depends on %s, of another tenant", p))
			continue
		}
		if err := p.ValidateRule(consumer.Tenant); err != nil {
			return dumpError(rec.path, "value.Dependency[%d]: %w", i, err)
		}
		p.Tenant = consumer.Tenant
		providers = append(providers, p)
		d.wanted[wantedPair{consumer, ruleIdentity(p)}] = true
	}
	if len(providers) > 0 {
		d.topology.Rules = append(d.topology.Rules, DependencySpec{consumer, providers})
	}
	return nil
}

// mirror reads a p record, who needs this provider, only to notice what no c record confirms.
func (d *dumpReader) mirror(rec *dumpRecord) error {
	if !rec.isRule("p") {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(rec.Key, rulePrefix), "/")
	// What every service is wanted by is kept without application and version.
	if len(parts) == 5 && parts[4] == "*" {
		parts = append(parts[:4], "", "*", "")
	}
	if len(parts) != 7 {
		return dumpError(rec.path, "key %q: want %s", rec.Key, ruleKeyForm)
	}
	provider := ruleIdentity(ruleKey(parts))
	consumers, err := rec.dependency()
	if err != nil {
		return err
	}
	for _, c := range consumers {
		c.Tenant, c.Alias = cmp.Or(c.Tenant, provider.Tenant), ""
		if !d.wanted[wantedPair{c, provider}] {
			d.orphan(rec.Key, fmt.Sprintf("no c record of %s names it", c))
		}
	}
	return nil
}

const rulePrefix = "/cse-sr/ms/dep-rules/"

// isRule says whether the record is of this side, "c" or "p".
func (rec *dumpRecord) isRule(side string) bool {
	parts := strings.SplitN(strings.TrimPrefix(rec.Key, rulePrefix), "/", 4)
	return strings.HasPrefix(rec.Key, rulePrefix) && len(parts) == 4 && parts[2] == side
}

// wellFormedRule is the answer to what isn't a c record: fine if it is a p record.
func (rec *dumpRecord) wellFormedRule() error {
	if rec.isRule("p") {
		return nil
	}
	return dumpError(rec.path, "key %q: want %s", rec.Key, ruleKeyForm)
}

func (rec *dumpRecord) dependency() ([]registry.Key, error) {
	var v struct{ Dependency []registry.Key }
	err := decodeObject(rec.path+": value", rec.Value, &v)
	return v.Dependency, err
}

// ruleKey makes a key of domain, project, side, environment, application, name and version.
func ruleKey(parts []string) registry.Key {
	return registry.Key{Tenant: parts[0] + "/" + parts[1], Env: parts[3], App: parts[4],
		Name: parts[5], Version: parts[6]}
}

// ruleIdentity drops what takes no part in matching, so that both sides of a rule are equal.
func ruleIdentity(k registry.Key) registry.Key {
	k.Alias = ""
	if k.Name == "*" {
		k.App, k.Version = "", ""
	}
	return k
}

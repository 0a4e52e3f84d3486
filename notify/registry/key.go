package registry

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/notifylab/notifylab/notify"
)

// InstanceEvents is the type of the events that changes of instances make.
const InstanceEvents notify.Type = "INSTANCE"

const (
	subjectPrefix = "/cse-sr/inst/files/"
	everyService  = "*"
	tenantForm    = `"domain/project", such as default/default`
)

// Subject is what the instance events of a tenant are about.
func Subject(domain, project string) string { return SubjectOf(domain + "/" + project) }

// SubjectOf is Subject for a tenant as keys hold it.
func SubjectOf(tenant string) string { return subjectPrefix + tenant + "/" }

// Key names a service, or in a dependency rule the services that a consumer wants.
type Key struct {
	Tenant  string `json:"tenant,omitempty"`      // "domain/project"
	Env     string `json:"environment,omitempty"` // "" is an environment of its own
	App     string `json:"appId,omitempty"`
	Name    string `json:"serviceName,omitempty"` // in a rule, "*" is every service
	Alias   string `json:"alias,omitempty"`       // carried along, takes no part in matching
	Version string `json:"version,omitempty"`     // in a rule, what ParseRule reads
}

// Validate checks the key of a service: a tenant, a name, and a version that ParseVersion reads.
func (k Key) Validate() error {
	if err := validateTenant(k.Tenant); err != nil {
		return err
	}
	if k.Name == "" || k.Name == everyService {
		return invalid("Name", k.Name, `the service's name, not empty and not "*"`)
	}
	_, err := ParseVersion(k.Version)
	return err
}

// ValidateRule checks the key of a provider in a rule of a consumer of this tenant: the same
// tenant or none, a name, and a version that ParseRule reads; "*" needs no version.
func (k Key) ValidateRule(tenant string) error {
	if k.Tenant != "" && k.Tenant != tenant {
		return invalid("Tenant", k.Tenant, "the consumer's, "+tenant+", or none")
	}
	if k.Name == "" {
		return invalid("Name", k.Name, `the provider's name, or "*" for every service`)
	}
	if k.Name == everyService {
		return nil
	}
	_, err := ParseRule(k.Version)
	return err
}

// String gives the parts that identify a service, as a path.
func (k Key) String() string {
	return fmt.Sprintf("%s/%s/%s/%s/%s", k.Tenant, k.Env, k.App, k.Name, k.Version)
}

func validateTenant(tenant string) error {
	domain, project, ok := strings.Cut(tenant, "/")
	if !ok || domain == "" || project == "" || strings.Contains(project, "/") {
		return invalid("Tenant", tenant, tenantForm)
	}
	return nil
}

// identity is the part of a service's key that no other service may have.
func (k Key) identity() Key {
	k.Alias = ""
	return k
}

// family is the part that all versions of a service share, and that rules look up.
func (k Key) family() Key {
	k.Alias, k.Version = "", ""
	return k
}

// everything is the family under which the "*" rules of a tenant and environment are kept.
func (k Key) everything() Key {
	return Key{Tenant: k.Tenant, Env: k.Env, Name: everyService}
}

// compareKeys orders keys by their parts, the tenant first.
func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Env, b.Env),
		strings.Compare(a.App, b.App), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Version, b.Version))
}

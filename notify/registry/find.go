package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
)

// Found is the answer to a Find.
type Found struct {
	// Revision identifies the question and the answer by their content on the wire: the same
	// question with the same answer always has the same one, in every registry, and no other has
	// it. A client may keep a single one for all its questions.
	Revision  string
	Instances []*Instance // by service id, then by id; shared, not to modify
}

// Find gives the instances of all versions of a provider that the rule takes. Version and Alias of
// the provider's key play no part; without a tenant it is one of the consumer's, and no other
// tenant's is found. With an empty consumerID nobody in particular asks, and the key must name
// the tenant.
//
// It is an ErrUnknownService when the consumer is unknown, and when there is no version that the
// rule takes and the consumer may see. A service without instances is no error.
func (r *Registry) Find(consumerID string, provider Key, rule Rule) (Found, error) {
	found, _, err := r.find(consumerID, provider, rule)
	return found, err
}

// find also says what the answer was made of.
func (r *Registry) find(consumerID string, provider Key, rule Rule) (Found, answerAt, error) {
	provider = provider.family()
	parts, at, err := r.matching(consumerID, &provider, rule)
	if err != nil {
		return Found{}, answerAt{}, err
	}
	var found Found
	id := sha256.New()
	for _, field := range []string{provider.Tenant, provider.Env, provider.App, provider.Name,
		rule.text} {
		id.Write(binary.AppendUvarint(nil, uint64(len(field))))
		id.Write([]byte(field))
	}
	for _, p := range parts {
		l := r.listingOf(p)
		if len(l.instances) == 0 {
			continue // it adds nothing to the answer, so it must add nothing to the revision
		}
		id.Write(l.digest[:])
		if found.Instances == nil {
			found.Instances = l.instances // clipped: appending copies
			continue
		}
		found.Instances = append(found.Instances, l.instances...)
	}
	found.Revision = hex.EncodeToString(id.Sum(nil)[:revisionBytes])
	return found, at, nil
}

// answerID is all that an answer depends on, by identity: a service that was deleted and came again
// is another one. So a million consumers share the answers of providers that let everybody in.
type answerID struct {
	family   *family
	consumer *entry // nil unless a service of the family chooses its consumers
	rule     string
}

// answerVersion counts the changes of what an answer depends on.
type answerVersion struct{ family, consumer uint64 }

// answerAt is an answer's identity and version in one cut.
type answerAt struct {
	answerID
	answerVersion
}

// locate gives the identity and the version that the answer has at this moment.
func (r *Registry) locate(consumerID string, provider Key, rule Rule) (answerAt, error) {
	provider = provider.family()
	r.mu.Lock()
	defer r.mu.Unlock()
	consumer, f, err := r.askedLocked(consumerID, &provider, rule)
	if err != nil {
		return answerAt{}, err
	}
	return locateIn(f, consumer, rule), nil
}

func locateIn(f *family, consumer *entry, rule Rule) answerAt {
	at := answerAt{answerID{family: f, rule: rule.text}, answerVersion{family: f.version}}
	if f.choosy > 0 && consumer != nil {
		at.answerID.consumer, at.answerVersion.consumer = consumer, consumer.tagsVersion
	}
	return at
}

// revisionBytes of a SHA-256 are enough for two to differ, and short enough for a header.
const revisionBytes = 20

// matching takes a consistent cut of what the rule takes, by service id. It completes the key.
func (r *Registry) matching(
	consumerID string, provider *Key, rule Rule,
) ([]part, answerAt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	consumer, f, err := r.askedLocked(consumerID, provider, rule)
	if err != nil {
		return nil, answerAt{}, err
	}
	var parts []part
	latest := f.latest()
	for _, e := range f.services {
		seen := consumer == nil || e.visibility.admits(consumer)
		if seen && rule.Match(e.version, latest) {
			parts = append(parts, partOf(e))
		}
	}
	if parts == nil {
		return nil, answerAt{}, unknownProvider(*provider, rule)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.id, b.id) })
	return parts, locateIn(f, consumer, rule), nil
}

// askedLocked gives who asks, nil if nobody in particular, and for what: there is at least one
// service of the family. It completes the key.
func (r *Registry) askedLocked(
	consumerID string, provider *Key, rule Rule,
) (*entry, *family, error) {
	consumer := r.index.services[consumerID]
	if consumerID != "" {
		if consumer == nil {
			return nil, nil, unknownService(consumerID)
		}
		if provider.Tenant == "" {
			provider.Tenant = consumer.service.Tenant
		}
		if want := consumer.service.Tenant; provider.Tenant != want {
			return nil, nil, invalid("Tenant", provider.Tenant,
				"the consumer's, "+want+", or none")
		}
	}
	if err := validateTenant(provider.Tenant); err != nil {
		return nil, nil, err
	}
	if provider.Name == "" || provider.Name == everyService {
		return nil, nil, invalid("Name", provider.Name,
			`the provider's name, not empty and not "*"`)
	}
	f := r.index.families[*provider]
	if f == nil || len(f.services) == 0 {
		return nil, nil, unknownProvider(*provider, rule)
	}
	return consumer, f, nil
}

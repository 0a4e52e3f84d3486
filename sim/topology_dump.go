package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/notifylab/notifylab/notify/registry"
)

const (
	serviceKeyForm  = "/cse-sr/ms/files/{domain}/{project}/{serviceId}"
	instanceKeyForm = "/cse-sr/inst/files/{domain}/{project}/{serviceId}/{instanceId}"
	ruleKeyForm     = "/cse-sr/ms/dep-rules/{domain}/{project}/{c|p}/{env}/{app}/{name}/{version}"
	dumpForm        = `{"cache":{"services":[{"key","value"}],"instances":[…],` +
		`"dependencyRules":[…]}}`
)

// ReadDump reads what a service-center gives under admin/dump. It takes services, instances and
// dependency rules, and ignores all else. The order of the records in the dump means nothing.
//
// Dependencies are stored twice, under the consumer (c) and mirrored under the provider (p). The
// c records count. These become Orphans and take no part: an instance whose service isn't in the
// dump, a dependency on another tenant, and a mirror that no c record confirms. A rule whose
// consumer or provider isn't in the dump is kept: the registry allows it, and it has no effect.
//
// Anything malformed is an ErrDump that names the place and the accepted form.
func ReadDump(r io.Reader, name string) (*Topology, error) {
	raw, err := io.ReadAll(r)
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // some editors begin a file with it
	if err != nil {
		return nil, fmt.Errorf("sim: reading the dump %s: %w", name, err)
	}
	var dump struct {
		Cache json.RawMessage `json:"cache"`
	}
	if err := decodeObject("the document", raw, &dump); err != nil {
		return nil, err
	}
	var cache struct {
		Services        []json.RawMessage `json:"services"`
		Instances       []json.RawMessage `json:"instances"`
		DependencyRules []json.RawMessage `json:"dependencyRules"`
	}
	if err := decodeObject("cache", dump.Cache, &cache); err != nil {
		return nil, err
	}
	if len(cache.Services) == 0 {
		return nil, dumpError("cache.services", "missing or empty: want at least one service in %s",
			dumpForm)
	}
	d := dumpReader{
		topology:   &Topology{Name: name},
		services:   map[string]*ServiceSpec{},
		identities: map[registry.Key]bool{},
		instances:  map[[2]string]bool{},
		consumers:  map[registry.Key]bool{},
		wanted:     map[wantedPair]bool{},
	}
	for _, list := range []struct {
		name    string
		records []json.RawMessage
		read    func(*dumpRecord) error
	}{
		{"services", cache.Services, d.service},
		{"instances", cache.Instances, d.instance},
		{"dependencyRules", cache.DependencyRules, d.wants},
		{"dependencyRules", cache.DependencyRules, d.mirror},
	} {
		for i, raw := range list.records {
			rec := dumpRecord{path: fmt.Sprintf("cache.%s[%d]", list.name, i)}
			if err := decodeObject(rec.path, raw, &rec); err != nil {
				return nil, err
			}
			rec.path += " (" + rec.Key + ")"
			if err := list.read(&rec); err != nil {
				return nil, err
			}
		}
	}
	return d.finish(), nil
}

// dumpRecord is one key and value of the dump.
type dumpRecord struct {
	path  string          // where it is, for errors
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

type dumpReader struct {
	topology   *Topology
	services   map[string]*ServiceSpec // by id
	identities map[registry.Key]bool
	instances  map[[2]string]bool
	consumers  map[registry.Key]bool // that have a c record
	wanted     map[wantedPair]bool
}

// wantedPair is one dependency, from whichever side it was read.
type wantedPair struct{ consumer, provider registry.Key }

func (d *dumpReader) service(rec *dumpRecord) error {
	parts, err := rec.keyParts(serviceKeyForm, 3)
	if err != nil {
		return err
	}
	var v struct {
		registry.Service
		Timestamp    string `json:"timestamp"`
		ModTimestamp string `json:"modTimestamp"`
	}
	if err := decodeObject(rec.path+": value", rec.Value, &v); err != nil {
		return err
	}
	s := v.Service
	s.Tenant = parts[0] + "/" + parts[1]
	if err := rec.sameID("serviceId", s.ID, parts[2]); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return dumpError(rec.path, "value: %w", err)
	}
	if s.Timestamp, err = rec.seconds("timestamp", v.Timestamp); err != nil {
		return err
	}
	if s.ModTimestamp, err = rec.seconds("modTimestamp", v.ModTimestamp); err != nil {
		return err
	}
	identity := s.Key
	identity.Alias = ""
	if d.services[s.ID] != nil || d.identities[identity] {
		return dumpError(rec.path, "service %s of id %q: want every id and every key once",
			s.Key, s.ID)
	}
	d.identities[identity] = true
	d.services[s.ID] = &ServiceSpec{Service: s}
	return nil
}

func (d *dumpReader) instance(rec *dumpRecord) error {
	parts, err := rec.keyParts(instanceKeyForm, 4)
	if err != nil {
		return err
	}
	var v struct {
		registry.Instance
		Timestamp    string `json:"timestamp"`
		ModTimestamp string `json:"modTimestamp"`
	}
	if err := decodeObject(rec.path+": value", rec.Value, &v); err != nil {
		return err
	}
	in := v.Instance
	if err := rec.sameID("serviceId", in.ServiceID, parts[2]); err != nil {
		return err
	}
	if err := rec.sameID("instanceId", in.ID, parts[3]); err != nil {
		return err
	}
	if in.Timestamp, err = rec.seconds("timestamp", v.Timestamp); err != nil {
		return err
	}
	if in.ModTimestamp, err = rec.seconds("modTimestamp", v.ModTimestamp); err != nil {
		return err
	}
	s := d.services[in.ServiceID]
	if s == nil || s.Service.Tenant != parts[0]+"/"+parts[1] {
		d.orphan(rec.Key, "its service isn't in the dump")
		return nil
	}
	id := [2]string{in.ServiceID, in.ID}
	if d.instances[id] {
		return dumpError(rec.path, "instance %q: want every instance of a service once", in.ID)
	}
	d.instances[id] = true
	s.Real = append(s.Real, in)
	return nil
}

func (d *dumpReader) orphan(key, reason string) {
	d.topology.Orphans = append(d.topology.Orphans, Orphan{key, reason})
}

// finish puts everything into an order of its own: dumps of the same registry come in any.
func (d *dumpReader) finish() *Topology {
	t := d.topology
	for _, s := range d.services {
		slices.SortFunc(s.Real, func(a, b registry.Instance) int { return cmp.Compare(a.ID, b.ID) })
		s.Instances = len(s.Real)
		t.Services = append(t.Services, *s)
	}
	slices.SortFunc(t.Services, func(a, b ServiceSpec) int {
		return compareKeys(a.Service.Key, b.Service.Key)
	})
	slices.SortFunc(t.Rules, func(a, b DependencySpec) int {
		return compareKeys(a.Consumer, b.Consumer)
	})
	slices.SortFunc(t.Orphans, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Reason, b.Reason))
	})
	return t
}

func compareKeys(a, b registry.Key) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Env, b.Env),
		cmp.Compare(a.App, b.App), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
}

// keyParts gives what stands for the n names in braces of the form.
func (rec *dumpRecord) keyParts(form string, n int) ([]string, error) {
	prefix, _, _ := strings.Cut(form, "{")
	rest, ok := strings.CutPrefix(rec.Key, prefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != n || parts[0] == "" || parts[1] == "" || parts[n-1] == "" {
		return nil, dumpError(rec.path, "key %q: want %s", rec.Key, form)
	}
	return parts, nil
}

func (rec *dumpRecord) sameID(field, got, want string) error {
	if got != want {
		return dumpError(rec.path, "value.%s %q: want %q as in the key", field, got, want)
	}
	return nil
}

func (rec *dumpRecord) seconds(field, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, dumpError(rec.path, "value.%s %q: want a string of Unix seconds", field, s)
	}
	return n, nil
}

// decodeObject decodes a JSON object and nothing else: null and absence, which encoding/json
// passes over, are errors too.
func decodeObject(path string, raw []byte, into any) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return dumpError(path, "empty: want a JSON object in %s", dumpForm)
	}
	err := json.Unmarshal(raw, into)
	var shape *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &shape) && shape.Field == "":
		return dumpError(path, "a JSON %s: want a JSON object in %s", shape.Value, dumpForm)
	case errors.As(err, &shape):
		return dumpError(path, "%s is a JSON %s: want %s", jsonField(shape), shape.Value,
			jsonForm(shape))
	case errors.As(err, &syntax):
		return dumpError(path, "%w after byte %d: want a JSON document %s", err, syntax.Offset,
			dumpForm)
	}
	return dumpError(path, "%w: want a JSON object in %s", err, dumpForm)
}

// jsonField is the path of the field without the embedded structs, which the JSON doesn't show.
func jsonField(e *json.UnmarshalTypeError) string {
	field := strings.TrimPrefix(e.Field, "Instance.")
	return strings.TrimPrefix(strings.TrimPrefix(field, "Service."), "Key.")
}

func jsonForm(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "struct", "map":
		return "a JSON object"
	case "slice":
		return "a JSON array"
	case "int", "int64":
		return "a whole JSON number"
	default:
		return "a JSON " + kind
	}
}

func dumpError(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s: "+format, append([]any{ErrDump, path}, args...)...)
}

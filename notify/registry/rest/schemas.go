package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/notifylab/notifylab/notify/registry"
)

const schemasForm = `{"schemas":[{"schemaId","summary","schema"},…]}`

// schema is the text of an interface that a service has; what it says is no business of ours.
type schema struct {
	ID      string `json:"schemaId"`
	Summary string `json:"summary,omitempty"`
	Schema  string `json:"schema,omitempty"`
}

// bytes counts what is kept, and something for keeping it: many empty ones aren't free.
func (s schema) bytes() int {
	if s.ID == "" {
		return 0
	}
	const overhead = 128
	return overhead + len(s.ID) + len(s.Summary) + len(s.Schema)
}

// check checks it, and makes the summary where there is none: the digest that clients make.
func (s *schema) check(in string) error {
	if err := checkID(in+"schemaId", s.ID); err != nil {
		return err
	}
	if s.Schema == "" {
		return invalid(in+"schema", "", "the text of the schema")
	}
	if s.Summary == "" {
		sum := sha256.Sum256([]byte(s.Schema))
		s.Summary = hex.EncodeToString(sum[:])
	}
	return nil
}

// keep adds schemas to the service that the path names, or replaces those of the same ids. It is no
// change that anybody hears of, but it has its turn among them: the service stays until it is done.
func (c *call) keep(schemas []schema) error {
	return c.changeNamed(func(_ *registry.Registry, s *registry.Service) (changeList, error) {
		return nil, c.shelf.put(s, schemas)
	})
}

// postSchemas adds: a client that has several may send them one by one. It takes schemasForm. What
// isn't named stays.
func (c *call) postSchemas() (any, error) {
	var body struct {
		Schemas []schema `json:"schemas"`
	}
	if err := c.decode(&body, schemasForm); err != nil {
		return nil, err
	}
	if len(body.Schemas) == 0 {
		return nil, fail(CodeInvalid, "schemas: missing or empty: want %s", schemasForm)
	}
	for i := range body.Schemas {
		if err := body.Schemas[i].check(fmt.Sprintf("schemas[%d].", i)); err != nil {
			return nil, err
		}
	}
	return nil, c.keep(body.Schemas)
}

// putSchema takes {"schema","summary"} for the id of the path.
func (c *call) putSchema() (any, error) {
	var body schema
	if err := c.decode(&body, `{"schema","summary"}`); err != nil {
		return nil, err
	}
	body.ID = c.r.PathValue("schemaId")
	if err := body.check(""); err != nil {
		return nil, err
	}
	return nil, c.keep([]schema{body})
}

// schemas answers {"schemas":[{"schemaId","summary"}]}, by id. Texts are long, so they must be
// asked for: with withSchema=1.
func (c *call) schemas(s *registry.Service) (any, error) {
	withText, err := c.flag("withSchema")
	if err != nil {
		return nil, err
	}
	list := sorted(c.shelf.of(s.ID))
	for i := range list {
		if !withText {
			list[i].Schema = ""
		}
	}
	return map[string][]schema{"schemas": list}, nil
}

// schema answers {"schema","schemaSummary"}.
func (c *call) schema(s *registry.Service) (any, error) {
	sc, err := c.kept(s, c.r.PathValue("schemaId"))
	if err != nil {
		return nil, err
	}
	return map[string]string{"schema": sc.Schema, "schemaSummary": sc.Summary}, nil
}

// kept gives a schema of a service.
func (c *call) kept(s *registry.Service, schemaID string) (schema, error) {
	sc, ok := c.shelf.of(s.ID)[schemaID]
	if !ok {
		return schema{}, fail(CodeNoSchema, "schemaId %q: want the id of a schema of the service",
			shorten(schemaID))
	}
	return sc, nil
}

// schemaExistence answers {"schemaId","summary"}. Clients compare the summary with that of the text
// they have, and send the text only if it is another.
func (c *call) schemaExistence() (any, error) {
	s, err := c.known(c.query.Get("serviceId"))
	if err != nil {
		return nil, err
	}
	sc, err := c.kept(s, c.query.Get("schemaId"))
	if err != nil {
		return nil, err
	}
	return schema{ID: sc.ID, Summary: sc.Summary}, nil
}

// deleteSchema answers nothing.
func (c *call) deleteSchema() (any, error) {
	return nil, c.changeNamed(func(_ *registry.Registry, s *registry.Service) (changeList, error) {
		id := c.r.PathValue("schemaId")
		if _, err := c.kept(s, id); err != nil {
			return nil, err
		}
		c.shelf.drop(s.ID, id)
		return nil, nil
	})
}

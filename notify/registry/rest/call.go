package rest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
)

// call is one request, and what its endpoint needs to answer it.
type call struct {
	*Handler
	w      http.ResponseWriter
	r      *http.Request
	tenant string
	query  url.Values
	now    time.Time
}

// status is an answer without a body.
type status int

// answered is the answer of an endpoint that has written one by itself.
const answered status = 0

const (
	idForm   = "1 to 128 letters, digits, _, . and -, the first a letter or a digit"
	nameForm = "up to 160 letters, digits, _, . and -, the first a letter or a digit"
)

// Names become parts of the keys of a dump, so no slash can be allowed in them.
var (
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)
	namePattern = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_.-]{0,159})?$`)
)

func checkID(field, id string) error {
	if !idPattern.MatchString(id) {
		return invalid(field, id, idForm)
	}
	return nil
}

func checkName(field, name string) error {
	if !namePattern.MatchString(name) {
		return invalid(field, name, nameForm)
	}
	return nil
}

// newID has the form of service-center's.
func newID() string {
	var id [16]byte
	rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// begin reads what all endpoints need. Domain and project become parts of keys and of subjects, so
// they are as restricted as ids.
func (c *call) begin() (err error) {
	domain, project := c.r.Header.Get("X-Domain-Name"), c.r.PathValue("project")
	if domain == "" {
		domain = "default"
	}
	if err := checkID("X-Domain-Name", domain); err != nil {
		return err
	}
	if err := checkID("project", project); err != nil {
		return err
	}
	c.tenant = domain + "/" + project
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return fail(CodeInvalid, "query: %v: want name=value pairs", err)
	}
	return nil
}

// changeList is what the hub tells of.
type changeList = []registry.Change

// change is the one way to change the registry: one after the other, and told in that order. What
// do looks up stays as it is until do returns.
func (c *call) change(do func(r *registry.Registry) (changeList, error)) error {
	return c.hub.Change(c.now, do)
}

// changeNamed is change for the service that the path names. It is looked up where nobody can
// delete it meanwhile.
func (c *call) changeNamed(
	do func(r *registry.Registry, s *registry.Service) (changeList, error),
) error {
	return c.change(func(r *registry.Registry) (changeList, error) {
		s, err := c.named()
		if err != nil {
			return nil, err
		}
		return do(r, s)
	})
}

// one is a change for the hub.
func one(change registry.Change, err error) (changeList, error) {
	if err != nil {
		return nil, err
	}
	return changeList{change}, nil
}

// known gives a service of the tenant. That of another one is answered like one that doesn't exist,
// so that nobody learns which ids others have.
func (c *call) known(id string) (*registry.Service, error) {
	if s := c.hub.Registry().Service(id); s != nil && s.Tenant == c.tenant {
		return s, nil
	}
	return nil, fail(CodeNoService, "serviceId %q: want the id of a registered service",
		shorten(id))
}

// named gives the service that the path names.
func (c *call) named() (*registry.Service, error) { return c.known(c.r.PathValue("serviceId")) }

// consumer gives the id of the service that asks; "" is nobody in particular.
func (c *call) consumer() (string, error) {
	id := c.r.Header.Get("X-ConsumerId")
	if id == "" {
		return "", nil
	}
	if _, err := c.known(id); err != nil {
		return "", fail(CodeNoService, "X-ConsumerId %q: want the id of a registered service",
			shorten(id))
	}
	return id, nil
}

// flag reads a parameter that is on or off, and off when it isn't there. Anything else is refused:
// a force=True that is taken for no would be as bad as one that is taken for yes.
func (c *call) flag(name string) (bool, error) {
	switch value := c.query.Get(name); value {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	default:
		return false, invalid(name, value, "0, 1, false or true")
	}
}

// decode reads the body into what into points to. form is the accepted one, for errors.
//
// Of content types only JSON is taken, and none at all, as simple tools send it: a page in an
// operator's browser can make it send a form or a text to any server, but not JSON.
func (c *call) decode(into any, form string) error {
	if value := c.r.Header.Get("Content-Type"); value != "" {
		if kind, _, err := mime.ParseMediaType(value); err != nil || kind != "application/json" {
			return refused(http.StatusUnsupportedMediaType,
				"Content-Type %q: want application/json", shorten(value))
		}
	}
	// Past the limit this also closes the connection, so that the rest isn't even read.
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, int64(c.config.BodyBytesMax)))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return refused(http.StatusRequestEntityTooLarge,
			"body: want at most %d bytes", tooBig.Limit)
	case err != nil:
		return fail(CodeInvalid, "body: %v: want %s", err, form)
	}
	return decodeJSON(body, into, form)
}

// decodeJSON says of what doesn't fit where it is, by the names of the JSON: those of Go's fields
// and types, which the errors of the decoder speak of, mean nothing to a client.
func decodeJSON(body []byte, into any, form string) error {
	err := json.Unmarshal(body, into)
	var shape *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &shape) && shape.Field != "":
		return fail(CodeInvalid, "%s: a JSON %s: want %s", shape.Field, shape.Value,
			kindOf(shape.Type))
	case errors.As(err, &syntax):
		return fail(CodeInvalid, "body: %v after byte %d: want %s", err, syntax.Offset, form)
	}
	return fail(CodeInvalid, "body: %v: want %s", err, form)
}

// kindOf says in the words of JSON what decodes into a type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a JSON object"
	case reflect.Slice:
		return "a JSON array"
	case reflect.String:
		return "a JSON string"
	case reflect.Bool:
		return "true or false"
	default:
		return fmt.Sprintf("a whole JSON number (%s)", t.Kind())
	}
}

// write sends an answer of an endpoint, or an *Error. It encodes before it writes: once the status
// is sent it's too late to fail.
func write(w http.ResponseWriter, answer any) {
	code := http.StatusOK
	switch a := answer.(type) {
	case nil:
		w.WriteHeader(code)
		return
	case status:
		if a != answered {
			w.WriteHeader(int(a))
		}
		return
	case *Error:
		code = a.Status()
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers have strings, numbers and nothing that JSON could refuse
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

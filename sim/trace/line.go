package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
)

// line is any line of a trace.
type line struct {
	Schema string     `json:"schema,omitempty"`
	Begin  *time.Time `json:"begin,omitempty"`
	Source string     `json:"source,omitempty"`

	T    *seconds   `json:"t,omitempty"`
	Time *time.Time `json:"time,omitempty"`
	Gap  *seconds   `json:"gap,omitempty"`

	Action     string            `json:"action,omitempty"`
	Service    string            `json:"service,omitempty"`
	Env        string            `json:"environment,omitempty"`
	Version    string            `json:"version,omitempty"`
	Instance   string            `json:"instance,omitempty"`
	Status     string            `json:"status,omitempty"`
	Endpoints  []string          `json:"endpoints,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// seconds is a time in a trace. Its text has no more digits than ns need, so that it reads back as
// the same time.
type seconds time.Duration

// secondsMax is some 30 years, which 64 bits of ns can hold.
const secondsMax = 1e9

const wantSeconds = "a number of seconds, 0 to 1e9"

func (s seconds) MarshalJSON() ([]byte, error) {
	whole, rest := time.Duration(s)/time.Second, time.Duration(s)%time.Second
	text := strings.TrimRight(fmt.Sprintf("%d.%09d", whole, rest), "0")
	return []byte(strings.TrimSuffix(text, ".")), nil
}

func (s *seconds) UnmarshalJSON(text []byte) error {
	if string(text) == "null" { // as absent
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0 && f <= secondsMax) {
		return fmt.Errorf("%s: want %s", shortened(string(text)), wantSeconds)
	}
	exact, err := time.ParseDuration(string(text) + "s") // unlike 64 bits of floating point
	if err != nil {                                      // it has an exponent
		exact = time.Duration(math.Round(f * 1e9))
	}
	*s = seconds(exact)
	return nil
}

// The accepted forms.
const (
	wantLine = `a JSON object such as {"t":0.5,"action":"update","service":"app/name",` +
		`"instance":"id"}`
	wantTime    = "a date and time in RFC 3339, such as 2026-03-01T12:00:00Z"
	wantAction  = "create, update, delete or expire"
	wantService = `"app/name", a name or an id`
)

var (
	actions  = []registry.Action{registry.Create, registry.Update, registry.Delete, registry.Expire}
	statuses = []string{"", registry.StatusUp, registry.StatusDown, registry.StatusStarting,
		registry.StatusTesting, registry.StatusOutOfService}
)

// parseLine reads the JSON of a line. The error says which field can't be read.
func parseLine(text []byte) (line, error) {
	// The fields with a syntax of their own come one by one, for the decoder doesn't say in which
	// of them a method failed.
	var l line
	err := json.Unmarshal(text, &l)
	if err == nil {
		return l, nil
	}
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) && shape.Field != "" {
		field, _, _ := strings.Cut(shape.Field, ".")
		return l, fmt.Errorf("%s: a JSON %s: want %s", field, shape.Value, wantedOf(field))
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return l, fmt.Errorf("%s: want %s", shortened(string(text)), wantLine)
	}
	for _, field := range []string{"t", "gap", "time", "begin"} {
		var s seconds
		var at time.Time
		into := map[string]any{"t": &s, "gap": &s}[field]
		if into == nil {
			into = &at
		}
		if value, ok := raw[field]; ok && json.Unmarshal(value, into) != nil {
			return l, fmt.Errorf("%s %s: want %s", field, shortened(string(value)),
				wantedOf(field))
		}
	}
	return l, fmt.Errorf("%w: want %s", err, wantLine)
}

func wantedOf(field string) string {
	switch field {
	case "t", "gap":
		return wantSeconds
	case "time", "begin":
		return wantTime
	case "action":
		return wantAction
	case "endpoints":
		return "a list of texts"
	case "properties":
		return "an object whose values are texts"
	}
	return "a text"
}

// change makes of a line the change that it tells of, but for its time.
func (l *line) change() (Change, error) {
	c := Change{
		Action:   registry.Action(strings.ToUpper(l.Action)),
		Service:  Service{Name: l.Service, Env: l.Env, Version: l.Version},
		Instance: l.Instance, Status: l.Status,
	}
	if len(l.Endpoints) > 0 { // none is as good as nothing said
		c.Endpoints = l.Endpoints
	}
	if len(l.Properties) > 0 {
		c.Properties = l.Properties
	}
	bad := func(field, got, want string) (Change, error) {
		return c, fmt.Errorf("%s %s: want %s", field, shortened(strconv.Quote(got)), want)
	}
	switch {
	case !slices.Contains(actions, c.Action):
		return bad("action", l.Action, wantAction)
	case l.Service == "":
		return bad("service", "", wantService)
	case l.Instance == "" && c.Action != registry.Expire:
		return bad("instance", "", "the id of an instance")
	case !slices.Contains(statuses, l.Status):
		return bad("status", l.Status, strings.Join(statuses[1:], ", "))
	}
	return c, nil
}

// shortened keeps an error readable that quotes a line of a megabyte.
func shortened(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

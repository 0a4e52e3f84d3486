package sim_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/notifylab/notifylab/sim"
)

const schemaFile = "scenario.schema.json"

func readSchema(t *testing.T) (doc map[string]any) {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &doc))
	return doc
}

func TestTheCommittedSchemaIsThatOfTheStruct(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, sim.WriteScenarioSchema(&b))
	if *update {
		require.NoError(t, os.WriteFile(schemaFile, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String(), "if that is right: go test ./sim -update")
	var names []string
	for name := range readSchema(t)["properties"].(map[string]any) {
		names = append(names, name)
	}
	assert.ElementsMatch(t, jsonNames(), names)
}

func TestTheSchemaDescribesEveryFieldWithTheDefault(t *testing.T) {
	fields := sim.DefaultScenario()
	for name, p := range readSchema(t)["properties"].(map[string]any) {
		property := p.(map[string]any)
		assert.NotEmpty(t, property["description"], name)
		if _, has := property["default"]; !has {
			i := slices.Index(jsonNames(), name)
			assert.True(t, reflect.ValueOf(fields).Field(i).IsZero(), name)
			continue
		}
		s := sim.DefaultScenario()
		require.NoError(t, s.Set("topology", "x"))
		text, err := yaml.Marshal(map[string]any{name: property["default"]})
		require.NoError(t, err)
		_, err = sim.ReadScenario(bytes.NewReader(text), &s)
		require.NoError(t, err)
		got, want := reflect.ValueOf(s), reflect.ValueOf(fields)
		i := slices.Index(jsonNames(), name)
		if name == "transport" {
			assert.Equal(t, sim.InProc, s.Transport)
			continue
		}
		assert.Equal(t, want.Field(i).Interface(), got.Field(i).Interface(), name)
	}
}

// What the schema says of one field, reading and validating say too: in quotes or not, at the ends
// of its range and beyond.
func TestTheSchemaAcceptsWhatIsReadAndValid(t *testing.T) {
	values := []string{"0", "1", "-1", "2", "0.5", "-0.5", "0.9", "0.91", "1.01", "1000000",
		"1000001", "0%", "1%", "12.5%", "90%", "90.5%", "91%", "100%",
		"101%", "-1%", "%", "0s", "10s", "-1s", "1m30s", "0h0m0s", "1.5µs", "100ns", "0.0s",
		"soon", "small", "medium", "nosuch", "poisson", "log-normal", "constant", "flat", "session",
		"inproc", "~", "true", "[1]", "{a: 1}",
		listTexts["stages"], listTexts["faults"], listTexts["slos"],
		"[]", "['length=1s,rate=5', {length: 1s, rate: 5..9, name: up, burst: 3}]",
		"[{length: 1s, rate: 7}]", "[{length: 1s}]", "[{rate: 1, length: 1s, speed: 2}]",
		"[zone-loss, {kind: zone-loss, share: 30%}, 'partition:start=1s,length=1s']",
		"[{kind: fire}]", "[{share: 30%}]", "[memory < 2GiB, heal < 1s]", "[dropped < 0.1%]"}
	doc := readSchema(t)
	for _, path := range sim.ScenarioPaths() {
		accepted := 0
		for _, value := range values {
			for _, quote := range []string{"", "'"} {
				text := path + ": " + quote + value + quote
				says := accepts(t, doc, text)
				if ok := usable(path, text); ok || listTexts[path] == "" { // else it leaves it open
					assert.Equal(t, ok, says, text)
				}
				if says {
					accepted++
				}
			}
		}
		assert.Positive(t, accepted, path)
	}
	for text, want := range map[string]bool{
		"rate: 1": true, "{}": false, "rat: 1": false, "topology: a": true,
		"topology: a\nworkload: small":              false,
		"seed: 18446744073709551615":                true,
		"stages: [{length: 1s, rate: 5, speed: 2}]": false, "stages: [{rate: 5}]": false,
		"stages: [speed=5]": false, "faults: [fire]": false, "faults: [{kind: fire}]": false,
		"faults: [{share: 30%}]": false, "slos: [speed < 5]": false, "slos: [heal > 5s]": false,
		"slos: [{peak: dropped < 1%}]": true, "slos: [{peak: 5}]": false, "slos: [5]": false,
	} {
		assert.Equal(t, want, accepts(t, doc, text), text)
	}
}

// usable reports whether a file with one field is read and that field is valid.
func usable(path, text string) bool {
	s := sim.DefaultScenario()
	if _, err := sim.ReadScenario(strings.NewReader(text), &s); err != nil {
		return false
	}
	// What only holds with others isn't about this field.
	switch path {
	case "partition":
		s.PartitionLength = 1
		if s.Partition == 0 {
			s.PartitionLength = 0
		}
	case "partition_length":
		s.Partition = 0.5
		if s.PartitionLength == 0 {
			s.Partition = 0
		}
	case "heartbeat", "write_timeout", "read_timeout":
		s.Transport = sim.Session
	case "slow":
		s.Stuck = 0
	case "stuck":
		s.Slow = 0
	}
	return s.Validate() == nil
}

// accepts evaluates as much of JSON Schema as there is in the file.
func accepts(t *testing.T, schema map[string]any, text string) bool {
	t.Helper()
	var value any
	return yaml.Unmarshal([]byte(text), &value) == nil && matches(t, schema, value)
}

func matches(t *testing.T, schema map[string]any, value any) bool {
	number, isNumber := asNumber(value)
	list, isList := value.([]any)
	text, isText := value.(string)
	fields, isObject := value.(map[string]any)
	for keyword, arg := range schema {
		ok := true
		switch keyword {
		case "$schema", "title", "description", "default":
		case "type":
			ok = map[string]bool{"string": isText, "number": isNumber, "object": isObject,
				"array": isList, "integer": isNumber && number == math.Trunc(number)}[arg.(string)]
		case "const":
			ok = isNumber && number == arg.(float64)
		case "enum":
			ok = slices.ContainsFunc(arg.([]any), func(x any) bool {
				return x == value || isNumber && x == number
			})
		case "pattern":
			ok = !isText || regexp.MustCompile(arg.(string)).MatchString(text)
		case "minimum":
			ok = !isNumber || number >= arg.(float64)
		case "exclusiveMinimum":
			ok = !isNumber || number > arg.(float64)
		case "maximum":
			ok = !isNumber || number <= arg.(float64)
		case "anyOf":
			ok = slices.ContainsFunc(arg.([]any), func(x any) bool {
				return matches(t, x.(map[string]any), value)
			})
		case "not":
			ok = !matches(t, arg.(map[string]any), value)
		case "minProperties":
			ok = !isObject || len(fields) >= int(arg.(float64))
		case "maxProperties":
			ok = !isObject || len(fields) <= int(arg.(float64))
		case "items":
			for _, item := range list {
				ok = ok && matches(t, arg.(map[string]any), item)
			}
		case "required":
			for _, name := range arg.([]any) {
				_, has := fields[name.(string)]
				ok = ok && has
			}
		case "properties":
			for name, v := range fields {
				p, known := arg.(map[string]any)[name].(map[string]any)
				ok = ok && known && matches(t, p, v) // additionalProperties is false
			}
		case "additionalProperties":
			others, open := arg.(map[string]any)
			for _, v := range fields {
				ok = ok && (!open || matches(t, others, v)) // "properties" sees to false
			}
		default:
			t.Fatalf("keyword %q: want one that this test knows", keyword)
		}
		if !ok {
			return false
		}
	}
	return true
}

func asNumber(value any) (float64, bool) {
	switch x := value.(type) {
	case int:
		return float64(x), true
	case uint64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

package sim

import (
	"encoding/json"
	"io"
	"maps"
)

// A schema is a JSON Schema, or a part of one.
type schema map[string]any

// WriteScenarioSchema writes the JSON Schema (draft 7, which most editors know) of scenario files.
// It describes every field on its own; what only holds between fields is in the descriptions.
func WriteScenarioSchema(w io.Writer) error {
	properties := make(map[string]schema, len(scenarioFields))
	defaults := DefaultScenario()
	for _, f := range scenarioFields {
		k := f.knob(&defaults)
		p := k.schema()
		maps.Copy(p, f.limit)
		p["description"] = f.about
		if k.String() != "" {
			p["default"] = k.value()
		}
		properties[f.path] = p
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(schema{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"title":   "Scenario of notifylab",
		"description": "The load of simulate --scenario FILE. Durations are such as 30s or " +
			"500ms, shares such as 1% or 0.01. A field that isn't there has its default.",
		"type":                 "object",
		"minProperties":        1,
		"additionalProperties": false,
		"properties":           properties,
		"not":                  schema{"required": []string{"workload", "topology"}},
	})
}

package sim

import "regexp"

// value is one of the values in the text of a stage or a fault, or in a mapping of a scenario file.
type value interface{ knob }

// label is a name that can stand in the text of a stage or a fault.
type label string

const wantLabel = "letters, digits, - and _"

var labelForm = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func labelled(text string) bool { return labelForm.MatchString(text) }

func (v *label) set(text string) bool {
	*v = label(text)
	return true
}

func (v *label) String() string        { return string(*v) }
func (*label) want() string            { return wantLabel }
func (*label) fits(tag, _ string) bool { return tag == "!!str" || tag == "!!int" }
func (v *label) value() any            { return *v }

func (*label) schema() schema {
	return schema{"anyOf": []schema{
		{"type": "string", "pattern": labelForm.String()}, {"type": "integer"}}}
}

package sim

import (
	"encoding"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// list is the knob of a field that is a list. A file has a list there, of texts or mappings; a
// setting on the command line, and a file that says it in one line, have the texts of all.
type list interface {
	knob
	setNode(n *yaml.Node, path string, lines map[string]int, ms *FileMistakes)
	complaint(text string) (got, want string) // why set can't read it
	lines() []string                          // the elements in YAML, or an example
}

// element is what a list is of.
type element[T any] interface {
	*T
	encoding.TextUnmarshaler
	setMapping(n *yaml.Node, at string, ms *FileMistakes)
}

// listKnob is a list of anything that is an element.
type listKnob[T fmt.Stringer, P element[T]] struct {
	to      *[]T
	form    string // the accepted form of an element
	example string // of one
	between string // the texts of elements, in one text: a blank or ";"
	item    []schema
}

func stagesKnob(to *[]Stage) knob {
	parts := new(Stage).parts()
	return &listKnob[Stage, *Stage]{to, "a stage, such as length=5s,rate=100..500",
		"name=peak,length=5s,rate=100..500,burst=9", " ", []schema{
			{"type": "string", "pattern": "^" + pairsForm(parts) + "$"},
			mappingSchema(parts, "length", "rate"),
		}}
}

func faultsKnob(to *[]Fault) knob {
	parts := make(map[string]value)
	for _, k := range new(Fault).knobs() {
		parts[k.name] = k.knob
	}
	texts := "^(" + strings.Join(kindNames(), "|") + ")(:" + pairsForm(parts) + ")?$"
	mapping := mappingSchema(parts, "kind")
	mapping["properties"].(map[string]schema)["kind"] = schema{"enum": kindNames()}
	return &listKnob[Fault, *Fault]{to, "a fault, such as zone-loss:start=5s,share=30%",
		"zone-loss:start=5s,length=10s,share=30%", " ", []schema{
			{"type": "string", "pattern": texts}, mapping,
		}}
}

func slosKnob(to *[]SLO) knob {
	var about strings.Builder
	about.WriteString("An objective: METRIC < LIMIT, or STAGE: METRIC < LIMIT.")
	for _, m := range sloMetrics {
		fmt.Fprintf(&about, "\n%s (%s): %s", m.Name, m.Unit, m.About)
	}
	limited := `(` + strings.Join(metricNames(), "|") + `)\s*<.+`
	return &listKnob[SLO, *SLO]{to, wantSLO, "propagation_p99 < 500ms", ";", []schema{
		{"type": "string", "pattern": `^\s*([A-Za-z0-9_-]+\s*:)?\s*` + limited,
			"description": about.String()},
		{"type": "object", "minProperties": 1, "maxProperties": 1, // peak: dropped < 1%
			"additionalProperties": schema{"type": "string", "pattern": `^\s*` + limited}},
	}}
}

// pairsForm is the pattern of key=value pairs, as far as an editor need know it.
func pairsForm(parts map[string]value) string {
	pair := "(" + strings.Join(slices.Sorted(maps.Keys(parts)), "|") + `)=[^,=\s]+`
	return pair + "(," + pair + ")*"
}

func mappingSchema(parts map[string]value, required ...string) schema {
	properties := make(map[string]schema)
	for name, k := range parts {
		properties[name] = k.schema()
	}
	return schema{"type": "object", "properties": properties, "required": required,
		"additionalProperties": false}
}

// texts splits the text of a list.
func (l *listKnob[T, P]) texts(text string) []string {
	if l.between == " " {
		return strings.Fields(text)
	}
	var texts []string
	ends := func(r rune) bool { return r == ';' || r == '\n' }
	for one := range strings.FieldsFuncSeq(text, ends) {
		if one = strings.TrimSpace(one); one != "" {
			texts = append(texts, one)
		}
	}
	return texts
}

func (l *listKnob[T, P]) read(text string) (elements []T, err error) {
	for _, one := range l.texts(text) {
		var x T
		if err := P(&x).UnmarshalText([]byte(one)); err != nil {
			return nil, err
		}
		elements = append(elements, x)
	}
	return elements, nil
}

// set sets a list only if all of it can be read: half a list of faults is another scenario.
func (l *listKnob[T, P]) set(text string) bool {
	elements, err := l.read(text)
	if err == nil {
		*l.to = elements
	}
	return err == nil
}

func (l *listKnob[T, P]) complaint(text string) (got, want string) {
	_, err := l.read(text)
	return complaint(err)
}

// complaint takes the error of a text apart: all of them have one form.
func complaint(err error) (got, want string) {
	got, want, _ = strings.Cut(strings.TrimPrefix(err.Error(), ErrText.Error()+": "), ": want ")
	return got, want
}

func (l *listKnob[T, P]) String() string {
	words := make([]string, len(*l.to))
	for i, x := range *l.to {
		words[i] = x.String()
	}
	return strings.Join(words, strings.TrimSuffix(l.between, " ")+" ")
}

func (l *listKnob[T, P]) want() string          { return "a list of " + l.form }
func (*listKnob[T, P]) fits(tag, _ string) bool { return tag == "!!str" }
func (l *listKnob[T, P]) value() any            { return l.String() }

func (l *listKnob[T, P]) schema() schema {
	return schema{"anyOf": []schema{{"type": "string"},
		{"type": "array", "items": schema{"anyOf": l.item}}}}
}

// plainItem is a text that is itself as plain YAML.
var plainItem = regexp.MustCompile(`^[a-z][A-Za-z0-9_.,=%:-]*[A-Za-z0-9_%]$`)

func (l *listKnob[T, P]) lines() []string {
	if len(*l.to) == 0 {
		return []string{l.example}
	}
	var lines []string
	for _, x := range *l.to {
		text := x.String()
		if !plainItem.MatchString(text) {
			text = strconv.QuoteToASCII(text) // its escapes are YAML's
		}
		lines = append(lines, text)
	}
	return lines
}

// setNode sets the list from a file, and notes the line of each element.
func (l *listKnob[T, P]) setNode(n *yaml.Node, path string, lines map[string]int,
	ms *FileMistakes) {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		if !l.set(n.Value) {
			got, want := l.complaint(n.Value)
			ms.add(n.Line, path, got, want)
		}
		return
	case n.Kind != yaml.SequenceNode:
		ms.add(n.Line, path, described(n), l.want())
		return
	}
	var elements []T
	before := len(*ms)
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		lines[at] = item.Line
		var x T
		l.setElement(P(&x), item, at, ms)
		elements = append(elements, x)
	}
	if len(*ms) == before {
		*l.to = elements
	}
}

func (l *listKnob[T, P]) setElement(x P, n *yaml.Node, at string, ms *FileMistakes) {
	line := n.Line
	switch n = resolved(n); {
	case n.Kind == yaml.MappingNode:
		x.setMapping(n, at, ms)
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		ms.add(line, at, described(n), l.form)
	default:
		if err := x.UnmarshalText([]byte(n.Value)); err != nil {
			got, want := complaint(err)
			ms.add(line, at, got, want)
		}
	}
}

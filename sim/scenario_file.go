package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A scenario file is one YAML mapping of fields, named as in JSON, to scalars: durations such as
// 30s, shares as 1% or 0.01, numbers unquoted. Stages, faults and slos are lists: of their texts,
// or of mappings, such as {kind: zone-loss, start: 5s}. A field that isn't named stays as it is. A
// topology takes the place of the workload, and the other way round; a file can't name both.
// scenario.schema.json says the same to editors.

// ErrScenario is what FileMistakes wrap.
var ErrScenario = errors.New("sim: not a usable scenario file")

// A FileMistake is a Mistake at a line, from 1. Field is empty where it isn't about a field.
type FileMistake struct {
	Line int
	Mistake
}

// FileMistakes are all that was found wrong with a file, in the order of its lines.
type FileMistakes []FileMistake

func (ms FileMistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = fmt.Sprintf("line %d: %s", m.Line,
			strings.TrimPrefix(m.Mistake.Error(), " = "))
	}
	return fmt.Sprintf("%v: %s", ErrScenario, strings.Join(lines, "; "))
}

func (ms FileMistakes) Unwrap() error { return ErrScenario }

func (ms *FileMistakes) add(line int, field, got, want string) {
	*ms = append(*ms, FileMistake{line, Mistake{Field: field, Got: got, Want: want}})
}

// fileBytesMax keeps a slip, such as a dump for a scenario, from filling the memory.
const fileBytesMax = 1 << 20

// ReadScenario sets the fields of s that a scenario file names, and gives the line of each. What it
// can't use it reports as FileMistakes, having set the rest: whoever goes on to Validate then has
// all mistakes at once. Ranges are up to Validate.
func ReadScenario(r io.Reader, s *Scenario) (lines map[string]int, err error) {
	text, err := io.ReadAll(io.LimitReader(r, fileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("sim: reading a scenario: %w", err)
	}
	var ms FileMistakes
	lines = make(map[string]int)
	if root := parseFile(text, &ms); root != nil {
		for i := 0; i < len(root.Content); i += 2 {
			s.setNode(root.Content[i], root.Content[i+1], lines, &ms)
		}
	}
	if len(ms) > 0 {
		return lines, ms
	}
	return lines, nil
}

// parseFile gives the one mapping of a file, or nil and a mistake. A file without any is refused:
// it is more likely what a broken pipe leaves than the wish to have all defaults.
func parseFile(text []byte, ms *FileMistakes) *yaml.Node {
	const want = "YAML with a field and its value per line, such as rate: 100"
	if len(text) > fileBytesMax {
		ms.add(1, "", "a file of more than 1 MiB", want)
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		ms.add(1, "", "an empty file", want)
	case err != nil:
		line, what := syntaxError(text, err)
		ms.add(line, "", what, want)
	case doc.Content[0].Kind != yaml.MappingNode:
		ms.add(doc.Content[0].Line, "", described(doc.Content[0]), want)
	default:
		if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
			line, what := second.Line, "a second document"
			if err != nil {
				line, what = syntaxError(text, err)
			}
			ms.add(line, "", what, want)
		}
		return doc.Content[0]
	}
	return nil
}

var (
	leadingComments = regexp.MustCompile(`^(?:[ \t]*(?:#.*)?\r?\n)*`)
	yamlErrorForm   = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	oneTooLow       = regexp.MustCompile(`: (?:did not find expected (?:',' or|'-' indicator|` +
		`<document start>|key|node content)|found (?:duplicate %|incompatible|undefined tag))`)
)

// syntaxError finds the error in a text that isn't YAML. The parser names the line where the
// mapping began, unless that is the first: so the text is parsed again without what is before it.
// Its own errors, unlike its scanner's, count lines from 0. Where it names none, it is that of the
// shortest text with the same error.
func syntaxError(text []byte, err error) (line int, what string) {
	head := leadingComments.Find(text)
	if again := decodeAll(text[len(head):]); again == nil { // what is wrong is in the comments
		head = nil
	} else {
		err = again
	}
	what = yamlErrorForm.ReplaceAllString(err.Error(), "")
	if m := yamlErrorForm.FindStringSubmatch(err.Error()); m != nil && m[1] != "" {
		line, _ = strconv.Atoi(m[1])
		if oneTooLow.MatchString(err.Error()) {
			line++
		}
	} else {
		lines := bytes.SplitAfter(text[len(head):], []byte("\n"))
		line = 1 + sort.Search(len(lines)-1, func(i int) bool {
			short := decodeAll(bytes.Join(lines[:i+1], nil))
			return short != nil && short.Error() == err.Error()
		})
	}
	return line + bytes.Count(head, []byte("\n")), what
}

// decodeAll gives the error of the first document that has one.
func decodeAll(text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// described says what a node is that isn't what it should be.
func described(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "*" + n.Value
	case n.ShortTag() == "!!null":
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

// setNode sets the field that key names.
func (s *Scenario) setNode(key, value *yaml.Node, lines map[string]int, ms *FileMistakes) {
	name := key.Value
	f := fieldAt(name)
	if f == nil || key.Kind != yaml.ScalarNode {
		ms.add(key.Line, "field", described(key), OneOf(name, ScenarioPaths()))
		return
	}
	for _, one := range []string{name, insteadOf[name]} {
		if at := lines[one]; at > 0 {
			ms.add(key.Line, name, described(value), fmt.Sprintf(
				"it or %s of line %d, not both", one, at))
			return
		}
	}
	lines[name] = key.Line
	value = resolved(value)
	k, tag := f.knob(s), value.ShortTag()
	if l, ok := k.(list); ok {
		l.setNode(value, name, lines, ms)
		return
	}
	if value.Kind != yaml.ScalarNode || tag == "!!null" || !k.fits(tag, value.Value) ||
		!k.set(value.Value) {
		ms.add(value.Line, name, described(value), k.want())
		return
	}
	s.chosen(name)
}

// Set sets the field at a path, from the text that a file would have there, quotes left out. The
// error is a Mistake; s is then as before.
func (s *Scenario) Set(path, text string) error {
	f := fieldAt(path)
	if f == nil {
		return Mistake{Field: "field", Got: strconv.Quote(path), Want: OneOf(path, ScenarioPaths())}
	}
	if k := f.knob(s); !k.set(text) {
		m := Mistake{Field: path, Got: strconv.Quote(text), Want: k.want()}
		if l, ok := k.(list); ok {
			m.Got, m.Want = l.complaint(text)
		}
		return m
	}
	s.chosen(path)
	return nil
}

// insteadOf has the fields that exclude each other.
var insteadOf = map[string]string{"workload": "topology", "topology": "workload"}

// chosen keeps one world: the one that was named last.
func (s *Scenario) chosen(path string) {
	switch {
	case path == "workload" && s.Workload != "":
		s.Topology = ""
	case path == "topology" && s.Topology != "":
		s.Workload = ""
	}
}

// WriteScenario writes s as a scenario file that reads back as the same, with a comment beside each
// field. Empty fields are written as comments, lists with an example; and so are those at the paths
// in asComment, for which a reader shall have its own default. It fails on text that isn't UTF-8,
// which YAML can't hold.
func WriteScenario(w io.Writer, s Scenario, asComment ...string) error {
	var b strings.Builder
	for _, f := range scenarioFields {
		if f.group != "" {
			fmt.Fprintf(&b, "\n# %s\n", f.group)
		}
		k := f.knob(&s)
		text := k.String()
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %s = %q: want UTF-8", ErrScenario, f.path, text)
		}
		comment := ""
		if text == "" || slices.Contains(asComment, f.path) {
			comment = "#"
		}
		var items []string
		if l, ok := k.(list); ok {
			text, items = "", l.lines()
		}
		line := strings.TrimSuffix(comment+f.path+": "+text, " ")
		fmt.Fprintf(&b, "%-26s # %s\n", line, f.about)
		for _, item := range items {
			fmt.Fprintf(&b, "%s  - %s\n", comment, item)
		}
	}
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}

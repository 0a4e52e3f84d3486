package sim

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A knob is a field of a Scenario as text: what a file and a setting on the command line have in
// common. A field of a further kind needs a further type of knob, nothing else.
type knob interface {
	set(text string) bool       // false: can't be read, and nothing changed
	String() string             // what set reads back as the same; "" for nothing
	want() string               // the accepted form
	fits(tag, text string) bool // whether what YAML takes the text for is right
	schema() schema             // its type
	value() any                 // for the schema: a default in JSON
}

// whole is a whole number; natural one that can be above the largest int.
type (
	whole   int
	natural uint64
)

func (v *whole) set(text string) bool {
	n, err := strconv.ParseInt(text, 0, strconv.IntSize) // as flags do
	if err == nil {
		*v = whole(n)
	}
	return err == nil
}

func (v *whole) String() string        { return strconv.Itoa(int(*v)) }
func (*whole) want() string            { return "a whole number" }
func (*whole) fits(tag, _ string) bool { return tag == "!!int" }
func (*whole) schema() schema          { return schema{"type": "integer"} }
func (v *whole) value() any            { return *v }

func (v *natural) set(text string) bool {
	n, err := strconv.ParseUint(text, 0, 64)
	if err == nil {
		*v = natural(n)
	}
	return err == nil
}

func (v *natural) String() string        { return strconv.FormatUint(uint64(*v), 10) }
func (*natural) want() string            { return "a whole number, 0 or more" }
func (*natural) fits(tag, _ string) bool { return tag == "!!int" }
func (*natural) schema() schema          { return schema{"type": "integer", "minimum": 0} }
func (v *natural) value() any            { return *v }

// number is a finite number: JSON has no other.
type number float64

func (v *number) set(text string) bool {
	x, ok := parseFinite(text)
	if ok {
		*v = number(x)
	}
	return ok
}

func (v *number) String() string        { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }
func (*number) want() string            { return "a number" }
func (*number) fits(tag, _ string) bool { return tag == "!!int" || tag == "!!float" }
func (*number) schema() schema          { return schema{"type": "number"} }
func (v *number) value() any            { return *v }

func parseFinite(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
}

// fraction is a share: 1% or 0.01.
type fraction float64

func (v *fraction) set(text string) bool {
	digits, percent := strings.CutSuffix(text, "%")
	x, ok := parseFinite(digits)
	if !ok {
		return false
	}
	if percent {
		x /= 100
	}
	*v = fraction(x)
	return true
}

// String prefers percent, but only where that reads back as the very same number.
func (v *fraction) String() string {
	percent := strconv.FormatFloat(float64(*v)*100, 'g', 15, 64) + "%"
	back := fraction(math.NaN())
	if back.set(percent); back == *v && !strings.Contains(percent, "e") {
		return percent
	}
	return strconv.FormatFloat(float64(*v), 'g', -1, 64)
}

func (*fraction) want() string { return "a share, such as 1% or 0.01" }
func (*fraction) fits(tag, text string) bool {
	return tag != "!!str" || strings.HasSuffix(text, "%")
}
func (v *fraction) value() any { return v.String() }

func (*fraction) schema() schema { return upTo(1, `100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?`) }

// upTo is the schema of a share: a number, or as percent, whose digits have a pattern.
func upTo(most float64, percent string) schema {
	return schema{"anyOf": []schema{
		{"type": "number", "minimum": 0, "maximum": most},
		{"type": "string", "pattern": "^(" + percent + ")%$"},
	}}
}

// span is a duration.
type span time.Duration

func (v *span) set(text string) bool {
	d, err := time.ParseDuration(text)
	if err == nil {
		*v = span(d)
	}
	return err == nil
}

func (v *span) String() string      { return time.Duration(*v).String() }
func (*span) want() string          { return "a duration, such as 10s or 500ms" }
func (*span) fits(_, _ string) bool { return true }
func (v *span) value() any          { return v.String() }

func (*span) schema() schema {
	return schema{"anyOf": []schema{{"type": "string",
		"pattern": `^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`}, {"const": 0}}}
}

// word is text. What is in question as plain YAML is quoted.
type word string

var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]*$`)

func (v *word) set(text string) bool {
	*v = word(text)
	return true
}

func (v *word) String() string {
	text := string(*v)
	node := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	plain := plainWord.MatchString(text) && v.fits(node.ShortTag(), text)
	if text == "" || plain || !utf8.ValidString(text) { // the last can't be written at all
		return text
	}
	return strconv.QuoteToASCII(text) // its escapes are YAML's
}

func (*word) want() string            { return "text, in quotes if it looks like a number" }
func (*word) fits(tag, _ string) bool { return tag == "!!str" }
func (*word) schema() schema          { return schema{"type": "string"} }
func (v *word) value() any            { return *v }

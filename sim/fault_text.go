package sim

import (
	"encoding"
	"regexp"
	"strings"
)

// value is one of the values in the text of a stage or a fault.
type value interface {
	set(text string) bool // false: can't be read
	String() string       // what set reads back as the same
	want() string         // the accepted form
}

// label is a name that can stand in the text of a stage or a fault.
type label string

const wantLabel = "letters, digits, - and _"

var labelForm = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func labelled(text string) bool { return labelForm.MatchString(text) }

func (v *label) set(text string) bool {
	*v = label(text)
	return true
}
func (v *label) String() string { return string(*v) }
func (*label) want() string     { return wantLabel }

// stageList and faultList are fields of a scenario file: the texts of all, with blanks between, so
// that one may stand on each line of a folded block.
type (
	stageList []Stage
	faultList []Fault
)

func (v *stageList) set(text string) bool  { return readList((*[]Stage)(v), text) }
func (v *stageList) String() string        { return writeList(*v) }
func (*stageList) want() string            { return "stages, such as length=5s,rate=100..500" }
func (*stageList) fits(tag, _ string) bool { return tag == "!!str" }
func (*stageList) schema() schema          { return listSchema(pairsForm) }
func (v *stageList) value() any            { return v.String() }

func (v *faultList) set(text string) bool  { return readList((*[]Fault)(v), text) }
func (v *faultList) String() string        { return writeList(*v) }
func (*faultList) want() string            { return "faults, such as zone-loss:start=5s,share=30%" }
func (*faultList) fits(tag, _ string) bool { return tag == "!!str" }
func (v *faultList) value() any            { return v.String() }

func (*faultList) schema() schema {
	return listSchema("(" + strings.Join(kindNames(), "|") + ")(:" + pairsForm + ")?")
}

// pairsForm is the pattern of key=value pairs, as far as an editor need know it.
const pairsForm = `[a-z]+=[^,=\s]+(,[a-z]+=[^,=\s]+)*`

func listSchema(one string) schema {
	return schema{"type": "string", "pattern": `^\s*(` + one + `(\s+` + one + `)*)?\s*$`}
}

// readList sets a list only if all of it can be read: half a list of faults is another scenario.
func readList[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](to *[]T, text string) bool {
	var list []T
	for word := range strings.FieldsSeq(text) {
		list = append(list, *new(T))
		if P(&list[len(list)-1]).UnmarshalText([]byte(word)) != nil {
			return false
		}
	}
	*to = list
	return true
}

func writeList[T interface{ String() string }](list []T) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = x.String()
	}
	return strings.Join(words, " ")
}

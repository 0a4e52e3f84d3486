package alarm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of a Field; what is longer is cut.
const (
	KeyMax    = 64   // bytes of a key
	StringMax = 1024 // bytes of a string's value
)

// Detail is the key under which service-center puts the text that goes with an alarm.
const Detail = "detail"

// Field is one typed value that goes with an alarm. Only the four constructors make one that has a
// key, so that its size is bounded whoever made it.
type Field struct {
	key   string
	value any // string, int64, time.Duration or float64
}

// String is a field with a text. Broken UTF-8 is mended, so that it can stand in JSON.
func String(key, value string) Field { return field(key, cut(value, StringMax)) }

// Int is a field with an integer; a unit belongs at the end of the key.
func Int(key string, value int64) Field { return field(key, value) }

// Duration is a field with a duration; in JSON it is a string such as "1.5s".
func Duration(key string, value time.Duration) Field { return field(key, value) }

// Float is a field with a floating-point number; in JSON one that is not finite is a string.
func Float(key string, value float64) Field { return field(key, value) }

func field(key string, value any) Field { return Field{cut(key, KeyMax), value} }

// cut is s without what goes beyond n bytes, and a copy then, so that a long text isn't kept.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s[:min(len(s), n+utf8.UTFMax)], "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

// Key is the field's name.
func (f Field) Key() string { return f.key }

// Value is a string, an int64, a time.Duration or a float64.
func (f Field) Value() any { return f.value }

// String is key=value.
func (f Field) String() string { return fmt.Sprintf("%s=%v", f.key, f.value) }

// Fields are what goes with an alarm, in order. Their keys are distinct.
type Fields []Field

// Get finds the value under a key, or returns nil.
func (fs Fields) Get(key string) any {
	for _, f := range fs {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// MarshalJSON makes one object of them, in order.
func (fs Fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range fs {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(f.key)
		if err != nil {
			return nil, fmt.Errorf("alarm: key of field %d: %w", i, err)
		}
		value, err := json.Marshal(f.plain())
		if err != nil {
			return nil, fmt.Errorf("alarm: field %s: %w", f.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain is the value as JSON can have it.
func (f Field) plain() any {
	switch v := f.value.(type) {
	case time.Duration:
		return v.String()
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return f.value
}

func (fs Fields) validate() error {
	for i, f := range fs {
		if f.key == "" {
			return fmt.Errorf("%w: field %d has no key: want a name", ErrInvalid, i)
		}
		if fs[:i].Get(f.key) != nil {
			return fmt.Errorf("%w: field %d: key %q stands there twice: want distinct keys",
				ErrInvalid, i, f.key)
		}
	}
	return nil
}

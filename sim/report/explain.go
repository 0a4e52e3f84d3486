package report

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// explain says where a text isn't a document, and what is wanted there. to is what it was to be.
func explain(data []byte, to any, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		if found := misfit(data, reflect.TypeOf(to), ""); found != nil {
			return found
		}
		return err
	}
	at := orTop(fieldAt(data, syntax.Offset))
	if syntax.Offset >= int64(len(data)) {
		return fmt.Errorf("ends after %d bytes at %s: want a result document (JSON), as "+
			"simulate --out writes it", len(data), at)
	}
	return fmt.Errorf("byte %d, at %s: %w: want a result document (JSON), as simulate --out "+
		"writes it", syntax.Offset, at, err)
}

func orTop(field string) string {
	if field == "" {
		return "its top"
	}
	return field
}

// misfit finds the first value that doesn't decode as a t, and names its field: package json does
// so for some values only. It is for texts that are known to be wrong, so it may read them
// repeatedly.
func misfit(data []byte, t reflect.Type, path string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	err := json.Unmarshal(data, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	if found := misfitIn(data, t, path); found != nil {
		return found
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		article := "a"
		if strings.ContainsAny(wrong.Value[:1], "ao") { // array or object
			article = "an"
		}
		return fmt.Errorf("%s: is %s %s: want %s", orTop(path), article, wrong.Value,
			wanted(wrong.Type))
	}
	return fmt.Errorf("%s: %w", orTop(path), err)
}

// misfitIn looks for it in the parts of a value.
func misfitIn(data []byte, t reflect.Type, path string) error {
	if readsItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		var fields map[string]json.RawMessage
		if json.Unmarshal(data, &fields) != nil {
			return nil
		}
		for f := range t.Fields() {
			raw, ok := fields[jsonName(f)]
			if !ok {
				continue
			}
			err := misfit(raw, f.Type, strings.TrimPrefix(path+"."+jsonName(f), "."))
			if err != nil {
				return err
			}
		}
	case reflect.Slice:
		var items []json.RawMessage
		if json.Unmarshal(data, &items) != nil {
			return nil
		}
		for i, raw := range items {
			if err := misfit(raw, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		var items map[string]json.RawMessage
		if json.Unmarshal(data, &items) != nil {
			return nil
		}
		for name, raw := range items {
			if err := misfit(raw, t.Elem(), path+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// readsItself reports whether a type has a form of its own.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// wanted says what decodes as a t.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// fieldAt names the field of a JSON text that is being read at offset, such as runs[2].heal_ns: as
// far as the text can be read, when it breaks before.
func fieldAt(data []byte, offset int64) string {
	type level struct {
		array bool
		index int    // in an array; -1 before its first element
		key   string // in an object
		value bool   // in an object: the next token is a value
	}
	var at []level
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		delim, _ := token.(json.Delim)
		closing := delim == '}' || delim == ']'
		if len(at) > 0 && err == nil && !closing {
			switch l := &at[len(at)-1]; {
			case l.array:
				l.index++
			case l.value:
				l.value = false
			default:
				l.key, l.value = token.(string), true
			}
		}
		if err != nil || dec.InputOffset() >= offset {
			break
		}
		switch {
		case closing:
			at = at[:len(at)-1]
		case delim != 0:
			at = append(at, level{array: delim == '[', index: -1})
		}
	}
	var path strings.Builder
	for _, l := range at {
		switch {
		case l.array && l.index >= 0:
			fmt.Fprintf(&path, "[%d]", l.index)
		case l.key != "" && path.Len() > 0:
			path.WriteString("." + l.key)
		default:
			path.WriteString(l.key)
		}
	}
	return path.String()
}

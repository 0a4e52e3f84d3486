package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/notifylab/notifylab/sim"
)

// mistakes collects everything that is wrong with a command line.
type mistakes struct {
	command string // whose help tells more; "": simulate's own
	lines   []string
	unread  map[string]bool   // flags whose value couldn't be read
	places  map[string]string // where the fields of a scenario are given, unless by flags
}

func (m *mistakes) add(format string, args ...any) {
	m.lines = append(m.lines, fmt.Sprintf(format, args...))
}

// couldNotRead notes a flag, for nothing more to be said of it.
func (m *mistakes) couldNotRead(flag string) {
	if m.unread == nil {
		m.unread = make(map[string]bool)
	}
	m.unread[flag] = true
}

// addAll adds an error of package sim, with its fields as flags.
func (m *mistakes) addAll(err error) {
	var ms sim.Mistakes
	if !errors.As(err, &ms) {
		m.add("%v", err)
		return
	}
	for _, x := range ms {
		if !m.unread[flagName(x.Field)] {
			m.add("%s %s: want %s", m.name(x.Field), x.Got, x.Want)
		}
	}
}

// name is how to call a field of package sim: by where its value is from.
func (m *mistakes) name(field string) string {
	list, _, _ := strings.Cut(field, "[")
	element, _, _ := strings.Cut(field, ".")
	for _, part := range []string{element, list} {
		if place, ok := m.places[part]; ok {
			return place + strings.TrimPrefix(field, part)
		}
	}
	return "--" + flagName(field)
}

// forget forgets the places of a field and its elements: another value takes its place.
func (m *mistakes) forget(field string) {
	maps.DeleteFunc(m.places, func(place, _ string) bool {
		return place == field || strings.HasPrefix(place, field+"[")
	})
	delete(m.unread, flagName(field))
}

// flagName is the flag of a field.
func flagName(field string) string {
	switch field {
	case "queue_size", "watcher_queue":
		field += "s"
	}
	for _, list := range []string{"stages", "faults", "slos"} { // of which a flag gives one
		if rest, ok := strings.CutPrefix(field, list); ok {
			field = strings.TrimSuffix(list, "s") + rest
		}
	}
	return strings.ReplaceAll(field, "_", "-")
}

// report prints the mistakes; false means that there are none.
func (m *mistakes) report(stderr io.Writer) bool {
	if len(m.lines) == 0 {
		return false
	}
	help := strings.TrimLeft(m.command+" --help", " ")
	fmt.Fprintf(stderr, "simulate: %s in the command line; see simulate %s\n",
		plural(len(m.lines), "mistake"), help)
	for _, line := range m.lines {
		fmt.Fprintln(stderr, "  "+line)
	}
	return true
}

// plural is a number of things that are named as one of them is.
func plural[N int | int64 | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// unknown adds the flag that is nearest to one that isn't there.
func unknown(fs *pflag.FlagSet, err error) string {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return err.Error()
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := missing.GetSpecifiedName()
	near := sim.Nearest(name, names)
	if short := missing.GetSpecifiedShortnames(); fs.Lookup(short) != nil { // -rate
		near = short
	}
	if near == "" {
		return err.Error()
	}
	return fmt.Sprintf("%v; did you mean --%s?", err, near)
}

// unwanted says what arguments are in the way of flags.
func unwanted(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = strconv.Quote(arg)
	}
	return strings.Join(quoted, " ") + ": want flags only"
}

// form says what a flag accepts.
func form(f *pflag.Flag, err error) string {
	switch f.Value.Type() {
	case "int":
		return "want a whole number"
	case "uint64":
		return "want a whole number, 0 or more"
	case "float64":
		return "want a number"
	case "duration":
		return "want a duration, such as 10s or 500ms"
	case "bool":
		return "want true or false"
	}
	if cause := errors.Unwrap(err); cause != nil { // what the flag's own Set said
		err = cause
	}
	return err.Error()
}

// share is a flag that takes 1% or 0.01.
type share float64

func (s *share) String() string {
	return strconv.FormatFloat(float64(*s)*100, 'g', 4, 64) + "%"
}
func (s *share) Type() string { return "share" }

func (s *share) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return errors.New("want a share, such as 1% or 0.01")
	}
	if percent {
		v /= 100
	}
	*s = share(v)
	return nil
}

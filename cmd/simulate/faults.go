package main

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/notifylab/notifylab/sim"
)

// repeated is a flag that may be given again and again: a list of what has a text. The first one
// takes the place of what a scenario file says.
type repeated[T fmt.Stringer, P interface {
	*T
	encoding.TextUnmarshaler
}] struct {
	list  *[]T
	what  string
	given bool
}

func (r *repeated[T, P]) String() string { return "" } // there is no default
func (r *repeated[T, P]) Type() string   { return r.what }

func (r *repeated[T, P]) Set(text string) error {
	var x T
	if err := P(&x).UnmarshalText([]byte(text)); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), sim.ErrText.Error()+": "))
	}
	if !r.given {
		*r.list, r.given = nil, true
	}
	*r.list = append(*r.list, x)
	return nil
}

// mayRepeat reports whether a flag may be given more than once.
func mayRepeat(name string) bool {
	return slices.Contains([]string{"set", "fault", "stage", "slo", "sweep", "service"}, name)
}

// faultKinds describes all kinds, for the usage text.
func faultKinds() string {
	var b strings.Builder
	for _, k := range sim.FaultKinds() {
		fmt.Fprintf(&b, "\n%s (%s): %s", k.Name, knobsOf(k), k.About)
	}
	return b.String()
}

// knobsOf lists the knobs of a kind, with their defaults.
func knobsOf(k sim.FaultKind) string {
	_, defaults, _ := strings.Cut(k.Defaults.String(), ":")
	length := "length"
	if !k.Lasts {
		length = "length=0s"
	}
	return strings.TrimSuffix("start=0s,"+length+","+defaults, ",")
}

// sloMetrics describes the figures of objectives, for the usage text.
func sloMetrics() string {
	var b strings.Builder
	for _, m := range sim.SLOMetrics() {
		fmt.Fprintf(&b, "\n%s (%s): %s", m.Name, m.Unit, m.About)
	}
	return b.String()
}

// announceLists says what stages, faults and objectives there will be, with all their knobs.
func announceLists(s *sim.Scenario, w io.Writer) {
	for _, st := range s.Stages {
		fmt.Fprintf(w, "stage: %s\n", st)
	}
	for _, f := range s.Faults {
		fmt.Fprintf(w, "fault: %s\n", f.Effective())
	}
	for _, o := range s.SLOs {
		fmt.Fprintf(w, "objective: %s\n", o)
	}
}

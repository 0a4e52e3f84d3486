package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/trace"
)

// traceHashLen is how many hexadecimal digits tell traces of one name apart.
const traceHashLen = 12

// The slowest replay, in which a minute takes two years, and the fastest; all at once is a storm's
// business.
const (
	traceSpeedMin = 1e-6
	traceSpeedMax = 1e6
)

// ReadTrace reads the trace that the runs of s replay, and has Scenario.Trace be its name with a
// hash of what is in it: so another trace of the same name is another scenario. The errors are
// those of trace.Read; s is then as before.
func (s *Scenario) ReadTrace(name string, r io.Reader) error {
	hash := sha256.New()
	all := io.TeeReader(r, hash)
	t, err := trace.Read(name, all)
	if err == nil {
		_, err = io.Copy(io.Discard, all) // what is behind the end of gzip's data
	}
	if err != nil {
		return err
	}
	s.changes = t
	s.Trace = name + "@" + hex.EncodeToString(hash.Sum(nil))[:traceHashLen]
	return nil
}

// TraceLength is how long the trace of s takes at the scenario's speed, so that its last change is
// within: 0 without any.
func (s *Scenario) TraceLength() time.Duration {
	if s.changes == nil || len(s.changes.Changes) == 0 {
		return 0
	}
	const grain = 100 * time.Millisecond
	last := s.traced(s.changes.Length())
	return (last/grain + 1) * grain
}

// traced is a time of the trace in the time of a run.
func (s *Scenario) traced(at time.Duration) time.Duration {
	if s.TraceSpeed == 0 || s.TraceSpeed == 1 {
		return at
	}
	return time.Duration(min(float64(at)/s.TraceSpeed, math.MaxInt64/4))
}

// validateTrace checks what is said about a trace.
func (s *Scenario) validateTrace(ms *Mistakes) {
	x := s.TraceSpeed
	ms.unless(x == 0 || x >= traceSpeedMin && x <= traceSpeedMax, "trace_speed", x,
		"how many times faster than recorded, 1e-6 to 1e6; or 0, which is 1")
}

// checkTrace reports, as Mistakes, a trace that is named and was not read.
func (s *Scenario) checkTrace() error {
	var ms Mistakes
	ms.unless(s.Trace == "" || s.changes != nil, "trace", fmt.Sprintf("%q", s.Trace),
		"a trace that ReadTrace has read")
	return ms.err()
}

// DescribeTrace says what a run of s will replay in a world of this topology.
func (s *Scenario) DescribeTrace(t *Topology) string {
	if s.changes == nil {
		return ""
	}
	named := newCast(func(yield func(*registry.Service) bool) {
		for i := range t.Services {
			if !yield(&t.Services[i].Service) {
				return
			}
		}
	})
	var lacking []string
	services := s.changes.Services()
	for _, x := range services {
		if named.find(x) == "" {
			lacking = append(lacking, x.Name)
		}
	}
	text := fmt.Sprintf("%d changes of %d services within %v", len(s.changes.Changes),
		len(services), s.traced(s.changes.Length()).Round(time.Millisecond))
	if n := len(s.changes.Gaps); n > 0 {
		text += fmt.Sprintf("; gaps in which nobody watched: %d", n)
	}
	switch {
	case len(lacking) == 0:
		return text
	case len(lacking) == len(services):
		return text + "; this world has none of them: its own providers take their parts, in the " +
			"order in which they come"
	}
	slices.Sort(lacking)
	lacking = slices.Compact(lacking)
	return text + fmt.Sprintf("; this world lacks %d of them, whose changes are left out (%s)",
		len(lacking), strings.Join(lacking[:min(len(lacking), 3)], ", "))
}

// TraceRun is what became of the changes of a trace.
type TraceRun struct {
	Changes  int64 `json:"changes"`             // in the trace
	Applied  int64 `json:"applied"`             // of these
	StandIns int64 `json:"stand_ins,omitempty"` // instances that took the part of unknown ones

	// The changes that were not, by reason. The others were due after the recorded time.
	Refused map[string]int64 `json:"refused,omitempty"`
}

// The reasons for which a change of a trace isn't made.
const (
	traceNoService  = "service unknown"  // the world doesn't have it
	traceNoInstance = "instance unknown" // to be deleted, and nobody can take its part
	traceGone       = "already gone"     // to be deleted, as it was by the trace or a fault
)

func (r *TraceRun) refuse(reason string) {
	if r.Refused == nil {
		r.Refused = make(map[string]int64)
	}
	r.Refused[reason]++
}

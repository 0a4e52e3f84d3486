package sim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Stage is a part of the recorded time with a rate of changes of its own. Stages follow one
// another from the begin of Scenario.Duration; before them, and after the last, there is
// Scenario.Rate.
//
// As text, which is how files and documents have it, a stage is key=value pairs:
// "name=peak,length=5s,rate=100..500". One rate alone is held.
type Stage struct {
	Name   string        // to tell it from the others; may be empty
	Length time.Duration // above 0
	From   float64       // changes per second at its begin…
	To     float64       // …and at its end; the rate goes straight from one to the other
	Burst  int           // updates of random providers, all due at its begin; besides the rate
}

// ErrText is what the errors of texts that can't be read wrap.
var ErrText = errors.New("sim: can't be read")

// parts are the knobs of a stage by name: in its text, and in a mapping of a scenario file.
func (st *Stage) parts() map[string]value {
	return map[string]value{
		"name": (*label)(&st.Name), "length": (*span)(&st.Length), "rate": (*ramp)(st),
		"burst": (*whole)(&st.Burst),
	}
}

// UnmarshalText reads a stage; the error says which part of it can't be read.
func (st *Stage) UnmarshalText(text []byte) error {
	var x Stage
	read, err := readPairs(string(text), x.parts())
	if err != nil {
		return err
	}
	if !read["rate"] {
		return fmt.Errorf("%w: rate %q: want %s", ErrText, "", (*ramp)(nil).want())
	}
	*st = x
	return nil
}

// MarshalText writes what UnmarshalText reads back as the same.
func (st Stage) MarshalText() ([]byte, error) { return []byte(st.String()), nil }

func (st Stage) String() string {
	var parts []string
	if st.Name != "" {
		parts = append(parts, "name="+st.Name)
	}
	parts = append(parts, "length="+st.Length.String(), "rate="+(*ramp)(&st).String())
	if st.Burst != 0 {
		parts = append(parts, fmt.Sprintf("burst=%d", st.Burst))
	}
	return strings.Join(parts, ",")
}

// ramp is the rate of a stage: 100, or 100..500.
type ramp Stage

func (v *ramp) set(text string) bool {
	var x ramp
	from, to, up := strings.Cut(text, "..")
	if !up {
		to = from
	}
	if !(*number)(&x.From).set(from) || !(*number)(&x.To).set(to) {
		return false
	}
	v.From, v.To = x.From, x.To
	return true
}

func (v *ramp) String() string {
	if v.To == v.From {
		return (*number)(&v.From).String()
	}
	return (*number)(&v.From).String() + ".." + (*number)(&v.To).String()
}

func (*ramp) want() string            { return "changes per second, such as 100 or 100..500" }
func (*ramp) fits(tag, _ string) bool { return tag != "!!null" && tag != "!!bool" }
func (v *ramp) value() any            { return v.String() }

func (*ramp) schema() schema {
	const one = `[0-9.eE+-]+`
	return schema{"anyOf": []schema{{"type": "number", "minimum": 0, "maximum": int(rateMax)},
		{"type": "string", "pattern": "^" + one + `(\.\.` + one + ")?$"}}}
}

// readPairs sets knobs by key=value pairs and says which were given, each at most once.
func readPairs(text string, knobs map[string]value) (read map[string]bool, err error) {
	read = make(map[string]bool)
	if text == "" {
		return read, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		k := knobs[key]
		switch {
		case !ok || k == nil:
			return nil, fmt.Errorf("%w: %q: want key=value with %s", ErrText, pair,
				wantPart(knobs))
		case read[key]:
			return nil, fmt.Errorf("%w: %q: want %s once", ErrText, pair, key)
		case !k.set(value):
			return nil, fmt.Errorf("%w: %q: want %s", ErrText, pair, k.want())
		}
		read[key] = true
	}
	return read, nil
}

// wantPart names the knobs.
func wantPart(knobs map[string]value) string {
	return "one of " + strings.Join(slices.Sorted(maps.Keys(knobs)), ", ")
}

// rateMax is the highest rate of changes, per second.
const rateMax = 1e6

// stagesMax is how many stages there can be: each has histograms of its own in a result.
const stagesMax = 64

// validateStages checks the stages, and that they fit into the recorded time.
func (s *Scenario) validateStages(ms *Mistakes) {
	ms.unless(len(s.Stages) <= stagesMax, "stages", fmt.Sprintf("%d stages", len(s.Stages)),
		fmt.Sprintf("at most %d stages", stagesMax))
	left := s.Duration
	for i := range s.Stages {
		st, at := &s.Stages[i], fmt.Sprintf("stages[%d].", i)
		ms.unless(labelled(st.Name), at+"name", fmt.Sprintf("%q", st.Name), wantLabel)
		ms.unless(st.Length > 0, at+"length", st.Length, "a duration above 0")
		left -= max(min(st.Length, math.MaxInt64/4), 0)
		ms.unless(left >= 0 || left+st.Length < 0, at+"length", st.Length,
			fmt.Sprintf("stages that last %v together, as duration says", s.Duration))
		for _, rate := range []float64{st.From, st.To} {
			if !(rate >= 0 && rate <= rateMax) {
				ms.unless(false, at+"rate", rate, "changes per second, 0 to 1e6")
				break
			}
		}
		ms.unless(st.Burst >= 0 && st.Burst <= 1e6, at+"burst", st.Burst,
			"a number of changes, 0 to 1e6")
	}
}

// pace says how many changes per second there are at which time: legs without a gap, the last of
// which never ends.
type pace []leg

// leg is a stretch of time in which a rate goes straight from one to another.
type leg struct {
	from, until int64
	begin, end  float64 // per second
}

// newPace is the pace of batches of changes, with the first stage at time recorded.
func newPace(s *Scenario, recorded int64) pace {
	batch := float64(s.Batch)
	usual, at := s.Rate/batch, recorded
	if len(s.Stages) == 0 {
		return pace{{math.MinInt64, never, usual, usual}}
	}
	p := pace{{math.MinInt64, at, usual, usual}}
	for _, st := range s.Stages {
		p = append(p, leg{at, at + int64(st.Length), st.From / batch, st.To / batch})
		at += int64(st.Length)
	}
	return append(p, leg{at, never, usual, usual})
}

// after is when n more arrivals will have become due, counted from a time on: the n-th part of
// Poisson arrivals that follow the pace is their exponential gap (inversion of the intensity).
func (p pace) after(at int64, n float64) int64 {
	for i := range p {
		l := &p[i]
		if at >= l.until && l.until != never {
			continue
		}
		gap, passed := l.gap(at, n)
		if gap < float64(l.until)-float64(at) || l.until == never {
			return at + int64(min(gap, longest))
		}
		n, at = max(n-passed, 0), l.until
	}
	return never // the last leg has no end
}

// gap is the time in ns that n arrivals take from a time of the leg on, if its slope never ended,
// and how many there are until its end.
func (l *leg) gap(at int64, n float64) (gap, passed float64) {
	const second = float64(time.Second)
	rest := (float64(l.until) - float64(at)) / second
	if l.begin == l.end {
		if l.begin == 0 {
			return math.Inf(1), 0
		}
		return second / l.begin * n, float64(l.begin * rest)
	}
	length := float64(l.until-l.from) / second
	slope := (l.end - l.begin) / length
	rate := l.end - float64(slope*rest) // conversions keep compilers from fusing: as consumer.draw
	passed = float64(rest*(rate+l.end)) / 2
	if n >= passed {
		return math.Inf(1), passed
	}
	root := math.Sqrt(max(float64(rate*rate)+float64(2*slope*n), 0))
	return second * (2 * n / (rate + root)), passed
}

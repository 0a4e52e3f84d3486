package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is a block of trouble with a begin and a length. Several may overlap, also of one kind.
//
// As text, which is how files and documents have it, it is a kind and key=value pairs, named as
// the fields: "zone-loss:start=5s,length=10s,share=30%".
//
// Which of the knobs after Length a kind has is in FaultKinds. One that it has and that is 0 gets
// the kind's default; one that it hasn't must be 0.
type Fault struct {
	Kind   string        // one of FaultKinds
	Name   string        // to tell it from others; may be empty
	Start  time.Duration // since the begin of Scenario.Duration
	Length time.Duration

	Share    float64       // of instances or consumers, above 0 to 1
	Services int           // that it hits, by lot
	Count    int           // of what the kind counts
	Period   time.Duration // between two of the same
	Factor   float64       // handling takes so many times as long
	Delay    time.Duration // mean
	Loss     float64       // share of frames, above 0 to 0.9
}

// FaultKind is what a kind of faults does, and the knobs that it has: those with a default.
type FaultKind struct {
	Name     string
	About    string // one line
	Lasts    bool   // Length must be above 0
	Defaults Fault

	plan  func(*plot) []moment // what is to be done at which time; nil: it strikes consumers
	links bool                 // it needs the simulated network
}

// faultsOfAKind keeps the streams of random numbers of the kinds apart.
const faultsOfAKind = 32

// FaultKinds lists all there are.
func FaultKinds() []FaultKind { return slices.Clone(faultKinds[:]) }

// faultKinds are first those that change providers, then those that happen to consumers, then those
// that edit who may see what. New ones go to the end, for a fault's random numbers come from its
// place here.
var faultKinds = [...]FaultKind{
	{Name: "rolling-deploy", Lasts: true, plan: planDeploy,
		About:    "each instance of a service is replaced, a share of them at a time",
		Defaults: Fault{Share: 0.25, Services: 1}},
	{Name: "scale-out", plan: planScaleOut,
		About:    "a service gets more instances, by a share of those it has",
		Defaults: Fault{Share: 0.5, Services: 1}},
	{Name: "scale-in", plan: planScaleIn,
		About:    "a service loses a share of its instances",
		Defaults: Fault{Share: 0.5, Services: 1}},
	{Name: "flapping", Lasts: true, plan: planFlapping,
		About:    "instances go and come back, half a period each",
		Defaults: Fault{Services: 1, Count: 1, Period: 5 * time.Second}},
	{Name: "zone-loss", plan: planZoneLoss,
		About:    "a share of all instances goes at once; others come after length, but for 0s",
		Defaults: Fault{Share: 1.0 / 3}},
	{Name: "update-storm", plan: planStorm,
		About:    "updates of a service's instances, evenly over length",
		Defaults: Fault{Services: 1, Count: 1000}},
	{Name: "registry-restart", plan: planRestart,
		About: "all consumers are cut off, and nobody gets through before length is over"},
	{Name: "crash-loop", Lasts: true, plan: planCrashes,
		About:    "a share of the consumers crashes every period",
		Defaults: Fault{Share: 0.01, Period: 5 * time.Second}},
	{Name: "consumer-churn", Lasts: true, plan: planChurn,
		About:    "a share of the consumers per second leaves, crashes or is cut",
		Defaults: Fault{Share: 0.01}},
	{Name: "slow-consumers", Lasts: true, plan: planThaw,
		About:    "a share of the consumers takes a factor longer",
		Defaults: Fault{Share: 0.01, Factor: 100}},
	{Name: "stuck-consumers", Lasts: true, plan: planThaw,
		About:    "a share of the consumers stops at its next event",
		Defaults: Fault{Share: 0.01}},
	{Name: "link-delay", Lasts: true, links: true,
		About:    "what is sent to a share of the consumers takes so much longer",
		Defaults: Fault{Share: 1, Delay: 100 * time.Millisecond}},
	{Name: "link-loss", Lasts: true, links: true,
		About:    "frames to a share of the consumers are lost and sent again",
		Defaults: Fault{Share: 1, Loss: 0.01}},
	{Name: "partition", Lasts: true, links: true,
		About:    "a share of the consumers can't be reached, and connections hold what is sent",
		Defaults: Fault{Share: 0.3}},
	{Name: "long-list", Lasts: true,
		About:    "lists take so long",
		Defaults: Fault{Delay: 2 * time.Second}},
	{Name: kindRules, Lasts: true, plan: planRuleEdits,
		About:    "a service is hidden from a share of its consumers, or shown again, every period",
		Defaults: Fault{Share: 0.5, Services: 1, Period: 5 * time.Second}},
	{Name: kindTags, Lasts: true, plan: planTagEdits,
		About:    "as rule-edits, by tags of the consumers, who hear of all their services again",
		Defaults: Fault{Share: 0.5, Services: 1, Period: 5 * time.Second}},
	{Name: kindDependencies, Lasts: true, plan: planDependencyEdits,
		About:    "as rule-edits, by the consumers' dependencies, which go and come back",
		Defaults: Fault{Share: 0.5, Services: 1, Period: 5 * time.Second}},
}

// kindOf is the place of a kind in the table; -1 if there is no such.
func kindOf(name string) int {
	return slices.IndexFunc(faultKinds[:], func(k FaultKind) bool { return k.Name == name })
}

// Effective is f with the defaults of its kind where it has none of its own.
func (f Fault) Effective() Fault {
	i := kindOf(f.Kind)
	if i < 0 {
		return f
	}
	d := &faultKinds[i].Defaults
	f.Share, f.Services, f.Count = or(f.Share, d.Share), or(f.Services, d.Services),
		or(f.Count, d.Count)
	f.Period, f.Factor, f.Delay, f.Loss = or(f.Period, d.Period), or(f.Factor, d.Factor),
		or(f.Delay, d.Delay), or(f.Loss, d.Loss)
	return f
}

func or[T comparable](value, otherwise T) T {
	if value == *new(T) {
		return otherwise
	}
	return value
}

// faultKnob is a knob by its name, in the order in which a text has them.
type faultKnob struct {
	name  string
	knob  value
	given bool // not 0
	had   bool // by the kind

	fallsBack bool // to the kind's default, where it is 0
}

func (f *Fault) knobs() []faultKnob {
	var d Fault
	if i := kindOf(f.Kind); i >= 0 {
		d = faultKinds[i].Defaults
	}
	return []faultKnob{
		{"name", (*label)(&f.Name), f.Name != "", true, false},
		{"start", (*span)(&f.Start), f.Start != 0, true, false},
		{"length", (*span)(&f.Length), f.Length != 0, true, false},
		{"share", (*fraction)(&f.Share), f.Share != 0, d.Share != 0, true},
		{"services", (*whole)(&f.Services), f.Services != 0, d.Services != 0, true},
		{"count", (*whole)(&f.Count), f.Count != 0, d.Count != 0, true},
		{"period", (*span)(&f.Period), f.Period != 0, d.Period != 0, true},
		{"factor", (*number)(&f.Factor), f.Factor != 0, d.Factor != 0, true},
		{"delay", (*span)(&f.Delay), f.Delay != 0, d.Delay != 0, true},
		{"loss", (*fraction)(&f.Loss), f.Loss != 0, d.Loss != 0, true},
	}
}

// UnmarshalText reads a fault; the error says which part of it can't be read.
func (f *Fault) UnmarshalText(text []byte) error {
	kind, rest, _ := strings.Cut(string(text), ":")
	if kindOf(kind) < 0 {
		return fmt.Errorf("%w: kind %q: want %s", ErrText, kind, OneOf(kind, kindNames()))
	}
	x := Fault{Kind: kind}
	knobs := make(map[string]value)
	for _, k := range x.knobs() {
		if k.had {
			knobs[k.name] = k.knob
		}
	}
	named, err := readPairs(rest, knobs)
	if err != nil {
		return err
	}
	if k := x.zeroed(named); k != nil {
		return fmt.Errorf("%w: \"%s=%s\": want %s", ErrText, k.name, k.knob, wantNoZero)
	}
	*f = x
	return nil
}

const wantNoZero = "it above 0, or left out for its default"

// zeroed is a knob that was named and is 0, where that stands for the default: nobody who says 0
// means a third.
func (f *Fault) zeroed(named map[string]bool) *faultKnob {
	for _, k := range f.knobs() {
		if k.had && k.fallsBack && named[k.name] && !k.given {
			return &k
		}
	}
	return nil
}

// MarshalText writes what UnmarshalText reads back as the same.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

func (f Fault) String() string {
	var pairs []string
	for _, k := range f.knobs() {
		if k.given {
			pairs = append(pairs, k.name+"="+k.knob.String())
		}
	}
	if len(pairs) == 0 {
		return f.Kind
	}
	return f.Kind + ":" + strings.Join(pairs, ",")
}

func kindNames() (names []string) {
	for _, k := range faultKinds {
		names = append(names, k.Name)
	}
	return names
}

// validateFaults checks the faults, and that they fit into the recorded time.
func (s *Scenario) validateFaults(ms *Mistakes) {
	var kinds [len(faultKinds)]int
	strikes := 0
	for i := range s.Faults {
		f, at := &s.Faults[i], fmt.Sprintf("faults[%d].", i)
		kind := kindOf(f.Kind)
		if kind < 0 {
			ms.unless(false, at+"kind", fmt.Sprintf("%q", f.Kind), OneOf(f.Kind, kindNames()))
			continue
		}
		k := &faultKinds[kind]
		f.validate(k, at, s.Duration, ms)
		ms.unless(!k.links || !s.Transport.Real(), at+"kind", f.Kind,
			fmt.Sprintf("none with transport %s, whose network is real; or transport session",
				s.Transport))
		kinds[kind]++
		ms.unless(kinds[kind] <= faultsOfAKind, at+"kind", f.Kind,
			fmt.Sprintf("at most %d of a kind", faultsOfAKind))
		if f.strikes() {
			strikes++
		}
	}
	ms.unless(strikes <= strikesMax, "faults", strikes,
		fmt.Sprintf("at most %d that happen to consumers", strikesMax))
}

func (f *Fault) validate(k *FaultKind, at string, duration time.Duration, ms *Mistakes) {
	ms.unless(labelled(f.Name), at+"name", fmt.Sprintf("%q", f.Name), wantLabel)
	ms.unless(f.Start >= 0 && f.Start < duration, at+"start", f.Start,
		fmt.Sprintf("a duration, 0s or more and below the %v of duration", duration))
	least := "0s or more"
	if k.Lasts {
		least = "above 0"
	}
	ms.unless(f.Length >= 0 && (f.Length > 0 || !k.Lasts), at+"length", f.Length,
		"a duration "+least+" with "+f.Kind)
	ms.unless(f.Start < 0 || f.Start >= duration || f.Length <= duration-f.Start, at+"length",
		f.Length,
		fmt.Sprintf("an end within the %v of duration", duration))
	for _, x := range f.knobs() {
		ms.unless(x.had || !x.given, at+x.name, x.knob, "it not with "+f.Kind)
	}
	ms.unless(f.Share >= 0 && f.Share <= 1, at+"share", f.Share, "a share, above 0 to 1")
	ms.unless(f.Services >= 0, at+"services", f.Services, "a number of services, 1 or more")
	ms.unless(f.Count >= 0 && f.Count <= 1e6, at+"count", f.Count, "a number, 1 to 1e6")
	ms.unless(f.Period == 0 || f.Period >= time.Millisecond, at+"period", f.Period,
		"a duration, 1ms or more")
	ms.unless(f.Factor == 0 || f.Factor >= 1 && f.Factor <= factorMax, at+"factor", f.Factor,
		"a factor, 1 to 1e6")
	ms.unless(f.Delay >= 0, at+"delay", f.Delay, "a duration above 0")
	ms.unless(f.Loss >= 0 && f.Loss <= 0.9, at+"loss", f.Loss, "a share, above 0 to 0.9")
}

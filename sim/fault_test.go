package sim_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// anyFault draws a fault of a kind that is over within a time.
func anyFault(t *rapid.T, kind sim.FaultKind, within time.Duration) sim.Fault {
	drawn := func(name string) bool { return rapid.Bool().Draw(t, name) }
	f := sim.Fault{Kind: kind.Name}
	f.Start = time.Duration(rapid.Int64Range(0, int64(within)-1).Draw(t, "start"))
	if left := int64(within - f.Start); kind.Lasts || drawn("lasts") {
		f.Length = time.Duration(rapid.Int64Range(1, left).Draw(t, "length"))
	}
	d := kind.Defaults
	if d.Share > 0 && drawn("has share") {
		f.Share = rapid.Float64Range(0.01, 1).Draw(t, "share")
	}
	if d.Services > 0 && drawn("has services") {
		f.Services = rapid.IntRange(1, 5).Draw(t, "services")
	}
	if d.Count > 0 {
		f.Count = rapid.IntRange(1, 50).Draw(t, "count")
	}
	if d.Period > 0 {
		f.Period = time.Duration(rapid.Int64Range(10*ms, 200*ms).Draw(t, "period"))
	}
	if d.Factor > 0 && drawn("has factor") {
		f.Factor = rapid.Float64Range(1, 1000).Draw(t, "factor")
	}
	if d.Delay > 0 && drawn("has delay") {
		f.Delay = time.Duration(rapid.Int64Range(1, sec).Draw(t, "delay"))
	}
	if d.Loss > 0 && drawn("has loss") {
		f.Loss = rapid.Float64Range(0.01, 0.5).Draw(t, "loss")
	}
	return f
}

func TestFaults_EveryKindIsDescribedAndIsValidWithItsDefaults(t *testing.T) {
	for _, k := range sim.FaultKinds() {
		s := sim.DefaultScenario()
		s.Faults = []sim.Fault{{Kind: k.Name}}
		if k.Lasts {
			assert.Equal(t, "faults[0].length", mistakes(t, s.Validate())[0].Field, k.Name)
			s.Faults[0].Length = time.Second
		}
		assert.NoError(t, s.Validate(), k.Name)
		assert.NotEmpty(t, k.About)
		want := k.Defaults
		want.Kind, want.Length = k.Name, s.Faults[0].Length
		assert.Equal(t, want, s.Faults[0].Effective())
		s.Faults[0] = want
		assert.NoError(t, s.Validate(), "the defaults are in range")
	}
}

// A zero would be the default, which nobody means who gives one.
func TestFaults_AZeroThatIsGivenIsRefused(t *testing.T) {
	for _, k := range sim.FaultKinds() {
		_, knobs, _ := strings.Cut(k.Defaults.String(), ":")
		for pair := range strings.SplitSeq(knobs, ",") {
			name, _, given := strings.Cut(pair, "=")
			if !given { // it has no knobs
				continue
			}
			want := ": want it above 0, or left out for its default"
			err := new(sim.Fault).UnmarshalText([]byte(k.Name + ":" + name + "=0"))
			if name == "period" || name == "delay" {
				err = new(sim.Fault).UnmarshalText([]byte(k.Name + ":" + name + "=0s"))
			}
			assert.ErrorIs(t, err, sim.ErrText, "%s %s", k.Name, name)
			assert.ErrorContains(t, err, `"`+name+"=0", k.Name)
			assert.ErrorContains(t, err, want, k.Name)

			s := sim.DefaultScenario()
			_, err = sim.ReadScenario(strings.NewReader(
				"faults:\n  - {kind: "+k.Name+", "+name+": 0}\n"), &s)
			assert.ErrorContains(t, err, "faults[0]."+name+" = 0")
			assert.ErrorContains(t, err, want)
		}
	}
	var f sim.Fault
	assert.NoError(t, f.UnmarshalText([]byte("zone-loss:start=0s,length=0s,name=")))
}

func TestFaults_TheReadmeKnowsHowManyKindsThereAre(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	want := fmt.Sprintf("one of %d kinds of trouble", len(sim.FaultKinds()))
	assert.Contains(t, strings.Join(strings.Fields(string(text)), " "), want)
}

func TestFaults_SayWhatTheyTake(t *testing.T) {
	const long = time.Second
	for _, c := range []struct {
		fault sim.Fault
		field string
		want  string
	}{
		{sim.Fault{Kind: "fire"}, "kind", "one of rolling-deploy, scale-out, "},
		{sim.Fault{Kind: "partition", Length: long, Name: "a,b"}, "name", "letters, digits"},
		{sim.Fault{Kind: "partition", Length: long, Start: -1}, "start",
			"a duration, 0s or more and below the 4s of duration"},
		{sim.Fault{Kind: "zone-loss", Start: 4 * time.Second}, "start", "a duration, 0s or more"},
		{sim.Fault{Kind: "partition"}, "length", "a duration above 0 with partition"},
		{sim.Fault{Kind: "zone-loss", Length: -1}, "length", "a duration 0s or more with"},
		{sim.Fault{Kind: "partition", Length: math.MaxInt64, Start: 1}, "length",
			"an end within the 4s of duration"},
		{sim.Fault{Kind: "partition", Length: long, Factor: 2}, "factor", "it not with partition"},
		{sim.Fault{Kind: "registry-restart", Share: 1}, "share", "it not with registry-restart"},
		{sim.Fault{Kind: "partition", Length: long, Share: 1.5}, "share", "a share, above 0 to 1"},
		{sim.Fault{Kind: "partition", Length: long, Share: math.NaN()}, "share", "a share"},
		{sim.Fault{Kind: "scale-in", Services: -1}, "services", "a number of services, 1 or more"},
		{sim.Fault{Kind: "update-storm", Count: 2e6}, "count", "a number, 1 to 1e6"},
		{sim.Fault{Kind: "crash-loop", Length: long, Period: 1}, "period", "a duration, 1ms"},
		{sim.Fault{Kind: "slow-consumers", Length: long, Factor: 0.5}, "factor", "a factor, 1"},
		{sim.Fault{Kind: "slow-consumers", Length: long, Factor: math.Inf(1)}, "factor",
			"a factor, 1 to 1e6"},
		{sim.Fault{Kind: "slow-consumers", Length: long, Factor: math.NaN()}, "factor",
			"a factor, 1 to 1e6"},
		{sim.Fault{Kind: "slow-consumers", Length: long, Factor: 1e6 + 1}, "factor",
			"a factor, 1 to 1e6"},
		{sim.Fault{Kind: "long-list", Length: long, Delay: -1}, "delay", "a duration above 0"},
		{sim.Fault{Kind: "link-loss", Length: long, Loss: 0.95}, "loss", "a share, above 0 to 0.9"},
	} {
		s := sim.DefaultScenario()
		s.Faults = []sim.Fault{{Kind: "zone-loss"}, c.fault}
		ms := mistakes(t, s.Validate())
		require.Len(t, ms, 1, "%+v", c.fault)
		assert.Equal(t, "faults[1]."+c.field, ms[0].Field)
		assert.Contains(t, ms[0].Want, c.want)
	}
	s := sim.DefaultScenario()
	s.Transport = sim.WebSocket
	for _, k := range sim.FaultKinds() {
		s.Faults = append(s.Faults, sim.Fault{Kind: k.Name, Length: long})
	}
	var fields []string
	for _, m := range mistakes(t, s.Validate()) {
		fields = append(fields, s.Faults[len(fields)+11].Kind+" "+m.Field)
	}
	assert.Equal(t, []string{"link-delay faults[11].kind", "link-loss faults[12].kind",
		"partition faults[13].kind"}, fields, "no simulated network with real connections")
}

func TestFaults_AreAtMost32OfAKindAnd15ThatHappenToConsumers(t *testing.T) {
	for kind, most := range map[string]int{"zone-loss": 32, "long-list": 15} {
		s := sim.DefaultScenario()
		for range most {
			s.Faults = append(s.Faults, sim.Fault{Kind: kind, Length: time.Second})
		}
		require.NoError(t, s.Validate(), kind)
		s.Faults = append(s.Faults, s.Faults[0])
		assert.Contains(t, s.Validate().Error(), fmt.Sprintf("want at most %d", most), kind)
	}
}

func TestFaults_AsTextReadBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyFault(t, rapid.SampledFrom(sim.FaultKinds()).Draw(t, "kind"), time.Minute)
		want.Name = rapid.StringMatching(`[a-z0-9_-]{0,5}`).Draw(t, "name")
		text, err := json.Marshal([]sim.Fault{want})
		require.NoError(t, err)
		var got []sim.Fault
		require.NoError(t, json.Unmarshal(text, &got), "%s", text)
		require.Equal(t, []sim.Fault{want}, got, "%s", text)
	})
	f := sim.Fault{Kind: "zone-loss", Start: 5 * time.Second, Length: 10 * time.Second, Share: 0.3}
	assert.Equal(t, "zone-loss:start=5s,length=10s,share=30%", f.String())
	assert.Equal(t, "zone-loss", sim.Fault{Kind: "zone-loss"}.String())
}

func TestFaults_ATextThatCannotBeReadSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"":                            `kind "": want one of rolling-deploy, `,
		"fire:start=5s":               `kind "fire": want one of`,
		"zone-loss:share=lots":        `"share=lots": want a share, such as 1% or 0.01`,
		"zone-loss:factor=2":          `want key=value with one of length, name, share, start`,
		"zone-loss:start=1s,start=2s": `want start once`,
		"zone-loss:start":             `"start": want key=value`,
	} {
		var f sim.Fault
		err := f.UnmarshalText([]byte(text))
		require.ErrorIs(t, err, sim.ErrText, text)
		assert.ErrorContains(t, err, want, text)
		assert.Zero(t, f, text)
	}
}

// Other faults change nothing about whom a fault happens to, nor do other knobs.
func TestFaults_EachHasRandomNumbersOfItsOwn(t *testing.T) {
	s := quiet(200)
	slow := sim.Fault{Kind: "slow-consumers", Length: time.Second, Share: 0.1}
	stuck := sim.Fault{Kind: "stuck-consumers", Length: time.Second, Share: 0.1}
	struck := func(fault int, faults ...sim.Fault) []int {
		s.Faults = faults
		return newRig(t, s, oneService(t, 10), preset(t, sim.Config{})).Struck(fault)
	}
	alone := struck(0, slow)
	assert.Len(t, alone, 20)
	assert.Equal(t, alone, struck(1, stuck, slow))
	assert.Equal(t, alone, struck(0, slow, slow))
	assert.NotEqual(t, alone, struck(1, slow, slow), "two of a kind")
	assert.NotEqual(t, alone, struck(0, stuck, slow))
	s.Partition, s.PartitionLength = 0.5, time.Second
	assert.Equal(t, alone, struck(0, slow))
}

package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

func TestListsAreOfTextsOrOfMappings(t *testing.T) {
	up := sim.Stage{Name: "up", Length: 5 * time.Second, From: 100, To: 500}
	burst := sim.Stage{Length: time.Second, From: 7, To: 7, Burst: 9}
	loss := sim.Fault{Kind: "zone-loss", Start: 5 * time.Second, Share: 0.3}
	restart := sim.Fault{Kind: "registry-restart", Name: "r1", Length: time.Second}
	whole := sim.SLO{Metric: "propagation_p99", Below: 5e8}
	peak := sim.SLO{Stage: "peak", Metric: "dropped", Below: 0.001}
	for text, want := range map[string]sim.Scenario{
		"stages: name=up,length=5s,rate=100..500 length=1s,rate=7,burst=9": {
			Stages: []sim.Stage{up, burst}},
		"stages:\n- name=up,length=5s,rate=100..500\n- length=1s,rate=7,burst=9": {
			Stages: []sim.Stage{up, burst}},
		"stages:\n- {name: up, length: 5s, rate: 100..500}\n- {burst: 9, rate: 7, length: 1s}": {
			Stages: []sim.Stage{up, burst}},
		"stages:\n  - name: up\n    length: &l 5s\n    rate: 100..500\n" +
			"  - length=1s,rate=7,burst=9\nheal: *l": {
			Stages: []sim.Stage{up, burst}, Heal: 5 * time.Second},
		"stages: []": {},
		"stages: ''": {},
		"faults: ['zone-loss:start=5s,share=30%', 'registry-restart:name=r1,length=1s']": {
			Faults: []sim.Fault{loss, restart}},
		"faults:\n- &z\n  start: 5s\n  share: 0.3\n  kind: zone-loss\n- *z\n" +
			"- {kind: registry-restart, name: r1, length: 1s}": {
			Faults: []sim.Fault{loss, loss, restart}},
		"faults: >-\n  zone-loss:start=5s,share=30%\n  registry-restart:name=r1,length=1s\n": {
			Faults: []sim.Fault{loss, restart}},
		"slos: 'propagation_p99 < 500ms; peak: dropped < 0.1%;'": {SLOs: []sim.SLO{whole, peak}},
		"slos: |\n  propagation_p99 < 500ms\n  peak: dropped < 0.1%\n": {
			SLOs: []sim.SLO{whole, peak}},
		"slos:\n- propagation_p99 < 0.5s\n- \"peak: dropped < 0.1%\"\n- peak: dropped < 0.001": {
			SLOs: []sim.SLO{whole, peak, peak}},
	} {
		expected := sim.DefaultScenario()
		expected.Stages, expected.Faults, expected.SLOs = want.Stages, want.Faults, want.SLOs
		expected.Heal = max(expected.Heal, want.Heal)
		got, _, err := read(text)
		assert.NoError(t, err, text)
		assert.Equal(t, expected, got, text)
	}
}

func TestMistakesInListsHaveTheLineOfTheirElement(t *testing.T) {
	const (
		wantRate  = "changes per second, such as 100 or 100..500"
		wantStage = "a stage, such as length=5s,rate=100..500"
		wantKeys  = "one of burst, length, name, rate"
		wantSLO   = "METRIC < LIMIT, such as propagation_p99 < 500ms, or STAGE: METRIC < LIMIT"
		wantLabel = "letters, digits, - and _"
	)
	for text, want := range map[string]sim.FileMistakes{
		"stages: 5":          {bad(1, "stages", `"5"`, "a list of "+wantStage)},
		"stages:":            {bad(1, "stages", "nothing", "a list of "+wantStage)},
		"stages: {rate: 5}":  {bad(1, "stages", "a mapping", "a list of "+wantStage)},
		"stages:\n  speed=5": {bad(2, "stages", `"speed=5"`, "key=value with "+wantKeys)},
		"stages:\n- rate=1,length=1s\n- rate=x\n-\n- [5]\n- length=5s": {
			bad(3, "stages[1]", `"rate=x"`, wantRate),
			bad(4, "stages[2]", "nothing", wantStage),
			bad(5, "stages[3]", "a list", wantStage),
			bad(6, "stages[4]", `rate ""`, wantRate)},
		"stages:\n- rate: 5\n  speed: 7\n  length:\n  name: [a]\n- length: 5s\n  length: 6s": {
			bad(3, "stages[0]", `"speed"`, wantKeys),
			bad(4, "stages[0].length", "nothing", wantSpan),
			bad(5, "stages[0].name", "a list", wantLabel),
			bad(7, "stages[1].length", `"6s"`, "it once"),
			bad(6, "stages[1].rate", "nothing", wantRate)},
		"stages: [{rate: true, burst: 1.5}]": {
			bad(1, "stages[0].rate", `"true"`, wantRate),
			bad(1, "stages[0].burst", `"1.5"`, "a whole number")},
		"faults:\n- kind: zone-loss\n  factor: 5\n- start: 5s\n- kind: fire": {
			bad(3, "faults[0]", `"factor"`, "one of kind, length, name, share, start"),
			bad(4, "faults[1].kind", "nothing", wantKinds),
			bad(5, "faults[2].kind", `"fire"`, wantKinds)},
		"faults:\n- zone-loss\n- fire:start=5s": {bad(3, "faults[1]", `kind "fire"`, wantKinds)},
		"slos:\n- heal < 5s\n- heal > 5s\n- a: heal\n- {a: heal < 5s, b: heal < 5s}\n- {a: [1]}": {
			bad(3, "slos[1]", `operator ">"`, "<: a figure has to be below its limit"),
			bad(4, "slos[2]", `"a: heal"`, wantSLO),
			bad(5, "slos[3]", "a mapping", wantSLO),
			bad(6, "slos[4]", "a mapping", wantSLO)},
		"slos: heal < 5s; heal < 5": {bad(1, "slos", `heal < "5"`,
			"a duration above 0, up to 1h, such as 500ms")},
	} {
		s, _, err := read(text)
		assert.Equal(t, want, fileMistakes(t, err), text)
		assert.Equal(t, sim.DefaultScenario(), s, "half a list is none: %s", text)
	}
}

var wantKinds = func() string {
	want := "one of "
	for i, k := range sim.FaultKinds() {
		if i > 0 {
			want += ", "
		}
		want += k.Name
	}
	return want
}()

func TestEveryElementOfAListHasItsLine(t *testing.T) {
	_, lines, err := read("rate: 5\nslos:\n- heal < 5s\n\n- peak: dropped < 1%\nseed: 7")
	require.NoError(t, err)
	assert.Equal(t, map[string]int{
		"rate": 1, "slos": 2, "slos[0]": 3, "slos[1]": 5, "seed": 6}, lines)
}

func TestSettingAListSaysWhichPartOfItIsWrong(t *testing.T) {
	s := sim.DefaultScenario()
	require.NoError(t, s.Set("slos", "heal < 5s; up: dropped < 1%"))
	require.NoError(t, s.Set("stages", " name=up,length=1s,rate=5  "))
	assert.Len(t, s.SLOs, 2)
	assert.Len(t, s.Stages, 1)
	before := s
	assert.Equal(t, sim.Mistake{"slos", `heal < "5"`,
		"a duration above 0, up to 1h, such as 500ms"}, s.Set("slos", "dropped < 1%; heal < 5"))
	assert.Equal(t, sim.Mistake{"faults", `kind "fire"`, wantKinds}, s.Set("faults", "fire"))
	assert.Equal(t, before, s)
	require.NoError(t, s.Set("slos", ""))
	assert.Empty(t, s.SLOs)
}

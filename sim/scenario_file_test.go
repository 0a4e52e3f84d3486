package sim_test

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// jsonNames are the fields of a Scenario as they are called in JSON, in their order.
func jsonNames() (names []string) {
	t := reflect.TypeFor[sim.Scenario]()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// listTexts are those of the fields that are lists.
var listTexts = map[string]string{
	"stages": "length=1s,rate=5..9",
	"faults": "zone-loss:start=1s,length=1s,share=30%",
	"slos":   "propagation_p99 < 500ms; dropped < 0.1%",
}

// textOf is a text for a field that isn't its default.
func textOf(name string, field reflect.Value) string {
	return cmp.Or(listTexts[name], map[reflect.Kind]string{
		reflect.String: "x", reflect.Int: "77", reflect.Uint64: "77", reflect.Int64: "77s",
		reflect.Float64: "0.77",
	}[field.Kind()])
}

func written(t require.TestingT, s sim.Scenario, asComment ...string) string {
	var b bytes.Buffer
	require.NoError(t, sim.WriteScenario(&b, s, asComment...))
	return b.String()
}

// read reads a file over the default scenario.
func read(text string) (sim.Scenario, map[string]int, error) {
	s := sim.DefaultScenario()
	lines, err := sim.ReadScenario(strings.NewReader(text), &s)
	return s, lines, err
}

func fileMistakes(t require.TestingT, err error) sim.FileMistakes {
	var ms sim.FileMistakes
	require.ErrorAs(t, err, &ms)
	require.ErrorIs(t, err, sim.ErrScenario)
	return ms
}

func TestAScenarioFileHasEveryFieldOfAScenario(t *testing.T) {
	assert.ElementsMatch(t, jsonNames(), sim.ScenarioPaths())
	for i, name := range jsonNames() {
		before := sim.DefaultScenario()
		before.Workload = ""
		after := before
		require.NoError(t, after.Set(name, textOf(name, reflect.ValueOf(before).Field(i))))
		for j := range jsonNames() {
			same := reflect.DeepEqual(reflect.ValueOf(before).Field(j).Interface(),
				reflect.ValueOf(after).Field(j).Interface())
			assert.Equal(t, i != j, same, "%s sets itself alone", name)
		}
	}
}

func TestAFieldThatAFileDoesNotNameStays(t *testing.T) {
	s, lines, err := read("# mine\n\nrate: 7\nslow: 2.5% # more\nduration: 1m30s\n")
	require.NoError(t, err)
	want := sim.DefaultScenario()
	want.Rate, want.Slow, want.Duration = 7, 0.025, 90*time.Second
	assert.Equal(t, want, s)
	assert.Equal(t, map[string]int{"rate": 3, "slow": 4, "duration": 5}, lines)
}

func TestValuesHaveTheFormsOfFlags(t *testing.T) {
	for text, want := range map[string]func(*sim.Scenario){
		"slow: 1%":                      func(s *sim.Scenario) { s.Slow = 0.01 },
		"slow: '1%'":                    func(s *sim.Scenario) { s.Slow = 0.01 },
		"slow: 0.01":                    func(s *sim.Scenario) { s.Slow = 0.01 },
		"slow: 1":                       func(s *sim.Scenario) { s.Slow = 1 },
		"pull: 0":                       func(s *sim.Scenario) { s.Pull = 0 },
		"pull: \"500ms\"":               func(s *sim.Scenario) { s.Pull = 500 * time.Millisecond },
		"pull: 1.5µs":                   func(s *sim.Scenario) { s.Pull = 1500 },
		"seed: 18446744073709551615":    func(s *sim.Scenario) { s.Seed = math.MaxUint64 },
		"consumers: 10_000":             func(s *sim.Scenario) { s.Consumers = 10_000 },
		"rate: 1e3":                     func(s *sim.Scenario) { s.Rate = 1000 },
		"rate: 12":                      func(s *sim.Scenario) { s.Rate = 12 },
		"workload: small":               func(s *sim.Scenario) { s.Workload = "small" },
		"workload: &w small\nseed: 3":   func(s *sim.Scenario) { s.Workload, s.Seed = "small", 3 },
		"transport: session":            func(s *sim.Scenario) { s.Transport = sim.Session },
		"handling: &d 3ms\nbackoff: *d": func(s *sim.Scenario) { s.Handling, s.Backoff = 3e6, 3e6 },
		"{seed: 5, \"storm\": 0}":       func(s *sim.Scenario) { s.Seed, s.Storm = 5, 0 },
		"---\nseed: 5\n...\n":           func(s *sim.Scenario) { s.Seed = 5 },
	} {
		expected := sim.DefaultScenario()
		want(&expected)
		got, _, err := read(text)
		assert.NoError(t, err, text)
		assert.Equal(t, expected, got, text)
	}
}

func TestATopologyTakesThePlaceOfTheWorkload(t *testing.T) {
	s, _, err := read("topology: my.json")
	require.NoError(t, err)
	assert.Equal(t, "my.json", s.Topology)
	assert.Empty(t, s.Workload)
	require.NoError(t, s.Set("workload", "small"))
	assert.Equal(t, "small", s.Workload)
	assert.Empty(t, s.Topology)

	_, _, err = read("workload: small\nrate: 1\ntopology: my.json\n")
	assert.Equal(t, sim.FileMistakes{{3, sim.Mistake{Field: "topology", Got: `"my.json"`,
		Want: "it or workload of line 1, not both"}}}, fileMistakes(t, err))
}

func bad(line int, field, got, want string) sim.FileMistake {
	return sim.FileMistake{Line: line, Mistake: sim.Mistake{Field: field, Got: got, Want: want}}
}

// syntax is a mistake that isn't about a field.
func syntax(line int, got string) sim.FileMistake { return bad(line, "", got, wantFile) }

func TestEveryMistakeHasItsLineAndTheAcceptedForm(t *testing.T) {
	for text, want := range map[string]sim.FileMistake{
		"rate: fast":                      bad(1, "rate", `"fast"`, "a number"),
		"\nrate: \"5\"":                   bad(2, "rate", `"5"`, "a number"),
		"rate: .inf":                      bad(1, "rate", `".inf"`, "a number"),
		"rate: inf":                       bad(1, "rate", `"inf"`, "a number"),
		"rate: 1e999":                     bad(1, "rate", `"1e999"`, "a number"),
		"rate:":                           bad(1, "rate", "nothing", "a number"),
		"rate: ~":                         bad(1, "rate", "nothing", "a number"),
		"rate: [1, 2]":                    bad(1, "rate", "a list", "a number"),
		"rate:\n  per: 1":                 bad(2, "rate", "a mapping", "a number"),
		"batch: 1.5":                      bad(1, "batch", `"1.5"`, "a whole number"),
		"batch: 1e3":                      bad(1, "batch", `"1e3"`, "a whole number"),
		"batch: '3'":                      bad(1, "batch", `"3"`, "a whole number"),
		"seed: -1":                        bad(1, "seed", `"-1"`, "a whole number, 0 or more"),
		"slow: lots":                      bad(1, "slow", `"lots"`, wantShare),
		"slow: nan%":                      bad(1, "slow", `"nan%"`, wantShare),
		"slow: '0.01'":                    bad(1, "slow", `"0.01"`, wantShare),
		"pull: 30":                        bad(1, "pull", `"30"`, wantSpan),
		"pull: soon":                      bad(1, "pull", `"soon"`, wantSpan),
		"topology: [a]":                   bad(1, "topology", "a list", wantText),
		"topology: 2026":                  bad(1, "topology", `"2026"`, wantText),
		"seed: 1\nseed: 2":                bad(2, "seed", `"2"`, "it or seed of line 1, not both"),
		"a: &a [1]\nrate: 5":              bad(1, "field", `"a"`, wantPath),
		"rat: 5":                          bad(1, "field", `"rat"`, wantPath+meantRate),
		"Rate: 5":                         bad(1, "field", `"Rate"`, wantPath+meantRate),
		"? [rate]\n: 5":                   bad(1, "field", "a list", wantPath),
		"<<: {rate: 5}":                   bad(1, "field", `"<<"`, wantPath),
		"":                                syntax(1, "an empty file"),
		"# nothing\n":                     syntax(1, "an empty file"),
		"---\n":                           syntax(2, "nothing"),
		"[rate]":                          syntax(1, "a list"),
		"fast":                            bad(1, "", `"fast"`, wantFile),
		"rate: 5\n---\na: 1":              syntax(2, "a second document"),
		"rate: 5\n a: 1":                  syntax(2, saysNoMapping),
		"seed: 1\nrate: [5":               syntax(2, "did not find expected ',' or ']'"),
		"# a\n\nseed: 1\nrate: '5' 6\n":   syntax(4, "did not find expected key"),
		"seed: 1\n\trate: 5":              syntax(2, saysNoTab),
		"rate: *no":                       syntax(1, "unknown anchor 'no' referenced"),
		"# a\n\nseed: 1\nrate: *no\n":     syntax(4, "unknown anchor 'no' referenced"),
		"seed: 1\n\nstorm: 3\nrate: \x00": syntax(4, saysNoControl),
		"{seed: 1,\n rate: \x00,\n":       syntax(2, saysNoControl),
		"#\x00\nrate: 1":                  syntax(1, saysNoControl),
		"rate: \x00":                      syntax(1, saysNoControl),
	} {
		_, _, err := read(text)
		assert.Equal(t, sim.FileMistakes{want}, fileMistakes(t, err), "%q", text)
	}
	_, _, err := read(strings.Repeat("#", 1<<20) + "\nrate: 5\n")
	assert.Equal(t, "a file of more than 1 MiB", fileMistakes(t, err)[0].Got)
}

const (
	wantShare = "a share, such as 1% or 0.01"
	wantSpan  = "a duration, such as 10s or 500ms"
	wantText  = "text, in quotes if it looks like a number"
	// What the parser says.
	saysNoMapping = "mapping values are not allowed in this context"
	saysNoControl = "control characters are not allowed"
	saysNoTab     = "found a tab character that violates indentation"

	wantFile = "YAML with a field and its value per line, such as rate: 100"
)

const meantRate = "; did you mean rate?"

var wantPath = "one of " + strings.Join(sim.ScenarioPaths(), ", ")

func TestAllMistakesOfAFileAreReportedAndTheRestIsSet(t *testing.T) {
	s, lines, err := read("rate: fast\nseed: 9\nrat: 1\nslow: lots\n")
	ms := fileMistakes(t, err)
	require.Len(t, ms, 3)
	assert.Equal(t, []int{1, 3, 4}, []int{ms[0].Line, ms[1].Line, ms[2].Line})
	want := sim.DefaultScenario()
	want.Seed = 9
	assert.Equal(t, want, s)
	assert.Equal(t, map[string]int{"rate": 1, "seed": 2, "slow": 4}, lines)
	assert.Equal(t, "sim: not a usable scenario file: line 1: rate = \"fast\": want a number; "+
		"line 3: field = \"rat\": want "+wantPath+meantRate+"; "+
		"line 4: slow = \"lots\": want a share, such as 1% or 0.01", ms.Error())
	_, _, err = read("[]")
	assert.Equal(t, "sim: not a usable scenario file: line 1: a list: want "+wantFile,
		fileMistakes(t, err).Error())
}

func TestSettingOneFieldIsAsInAFile(t *testing.T) {
	s := sim.DefaultScenario()
	require.NoError(t, s.Set("slow", "5%"))
	assert.Equal(t, 0.05, s.Slow)
	for _, c := range []sim.Mistake{
		{"slow", `"lots"`, "a share, such as 1% or 0.01"},
		{"rate", `"NaN"`, "a number"},
		{"heal", `""`, "a duration, such as 10s or 500ms"},
	} {
		before := s
		assert.Equal(t, c, s.Set(c.Field, strings.Trim(c.Got, `"`)))
		assert.Equal(t, before, s)
	}
	want := sim.Mistake{"field", `"slow.factor"`, wantPath + "; did you mean slow_factor?"}
	assert.Equal(t, want, s.Set("slow.factor", "2"))
}

// anyScenario draws one that Validate accepts.
func anyScenario(t *rapid.T) sim.Scenario {
	whole := func(name string, from, to int) int { return rapid.IntRange(from, to).Draw(t, name) }
	span := func(name string, from int64) time.Duration {
		return time.Duration(rapid.Int64Range(from, math.MaxInt64).Draw(t, name))
	}
	number := func(name string, from, to float64) float64 {
		return rapid.Float64Range(from, to).Draw(t, name)
	}
	word := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	s := sim.Scenario{
		Seed:      rapid.Uint64().Draw(t, "seed"),
		Consumers: whole("consumers", 0, math.MaxInt), Providers: whole("providers", 0, 1<<30),
		Warmup: span("warmup", 0), Duration: span("duration", 1), Heal: span("heal", 0),
		Rate:     number("rate", math.SmallestNonzeroFloat64, 1e6),
		Arrivals: word("arrivals", "poisson", "constant"), Batch: whole("batch", 1, 1e6),
		Churn: number("churn", 0, 1), Storm: whole("storm", 0, 1e6),
		StormLength: span("storm length", 0), StormWave: whole("storm wave", 1, math.MaxInt),
		Handling:   span("handling", 0),
		Spread:     word("spread", "log-normal", "exponential", "constant"),
		Slow:       number("slow", 0, 0.5),
		SlowFactor: number("slow factor", 1, 1e6), Stuck: number("stuck", 0, 0.5),
		ConsumerChurn: number("consumer churn", 0, 1), Backoff: span("backoff", 1),
		ListTime: span("list time", 0), Pull: span("pull", 0),
		LinkDelay:  span("link delay", 0),
		LinkSpread: word("link spread", "log-normal", "exponential", "constant"),
		LinkLoss:   number("link loss", 0, 0.9), LagBound: span("lag bound", 1),
	}
	if rapid.Bool().Draw(t, "a topology") {
		s.Topology = rapid.StringN(1, -1, -1).Draw(t, "topology")
	} else {
		s.Workload = rapid.SampledFrom(sim.Workloads()).Draw(t, "workload").Name
	}
	if s.Partition = number("partition", 0, 1); s.Partition > 0 {
		s.PartitionLength = span("partition length", 1)
	}
	s.Transport = rapid.SampledFrom([]sim.Transport{"", sim.InProc, sim.Session}).Draw(t, "way")
	if !s.Transport.InProcess() {
		s.Heartbeat, s.WriteTimeout = span("heartbeat", 0), span("write timeout", 0)
		s.ReadTimeout = span("read timeout", 0)
	}
	s.Stages = anyStages(t, s.Duration)
	for range whole("faults", 0, 3) {
		kind := rapid.SampledFrom(sim.FaultKinds()).Draw(t, "kind")
		s.Faults = append(s.Faults, anyFault(t, kind, s.Duration))
	}
	for range whole("objectives", 0, 3) {
		s.SLOs = append(s.SLOs, anySLO(t, s.Stages))
	}
	return s
}

// anyStages draws some that last no longer than a time, with names of their own.
func anyStages(t *rapid.T, within time.Duration) (stages []sim.Stage) {
	rate := rapid.Float64Range(0, 1e6)
	for i := range rapid.IntRange(0, 3).Draw(t, "stages") {
		if within == 0 {
			break
		}
		st := sim.Stage{
			Name:   rapid.StringMatching(`[A-Za-z_-]{0,5}`).Draw(t, "name") + strconv.Itoa(i),
			Length: time.Duration(rapid.Int64Range(1, int64(within)).Draw(t, "length")),
			From:   rate.Draw(t, "from"), To: rate.Draw(t, "to"),
			Burst: rapid.IntRange(0, 1e6).Draw(t, "burst"),
		}
		within -= st.Length
		stages = append(stages, st)
	}
	return stages
}

func TestWhatIsWrittenReadsBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyScenario(t)
		require.NoError(t, want.Validate())
		text := written(t, want)
		got, _, err := read(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	})
}

func TestAFileIsWrittenWithACommentPerFieldAndBlanksAsComments(t *testing.T) {
	s := sim.DefaultScenario()
	s.Slow = 0.07
	text := written(t, s, "heal")
	for _, line := range []string{
		"# The world.",
		"workload: medium           # a built-in one; simulate list shows them",
		"#topology:                 # service-center admin dump to take the world from, " +
			"instead of a workload",
		"slow: 7%                   # share of slow consumers",
		"handling: 1ms              # mean time that a consumer takes for an event",
	} {
		assert.Contains(t, "\n"+text, "\n"+line+"\n")
	}
	assert.Contains(t, text, "\n#heal: 3s ")
	_, lines, err := read(text)
	require.NoError(t, err)
	for _, path := range sim.ScenarioPaths() {
		assert.Equal(t, lines[path] == 0, strings.Contains(text, "\n#"+path+":"), path)
	}
	for _, path := range []string{"heal", "topology", "transport"} {
		assert.NotContains(t, lines, path)
	}
	s.Faults = []sim.Fault{{Kind: "zone-loss"}, {Kind: "partition", Length: 5}}
	assert.Contains(t, written(t, s), "\nfaults:                    # blocks of trouble; "+
		"simulate --help has the kinds\n  - zone-loss\n  - partition:length=5ns\n")
	assert.Contains(t, written(t, s, "faults"), "\n#  - zone-loss\n#  - partition:length=5ns\n")
}

// The example of an empty list is one when its marks are taken away.
func TestTheExamplesOfListsCanBeUsed(t *testing.T) {
	s := sim.DefaultScenario()
	s.Duration = time.Minute
	for path := range listTexts {
		text := written(t, s)
		text = strings.Replace(text, "\n#"+path+":", "\n"+path+":", 1)
		head, rest, _ := strings.Cut(text, "\n"+path+":")
		rest = strings.Replace(rest, "\n#  -", "\n  -", 1)
		got, lines, err := read(head + "\n" + path + ":" + rest)
		require.NoError(t, err, path)
		assert.NoError(t, got.Validate(), path)
		assert.NotZero(t, lines[path+"[0]"], path)
	}
}

func TestTextThatYAMLCannotHoldIsNotWritten(t *testing.T) {
	s := sim.Scenario{Topology: "caf\xe9.json"}
	err := sim.WriteScenario(io.Discard, s)
	require.ErrorIs(t, err, sim.ErrScenario)
	assert.ErrorContains(t, err, "topology")
}

func TestAnErrorOfReadingOrWritingIsReturned(t *testing.T) {
	s := sim.DefaultScenario()
	broken := errors.New("broken pipe")
	_, err := sim.ReadScenario(iotest.ErrReader(broken), &s)
	assert.ErrorIs(t, err, broken)
	_, w := io.Pipe()
	require.NoError(t, w.CloseWithError(broken))
	assert.Error(t, sim.WriteScenario(w, s))
}

// FuzzReadScenario: whatever the file, there is a scenario or there are mistakes with lines of it;
// and what was read is written so that it reads back as the same.
func FuzzReadScenario(f *testing.F) {
	f.Add(written(f, sim.DefaultScenario()))
	for _, text := range []string{"", "rate: [", "a: &a {b: *a}", "slow: 1%\nslow: 2%",
		"rate: 1\n---\n", "? a\n: b", "topology: \"\\u0000\"", "workload: !!binary AA==",
		"stages: length=1s,rate=5", "stages:\n  - {length: 1s, rate: 1..5}\n  - rate=5",
		"faults: [{kind: zone-loss, name: \"\\u0000\"}]",
		"slos:\n  - peak: dropped < 1%\n  - memory < 2 GiB", "slos: a < 1; heal < 5s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, lines, err := read(text)
		last := 2 + strings.Count(text, "\n") + strings.Count(text, "\r") +
			strings.Count(text, "\u0085") + strings.Count(text, "\u2028") +
			strings.Count(text, "\u2029") // all of which end lines in YAML
		if err != nil {
			for _, m := range fileMistakes(t, err) {
				require.True(t, 1 <= m.Line && m.Line <= last, "%+v", m)
				require.NotEmpty(t, m.Want)
				require.NotEmpty(t, m.Got)
			}
			return
		}
		for path, line := range lines {
			require.True(t, 1 <= line && line <= last, "%s: %d", path, line)
		}
		if s.Topology != "" || s.Workload != "" {
			again, _, err := read(written(t, s))
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
	})
}

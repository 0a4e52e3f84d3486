package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// kept are real results, of a day that these tests know.
func kept(t testing.TB, names ...string) []report.Result {
	t.Helper()
	var out []report.Result
	for _, name := range names {
		f, err := os.Open("testdata/" + name + ".json")
		require.NoError(t, err)
		d, err := report.Read(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		out = append(out, report.Result{Name: name, Document: d})
	}
	return out
}

func write(t testing.TB, format string, results []report.Result) string {
	t.Helper()
	f, err := report.Find(format)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, f.Write(&b, results))
	return b.String()
}

func made(t *testing.T) []report.Result {
	d := document(t)
	d.Scenario = sim.DefaultScenario()
	d.Environment = sim.Environment{Time: time.Unix(1_800_000_000, 0).UTC(), Clock: sim.WallClock,
		OS: "linux", Arch: "amd64", GoVersion: "go1.26", GOMAXPROCS: 2}
	return []report.Result{{Name: "made", Document: d}}
}

// What is said of one document by the other formats is said by text as Text says it.
func TestTextOfOneResultIsText(t *testing.T) {
	assert.Equal(t, text(t, document(t)), write(t, "text", made(t)))
}

func TestTextOfSeveralResultsNamesEach(t *testing.T) {
	two := append(made(t), report.Result{Name: "other", Document: document(t)})
	plain := text(t, document(t))
	assert.Equal(t, "made\n\n"+plain+"\nother\n\n"+plain, write(t, "text", two))
}

func TestMarkdownShowsTheDocument(t *testing.T) {
	golden(t, "markdown.golden", write(t, "markdown", made(t)))
}

func TestMarkdownShowsStagesAndObjectives(t *testing.T) {
	r := made(t)
	asked(t, r[0].Document)
	golden(t, "objectives-markdown.golden", write(t, "markdown", r))
}

func TestMarkdownKeepsNamesOutOfItsSyntax(t *testing.T) {
	r := made(t)
	r[0].Name, r[0].Runs[1].Reasons = "a|b", []string{"<b>x</b>\n| y |"}
	got := write(t, "markdown", r)
	assert.Contains(t, got, `## a\|b:`)
	assert.Contains(t, got, `\<b\>x\</b\> \| y \|`)
}

func TestJSONAndCSVHaveOneRecordPerConfigurationWithTheSameFigures(t *testing.T) {
	results := kept(t, "medium", "train-ticket")
	var all []report.Figures
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", results)), &all))
	lines, err := csv.NewReader(strings.NewReader(write(t, "csv", results))).ReadAll()
	require.NoError(t, err)
	require.Len(t, all, len(results[0].Runs)+len(results[1].Runs))
	require.Len(t, lines, 1+len(all))

	var raw []map[string]any
	dec := json.NewDecoder(strings.NewReader(write(t, "json", results)))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&raw))
	require.Len(t, lines[0], len(raw[0]))
	for i, name := range lines[0] {
		for k := range raw {
			want, _ := json.Marshal(raw[k][name])
			assert.Equal(t, strings.Trim(string(want), `"`), quoted(lines[1+k][i]), name)
		}
	}
	run := results[1].Runs[3]
	got := all[len(results[0].Runs)+3]
	assert.Equal(t, "train-ticket", got.Result)
	assert.Equal(t, 4, got.Run)
	assert.Equal(t, run.Config.Policy, got.Policy)
	assert.Equal(t, run.Books.Offered, got.Offered)
	assert.Equal(t, run.Books.Dropped["newest"], got.Lost)
	assert.Equal(t, run.Books.DroppedTotal(), got.Dropped)
	assert.Equal(t, run.Propagation.P999, got.PropagationP999)
	assert.Equal(t, run.Staleness.Max, got.StalenessMax)
}

// quoted is s as JSON writes it, without the quotes.
func quoted(s string) string {
	b, _ := json.Marshal(s)
	return strings.Trim(string(b), `"`)
}

func TestJSONOfNothingIsAnEmptyArray(t *testing.T) {
	none := []report.Result{{Name: "none", Document: &sim.Document{}}}
	assert.Equal(t, "[]\n", write(t, "json", none))
}

// The log is read by the library's reader: every histogram comes back whole, under its tag.
func TestHlogGivesEveryLatencyBack(t *testing.T) {
	results := kept(t, "medium")
	got := write(t, "hlog", results)
	assert.True(t, strings.HasPrefix(got, "#[Histogram log format version 1.3]\n"))
	d := results[0].Document
	from := d.Environment.Time.Add(d.Scenario.Warmup)
	r := hdrhistogram.NewHistogramLogReader(strings.NewReader(got))
	for _, run := range d.Runs {
		for _, l := range []struct {
			tag string
			of  *sim.Summary
		}{
			{"propagation", &run.Propagation}, {"staleness", &run.Staleness},
			{"publish-wait", &run.PublishWait}, {"generator-lag", &run.GeneratorLag},
			{"consumer-lag", &run.ConsumerLag},
		} {
			h, err := r.NextIntervalHistogram()
			require.NoError(t, err)
			require.NotNil(t, h)
			want, err := l.of.Decode()
			require.NoError(t, err)
			assert.True(t, want.Equals(h), l.tag)
			assert.Equal(t, l.tag+":"+strings.ReplaceAll(report.Name(&run.Config), " ", "-"),
				h.Tag())
			assert.InDelta(t, from.UnixMilli(), h.StartTimeMs(), 1)
			assert.InDelta(t, from.Add(d.Scenario.Duration).UnixMilli(), h.EndTimeMs(), 1)
		}
	}
	h, err := r.NextIntervalHistogram()
	assert.NoError(t, err)
	assert.Nil(t, h, "nothing more")
}

// Tags of several results differ, and hold nothing that would end them.
func TestHlogTagsTellResultsApart(t *testing.T) {
	two := append(made(t), made(t)...)
	two[1].Name = "b, c\nd"
	seen := make(map[string]bool)
	r := hdrhistogram.NewHistogramLogReader(strings.NewReader(write(t, "hlog", two)))
	for {
		h, err := r.NextIntervalHistogram()
		require.NoError(t, err)
		if h == nil {
			break
		}
		assert.False(t, seen[h.Tag()], h.Tag())
		seen[h.Tag()] = true
	}
	assert.Contains(t, seen, "made:propagation:notifylab-conflate-5000/256")
	assert.Contains(t, seen, "b--c-d:propagation:notifylab-conflate-5000/256")
}

func TestHgrmIsTheDistributionInMilliseconds(t *testing.T) {
	r := made(t)
	one, err := report.Select(r, []int{1})
	require.NoError(t, err)
	golden(t, "hgrm.golden", write(t, "hgrm", one))
}

func TestBenchIsReadByBenchfmt(t *testing.T) {
	results := kept(t, "medium", "train-ticket")
	in := strings.NewReader(write(t, "bench", results))
	reader := benchfmt.NewReader(in, "report")
	for _, r := range results {
		for _, run := range r.Runs {
			require.True(t, reader.Scan())
			res, ok := reader.Result().(*benchfmt.Result)
			require.True(t, ok, "%v", reader.Result())
			c := &run.Config
			base, parts := res.Name.Parts()
			assert.Equal(t, "Simulate", string(base))
			assert.Equal(t, "/engine="+c.Engine, string(parts[0]))
			assert.Equal(t, "/policy="+c.Policy, string(parts[1]))
			assert.Equal(t, r.Environment.OS, res.GetConfig("goos"))
			assert.Equal(t, strconv.FormatUint(r.Seed, 10), res.GetConfig("seed"))
			assert.Contains(t, r.Scenario.Workload+r.Scenario.Topology, res.GetConfig("world"))
			for unit, want := range map[string]float64{
				"propagation-p99-sec": float64(run.Propagation.P99) / 1e9, // as benchstat has them
				"staleness-max-sec":   float64(run.Staleness.Max) / 1e9,
				"delivered":           float64(run.Books.Delivered),
				"B/consumer":          float64(run.BytesPerWatcher),
			} {
				got, ok := res.Value(unit)
				assert.True(t, ok, unit)
				assert.InEpsilon(t, want, got, 1e-9, unit)
			}
		}
	}
	assert.False(t, reader.Scan())
	assert.NoError(t, reader.Err())
}

// A machine's time and memory mean nothing under the virtual clock, where they are those of the
// simulator.
func TestBenchOfAVirtualRunHasNoCosts(t *testing.T) {
	r := made(t)
	r[0].Environment.Clock = sim.VirtualClock
	got := write(t, "bench", r)
	assert.Contains(t, got, "propagation-p99-ns")
	assert.NotContains(t, got, "cpu-sec")
	assert.NotContains(t, got, "peak-rss-B")
}

func TestJUnitHasFailuresAndErrorsButNotOfBaselines(t *testing.T) {
	r := made(t)
	d := r[0].Document
	failed := *d.Runs[0]
	failed.Verdict, failed.Reasons = sim.Failed, []string{"a gap at <b> & \x01", "another"}
	d.Runs = append(d.Runs, &failed)
	type reason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Failure []reason `xml:"failure"`
				Error   []reason `xml:"error"`
				Out     string   `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 4, got.Tests)
	assert.Equal(t, 1, got.Failures)
	assert.Equal(t, 1, got.Errors)
	require.Len(t, got.Suites, 1)
	assert.Equal(t, "made", got.Suites[0].Name)
	cases := got.Suites[0].Cases
	require.Len(t, cases, 4)
	assert.Equal(t, "notifylab conflate 5000/256", cases[0].Name)
	assert.Equal(t, "simulate.medium", cases[0].Class)
	assert.Contains(t, cases[0].Out, "simulate --workload medium --seed 1")
	for i, want := range []struct{ failures, errors int }{{0, 0}, {0, 0}, {0, 1}, {1, 0}} {
		assert.Len(t, cases[i].Failure, want.failures, "case %d", i)
		assert.Len(t, cases[i].Error, want.errors, "case %d", i)
	}
	assert.Equal(t, "interrupted", cases[2].Error[0].Text)
	assert.Equal(t, "a gap at <b> & \uFFFD; another", cases[3].Failure[0].Message)
}

// An objective is a case of its own: a failure where it failed, skipped where nobody can tell.
func TestJUnitHasACasePerObjective(t *testing.T) {
	r := made(t)
	d := asked(t, r[0].Document)
	d.Runs[1].Baseline = false
	type message struct {
		Text string `xml:"message,attr"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Tests   int `xml:"tests,attr"`
			Skipped int `xml:"skipped,attr"`
			Cases   []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Failure *message `xml:"failure"`
				Skipped *message `xml:"skipped"`
				Out     string   `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 3+2*4, got.Tests)
	assert.Equal(t, 1+3, got.Failures, "the run itself, and its objectives")
	assert.Equal(t, 2, got.Suites[0].Skipped)
	cases := got.Suites[0].Cases
	require.Len(t, cases, 3+2*4)
	assert.Equal(t, "notifylab conflate 5000/256: up: dropped < 0.1%", cases[2].Name)
	assert.Equal(t, cases[0].Class, cases[2].Class)
	assert.Equal(t, "passed: objective up: dropped < 0.1%: it is 0%\n", cases[2].Out)
	assert.Nil(t, cases[2].Failure)
	assert.Equal(t, "objective staleness_p999 < 2s: needs 10000 samples, has 100",
		cases[4].Skipped.Text)
	assert.Equal(t, "objective propagation_p99 < 5ms: it is 3s", cases[6].Failure.Text)
	assert.Equal(t, "objective heal < 1s: not all views were right within 3s",
		cases[8].Failure.Text)

	d.Runs[1].Baseline = true // whose harms are what it is run for
	require.NoError(t, xml.Unmarshal([]byte(write(t, "junit", r)), &got))
	assert.Equal(t, 0, got.Failures)
}

// Runs that differ in their load are other benchmarks.
func TestBenchNamesWhatWasSetForARunAlone(t *testing.T) {
	r := made(t)
	r[0].Runs[0].Settings = []sim.Setting{{Path: "rate", Value: "5 00"}}
	r[0].Runs[0].Seed = 7
	got := write(t, "bench", r)
	assert.Contains(t, got, "/watcher=256/rate=5_00-2 ")
	assert.Contains(t, got, "\nseed: 7\n")
	assert.Contains(t, got, "\nseed: 1\n")
}

// The command of a run gives a list as its flags do, in quotes where a shell would read something.
func TestTheCommandGivesListsAsFlags(t *testing.T) {
	d := asked(t, document(t))
	require.NoError(t, d.Scenario.Set("faults", "zone-loss:start=1s"))
	got := report.Command(d, &d.Runs[0].Config)
	assert.Contains(t, got, "--stage name=up,length=2s,rate=5 --stage length=1.5s,rate=9 "+
		"--fault zone-loss:start=1s --slo 'propagation_p99 < 5ms' --slo 'up: dropped < 0.1%' ")
}

func TestTheSameResultsGiveTheSameBytes(t *testing.T) {
	for _, f := range report.Formats() {
		a := write(t, f.Name, kept(t, "medium"))
		assert.Equal(t, a, write(t, f.Name, kept(t, "medium")), f.Name)
		assert.NotEmpty(t, a, f.Name)
	}
}

// Documents of runs that never began or saw nothing are results too.
func TestEveryFormatTakesWhatIsEmpty(t *testing.T) {
	for _, f := range report.Formats() {
		assert.NoError(t, f.Write(io.Discard, []report.Result{
			{Name: "empty", Document: &sim.Document{}},
		}), f.Name)
		assert.NoError(t, f.Write(io.Discard, nil), f.Name)
		assert.NoError(t, f.Write(io.Discard, made(t)), f.Name)
	}
}

// All or nothing, and the histogram that can't be read is named.
func TestEveryFormatThatReadsHistogramsNamesTheBrokenOne(t *testing.T) {
	for _, format := range []string{"text", "html", "hgrm", "hlog"} {
		r := made(t)
		r[0].Runs[1].Propagation.HDR = "not base64"
		f, err := report.Find(format)
		require.NoError(t, err)
		var b bytes.Buffer
		err = f.Write(&b, r)
		assert.ErrorContains(t, err,
			"made: runs[1].propagation_ns.hdr: want a base64 V2 HdrHistogram", format)
		assert.Empty(t, b.String(), format)
	}
}

func TestEveryFormatReturnsTheErrorOfItsWriter(t *testing.T) {
	for _, f := range report.Formats() {
		assert.ErrorContains(t, f.Write(broken{}, made(t)), "no room", f.Name)
	}
}

func TestFindNamesTheFormatsThatThereAre(t *testing.T) {
	_, err := report.Find("pdf")
	assert.EqualError(t, err, `format "pdf": want one of text, html, markdown, json, csv, hgrm, `+
		`hlog, bench, junit`)
}

func TestForFileGoesByTheExtension(t *testing.T) {
	for file, want := range map[string]string{
		"a/b.html": "html", "x.HTML": "html", "x.md": "markdown", "x.json": "json",
		"x.csv": "csv", "x.hgrm": "hgrm", "x.hlog": "hlog", "x.bench": "bench", "x.xml": "junit",
		"x.txt": "text", "html": "", "x.pdf": "", "": "",
	} {
		f, ok := report.ForFile(file)
		assert.Equal(t, want, f.Name, file)
		assert.Equal(t, want != "", ok, file)
	}
}

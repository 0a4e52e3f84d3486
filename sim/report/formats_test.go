package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	assert.EqualError(t, err, `format "pdf": want one of text, html, markdown, json, csv, `+
		`csv-stages, hgrm, `+
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

package trace_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/sim/trace"
)

func read(text string) (*trace.Trace, error) {
	return trace.Read("my.ndjson", strings.NewReader(text))
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTheFormatIsThatOfTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var lines []string
	for text := range strings.Lines(string(doc)) {
		if text, ok := strings.CutPrefix(text, "//\t{"); ok {
			lines = append(lines, "{"+text)
		}
	}
	got, err := read(strings.Join(lines, ""))
	require.NoError(t, err)
	cart := trace.Service{Name: "shop/cart", Version: "1.0"}
	at := func(seconds float64) time.Duration { return time.Duration(seconds * 1e9) }
	assert.Equal(t, &trace.Trace{
		Header: trace.Header{Begin: begin, Source: "http://sc:30100"},
		Changes: []trace.Change{
			{At: at(0.25), Action: registry.Create, Service: cart, Instance: "c"},
			{At: at(3), Action: registry.Update, Service: cart, Instance: "c", Status: "DOWN"},
			{At: at(9.2), Action: registry.Delete, Service: cart, Instance: "c"},
		},
		Gaps: []trace.Gap{{At: at(9.1), Length: at(1.5)}},
	}, got)
	assert.Equal(t, at(9.2), got.Length())
	assert.Equal(t, []trace.Service{cart}, got.Services())
}

// drawn is any trace that can be.
func drawn(t *rapid.T) *trace.Trace {
	at := rapid.Int64Range(0, 1e18)
	name := rapid.StringMatching(`[a-z]{1,3}(/[a-zé"\\ -]{1,9})?`)
	actions := []registry.Action{registry.Create, registry.Update, registry.Delete, registry.Expire}
	x := &trace.Trace{Header: trace.Header{Begin: begin, Source: rapid.String().Draw(t, "source")}}
	for range rapid.IntRange(0, 9).Draw(t, "changes") {
		c := trace.Change{
			At:       time.Duration(at.Draw(t, "at")),
			Action:   rapid.SampledFrom(actions).Draw(t, "action"),
			Instance: name.Draw(t, "instance"),
			Status:   rapid.SampledFrom([]string{"", "UP", "DOWN"}).Draw(t, "status"),
			Service:  trace.Service{Name: name.Draw(t, "service"), Version: "1.0"},
		}
		if rapid.Bool().Draw(t, "full") {
			c.Endpoints, c.Properties = []string{"rest://a:1"}, map[string]string{"zone": "a"}
		}
		x.Changes = append(x.Changes, c)
	}
	for range rapid.IntRange(0, 2).Draw(t, "gaps") {
		x.Gaps = append(x.Gaps, trace.Gap{At: time.Duration(at.Draw(t, "at")),
			Length: time.Duration(at.Draw(t, "length"))})
	}
	return x
}

func write(t require.TestingT, x *trace.Trace) []byte {
	var b bytes.Buffer
	w, err := trace.NewWriter(&b, x.Header)
	require.NoError(t, err)
	for i := range x.Changes {
		require.NoError(t, w.Write(&x.Changes[i]))
	}
	for _, g := range x.Gaps {
		require.NoError(t, w.Gap(g.At, g.Length))
	}
	return b.Bytes()
}

func zipped(t require.TestingT, text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestWhatIsWrittenReadsBackAsTheSameByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t)
		text := write(t, want)
		slices.SortStableFunc(want.Changes, func(a, b trace.Change) int {
			return int(min(max(a.At-b.At, -1), 1))
		})
		for _, content := range [][]byte{text, zipped(t, text)} {
			got, err := trace.Read("x", bytes.NewReader(content))
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	var b bytes.Buffer
	w, err := trace.NewWriter(&b, trace.Header{})
	require.NoError(t, err)
	header, long := b.Len(), strings.Repeat("i", trace.LineBytesMax)
	good := trace.Change{Action: registry.Update, Service: trace.Service{Name: "a"}, Instance: "i"}
	for want, spoil := range map[string]func(*trace.Change){
		`action "init"`: func(c *trace.Change) { c.Action = registry.Init },
		`status "up"`:   func(c *trace.Change) { c.Status = "up" },
		`instance ""`:   func(c *trace.Change) { c.Instance = "" },
		"want less":     func(c *trace.Change) { c.Instance = long },
	} {
		c := good
		spoil(&c)
		err := w.Write(&c)
		assert.ErrorIs(t, err, trace.ErrTrace)
		assert.ErrorContains(t, err, want)
	}
	assert.Equal(t, header, b.Len())
	require.NoError(t, w.Write(&good))
	assert.Greater(t, b.Len(), header)
}

func TestTimesAreCountedFromTheBegin(t *testing.T) {
	const change = `"action":"UPDATE","service":"a","instance":"i"}` + "\n"
	for text, want := range map[string][]time.Duration{
		`{"time":"2026-03-01T12:00:00Z",` + change +
			`{"time":"2026-03-01T13:00:02.5+01:00",` + change: {0, 2500 * time.Millisecond},
		`{"schema":"notifylab.trace/1","begin":"2026-03-01T12:00:00Z"}` + "\n\n" +
			`{"time":"2026-03-01T12:00:09Z",` + change + `{"t":1e1,` + change +
			`{"t":0.000000001,` + change: {1, 9 * time.Second, 10 * time.Second},
	} {
		got, err := read(text)
		require.NoError(t, err)
		assert.Equal(t, begin, got.Begin)
		var times []time.Duration
		for _, c := range got.Changes {
			times = append(times, c.At)
		}
		assert.Equal(t, want, times)
	}
}

func TestAnErrorNamesFileLineFieldAndForm(t *testing.T) {
	const good = `{"t":1,"action":"update","service":"a","instance":"i"}` + "\n"
	for _, x := range [][2]string{
		{"hello", `hello: want a JSON object such as {"t":0.5,`},
		{"[1]", `[1]: want a JSON object`},
		{"null", `t: missing: want a number of seconds, 0 to 1e9, or a time`},
		{`{"t":-1,"action":"update"}`, `t -1: want a number of seconds, 0 to 1e9`},
		{`{"t":2e9}`, `t 2e9: want a number of seconds, 0 to 1e9`},
		{`{"t":"1"}`, `t "1": want a number of seconds, 0 to 1e9`},
		{`{"t":1,"gap":true}`, `gap true: want a number of seconds`},
		{`{"time":"yesterday"}`, `time "yesterday": want a date and time in RFC 3339`},
		{`{"t":1,"time":"2026-03-01T12:00:00Z"}`, `t, time: want one of them`},
		{`{"t":1,"action":5}`, `action: a JSON number: want create, update, delete or expire`},
		{`{"t":1}`, `action "": want create, update, delete or expire`},
		{`{"t":1,"action":"init"}`, `action "init": want create, update`},
		{`{"t":1,"action":"update"}`, `service "": want "app/name", a name or an id`},
		{`{"t":1,"action":"update","service":"a"}`, `instance "": want the id of an instance`},
		{strings.Replace(good, "}", `,"status":"up"}`, 1),
			`status "up": want UP, DOWN, STARTING, TESTING, OUTOFSERVICE`},
		{`{"t":1,"endpoints":"x"}`, `endpoints: a JSON string: want a list of texts`},
		{`{"t":1,"properties":{"a":1}}`, `properties: a JSON number: want an object whose values`},
		{`{"schema":"notifylab.trace/1"}`, `schema: want one header, in the first line`},
		{`{"t":"` + strings.Repeat("x", trace.LineBytesMax),
			"want lines of less than 1048576 bytes"},
	} {
		text, want := x[0], x[1]
		_, err := read(good + "\n" + text + "\n")
		require.ErrorIs(t, err, trace.ErrTrace, text)
		assert.ErrorContains(t, err, "my.ndjson:3: "+want)
		assert.Less(t, len(err.Error()), 250)
	}
}

func TestAHeaderOfAnotherFormIsRefused(t *testing.T) {
	for _, x := range [][2]string{
		{`{"schema":"notifylab.trace/2"}`,
			`my.ndjson:1: schema "notifylab.trace/2": want notifylab.trace/1; a newer program`},
		{`{"schema":"notifylab.result/1"}`,
			`my.ndjson:1: schema "notifylab.result/1": want "notifylab.trace/1"`},
		{`{"schema":"notifylab.trace/1","begin":5}`, `my.ndjson:1: begin 5: want a date and time`},
		{`{"time":"2026-03-01T12:00:00Z","gap":1}` + "\n" + `{"time":"2026-03-01T11:00:00Z"}`,
			`my.ndjson:2: time "2026-03-01T11:00:00Z": want one from the begin, "2026-03-01T12:00`},
	} {
		text, want := x[0], x[1]
		_, err := read(text)
		assert.ErrorIs(t, err, trace.ErrTrace)
		assert.ErrorContains(t, err, want)
	}
}

func TestABrokenFileIsRefused(t *testing.T) {
	good := zipped(t, []byte(strings.Repeat(`{"t":1,"gap":1}`+"\n", 1000)))
	flipped := bytes.Clone(good)
	flipped[len(flipped)-5] ^= 0xff // of the checksum
	for what, content := range map[string][]byte{
		"cut off": good[:len(good)-9], "gzip can read": flipped, "want gzip, or text": good[:4],
	} {
		_, err := trace.Read("x.gz", bytes.NewReader(content))
		assert.ErrorIs(t, err, trace.ErrTrace)
		assert.ErrorContains(t, err, what)
	}
	_, err := trace.Read("x", iotest.ErrReader(os.ErrPermission))
	assert.ErrorIs(t, err, os.ErrPermission)
	assert.NotErrorIs(t, err, trace.ErrTrace)
}

// A file that is cut off within a line is said to be that, not to have a bad line.
func TestAFileThatIsCutOffWithinALineIsSaidToBeThat(t *testing.T) {
	var text []byte
	rng := rand.New(rand.NewPCG(1, 1))
	for range 1000 { // with little that gzip could leave out
		text = fmt.Appendf(text, `{"t":%d,"gap":%d}`+"\n", rng.IntN(1e9), rng.IntN(1e9))
	}
	whole := zipped(t, text)
	_, err := trace.Read("x.gz", bytes.NewReader(whole[:len(whole)/2]))
	assert.ErrorIs(t, err, trace.ErrTrace)
	assert.ErrorContains(t, err, "the file is cut off: want all of it")
}

func TestAByteOrderMarkIsNoPartOfTheTrace(t *testing.T) {
	text := []byte("\ufeff" + `{"t":1,"gap":1}`)
	for _, content := range [][]byte{text, zipped(t, text)} {
		x, err := trace.Read("x", bytes.NewReader(content))
		require.NoError(t, err)
		assert.Len(t, x.Gaps, 1)
	}
	x, err := trace.Read("x", strings.NewReader("\ufeff"))
	require.NoError(t, err)
	assert.Empty(t, x.Gaps)
}

func TestAFileHasNoMoreThanSoManyLines(t *testing.T) {
	_, err := trace.Read("x", bytes.NewReader(bytes.Repeat([]byte("\n"), trace.LinesMax)))
	require.NoError(t, err)
	_, err = trace.Read("x", bytes.NewReader(bytes.Repeat([]byte("\n"), trace.LinesMax+1)))
	assert.ErrorIs(t, err, trace.ErrTrace)
	assert.ErrorContains(t, err, "want at most 4194304 lines")
}

func TestAFileIsGzippedIfItsNameSaysSo(t *testing.T) {
	for name, isZip := range map[string]bool{"a.ndjson": false, "a.ndjson.gz": true} {
		path := filepath.Join(t.TempDir(), name)
		f, err := trace.Create(path)
		require.NoError(t, err)
		w, err := trace.NewWriter(f, trace.Header{Begin: begin})
		require.NoError(t, err)
		require.NoError(t, w.Gap(time.Second, time.Second))
		require.NoError(t, f.Flush())
		flushed, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, isZip, bytes.HasPrefix(flushed, []byte{0x1f, 0x8b}), name)
		assert.NotEmpty(t, flushed)
		require.NoError(t, f.Close())
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		got, err := trace.Read(name, bytes.NewReader(content))
		require.NoError(t, err)
		assert.Len(t, got.Gaps, 1)
	}
	_, err := trace.Create(filepath.Join(t.TempDir(), "no", "where"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// What is read can be written, and reads back as the same.
func FuzzRead(f *testing.F) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(f, err)
	f.Add(bytes.ReplaceAll(doc, []byte("//\t"), nil))
	f.Add([]byte(`{"schema":"notifylab.trace/1"}` + "\n" + `{"t":1e-9,"gap":1e9}`))
	f.Add([]byte(`{"time":"2026-03-01T12:00:00Z","action":"EXPIRE","service":"a"}`))
	f.Add(zipped(f, []byte(`{"t":1,"action":"delete","service":"a","instance":"b"}`)))
	f.Fuzz(func(t *testing.T, content []byte) {
		x, err := trace.Read("x", bytes.NewReader(content))
		if err != nil {
			require.ErrorIs(t, err, trace.ErrTrace)
			return
		}
		again, err := trace.Read("y", bytes.NewReader(write(t, x)))
		require.NoError(t, err)
		require.Equal(t, x, again)
	})
}

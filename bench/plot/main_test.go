package main_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	main "github.com/notifylab/notifylab/bench/plot"
)

// The figures of this file are made up, so that what comes of them is known: the median of three
// repeats is a round number, and the steps from 10 000 to 100 000 subscribers are steep. Only one
// of them, in lockstep with GOMAXPROCS 1, is steep against the floor, too.
const made = "testdata/growth.txt"

// read returns the lines of the made-up file.
func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(made)
	require.NoError(t, err)
	return string(text)
}

// without leaves out the lines that have all of the words.
func without(text string, words ...string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if !all {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// result is what a run left behind.
type result struct {
	code           int
	stdout, stderr string
	svg            string // "" if no file was written
}

// plot runs the program on a text, in a directory of its own.
func plot(t *testing.T, text string) result {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "growth.txt"), filepath.Join(dir, "growth.svg")
	require.NoError(t, os.WriteFile(in, []byte(text), 0o644))
	var stdout, stderr bytes.Buffer
	code := main.Run([]string{in, "--out", out}, &stdout, &stderr)
	svg, err := os.ReadFile(out)
	if err != nil {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(names), 2, "nothing temporary stays: %v", names)
	return result{code, stdout.String(), stderr.String(), string(svg)}
}

func TestRun_DrawsOneLinePerSeries(t *testing.T) {
	got := plot(t, read(t))
	require.Equal(t, 0, got.code, got.stderr)
	assert.Empty(t, got.stderr)
	// Points per line, from the names in the file, and how many such lines the panels have: the
	// first burst and lockstep, and the last idle, with four points; two with three points.
	want := map[string]map[int]int{
		"#0072B2": {4: 2, 3: 2}, // burst
		"#D55E00": {4: 2, 3: 2}, // lockstep
		"#009E73": {3: 2},       // unicast
		"#AA4E84": {4: 2},       // idle
		"#808080": {4: 2, 3: 1}, // floors: burst and lockstep, unicast
	}
	assert.Equal(t, want, lines(t, got.svg))
	for _, text := range []string{
		"subscribers", "groups", "shards", "time per delivery (ns)", "memory per subscriber (B)",
		"burst, GOMAXPROCS 1", "lockstep, GOMAXPROCS 2", "10k",
		"floor: ring, burst", "floor: ring, lockstep", "floor: ring, unicast",
		"step of more than 1.5: faster than linear", "step of more than 1.5: memory",
		"step of more than 1.5: dearer",
	} {
		assert.Contains(t, got.svg, ">"+text+"<")
	}
	assert.Contains(t, got.svg, "Liberation Sans,Arial,", "without fonts to fall back on")
}

// lines counts the paths that are drawn in each colour by the number of their points, from three
// on: a stroke in the legend has two.
func lines(t *testing.T, svg string) map[string]map[int]int {
	t.Helper()
	found := make(map[string]map[int]int)
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err, "not well-formed")
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "path" {
			continue
		}
		attrs := make(map[string]string)
		for _, a := range start.Attr {
			attrs[a.Name.Local] = a.Value
		}
		_, stroke, _ := strings.Cut(attrs["style"], "stroke:")
		color, _, _ := strings.Cut(stroke, ";")
		points := 1 + strings.Count(attrs["d"], "L")
		if color == "" || points < 3 || strings.Contains(attrs["d"], "Z") {
			continue
		}
		if found[color] == nil {
			found[color] = make(map[int]int)
		}
		found[color][points]++
	}
}

func TestRun_SameInputSameBytes(t *testing.T) {
	first, again := plot(t, read(t)), plot(t, read(t))
	assert.NotEmpty(t, first.svg)
	assert.Equal(t, first, again)
	// The order of the lines in the file makes no difference either.
	turned := strings.Split(read(t), "\n")
	for i, j := 0, len(turned)-1; i < j; i, j = i+1, j-1 {
		turned[i], turned[j] = turned[j], turned[i]
	}
	assert.Equal(t, first, plot(t, strings.Join(turned, "\n")))
}

func TestRun_RefusesWhatItCannotDraw(t *testing.T) {
	text := read(t)
	extra := func(line string) string { return text + "Benchmark" + line + "\n" }
	const groups = "Growth/by=groups/subs=7/groups=7/shards=1/mode=unicast/engine=notify"
	for name, tt := range map[string]struct {
		text, want string
	}{
		"nothing":          {"", "no BenchmarkGrowth: want the output of go test -bench Growth"},
		"other benchmarks": {"BenchmarkX 1 5 ns/op\n", "no BenchmarkGrowth"},
		"no such panel":    {without(text, "by=groups"), "no BenchmarkGrowth/by=groups"},
		"one point": {
			without(without(text, "groups=100/"), "groups=10000/"), "only one groups for by=groups",
		},
		"no such metric": {strings.ReplaceAll(text, "B/sub", "B/other"), "no B/sub"},
		"no figure":      {extra(groups + " 1"), "missing measurements"},
		"zero":           {extra(groups + " 1 0 ns/delivery"), "more than 0"},
		"not a number":   {extra(groups + " 1 NaN ns/delivery"), "more than 0"},
		"infinite":       {extra(groups + " 1 +Inf ns/delivery"), "more than 0"},
		"unknown mode": {
			extra("Growth/by=groups/groups=7/mode=new/engine=notify 1 5 ns/delivery"), `mode="new"`,
		},
		"key without value": {
			extra("Growth/by=groups/mode=unicast/engine=notify 1 5 ns/delivery"),
			"want a whole number from 1",
		},
		"two of one point": {
			extra("Growth/by=groups/groups=100/mode=unicast/engine=notify 1 5 ns/delivery"),
			"the same point as",
		},
		"two of one floor": {
			extra("Growth/by=groups/groups=100/mode=unicast/engine=ring 1 5 ns/delivery"),
			"the same point as",
		},
		"other engine": {
			extra("Growth/by=groups/groups=7/mode=unicast/engine=new 1 5 ns/delivery"),
			`engine="new": want notify, or ring where a panel has a floor`,
		},
		"older output, which has no key engine": {
			strings.ReplaceAll(without(text, "engine=ring"), "/engine=notify", ""),
			`engine="": want notify, or ring where a panel has a floor; older output has none`,
		},
		"a floor where the panel has none": {
			extra("Growth/by=shards/shards=1/mode=burst/engine=ring 1 5 ns/delivery"),
			`engine="ring": want notify`,
		},
		"no floor": {
			without(text, "by=groups", "engine=ring"),
			"by=groups, mode=unicast: engine=notify is at [1 100 10000] with GOMAXPROCS 1, " +
				"[1 100 10000] with GOMAXPROCS 2, and engine=ring at no point: want both",
		},
		"no floor at a point": {
			without(text, "by=subs", "subs=1000/", "burst", "engine=ring-2"),
			"engine=ring at [100 1000 10000 100000] with GOMAXPROCS 1, " +
				"[100 10000 100000] with GOMAXPROCS 2: want both at the same",
		},
		"a floor where the engine has no point": {
			without(text, "by=subs", "subs=1000/", "burst", "engine=notify-2"),
			"[100 10000 100000] with GOMAXPROCS 2, and engine=ring at",
		},
		"no floor for a GOMAXPROCS": {
			without(text, "by=subs", "burst", "engine=ring-2"),
			"engine=ring at [100 1000 10000 100000] with GOMAXPROCS 1: want both at the same",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := plot(t, tt.text)
			assert.Equal(t, 2, got.code)
			assert.Contains(t, got.stderr, tt.want)
			assert.Empty(t, got.stdout)
			assert.Empty(t, got.svg)
		})
	}
}

func TestRun_CommandLine(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string // parts of them; "" for nothing at all
	}{
		{[]string{"--help"}, 0, "Usage:", ""},
		{[]string{made}, 0, "verdict:", ""},
		{nil, 2, "", "want one file"},
		{[]string{made, made}, 2, "", "want one file"},
		{[]string{made, "--out="}, 2, "", "--out is empty"},
		{[]string{made, "--png"}, 2, "", "unknown flag: --png"},
		{[]string{filepath.Join(dir, "absent")}, 2, "", "absent"},
		{[]string{dir}, 2, "", "is a directory"},
		{[]string{made, "--out", filepath.Join(dir, "no", "such.svg")}, 2, "", "--out"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, tt.code, main.Run(tt.args, &stdout, &stderr), "%q", tt.args)
		for _, stream := range []struct{ got, want string }{
			{stdout.String(), tt.stdout}, {stderr.String(), tt.stderr},
		} {
			if stream.want == "" {
				assert.Empty(t, stream.got, "%q", tt.args)
			} else {
				assert.Contains(t, stream.got, stream.want, "%q", tt.args)
			}
		}
	}
}

// A file that is there stays as it is when the input is refused.
func TestRun_LeavesTheOldDrawing(t *testing.T) {
	out := filepath.Join(t.TempDir(), "growth.svg")
	require.NoError(t, os.WriteFile(out, []byte("old"), 0o644))
	var stdout, stderr bytes.Buffer
	require.Equal(t, 2, main.Run([]string{"main.go", "--out", out}, &stdout, &stderr))
	kept, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, "old", string(kept))
}

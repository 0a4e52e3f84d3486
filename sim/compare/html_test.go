package compare_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

var shots = flag.String("shots", "", "directory to keep the screenshots in, to look at them")

func htmlOf(t *testing.T, r *compare.Result) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, compare.HTML(&b, r))
	return b.String()
}

// worseSides differ in the times, by far, and in the version of Go; B has one configuration more.
func worseSides(t *testing.T) *compare.Result {
	t.Helper()
	a := side(t, "a", 3, 2, 1, 0.02, 1)
	b := side(t, "b", 3, 3, 2, 0.02, 1.3)
	for _, d := range b {
		d.Environment.GoVersion = "go1.27"
	}
	return compared(t, a, b)
}

// The page has the finding in plain words, then every configuration and figure, with what differs
// around the runs; the same input gives the same bytes.
func TestHTML_ShowsEverything(t *testing.T) {
	r := worseSides(t)
	page := htmlOf(t, r)
	assert.Equal(t, page, htmlOf(t, r))
	assert.Regexp(t, `<h2>From A to B \d+ figures are worse, \d+ figures are different; `+
		`\d+ are the same, or can&#39;t be told apart\.</h2>`, page)
	assert.Contains(t, page, r.Headline[:20])
	assert.Contains(t, page, "Go versions differ: go1.26; go1.27")
	assert.Regexp(t, `(?s)<tr class="differs"><th scope="row" class="words">Go</th>`, page)
	assert.NotRegexp(t, `<tr class="differs"><th scope="row" class="words">clock`, page)
	assert.Contains(t, page, "Only in B (passed).")
	for _, metric := range compare.Metrics() {
		row := regexp.MustCompile(`<th scope="row" class="words">` + shownAs(metric) + `</th>`)
		assert.Len(t, row.FindAllString(page, -1), 2, metric)
	}
	for _, note := range r.Statistics {
		assert.Contains(t, unescaped(page), note)
	}
}

func unescaped(s string) string {
	return strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&amp;", "&",
		"&#43;", "+").Replace(s)
}

// The page needs nothing else, and what a document says is text in it.
func TestHTML_NeedsNothingElse(t *testing.T) {
	a, b := document(sim.WallClock, 1, 1), document(sim.WallClock, 1, 1)
	b.Environment.Revision = `"><script>alert(1)</script>`
	page := htmlOf(t, compared(t, one(t, "<b>a", a), one(t, "b", b)))
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "<b>a")
	assert.NotRegexp(t, `https?://|src=|@import|url\(`, page)
	assert.Contains(t, page, "default-src 'none'")
}

// Each figure that has a relative change has a drawing: a dot where the change is, and a bar
// around it if there is an interval.
func TestHTML_DrawsChangesWithIntervals(t *testing.T) {
	r := worseSides(t)
	page := htmlOf(t, r)
	svgs := regexp.MustCompile(`(?s)<svg .*?</svg>`).FindAllString(page, -1)
	relative, intervals := 0, 0
	for _, c := range r.Configurations {
		for _, f := range c.Figures {
			if f.Relative && f.Outcome != compare.Missing {
				relative++
				if f.Low != nil {
					intervals++
				}
			}
		}
	}
	require.Positive(t, intervals)
	axes := strings.Count(page, `text-anchor="end"`) // a head each
	assert.Equal(t, 2, axes)
	assert.Len(t, svgs, relative+axes)
	for _, svg := range svgs {
		require.NoError(t, xml.Unmarshal([]byte(svg), new(struct{})), svg)
	}
	assert.Equal(t, intervals, strings.Count(page, `<path class="bar"`))
}

// A change is drawn to the side to which it goes; one beyond the scale is an arrow there.
func TestHTML_DrawsToTheRightSide(t *testing.T) {
	a, b := document(sim.VirtualClock, 1, 1), document(sim.VirtualClock, 1, 1)
	b.Runs[0].Propagation.P50 /= 2
	b.Runs[0].Propagation.P99 *= 9
	page := htmlOf(t, compared(t, one(t, "a", a), one(t, "b", b)))
	row := func(metric string) string {
		_, rest, found := strings.Cut(page, `<th scope="row" class="words">`+metric+`</th>`)
		require.True(t, found)
		text, _, _ := strings.Cut(rest, "</tr>")
		return text
	}
	// The middle of a drawing is at 121.
	assert.Regexp(t, `<circle class="dot" cx="([1-9]|[1-9]\d|1[01]\d)\.\d"`,
		row("propagation_p50_ns"))
	assert.NotContains(t, row("propagation_p99_ns"), "circle")
	assert.Contains(t, row("propagation_p99_ns"), `class="tip" d="M242 `)
	assert.Contains(t, row("propagation_p999_ns"), `cx="121.0"`)
}

// What can't be written is the error.
func TestHTML_ReturnsTheWritersError(t *testing.T) {
	full := errors.New("no room")
	assert.ErrorIs(t, compare.HTML(failing{full}, worseSides(t)), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// A browser shows the page without a complaint, in the light, in the dark and on a phone.
func TestHTML_InABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on the PATH")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "page.html")
	require.NoError(t, os.WriteFile(file, []byte(htmlOf(t, worseSides(t))), 0o644))
	for name, args := range map[string][]string{
		"light":  {"--window-size=1400,1700"},
		"dark":   {"--window-size=1400,1700", "--blink-settings=preferredColorScheme=0"},
		"narrow": {"--window-size=500,1700"}, // the least it takes
	} {
		t.Run(name, func(t *testing.T) {
			shot := filepath.Join(dir, name+".png")
			if *shots != "" {
				shot = filepath.Join(*shots, "compare-"+name+".png")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, append(args, "--headless", "--no-sandbox",
				"--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage",
				"--enable-logging=stderr", "--user-data-dir="+filepath.Join(dir, "profile"),
				"--screenshot="+shot, "file://"+filepath.ToSlash(file))...)
			cmd.WaitDelay = 5 * time.Second
			out, _ := cmd.CombinedOutput() // what counts is the picture
			assert.NotContains(t, string(out), "CONSOLE")
			f, err := os.Open(shot)
			require.NoError(t, err, "%s", out)
			defer f.Close()
			img, err := png.Decode(f)
			require.NoError(t, err)
			r, g, b, _ := img.At(2, 2).RGBA()
			assert.Equal(t, name == "dark", r+g+b < 3*0x8000, "the paper's colour")
		})
	}
}

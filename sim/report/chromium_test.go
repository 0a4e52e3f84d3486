package report_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"image"
	_ "image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/report"
)

var shots = flag.String("shots", "", "directory to keep the screenshots in, to look at them")

// browser is a headless Chromium, for one test.
type browser struct {
	path, dir string
}

// newBrowser skips the test where there is no Chromium.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return &browser{path, t.TempDir()}
		}
	}
	t.Skip("there is no chromium on the PATH")
	return nil
}

// open loads a page from a file, as a double-click would, and returns what it said on the console.
func (b *browser) open(t *testing.T, page string, args ...string) (out string, console []string) {
	t.Helper()
	file := filepath.Join(b.dir, "page.html")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--no-first-run", "--disable-dev-shm-usage", "--enable-logging=stderr",
		"--virtual-time-budget=2000", "--user-data-dir=" + filepath.Join(b.dir, "profile")},
		args...)
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(file)}
	cmd := exec.CommandContext(ctx, b.path, append(args, u.String())...)
	var dom, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &dom, &log
	// A browser leaves helpers behind that hold the pipes for a moment.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil && dom.Len() == 0 && !hasShot(args) {
		t.Fatalf("%v: %s", err, log.String())
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	return dom.String(), console
}

func hasShot(args []string) bool {
	return strings.Contains(strings.Join(args, " "), "--screenshot")
}

// driver is a script for the end of the page. It uses the page as a reader would, and leaves what
// it saw in the attributes of the document.
const driver = `<script>
addEventListener("load", () => {
	const seen = document.documentElement.dataset;
	const height = document.documentElement.scrollHeight;
	seen.wide = String(document.documentElement.scrollWidth > innerWidth);
	const key = (svg, key) => svg.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
	const readout = svg => [...svg.parentNode.querySelectorAll(".readout li")]
		.map(li => li.textContent).join("\n");
	const svg = document.getElementById("a1-propagation");
	svg.focus();
	seen.focused = document.activeElement.id;
	key(svg, "End");
	seen.end = readout(svg);
	key(svg, "Home");
	seen.home = readout(svg);
	key(svg, "ArrowRight");
	seen.second = readout(svg);
	key(svg, "Escape");
	seen.escaped = readout(svg);
	const box = svg.getBoundingClientRect();
	svg.dispatchEvent(new PointerEvent("pointermove",
		{clientX: box.left + box.width * .5, clientY: box.top + box.height * .5, bubbles: true}));
	seen.pointed = readout(svg);
	seen.same = String(document.documentElement.scrollHeight === height);
	const lines = [...document.querySelectorAll("polyline.line")];
	seen.drawn = String(lines.length > 0 && lines.every(l => l.getTotalLength() >= 0 &&
		getComputedStyle(l).stroke !== "none" && l.getBoundingClientRect().width > 0));
	seen.colors = String(new Set(lines.map(l => getComputedStyle(l).stroke)).size);
	document.getElementById("a1-s1").click();
	seen.hidden = String(getComputedStyle(svg.querySelector(".r1")).display);
	seen.shown = String(getComputedStyle(svg.querySelector(".r2")).display);
	key(svg, "Home");
	seen.without = readout(svg);
});
</script></body>`

func TestPageWorksInABrowser(t *testing.T) {
	b := newBrowser(t)
	r := kept(t, "medium")
	page := write(t, "html", r)

	t.Run("errors would be seen", func(t *testing.T) {
		bad := strings.Replace(page, "</body>", "<script>missing()</script></body>", 1)
		_, console := b.open(t, bad, "--dump-dom")
		assert.Contains(t, strings.Join(console, ""), "missing is not defined")
	})
	dom, console := b.open(t, strings.Replace(page, "</body>", driver, 1), "--dump-dom",
		"--window-size=1400,1000")
	assert.Empty(t, console)
	seen := make(map[string]string)
	root := dom[:strings.Index(dom, "<head>")]
	for _, m := range regexp.MustCompile(`data-(\w+)="([^"]*)"`).FindAllStringSubmatch(root, -1) {
		seen[m[1]] = html.UnescapeString(m[2])
	}
	for name, want := range map[string]string{
		"script": "ran", "wide": "false", "focused": "a1-propagation", "escaped": "",
		"same": "true", "hidden": "none", "shown": "inline", "drawn": "true", "colors": "7",
	} {
		assert.Equal(t, want, seen[name], name)
	}
	// The readout has a line for each configuration, with its values at the crosshair.
	for _, name := range []string{"end", "home", "second", "pointed"} {
		assert.Len(t, strings.Split(seen[name], "\n"), 8, name)
	}
	assert.Contains(t, seen["home"], "1 notifylab conflate 100/16: ")
	assert.Contains(t, seen["home"], " at 0%")
	assert.Contains(t, seen["end"], "8 sc-2.x flush 5000/5000: 5.05s at 99.9999")
	assert.NotEqual(t, seen["home"], seen["second"])
	assert.Len(t, strings.Split(seen["without"], "\n"), 7, "a line that is hidden isn't read out")
	assert.NotContains(t, seen["without"], "notifylab conflate 100/16")
	assert.Len(t, drawings(page), strings.Count(dom, `<svg class="plot"`))
}

// Pages of searches and of runs with stages load without a word on the console, are no wider than
// the window, and every drawing in them says its values at the crosshair.
func TestPagesOfSearchesWorkInABrowser(t *testing.T) {
	b := newBrowser(t)
	const script = `<script>
addEventListener("load", () => {
	const seen = document.documentElement.dataset;
	seen.wide = String(document.documentElement.scrollWidth > innerWidth);
	const height = document.documentElement.scrollHeight;
	let silent = 0, drawn = 0;
	for (const svg of document.querySelectorAll("svg.plot")) {
		drawn++;
		if (svg.querySelector("[data-says]") === null) continue;
		svg.focus();
		svg.dispatchEvent(new KeyboardEvent("keydown", {key: "Home", bubbles: true}));
		if (!/: .+ at /.test(svg.parentNode.querySelector(".readout").textContent)) silent++;
		svg.blur();
	}
	seen.silent = String(silent);
	seen.drawn = String(drawn);
	seen.same = String(document.documentElement.scrollHeight === height);
});
</script></body>`
	var all []report.Result
	for _, run := range []func() ([]byte, error){runStaged, runSwept, runLoaded, runAdvised} {
		results, _ := searched(t, run)
		all = append(all, results...)
	}
	page := write(t, "html", all)
	dom, console := b.open(t, strings.Replace(page, "</body>", script, 1), "--dump-dom",
		"--window-size=500,1000")
	assert.Empty(t, console)
	root := dom[:strings.Index(dom, "<head>")]
	for _, want := range []string{`data-wide="false"`, `data-silent="0"`, `data-same="true"`,
		fmt.Sprintf(`data-drawn="%d"`, len(drawings(page)))} {
		assert.Contains(t, root, want)
	}
	if *shots != "" {
		file := filepath.Join(*shots, "searches.png")
		b.open(t, page, "--window-size=1400,14000", "--screenshot="+file)
	}
}

// Each way to look at the page gives a picture that isn't empty.
func TestPageIsDrawn(t *testing.T) {
	b := newBrowser(t)
	page := write(t, "html", kept(t, "medium"))
	for name, args := range map[string][]string{
		"light":    {"--window-size=1400,3300"},
		"dark":     {"--window-size=1400,3300", "--blink-settings=preferredColorScheme=0"},
		"narrow":   {"--window-size=500,6000"},
		"noscript": {"--window-size=1400,3300"},
	} {
		t.Run(name, func(t *testing.T) {
			page := page
			if name == "noscript" {
				page = regexp.MustCompile(`(?s)<script>.*</script>`).ReplaceAllString(page, "")
			}
			dir := t.TempDir()
			if *shots != "" {
				dir = *shots
			}
			file := filepath.Join(dir, name+".png")
			_, console := b.open(t, page, append(args, "--screenshot="+file)...)
			assert.Empty(t, console)
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			img, _, err := image.Decode(f)
			require.NoError(t, err)
			assert.Greater(t, colors(img), 100, "text and lines have many shades")
			r, g, bl, _ := img.At(2, 2).RGBA()
			assert.Equal(t, name == "dark", r+g+bl < 3*0x8000, "the paper's colour")
		})
	}
}

func colors(img image.Image) int {
	seen := make(map[[3]uint32]bool)
	box := img.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y += 3 {
		for x := box.Min.X; x < box.Max.X; x += 3 {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return len(seen)
}

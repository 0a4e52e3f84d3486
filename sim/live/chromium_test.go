package live_test

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/live"
)

var shots = flag.String("shots", "", "directory to keep the screenshots in, to look at them")

// Expressions about the page.
const (
	shownPoints = `(document.querySelector("#propagation polyline")?.points.length ?? 0)`
	linkState   = `document.getElementById("link").textContent`
)

// The page draws what there is, grows with what comes, has it all again after a reload, and says
// how it ended.
func TestPage_DrawsAndGrows(t *testing.T) {
	br := newBrowser(t)
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("notifylab conflate 100/16")
	b.Add("sc-1.x block 5000/5000")
	tell(b, 0, 1, 5)
	br.open(t, url)
	br.until(t, shownPoints+" === 5")
	br.until(t, linkState+` === "live"`)
	assert.Equal(t, 5.0, br.eval(t, `document.querySelectorAll("svg.plot").length`))
	assert.Equal(t, true, br.eval(t, `[...document.querySelectorAll("polyline.line")].every(l =>
		getComputedStyle(l).stroke !== "none" && l.getBoundingClientRect().width > 0)`))
	assert.Contains(t, br.eval(t, `document.querySelector("#drops-h").parentNode.innerText`),
		"newest", "drops have their causes")

	tell(b, 0, 6, 3)
	br.until(t, shownPoints+" === 8")
	br.call(t, "Page.reload", nil, nil)
	br.until(t, shownPoints+" === 8")

	// It follows the run that goes on, until somebody chooses another.
	b.End(0, &sim.Run{Books: sim.Books{Delivered: 12345}, Propagation: sim.Summary{P99: 5e6}},
		"passed")
	tell(b, 1, 1, 4)
	br.until(t, shownPoints+" === 4")
	br.eval(t, `document.querySelector("#runs button").click()`)
	br.until(t, shownPoints+" === 8")
	tell(b, 1, 5, 1)
	br.until(t, `document.querySelector("#runs tbody").rows[1].innerText.includes("measure")`)
	assert.Equal(t, 8.0, br.eval(t, shownPoints))

	b.Done(live.Done{Verdict: "failed", Text: "a check failed"})
	br.until(t, linkState+` === "ended"`)
	assert.Contains(t, br.eval(t, `document.getElementById("done").textContent`), "a check failed")
	assert.Contains(t, br.eval(t, `document.querySelector("#runs tbody").rows[0].innerText`),
		"passed")
	assert.Empty(t, br.console)
}

// The arrow keys read the values of a second, in all drawings at once.
func TestPage_IsReadWithTheKeys(t *testing.T) {
	br := newBrowser(t)
	b := newBoard()
	url, _ := serve(t, b)
	b.Add("a run")
	tell(b, 0, 1, 20)
	br.open(t, url)
	br.until(t, shownPoints+" === 20")
	key := `(k => document.getElementById("rate").dispatchEvent(
		new KeyboardEvent("keydown", {key: k, bubbles: true})))`
	br.eval(t, `document.getElementById("rate").focus()`)
	br.eval(t, key+`("Home")`)
	says := `document.getElementById("propagation-h").parentNode.innerText`
	br.until(t, says+`.includes("at 1s")`)
	br.eval(t, key+`("ArrowRight")`)
	br.until(t, says+`.includes("at 2s")`)
	assert.Equal(t, 5.0, br.eval(t, `document.querySelectorAll(".cross").length`))
	br.eval(t, key+`("Escape")`)
	br.until(t, says+`.includes("at 20s")`)
	assert.Empty(t, br.console)
}

// A page that lost its server says so, keeps what it has, and goes on when there is another one.
func TestPage_ComesBack(t *testing.T) {
	br := newBrowser(t)
	b := newBoard()
	url, stop := serve(t, b)
	b.Add("a run")
	tell(b, 0, 1, 5)
	br.open(t, url)
	br.until(t, shownPoints+" === 5")
	require.NoError(t, stop())
	br.until(t, linkState+`.startsWith("no connection")`)
	assert.Equal(t, 5.0, br.eval(t, shownPoints))
	tell(b, 0, 6, 2)
	serveAt(t, b, url)
	br.until(t, shownPoints+" === 7")
	br.until(t, linkState+` === "live"`)
}

// Each way to look at the page gives a picture that isn't empty, in which nothing is too wide.
func TestPage_IsDrawn(t *testing.T) {
	br := newBrowser(t)
	b := newBoard()
	url, _ := serve(t, b)
	for _, name := range []string{"notifylab conflate 100/16", "notifylab drop-oldest 5000/5000",
		"sc-1.x block 5000/5000"} {
		b.Add(name)
	}
	tell(b, 0, 1, 60)
	b.End(0, &sim.Run{Books: sim.Books{Delivered: 9876543}, Propagation: sim.Summary{P50: 2e6,
		P99: 5e6}, Staleness: sim.Summary{P99: 8e6}}, "passed")
	tell(b, 1, 1, 300)
	for _, x := range []struct {
		name, scheme  string
		width, height int
	}{
		{"light", "light", 1400, 1150}, {"dark", "dark", 1400, 1150},
		{"narrow", "light", 400, 1600},
	} {
		t.Run(x.name, func(t *testing.T) {
			br.look(t, x.width, x.height, x.scheme)
			br.open(t, url)
			br.until(t, shownPoints+" === 300")
			assert.LessOrEqual(t, br.eval(t, "document.documentElement.scrollWidth"),
				float64(x.width))
			data := br.shot(t)
			if *shots != "" {
				file := filepath.Join(*shots, x.name+".png")
				require.NoError(t, os.WriteFile(file, data, 0o644))
			}
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			r, g, bl, _ := img.At(2, 2).RGBA()
			assert.Equal(t, x.scheme == "dark", r+g+bl < 3*0x8000, "the paper's colour")
		})
	}
	assert.Empty(t, br.console)
}

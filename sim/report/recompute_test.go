package report_test

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/report"
)

// node is a part of a document as JSON has it. What a report shows is made from that again in here,
// without the types of the document and without the code of the report but for how it writes
// numbers, which has tests of its own.
type node struct{ v any }

func (n node) at(path ...any) node {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := n.v.(map[string]any)
			n = node{m[p]}
		case int:
			n = node{n.v.([]any)[p]}
		}
	}
	return n
}

func (n node) f(path ...any) float64 { v, _ := n.at(path...).v.(float64); return v }

func (n node) s(path ...any) string { v, _ := n.at(path...).v.(string); return v }

func (n node) all(path ...any) (out []node) {
	list, _ := n.at(path...).v.([]any)
	for _, v := range list {
		out = append(out, node{v})
	}
	return out
}

func (n node) keys(path ...any) (out []string) {
	m, _ := n.at(path...).v.(map[string]any)
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// bars are those of a summary's histogram.
func (n node) bars(t *testing.T) (out []hdrhistogram.Bar, total int64) {
	h, err := hdrhistogram.Decode([]byte(n.s("hdr")))
	require.NoError(t, err)
	for _, b := range h.Distribution() {
		if b.Count > 0 {
			out, total = append(out, b), total+b.Count
		}
	}
	return out, total
}

// quantile is the end of the bar in which the value of that rank lies; 1 is the largest value.
func (n node) quantile(t *testing.T, q float64) int64 {
	bars, total := n.bars(t)
	if q == 0 && total > 0 {
		return bars[0].From
	}
	rank := max(int64(q*float64(total)+0.5), 1)
	for _, b := range bars {
		if rank -= b.Count; rank <= 0 {
			return b.To
		}
	}
	return 0
}

func (n node) time(t *testing.T, q float64) string { return report.Duration(n.quantile(t, q)) }

func count(v float64) string { return report.Count(uint64(v)) }

func percent(v float64) string { return fmt.Sprintf("%.3g%%", v) }

// lost is what a run dropped though its consumer was there.
func lost(r node) (n float64) {
	for _, cause := range r.keys("books", "dropped") {
		if cause != "closed" {
			n += r.f("books", "dropped", cause)
		}
	}
	return n
}

func lossShare(r node) float64 { return 100 * lost(r) / r.f("books", "offered") }

func runName(r node, left ...string) string {
	c := r.at("config")
	name := fmt.Sprintf("%s %s %g/%g", c.s("engine"), c.s("policy"), c.f("queue_size"),
		c.f("watcher_queue"))
	for _, s := range r.all("settings") {
		if !slices.Contains(left, s.s("path")) {
			name += " " + s.s("path") + "=" + s.s("value")
		}
	}
	if r.f("seed") > 0 {
		name += fmt.Sprintf(" seed %g", r.f("seed"))
	}
	return name
}

var (
	blocks = regexp.MustCompile(`(?s)<h[23][^>]*>([^<]*)</h[23]>|<table>.*?<tbody>(.*?)</tbody>`)
	rowRE  = regexp.MustCompile(`(?s)<tr[^>]*>(.*?)</tr>`)
	cellRE = regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

// tables are those of a page by their title.
func tables(page string) map[string][][]string {
	out, title := make(map[string][][]string), ""
	for _, m := range blocks.FindAllStringSubmatch(page, -1) {
		if m[1] != "" {
			title = html.UnescapeString(m[1])
			continue
		}
		for _, row := range rowRE.FindAllStringSubmatch(m[2], -1) {
			var cells []string
			for _, c := range cellRE.FindAllStringSubmatch(row[1], -1) {
				cells = append(cells,
					strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(c[1], ""))))
			}
			out[title] = append(out[title], cells)
		}
	}
	return out
}

// Every figure that the page shows can be made from the document's JSON alone.
func TestEveryFigureOfThePageIsInTheDocument(t *testing.T) {
	for name, c := range map[string]struct {
		run              func() ([]byte, error)
		tables, drawings int
		left             []string // settings that are part of a name, or common to all runs
	}{
		"stages": {run: runStaged, tables: 7, drawings: 9},
		"sweep": {run: runSwept, tables: 6, drawings: 9,
			left: []string{"policy", "watcher_queue"}},
		"capacity":       {run: runLoaded, tables: 7, drawings: 8},
		"recommendation": {run: runAdvised, tables: 6, drawings: 6, left: []string{"rate"}},
	} {
		t.Run(name, func(t *testing.T) {
			results, text := searched(t, c.run)
			var doc node
			require.NoError(t, json.Unmarshal(text, &doc.v))
			page := write(t, "html", results)
			all := tables(page)
			delete(all, "Environment") // it has no figures
			assert.GreaterOrEqual(t, len(all), c.tables, "tables")
			for title, rows := range all {
				make, known := tableMakers[title]
				if assert.True(t, known, "nobody knows the table %q", title) {
					assertRows(t, title, make(t, doc, c.left), rows)
				}
			}
			found := drawings(page)
			assert.GreaterOrEqual(t, len(found), c.drawings, "drawings")
			for id, svg := range found {
				checkDrawing(t, doc, strings.TrimPrefix(id, "a1-"), svg, c.left)
			}
		})
	}
}

func assertRows(t *testing.T, title string, want, got [][]string) {
	t.Helper()
	require.Len(t, got, len(want), title)
	for i := range want {
		if len(want[i]) == 0 || want[i][0] != "objectives" {
			assert.Equal(t, want[i], got[i], title)
			continue
		}
		// Values of objectives are compared as numbers, for their text is that of another package.
		require.Len(t, got[i], len(want[i])+1, title)
		for k := 1; k < len(want[i]); k++ {
			assertObjective(t, want[i][k], got[i][k+1])
		}
	}
}

// assertObjective compares "number verdict" with "1.23ms verdict".
func assertObjective(t *testing.T, want, got string) {
	t.Helper()
	value, verdict, _ := strings.Cut(got, " ")
	exact, wantVerdict, _ := strings.Cut(want, " ")
	assert.Equal(t, wantVerdict, verdict)
	w, err := strconv.ParseFloat(exact, 64)
	require.NoError(t, err)
	if math.IsNaN(w) {
		assert.Equal(t, "-", value)
		return
	}
	share, isShare := strings.CutSuffix(value, "%")
	if isShare {
		assert.InEpsilon(t, 1+100*w, 1+number(t, share), 0.006)
		return
	}
	d, err := time.ParseDuration(value)
	require.NoError(t, err)
	assert.InEpsilon(t, w, float64(d), 0.006, got)
}

func number1(i int) string { return strconv.Itoa(i + 1) }

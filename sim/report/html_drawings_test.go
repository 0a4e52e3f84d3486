package report_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

func TestDrawingsAreWellFormedAndSayWhatTheyShow(t *testing.T) {
	page := write(t, "html", kept(t, "medium", "train-ticket"))
	all := drawings(page)
	require.Len(t, all, 2*8)
	for id, svg := range all {
		dec := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err, id)
		}
		assert.Contains(t, svg, `role="img"`)
		assert.Contains(t, svg, fmt.Sprintf(`aria-labelledby="%s-t %s-d"`, id, id))
		assert.Regexp(t, `<title id="`+id+`-t">\w.*</title><desc id="`+id+`-d">\w.*\.</desc>`, svg)
		assert.NotContains(t, svg, "NaN")
		assert.NotContains(t, svg, "Inf")
	}
}

// Every line has a point for each value, all of them inside of the drawing.
func TestLinesHaveAValueForEachPoint(t *testing.T) {
	page := write(t, "html", kept(t, "medium"))
	for id, svg := range drawings(page) {
		for _, m := range lines.FindAllStringSubmatch(svg, -1) {
			points, says := strings.Fields(m[1]), strings.Split(m[3], "|")
			assert.Equal(t, len(points), len(says), "%s of run %s", id, m[2])
			before := 0.0
			for _, p := range points {
				x, y, _ := strings.Cut(p, ",")
				assert.GreaterOrEqual(t, number(t, x), before, "time and percentiles only rise")
				before = number(t, x)
				assert.LessOrEqual(t, before, 760.0)
				assert.GreaterOrEqual(t, number(t, y), 0.0)
				assert.LessOrEqual(t, number(t, y), 300.0)
			}
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// The spectrum has the percentiles of the document, and ends with the largest value.
func TestSpectrumShowsThePercentilesOfTheDocument(t *testing.T) {
	r := kept(t, "medium")
	page := drawings(write(t, "html", r))
	for id, of := range map[string]func(*sim.Run) *sim.Summary{
		"a1-propagation": func(r *sim.Run) *sim.Summary { return &r.Propagation },
		"a1-staleness":   func(r *sim.Run) *sim.Summary { return &r.Staleness },
	} {
		found := lines.FindAllStringSubmatch(page[id], -1)
		require.Len(t, found, len(r[0].Runs))
		for i, m := range found {
			s, says := of(r[0].Runs[i]), strings.Split(m[3], "|")
			assert.Contains(t, says, report.Duration(s.P90)+" at 90%")
			assert.Contains(t, says, report.Duration(s.P99)+" at 99%")
			assert.Contains(t, says, report.Duration(s.P999)+" at 99.9%")
			assert.True(t, strings.HasPrefix(says[len(says)-1], report.Duration(s.Max)+" at 99.9"))
		}
	}
}

// A long series is thinned, and a spike of one second is still there.
func TestASpikeOfOneSecondIsShown(t *testing.T) {
	r := made(t)
	run := r[0].Runs[0]
	for s := range 3600 {
		p := sim.Point{At: float64(s + 1), P99: 2e6, InFlight: 5, Dropped: 1}
		if s == 1801 {
			p.P99, p.InFlight, p.Dropped = 1234e6, 77_700, 8_880
		}
		run.Series = append(run.Series, p)
	}
	page := drawings(write(t, "html", r))
	for id, want := range map[string]string{
		"a1-heat": "p50 0, p99 1.23s at", "a1-backlog": "77.7k at", "a1-drops": "8880 at",
	} {
		m := lines.FindStringSubmatch(page[id])
		require.NotNil(t, m, id)
		says := strings.Split(m[3], "|")
		assert.LessOrEqual(t, len(says), 150, id)
		assert.True(t, slices.ContainsFunc(says, func(s string) bool {
			return strings.HasPrefix(s, want)
		}), id)
	}
}

// In the heat map a second is as far as its time, and one without arrivals is left out.
func TestHeatMapLeavesOutSecondsWithoutArrivals(t *testing.T) {
	r := made(t)
	r[0].Runs[0].Series = []sim.Point{{At: 1, P99: 5e5}, {At: 2}, {At: 3, P99: 5e9}, {At: 4}}
	svg := drawings(write(t, "html", r))["a1-heat"]
	cells := regexp.MustCompile(`<rect class="(h\d)" x="(\S+)" y="\S+" width="(\S+)"`).
		FindAllStringSubmatch(svg, -1)
	require.Len(t, cells, 2)
	assert.Equal(t, "h0", cells[0][1])
	assert.Equal(t, "h8", cells[1][1])
	assert.InDelta(t, number(t, cells[0][3]), number(t, cells[1][3]), 0.2, "a second each")
	gap := number(t, cells[1][2]) - number(t, cells[0][2])
	assert.InDelta(t, 2*number(t, cells[0][3]), gap, 0.2)
}

func TestTheRecommendedPointIsMarkedOnce(t *testing.T) {
	page := drawings(write(t, "html", kept(t, "medium")))
	for _, id := range []string{"a1-size-loss", "a1-size-latency", "a1-size-staleness"} {
		svg := page[id]
		assert.Equal(t, 1, strings.Count(svg, `class="best"`), id)
		assert.Equal(t, 1, strings.Count(svg, `>recommended<`), id)
		dots := regexp.MustCompile(`class="dot [^"]*" (cx="\S+" cy="\S+")`).
			FindAllStringSubmatch(svg, -1)
		require.Len(t, dots, 8, id)
		assert.Contains(t, svg, `class="best" `+dots[2][1], "around the third run's dot")
		assert.Contains(t, svg, "The recommended one, notifylab conflate 5000/512, is at", id)
	}
}

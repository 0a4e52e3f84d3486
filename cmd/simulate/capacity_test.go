package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

// The text has no figure of its own: each is the document's, as far as its digits go.
func TestCapacity_EveryFigureOfTheTextIsInTheDocument(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capacity.json")
	out, err := exec.Command("simulate", "capacity", "--find", "rate", "--workload", "hot-subject",
		"--providers", "50", "--consumers", "20", "--slow", "0%", "--stuck", "0%", "--duration",
		"1s", "--start", "200", "--tolerance", "20%", "--slo", "propagation_p90 < 10ms", "--fresh",
		"3", "--quiet", "--out", path).Output()
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var doc sim.Document
	require.NoError(t, json.Unmarshal(data, &doc))
	x, text := doc.Capacity, string(out)
	figures := func(pattern string) []string {
		found := regexp.MustCompile("(?m)" + pattern).FindStringSubmatch(text)
		require.NotNil(t, found, "%s in\n%s", pattern, text)
		return found[1:]
	}
	const n = `([0-9 .]+)`
	same(t, figures(`^This .* carries `+n+` changes .* with `+n+` of `+n+` fresh .* at `+n+`: `),
		x.Limit, float64(x.Confirmed), float64(len(x.Fresh)), x.Beyond)
	assert.Equal(t, x.Reason, figures(`; beyond it, at [^:]*: (.*)\.$`)[0])
	same(t, figures(`^`+n+` trials; .* of `+n+` seeds is `+n+` \(`+n+`% interval: `+n+` to `+n+
		`\)`), float64(len(x.Trials)), float64(len(x.Seeds)), x.Median, 100*x.Level, x.Low, x.High)
	_, table, _ := strings.Cut(text, "stale p99  lost\n")
	rows := strings.Split(strings.TrimRight(table, "\n"), "\n")
	require.Len(t, rows, len(x.Knee))
	for i, row := range rows {
		cells := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(row), -1)
		r := doc.Runs[x.Knee[i].Run]
		assert.Equal(t, x.Find, r.Settings[0].Path)
		same(t, append([]string{r.Settings[0].Value}, cells...), x.Knee[i].Load,
			100*x.Knee[i].Fraction, x.Knee[i].Load, float64(r.Propagation.P50),
			float64(r.Propagation.P90), float64(r.Propagation.P99), float64(r.Staleness.P99),
			100*capacity.Loss(r))
	}
}

// same compares figures as they are shown, in three digits or more, with values: times in ns, and
// shares in per cent.
func same(t *testing.T, shown []string, values ...float64) {
	t.Helper()
	require.Len(t, shown, len(values))
	for i, text := range shown {
		text = strings.TrimSuffix(strings.ReplaceAll(text, " ", ""), "%")
		if text == "<0.01" {
			assert.True(t, values[i] > 0 && values[i] < 0.01, "%s for %g", shown[i], values[i])
			continue
		}
		got, err := strconv.ParseFloat(text, 64)
		if d, isTime := time.ParseDuration(text); err != nil {
			require.NoError(t, isTime, shown[i])
			got = float64(d)
		}
		assert.InDelta(t, values[i], got, 0.0051*max(values[i], 1), "%s for %g", shown[i],
			values[i])
	}
}

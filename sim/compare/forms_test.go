package compare_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/compare"
)

// Every form has the headline first and then every configuration and figure, and the same input
// gives the same bytes.
func TestForms_ShowEverything(t *testing.T) {
	a, b := document(sim.WallClock, 1, 2), document(sim.WallClock, 1, 3)
	withSeries(a, 30, 1, 0.1, 0, 1)
	withSeries(b, 30, 2, 0.1, 0, 3)
	b.Environment.GoVersion = "go1.27"
	show := func(write func(*bytes.Buffer, *compare.Result) error) string {
		var out bytes.Buffer
		require.NoError(t, write(&out, compared(t, one(t, "a", a), one(t, "b", b))))
		return out.String()
	}
	for name, write := range map[string]func(*bytes.Buffer, *compare.Result) error{
		"text": func(w *bytes.Buffer, r *compare.Result) error { return compare.Text(w, r) },
		"markdown": func(w *bytes.Buffer, r *compare.Result) error {
			return compare.Markdown(w, r)
		},
	} {
		out := show(write)
		assert.Equal(t, out, show(write), name)
		plain := strings.ReplaceAll(out, `\`, "")
		assert.Regexp(t, `^(\*\*)?2 of 2 configurations changed: `, plain, name)
		for _, metric := range compare.Metrics() {
			row := regexp.MustCompile(`(?m)^(\| |  )` + shownAs(metric) + " ")
			assert.Len(t, row.FindAllString(plain, -1), 2, "%s in %s", metric, name)
		}
		assert.Contains(t, plain, "Go versions differ: go1.26; go1.27", name)
		assert.Regexp(t, `(?i)only in B \(passed\)`, plain, name)
		assert.Contains(t, plain, "It covers the noise within the runs", name)
	}
}

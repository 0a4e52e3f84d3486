package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim/report"
)

// Other pages begin with the report's colours, for light and dark, and with nothing else of it.
func TestPalette_IsTheColoursAlone(t *testing.T) {
	css := report.Palette()
	assert.Equal(t, 2, strings.Count(css, "--paper:"), "light and dark")
	assert.Contains(t, css, "prefers-color-scheme: dark")
	assert.Equal(t, strings.Count(css, "{"), strings.Count(css, "}"))
	assert.NotContains(t, css, "font")
	assert.Contains(t, write(t, "html", kept(t, "medium")), css)
}

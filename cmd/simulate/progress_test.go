package main_test

import (
	"bufio"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	main "github.com/notifylab/notifylab/cmd/simulate"
)

// A line is never wider than there is room; what is dropped for that is what counts least, and
// nothing else.
func TestProgress_FitsWhatCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`[a-zé×]{1,12}`), 1, 7).Draw(t, "texts")
		columns := rapid.IntRange(1, 60).Draw(t, "columns")
		var parts []main.Part
		for rank, text := range texts { // the first counts most
			parts = append(parts, main.NewPart(rank, text))
		}
		got := main.Fit(parts, columns)
		assert.LessOrEqual(t, utf8.RuneCountInString(got), columns)
		for n := len(texts); n > 0; n-- {
			want := strings.Join(texts[:n], ", ")
			if utf8.RuneCountInString(want) <= columns {
				assert.Equal(t, want, got)
				return
			}
		}
		assert.True(t, strings.HasPrefix(texts[0], got), "%q of %q", got, texts[0])
	})
}

// A run that takes long to set up says that it does.
func TestProgress_SaysThatARunIsBeingSetUp(t *testing.T) {
	r, w := io.Pipe()
	main.AwaitSetUp(w, "notifylab conflate 100/16")
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "1/1 notifylab conflate 100/16: set-up\n", line)
}

// Each line says how far the run and all of them are, and what the last second did. Where stderr
// is no terminal it is a line of its own, within 100 columns.
func TestProgress_SaysHowFar(t *testing.T) {
	cmd := exec.Command("simulate", "--workload", "small", "--consumers", "100", "--engine",
		"notifylab,sc-2.x", "--duration", "2500ms", "--storm", "0", "--lag-bound", "10s")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Run())
	assert.NotContains(t, stderr.String(), "\x1b")
	line := regexp.MustCompile(`^([12])/2 \S+ \S+ \d+/\d+: (warm-up|measure|heal) \d+(%|s)` +
		`(, all (\d+)%( \d+s left)?)(, [\d.]+[kM]?/s)(, .*)?$`)
	runs := make(map[string]bool)
	for l := range strings.Lines(stderr.String()) {
		l = strings.TrimSuffix(l, "\n")
		assert.LessOrEqual(t, utf8.RuneCountInString(l), 100, l)
		if m := line.FindStringSubmatch(l); m != nil {
			runs[m[1]] = true
			continue
		}
		assert.Regexp(t, `^[12]/2 .*: (passed|harmed), .* delivered, .* dropped, p99 `, l)
	}
	assert.Equal(t, map[string]bool{"1": true, "2": true}, runs, stderr.String())
}

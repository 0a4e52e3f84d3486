package notifylab_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/report"
)

// Every command that the README shows is run in CI as it stands there.
func TestREADME_CommandsAreRun(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	ci, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	script := strings.Join(strings.Fields(strings.ReplaceAll(string(ci), "\\\n", " ")), " ")
	commands := readmeCommands(string(readme))
	require.GreaterOrEqual(t, len(commands), 2, "commands in the README")
	for _, c := range commands {
		assert.Contains(t, script+" ", " "+c+" ", "command of the README that CI doesn't run")
	}
}

func TestREADME_CommandsAreFound(t *testing.T) {
	got := readmeCommands(
		"text\n```sh\nmake a\n# why\nmake b --c   # note\n```\n```\nmake no\n```\n")
	assert.Equal(t, []string{"make a", "make b --c"}, got)
}

// readmeCommands are the lines of the shell blocks, without comments.
func readmeCommands(text string) []string {
	var out []string
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```")
	for _, block := range blocks.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	return out
}

// The table that the README shows is what the kept run of that name says.
func TestREADME_TableIsThatOfTheKeptRun(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	data, err := os.ReadFile("results/medium.json")
	require.NoError(t, err)
	var doc sim.Document
	require.NoError(t, json.Unmarshal(data, &doc))
	var text strings.Builder
	require.NoError(t, report.Text(&text, &doc))
	tables, _, _ := strings.Cut(text.String(), "\nPropagation: ")
	assert.Contains(t, string(readme), "\n"+tables)
}

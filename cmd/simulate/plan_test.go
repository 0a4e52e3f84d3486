package main_test

import (
	"context"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The examples of the commands that make many runs work as they stand, in a shell.
func TestHelp_ExamplesOfPlansWork(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	for _, name := range []string{"sweep", "capacity", "recommend"} {
		help, err := exec.Command("simulate", name, "--help").Output()
		require.NoError(t, err)
		assert.Contains(t, string(help), "(default \"virtual\")")
		assert.NotContains(t, string(help), "--ui")
		example := regexp.MustCompile(`(?m)^  (simulate ` + name + ` --.*[^\]\n])$`)
		examples := example.FindAllStringSubmatch(string(help), -1)
		require.NotEmpty(t, examples, name)
		for _, x := range examples {
			t.Run(x[1], func(t *testing.T) {
				t.Parallel()
				cmd := exec.CommandContext(context.Background(), shell, "-c", x[1]+" --quiet")
				cmd.Dir = t.TempDir()
				out, err := cmd.CombinedOutput()
				assert.NoError(t, err, "%s", out)
			})
		}
	}
}

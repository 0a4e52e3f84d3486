package gate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/bench/gate"
)

// repository makes one with a commit.
func repository(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o644))
	for _, args := range []string{"init -q", "add a",
		"-c user.name=t -c user.email=t@example.com commit -q -m a"} {
		_, err := gate.Output(t.Context(), dir, "git", strings.Fields(args)...)
		require.NoError(t, err)
	}
	return dir
}

func TestWorktree_IsRemovedAfterAnInterrupt(t *testing.T) {
	dir := repository(t)
	commit, err := gate.Resolve(t.Context(), dir, "HEAD")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	path, remove, err := gate.Worktree(ctx, dir, commit)
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(path, "a"))
	cancel()
	require.NoError(t, remove())
	assert.NoDirExists(t, filepath.Dir(path))
	list, err := gate.Output(t.Context(), dir, "git", "worktree", "list")
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(list), "\n"), "%s", list)
	assert.NoError(t, gate.Clean(t.Context(), dir))
}

func TestOutput_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := gate.Output(ctx, t.TempDir(), "git", "version")
	assert.ErrorIs(t, err, context.Canceled)
}

func TestRepository_Errors(t *testing.T) {
	dir := repository(t)
	_, err := gate.Resolve(t.Context(), dir, "nosuch")
	assert.ErrorIs(t, err, gate.ErrRef)
	_, err = gate.Resolve(t.Context(), dir, "--help")
	assert.ErrorIs(t, err, gate.ErrRef, "a ref is never an option")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), nil, 0o644))
	err = gate.Clean(t.Context(), dir)
	assert.ErrorIs(t, err, gate.ErrDirty)
	assert.ErrorContains(t, err, "?? b")
}

package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What is wrong with a repository.
var (
	ErrRef   = errors.New("unknown commit")
	ErrDirty = errors.New("the tree has changes that are in no commit")
	ErrGit   = errors.New("not a git checkout")
)

// Resolve gives the commit that a ref names. The error is ErrRef or ErrGit.
func Resolve(ctx context.Context, dir, ref string) (string, error) {
	if _, err := git(ctx, dir, "rev-parse", "--git-dir"); err != nil {
		return "", fmt.Errorf("%w: %w", ErrGit, err)
	}
	commit, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options",
		ref+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrRef, ref)
	}
	return commit, nil
}

// Clean reports ErrDirty, with the first files, unless all there is is in a commit or ignored.
func Clean(ctx context.Context, dir string) error {
	status, err := git(ctx, dir, "status", "--porcelain")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGit, err)
	}
	if status == "" {
		return nil
	}
	const most = 10
	files := strings.Split(status, "\n")
	if more := len(files) - most; more > 0 {
		files = append(files[:most], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%w: commit or stash them first:\n%s", ErrDirty, strings.Join(files, "\n"))
}

// Worktree checks a commit out into a new temporary directory. The tree of dir isn't touched.
// Remove it with its result, which works after ctx has ended, too.
func Worktree(ctx context.Context, dir, commit string) (path string, remove func() error,
	err error) {
	parent, err := os.MkdirTemp("", "gate-*")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(parent, "base")
	remove = func() error {
		// Of the directory git's own list must forget, too; it may not know of it yet.
		_, err := git(context.WithoutCancel(ctx), dir, "worktree", "remove", "--force", path)
		if _, missing := os.Stat(path); os.IsNotExist(missing) {
			err = nil
		}
		err = errors.Join(err, os.RemoveAll(parent))
		_, pruned := git(context.WithoutCancel(ctx), dir, "worktree", "prune")
		return errors.Join(err, pruned)
	}
	if _, err = git(ctx, dir, "worktree", "add", "--detach", path, commit); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return path, remove, nil
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := Output(ctx, dir, "git", args...)
	return strings.TrimSpace(string(out)), err
}

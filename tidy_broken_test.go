package notifylab_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Sources that break the rules, so that a rule which sees nothing is found out.

// mustParse is for the sources of the tests below, which are a package clause and what follows.
func mustParse(t *testing.T, path, text string) source {
	t.Helper()
	s, err := parse(path, text)
	require.NoError(t, err)
	return s
}

func TestCheckImports(t *testing.T) {
	for _, tt := range []struct {
		path, imports string
		want          string // part of the one violation; "" if there must be none
	}{
		{"notify/engine.go", module + "/notify/clock", ""},
		{"notify/engine.go", module + "/notify/queue", ""},
		{"notify/engine.go", "log/slog", ""},
		{"notify/engine.go", module + "/notify/watch", "on floor 1, above"},
		{"notify/engine.go", module + "/sim/queueing", "same floor"},
		{"notify/engine.go", "golang.org/x/sync/errgroup", "third-party"},
		{"notify/clock/clock.go", module + "/notify", "same floor"},
		{"notify/queue/queue.go", module + "/notify/clock", "same floor"},
		{"notify/watch/watch.go", module + "/notify", ""},
		{"notify/watch/watch.go", module + "/notify/clock", ""},
		{"notify/watch/watch.go", module + "/notify/registry", "same floor"},
		{"notify/alarm/alarm.go", module + "/notify/watch", "same floor"},
		{"notify/registry/r.go", module + "/notify/alarm", "same floor"},
		{"notify/stream/s.go", module + "/notify/stream/ws", "same floor"},
		{"notify/stream/s.go", "github.com/coder/websocket", "third-party"},
		{"notify/stream/ws/ws.go", "github.com/coder/websocket", ""},
		{"notify/stream/ws/ws.go", module + "/notify/stream", ""},
		{"notify/stream/ws/ws.go", module + "/notify/stream/grpc", "same floor"},
		{"sim/run.go", module + "/notify/watch", ""},
		{"sim/run.go", module + "/sim/report", "on floor 4, above"},
		{"bench/internal/floor/c.go", "gonum.org/v1/plot", "third-party"},
		{"sim/queueing/q.go", module + "/notify", "same floor"},
		{"cmd/simulate/main.go", module + "/sim/report", ""},
		{"cmd/simulate/main.go", module + "/bench", "same floor"},
		{"cmd/simulate/main.go", module, "same floor"},
		{"cmd/simulate/main.go", "github.com/spf13/pflag", ""},
		{"cmd/simulate/main.go", module + "/sim/new", "no floor: give it one"},
		{"notify/new/n.go", "fmt", "notify/new has no floor: give it one"},
		// Tests may look sideways, and use the test dependencies and no others.
		{"notify/watch/watch_test.go", module + "/notify/registry", ""},
		{"notify/watch/watch_test.go", module + "/notify/watch", ""},
		{"notify/watch/watch_test.go", module + "/sim", "on floor 3, above"},
		{"notify/watch/watch_test.go", "github.com/stretchr/testify/require", ""},
		{"notify/watch/watch_test.go", "github.com/stretchr/testifyish", "third-party"},
		{"notify/watch/watch_test.go", "golang.org/x/sync/errgroup", "third-party"},
		{"notify/watch/watch.go", "github.com/stretchr/testify/require", "third-party"},
	} {
		s := mustParse(t, tt.path, "package p\nimport _ "+strconv.Quote(tt.imports))
		expectOne(t, tt.path+" imports "+tt.imports, checkImports(s), tt.want)
	}
}

// expectOne compares the violations that a rule found with a part of the only one wanted.
func expectOne(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if want == "" {
		assert.Empty(t, got, what)
	} else if assert.Len(t, got, 1, what) {
		assert.Contains(t, got[0], want, what)
	}
}

func TestRules_SeeWhatBreaksThem(t *testing.T) {
	long := strings.Repeat("x", columnsMax-3) // "// " before it fills the line
	for _, tt := range []struct {
		rule, path, body string
		want             string
	}{
		{"time", "notify/a.go", `import "time"; var x = time.Now()`, "a.go:2: time.Now"},
		{"time", "notify/a.go", `import "time"; var now = time.Now`, "time.Now"},
		{"time", "notify/a.go", `import tm "time"; func f() { tm.Sleep(1) }`, "time.Sleep"},
		{"time", "notify/a.go", `import . "time"; var x = Now()`, "dot import"},
		{"time", "notify/a.go", `import "time"; var x = time.Second`, ""},
		{"time", "notify/a.go", `import "time"; func f(t time.Time) { _ = t.After(t) }`, ""},
		{"time", "notify/a.go", `import time "x.org/y"; var x = time.Now()`, ""},
		{"time", "notify/a_test.go", `import "time"; var x = time.Now()`, ""},
		{"time", "notify/clock/c.go", `import "time"; var x = time.Now()`, ""},
		{"time", "notify/stream/s.go", `import "time"; var x = time.Tick(1)`, "time.Tick"},
		{"time", "notify/stream/ws/w.go", `import "time"; var x = time.Now()`, ""},
		{"time", "notify/stream/grpc/g.go", `import "time"; var x = time.Now()`, ""},
		{"time", "sim/wall.go", `import "time"; var x = time.Now()`, ""},
		{"time", "sim/wall_linux.go", `import "time"; var x = time.Now()`, ""},
		{"time", "sim/load.go", `import "time"; var x = time.Until(y)`, "time.Until"},
		{"time", "sim/report/wall.go", `import "time"; var x = time.Now()`, "time.Now"},
		{"time", "cmd/simulate/m.go", `import "time"; var x = time.Since(y)`, "time.Since"},
		{"time", "bench/b.go", `import "time"; var x = time.AfterFunc(1, f)`, "time.AfterFunc"},

		{"rand", "sim/a.go", `import "math/rand"`, "math/rand is imported"},
		{"rand", "sim/a_test.go", `import "math/rand"`, "math/rand is imported"},
		{"rand", "sim/a.go", `import "math/rand/v2"; var x = rand.IntN(3)`, "v2.IntN"},
		{"rand", "sim/a.go", `import r "math/rand/v2"; var x = r.N(3)`, "v2.N"},
		{"rand", "sim/a.go", `import . "math/rand/v2"`, "dot import"},
		{"rand", "sim/a.go", `import "math/rand/v2"; var x = rand.New(rand.NewPCG(1, 2))`, ""},
		{"rand", "sim/a.go", `import "math/rand/v2"; var x *rand.Rand`, ""},
		{"rand", "sim/a.go", `import "math/rand/v2"; func f(r *rand.Rand) { r.IntN(3) }`, ""},
		{"rand", "sim/a.go", `import "crypto/rand"; var x = rand.Text()`, ""},

		{"leftovers", "sim/a.go", "// TODO: more", "a.go:2: TODO"},
		{"leftovers", "sim/a.go", "/* one\ntwo FIXME */", "a.go:3: FIXME"},
		{"leftovers", "sim/a.go", "func f() { // XXX\n}", "XXX"},
		{"leftovers", "sim/a.go", `var x = "TODO"`, ""},
		{"leftovers", "sim/a.go", "// TODOs are banned", ""},

		{"unimplemented", "sim/a.go", `func f() { panic("unimplemented") }`, "a.go:2: panic"},
		{"unimplemented", "sim/a.go", `func f() { panic(errors.New("Not implemented")) }`, "panic"},
		{"unimplemented", "sim/a.go", `func f() { panic("unreachable") }`, ""},
		{"unimplemented", "sim/a.go", `func f() error { return errors.New("unimplemented") }`, ""},

		{"columns", "sim/a.go", "// " + long, ""},
		{"columns", "sim/a.go", "// " + long + "x", "a.go:2: 101 columns"},
		{"columns", "sim/a_test.go", "// " + long + "x", "101 columns"},
		{"columns", "sim/a.go", "// ü" + long[1:], ""},
		{"columns", "sim/a.go", "func f() {\n\t// " + long[4:] + "\n}", ""},
		{"columns", "sim/a.go", "func f() {\n\t// " + long[3:] + "\n}", "a.go:3: 101 columns"},
		{"columns", "sim/a.go", "// see https://" + long, ""},
		{"columns", "sim/a.go", "var x = `\n" + long + long + "\n`", ""},
		{"columns", "sim/a.go", "var x = `" + long + "`", "columns"},
	} {
		s := mustParse(t, tt.path, "package p\n"+tt.body)
		expectOne(t, tt.rule+": "+tt.path+": "+tt.body, rules[tt.rule](s), tt.want)
	}
	generated := "// Code generated by x. DO NOT EDIT.\n\npackage p\n\n//" + long + long
	assert.Empty(t, checkColumns(mustParse(t, "sim/a.go", generated)))
}

func TestCheckDocs(t *testing.T) {
	docs := func(files ...string) []string {
		var sources []source
		for i := 0; i < len(files); i += 2 {
			sources = append(sources, mustParse(t, files[i], files[i+1]))
		}
		return checkDocs(sources)
	}
	assert.Empty(t, docs("a/x.go", "package a", "a/doc.go", "// Package a is.\npackage a"))
	assert.Empty(t, docs("x_test.go", "// Package x_test is.\npackage x_test"))
	expectOne(t, "one of two",
		docs("a/x.go", "package a", "b/x.go", "// Package b.\npackage b"), "package a")
	expectOne(t, "detached", docs("a/x.go", "// Package a is.\n\npackage a"), "package a")
	expectOne(t, "only tests have it",
		docs("a/x_test.go", "// Package a is.\npackage a", "a/x.go", "package a"), "package a")
}

func TestModuleSources_LeaveOutWhatIsNotTheModule(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"go.mod", "a.go", "in/b.go", "in/data.txt",
		"nested/go.mod", "nested/c.go", "testdata/d.go", ".git/e.go", "_old/f.go",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte("package p\n"), 0o644))
	}
	var got []string
	for _, s := range moduleSources(t, root) {
		got = append(got, s.path)
	}
	assert.Equal(t, []string{"a.go", "in/b.go"}, got)
}

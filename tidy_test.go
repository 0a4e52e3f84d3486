// Package notifylab_test holds the house rules of the module as tests: which package may import
// which, where real time and randomness may be used, and how a file must look. A rule is a function
// over one parsed file, so every rule is tested here with sources that break it.
package notifylab_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/notifylab/notifylab"

// place is where a package stands in the house.
type place struct {
	floor      int      // a package may import packages of lower floors,
	beside     []string // and these of its own floor
	thirdParty bool     // whether code from outside the module and the standard library may enter
}

// floors is the table of the house: every package has its line, by its directory.
var floors = map[string]place{
	".":                    {floor: 5}, // these tests only
	"cmd/simulate":         {floor: 5, thirdParty: true},
	"bench":                {floor: 5, thirdParty: true},
	"sim/capacity":         {floor: 4},
	"sim/report":           {floor: 4, thirdParty: true},
	"bench/gate":           {floor: 4, thirdParty: true},
	"sim":                  {floor: 3, thirdParty: true},
	"notify/stream":        {floor: 2},
	"notify/stream/ws":     {floor: 2, beside: []string{"notify/stream"}, thirdParty: true},
	"notify/stream/grpc":   {floor: 2, beside: []string{"notify/stream"}, thirdParty: true},
	"notify/registry/rest": {floor: 2, thirdParty: true},
	"notify/watch":         {floor: 1},
	"notify/registry":      {floor: 1},
	"notify/alarm":         {floor: 1},
	"notify":               {floor: 0, beside: []string{"notify/clock", "notify/queue"}},
	"notify/clock":         {floor: 0},
	"notify/queue":         {floor: 0},
	"sim/queueing":         {floor: 0},
}

// testDeps may be imported by every test.
var testDeps = []string{
	"github.com/stretchr/testify",
	"pgregory.net/rapid",
	"go.uber.org/goleak",
	"github.com/rogpeppe/go-internal/testscript",
}

const columnsMax = 100 // of a line of Go
const tabColumns = 4

// source is one Go file: its path inside the module, with slashes, and what stands in it.
type source struct {
	path string
	text string
	fset *token.FileSet
	file *ast.File
}

func parse(path, text string) (source, error) {
	fset := token.NewFileSet()
	mode := parser.ParseComments | parser.SkipObjectResolution
	file, err := parser.ParseFile(fset, path, text, mode)
	return source{path, text, fset, file}, err
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// at words a violation at a position of the file.
func (s source) at(pos token.Pos, format string, args ...any) string {
	line := s.fset.Position(pos).Line
	return fmt.Sprintf("%s:%d: %s", s.path, line, fmt.Sprintf(format, args...))
}

// rules are applied to every file of the module. What a rule returns is the violations it found.
var rules = map[string]func(source) []string{
	"imports":       checkImports,
	"time":          checkTime,
	"rand":          checkRand,
	"leftovers":     checkLeftovers,
	"unimplemented": checkUnimplemented,
	"columns":       checkColumns,
}

func TestModule_KeepsTheHouseRules(t *testing.T) {
	sources := moduleSources(t, ".")
	require.NotEmpty(t, sources)
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, s := range sources {
				for _, violation := range rule(s) {
					t.Error(violation)
				}
			}
		})
	}
	t.Run("docs", func(t *testing.T) {
		for _, violation := range checkDocs(sources) {
			t.Error(violation)
		}
	})
}

// moduleSources parses the Go files of the module below root, nested modules left out.
func moduleSources(t *testing.T, root string) []source {
	t.Helper()
	var sources []source
	walk := func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && skipDir(name):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		sources = append(sources, s)
		return err
	}
	require.NoError(t, filepath.WalkDir(root, walk))
	return sources
}

// skipDir reports whether a directory is outside the module: what the go command ignores, and
// what has a go.mod of its own.
func skipDir(name string) bool {
	base := filepath.Base(name)
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}

// checkImports holds a file to the floor of its package.
func checkImports(s source) []string {
	dir := s.dir()
	here, ok := floors[dir]
	if !ok {
		return []string{s.at(s.file.Package,
			"package %s has no floor: give it one in the table of tidy_test.go", dir)}
	}
	var found []string
	for _, spec := range s.file.Imports {
		name := importPath(spec)
		if why := refuse(name, dir, here, s.isTest()); why != "" {
			found = append(found, s.at(spec.Pos(), "%s (floor %d) imports %s: %s",
				dir, here.floor, name, why))
		}
	}
	return found
}

// refuse says why a package must not import another, or "" if it may.
func refuse(name, dir string, here place, isTest bool) string {
	target, inModule := strings.CutPrefix(name, module+"/")
	if name == module {
		target, inModule = ".", true
	}
	if !inModule {
		first, _, _ := strings.Cut(name, "/")
		isDep := func(dep string) bool { return name == dep || strings.HasPrefix(name, dep+"/") }
		switch {
		case !strings.Contains(first, "."), here.thirdParty:
			return ""
		case isTest && slices.ContainsFunc(testDeps, isDep):
			return ""
		}
		return "third-party code may not enter here"
	}
	there, ok := floors[target]
	switch {
	case !ok:
		return "it has no floor: give it one in the table of tidy_test.go"
	case there.floor < here.floor, slices.Contains(here.beside, target):
		return ""
	case isTest && (there.floor == here.floor || target == dir):
		return ""
	case there.floor == here.floor:
		return "it is on the same floor"
	}
	return fmt.Sprintf("it is on floor %d, above", there.floor)
}

var realTime = []string{
	"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Since", "Until",
}

// checkTime finds real time outside the clock, the wall driver, the transports and the tests.
func checkTime(s source) []string {
	dir := s.dir()
	switch {
	case s.isTest(), dir == "notify/clock", dir == "notify/stream/ws", dir == "notify/stream/grpc":
		return nil
	case dir == "sim" && strings.HasPrefix(path.Base(s.path), "wall"):
		return nil
	}
	return s.uses("time", func(name string) string {
		if slices.Contains(realTime, name) {
			return "time comes from a clock or as an argument here"
		}
		return ""
	})
}

var seededRand = []string{
	"New", "NewPCG", "NewZipf", "NewChaCha8", // and the types
	"Rand", "Source", "PCG", "Zipf", "ChaCha8",
}

// checkRand finds randomness that no seed decides.
func checkRand(s source) []string {
	found := s.uses("math/rand/v2", func(name string) string {
		if slices.Contains(seededRand, name) {
			return ""
		}
		return "the global generator has no seed; make one with rand.New"
	})
	for _, spec := range s.file.Imports {
		if importPath(spec) == "math/rand" {
			found = append(found, s.at(spec.Pos(), "math/rand is imported; use math/rand/v2"))
		}
	}
	return found
}

// uses finds what a file takes from a standard package, under whatever name it imported it, and
// returns the violations that judge words. A dot import would hide them, so it is one itself. A
// local variable that has the package's name counts as the package: don't name one so.
func (s source) uses(pkg string, judge func(name string) string) []string {
	var found []string
	for _, spec := range s.file.Imports {
		if importPath(spec) != pkg {
			continue
		}
		local := path.Base(strings.TrimSuffix(pkg, "/v2"))
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			found = append(found, s.at(spec.Pos(), "dot import of %s", pkg))
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				if why := judge(sel.Sel.Name); why != "" {
					found = append(found, s.at(sel.Pos(), "%s.%s: %s", pkg, sel.Sel.Name, why))
				}
			}
			return true
		})
	}
	return found
}

func importPath(spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return name
}

var leftover = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

// checkLeftovers finds comments that put work off. Such work belongs in an issue.
func checkLeftovers(s source) []string {
	var found []string
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			for _, at := range leftover.FindAllStringIndex(c.Text, -1) {
				pos := c.Pos() + token.Pos(at[0])
				found = append(found, s.at(pos, "%s in a comment", c.Text[at[0]:at[1]]))
			}
		}
	}
	return found
}

var stub = regexp.MustCompile(`(?i)\b(unimplemented|not( yet)? implemented)\b`)

// checkUnimplemented finds panics that stand for code not written yet.
func checkUnimplemented(s source) []string {
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if fun, ok := call.Fun.(*ast.Ident); !ok || fun.Name != "panic" {
			return true
		}
		ast.Inspect(call, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && stub.MatchString(lit.Value) {
				found = append(found, s.at(call.Pos(), "panic(%s)", lit.Value))
			}
			return true
		})
		return true
	})
	return found
}

// checkColumns finds lines that are too long. Generated files, lines with a URL, and lines inside
// a raw string that spans several (data, not code) may be.
func checkColumns(s source) []string {
	if ast.IsGenerated(s.file) {
		return nil
	}
	raw := map[int]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			first, last := s.fset.Position(lit.Pos()).Line, s.fset.Position(lit.End()).Line
			for line := first; first < last && line <= last; line++ {
				raw[line] = true
			}
		}
		return true
	})
	var found []string
	for i, text := range strings.Split(s.text, "\n") {
		columns := utf8.RuneCountInString(text) + (tabColumns-1)*strings.Count(text, "\t")
		if columns > columnsMax && !raw[i+1] && !strings.Contains(text, "://") {
			found = append(found, fmt.Sprintf("%s:%d: %d columns; at most %d, a tab counts as %d",
				s.path, i+1, columns, columnsMax, tabColumns))
		}
	}
	return found
}

// checkDocs finds packages without a package doc, over all files at once. A test file's doc counts
// only where a package has nothing but tests.
func checkDocs(sources []source) []string {
	documented, onlyTests := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		if _, seen := onlyTests[s.dir()]; !seen {
			onlyTests[s.dir()] = true
		}
		onlyTests[s.dir()] = onlyTests[s.dir()] && s.isTest()
	}
	for _, s := range sources {
		counts := !s.isTest() || onlyTests[s.dir()]
		if counts && strings.TrimSpace(s.file.Doc.Text()) != "" {
			documented[s.dir()] = true
		}
	}
	var found []string
	for dir := range onlyTests {
		if !documented[dir] {
			found = append(found, fmt.Sprintf("package %s has no package doc", dir))
		}
	}
	slices.Sort(found)
	return found
}

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
		{"sim/capacity/c.go", "gonum.org/v1/plot", "third-party"},
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

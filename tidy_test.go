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
	"strings"
	"testing"

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
	".":                      {floor: 5}, // these tests only
	"cmd/simulate":           {floor: 5, thirdParty: true},
	"bench":                  {floor: 5, thirdParty: true},
	"bench/plot":             {floor: 5, thirdParty: true},
	"bench/internal/floor":   {floor: 4},
	"sim/capacity":           {floor: 4, thirdParty: true},
	"sim/compare":            {floor: 4, beside: []string{"sim/report"}, thirdParty: true},
	"sim/live":               {floor: 4, beside: []string{"sim/report"}, thirdParty: true},
	"sim/record":             {floor: 4, thirdParty: true},
	"sim/report":             {floor: 4, thirdParty: true},
	"sim/server":             {floor: 4, thirdParty: true},
	"bench/gate":             {floor: 4, thirdParty: true},
	"sim":                    {floor: 3, thirdParty: true},
	"sim/trace":              {floor: 2},
	"bench/internal/measure": {floor: 3},
	"notify/stream":          {floor: 2},
	"notify/stream/ws":       {floor: 2, beside: []string{"notify/stream"}, thirdParty: true},
	"notify/stream/grpc":     {floor: 2, beside: []string{"notify/stream"}, thirdParty: true},
	"notify/registry/rest": {floor: 2,
		beside: []string{"notify/stream", "notify/stream/ws"}, thirdParty: true},
	"notify/watch":    {floor: 1},
	"notify/registry": {floor: 1},
	"notify/alarm":    {floor: 1},
	"notify":          {floor: 0, beside: []string{"notify/clock", "notify/queue"}},
	"notify/clock":    {floor: 0},
	"notify/queue":    {floor: 0},
	"sim/queueing":    {floor: 0},
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

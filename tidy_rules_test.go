package notifylab_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The house rules, each a function over one file.

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

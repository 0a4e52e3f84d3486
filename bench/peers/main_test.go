package peers_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
)

// TestMain begins a run's output with when it was and which versions it is about, in the benchmark
// format. A test binary's build information doesn't have the versions; go.mod has them.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		header, err := header()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(header)
	}
	os.Exit(m.Run())
}

func header() (string, error) {
	versions, err := versions()
	if err != nil {
		return "", err
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "date: %s\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&sb, "go: %s\n", runtime.Version())
	sb.WriteString("note-chan: chan: bare channels of 1024 events, a goroutine behind each\n")
	sb.WriteString("note-ring: ring: the floor, a pointer and a counter, nobody is woken\n")
	var noUnicast []string
	for _, p := range peers() {
		if p.noUnicast {
			noUnicast = append(noUnicast, p.name)
		}
		// A key of the format is in lower case, so the name is part of the value.
		fmt.Fprintf(&sb, "note-%s: %s: %s\n", strings.ToLower(p.name), p.name, p.note)
		switch version, ok := versions[p.module]; {
		case p.module == "":
		case !ok:
			return "", fmt.Errorf("go.mod doesn't have %s, the module of %s", p.module, p.name)
		default:
			fmt.Fprintf(&sb, "version-%s: %s %s\n", strings.ToLower(p.name), p.name, version)
		}
	}
	fmt.Fprintf(&sb, "no-unicast: %s\n", strings.Join(noUnicast, " "))
	return sb.String(), nil
}

// versions are those of go.mod, by module.
func versions() (map[string]string, error) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, r := range f.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	return versions, nil
}

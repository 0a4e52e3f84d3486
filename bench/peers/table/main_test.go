package main

import (
	"os"
	"strings"
	"testing"
)

func TestRun_PrintsTheMediansOfAllRuns(t *testing.T) {
	input, err := os.Open("testdata/runs.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	want, err := os.ReadFile("testdata/table.md")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := run(nil, input, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("run = %d, stderr %q", code, stderr.String())
	}
	if got := stdout.String(); got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestRun_Refuses(t *testing.T) {
	for name, tt := range map[string]struct {
		args   []string
		stdin  string
		code   int
		stderr string
	}{
		"arguments":   {[]string{"x"}, "", 2, "usage: "},
		"no input":    {nil, "", 1, "no benchmark of a peer"},
		"others only": {nil, "BenchmarkX-2 1 5 ns/op\n", 1, "no benchmark of a peer"},
		"half a line": {nil, "BenchmarkPeer/peer=x/mode=burst-2 1 5\n", 1, "table: "},
	} {
		var stdout, stderr strings.Builder
		code := run(tt.args, strings.NewReader(tt.stdin), &stdout, &stderr)
		if code != tt.code || !strings.Contains(stderr.String(), tt.stderr) || stdout.Len() > 0 {
			t.Errorf("%s: run = %d, stdout %q, stderr %q; want %d, %q",
				name, code, stdout.String(), stderr.String(), tt.code, tt.stderr)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		ns   float64
		want string
	}{
		{0.523, "0.52 ns"}, {4, "4 ns"}, {9.96, "10 ns"}, {99.6, "100 ns"}, {1234, "1 234 ns"},
		{12345, "12 µs"}, {123456, "123 µs"}, {1.25e6, "1.2 ms"}, {2e9, "2 s"},
	} {
		if got := nanoseconds(tt.ns); got != tt.want {
			t.Errorf("nanoseconds(%v) = %q, want %q", tt.ns, got, tt.want)
		}
	}
	if got := bytes(1234567); got != "1 234 567 B" {
		t.Errorf("bytes(1234567) = %q", got)
	}
}

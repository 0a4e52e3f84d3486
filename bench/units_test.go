package bench_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// units are the figures of which benchstat can't know the direction, with it. What a program counts
// is the same every time.
var units = []string{
	"Unit ns/delivery better=lower",
	"Unit cpu-ns/delivery better=lower",
	"Unit ns/event better=lower",
	"Unit events/s better=higher",
	"Unit p50-ns better=lower",
	"Unit p99-ns better=lower",
	"Unit max-ns better=lower",
	"Unit B/sub better=lower",
	"Unit units/delivery better=lower assume=exact",
	"Unit goroutines better=lower assume=exact",
}

// TestMain prints the units before the benchmarks, as the benchmark format wants them.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		for _, u := range units {
			fmt.Println(u)
		}
	}
	os.Exit(m.Run())
}

package main_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun_PrintsGrowth(t *testing.T) {
	got := plot(t, read(t)).stdout
	for _, want := range []string{
		"burst, GOMAXPROCS 1; growth exponent of ns/op against deliveries: 1.06\n" +
			"    subs  ns/delivery  step  floor ns/delivery  its step  ratio\n" +
			"     100            6     –                  2         –   3.00\n" +
			"    1000            4  0.67                  2      1.00   2.00\n" +
			"   10000          4.4  1.10                  4      2.00   1.10\n" +
			"  100000            9  2.05                  5      1.25   1.80  memory\n",
		"lockstep, GOMAXPROCS 2; growth exponent of ns/op against shards: 0.29\n" +
			"  shards  ns/delivery  step\n" +
			"       1            8     –\n" +
			"       2            9  1.12\n" +
			"       8         14.5  1.61  dearer\n",
		"idle, GOMAXPROCS 2; growth exponent of B in all against subs: 0.96\n",
		// 120 to 180 is the bound, and the bound is not beyond it.
		"     100          120  0.40                 10      1.00  12.00\n" +
			"   10000          180  1.50                 25      2.50   7.20\n",
		"Each figure is the median of 3 run(s).",
		"largest ratio of engine to floor: 30 at groups 1 (unicast, GOMAXPROCS 1)\n",
	} {
		assert.Contains(t, got, want)
	}
}

func TestRun_CountsStepsByTheirCause(t *testing.T) {
	assert.Contains(t, plot(t, read(t)).stdout,
		"verdict: 1 of 22 steps grow faster than linearly; "+
			"3 more grow only as the floor does: memory\n"+
			"  faster than linear: subs 10000 to 100000 (lockstep, GOMAXPROCS 1)\n"+
			"  memory: subs 10000 to 100000 (burst, GOMAXPROCS 1)\n"+
			"  memory: subs 10000 to 100000 (burst, GOMAXPROCS 2)\n"+
			"  memory: subs 10000 to 100000 (lockstep, GOMAXPROCS 2)\n"+
			"verdict: 2 of 8 steps are dearer though the deliveries are the same\n"+
			"  dearer: shards 2 to 8 (lockstep, GOMAXPROCS 1)\n"+
			"  dearer: shards 2 to 8 (lockstep, GOMAXPROCS 2)\n")
	calm := without(without(read(t), "subs=100000/"), "by=shards", "shards=8/")
	got := plot(t, calm)
	assert.Contains(t, got.stdout,
		"verdict: 0 of 16 steps grow faster than linearly; "+
			"0 more grow only as the floor does: memory\n"+
			"verdict: 0 of 4 steps are dearer though the deliveries are the same\n")
	assert.NotContains(t, got.svg, "step of more than")
}

// The last step of the engine is steep in every row. What the floor has to account for is the
// engine's growth since it was cheapest.
func TestRun_PutsAStepDownToWhatTheFloorDoes(t *testing.T) {
	const line = "BenchmarkGrowth/by=subs/subs=%d/mode=lockstep/engine=%s-2 1 %v ns/delivery\n"
	others := without(read(t), "by=subs", "mode=lockstep", "-2\t")
	type four [4]float64
	const faster, memory = "faster than linear", "memory"
	for name, tt := range map[string]struct {
		engine, floor four
		want          string // of the last step
	}{
		"the floor stays":      {four{40, 12, 9, 16}, four{5, 5, 5, 5}, faster},
		"the floor falls":      {four{40, 12, 9, 16}, four{9, 7, 5, 3}, faster},
		"the floor grows more": {four{40, 12, 9, 16}, four{5, 5, 5, 20}, memory},
		// 8 to 12 is 1.5; what that leaves open is the bound at 15, and more at 15.1.
		"at the bound":     {four{40, 12, 8, 15}, four{5, 5, 8, 12}, memory},
		"beyond the bound": {four{40, 12, 8, 15.1}, four{5, 5, 8, 12}, faster},
		// The rings leave the cache a step earlier than the members do.
		"the floor grew before": {four{10, 8, 9, 16}, four{5, 5, 12, 12}, memory},
		// That was before the cheapest point, so it accounts for nothing after it.
		"the floor grew long before": {four{40, 12, 9, 16}, four{5, 12, 12, 12}, faster},
	} {
		t.Run(name, func(t *testing.T) {
			text := others
			for i, subs := range []int{100, 1_000, 10_000, 100_000} {
				text += fmt.Sprintf(line, subs, "notify", tt.engine[i])
				text += fmt.Sprintf(line, subs, "ring", tt.floor[i])
			}
			got := plot(t, text)
			require.Equal(t, 0, got.code, got.stderr)
			assert.Contains(t, got.stdout,
				"  "+tt.want+": subs 10000 to 100000 (lockstep, GOMAXPROCS 2)\n")
		})
	}
}

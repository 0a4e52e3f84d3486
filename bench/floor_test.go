package bench_test

import (
	"fmt"
	"testing"

	"github.com/notifylab/notifylab/bench/internal/floor"
	"github.com/notifylab/notifylab/bench/internal/measure"
)

// BenchmarkFloor measures what package floor describes.
func BenchmarkFloor(b *testing.B) {
	const many = 10000
	name := func(kind, key string, n int, mode measure.Mode) string {
		return fmt.Sprintf("kind=%s/%s=%d/mode=%s", kind, key, n, mode)
	}
	// Idle first: memory is cleanest before other floors have run.
	b.Run(name("ring", "subs", many, "idle"), func(b *testing.B) { floor.RingIdle(b, many) })
	b.Run(name("chan", "subs", many, "idle"), func(b *testing.B) { floor.ChanIdle(b, many) })
	for _, n := range subsCounts {
		for _, mode := range fanoutModes {
			b.Run(name("ring", "subs", n, mode), func(b *testing.B) {
				floor.RingFanout(b, n, mode)
			})
			b.Run(name("chan", "subs", n, mode), func(b *testing.B) {
				floor.ChanFanout(b, n, mode)
			})
		}
	}
	b.Run(name("ring", "groups", many, "unicast"), func(b *testing.B) {
		floor.RingUnicast(b, many)
	})
	b.Run(name("chan", "groups", many, "unicast"), func(b *testing.B) {
		floor.ChanUnicast(b, many)
	})
}

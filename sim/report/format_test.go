package report_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim/report"
)

func TestCount(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 1: "1", 999: "999", 1000: "1000", 9_999: "9999",
		10_000: "10.0k", 10_049: "10.0k", 10_051: "10.1k", 99_949: "99.9k", 99_951: "100k",
		123_456: "123k", 999_499: "999k", 999_500: "1.00M", 1_000_000: "1.00M",
		1_234_567: "1.23M", 9_994_000: "9.99M", 9_996_000: "10.0M", 999_499_999: "999M",
		999_500_000: "1.00G", 12_345_678_901: "12.3G", 999_500_000_000: "1.00T",
		5_000_000_000_000_000: "5000T",
	} {
		assert.Equal(t, want, report.Count(n), "Count(%d)", n)
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0", 1: "1ns", 999: "999ns",
		1000: "1.00µs", 1234: "1.23µs", 9_994: "9.99µs", 9_996: "10.0µs", 99_951: "100µs",
		999_499: "999µs", 999_500: "1.00ms", 1_234_567: "1.23ms", 12_345_678: "12.3ms",
		999_499_999: "999ms", 999_500_000: "1.00s", 1_000_000_000: "1.00s",
		12_340_000_000: "12.3s", 119_400_000_000: "119s",
		120_000_000_000: "2m0s", 125_600_000_000: "2m6s", 3_600_000_000_000: "1h0m0s",
	} {
		assert.Equal(t, want, report.Duration(ns), "Duration(%d)", ns)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1: "1B", 999: "999B", 1000: "0.98KiB", 1024: "1.00KiB", 1536: "1.50KiB",
		102_400: "100KiB", 1_023_487: "999KiB", 1_023_488: "0.98MiB",
		1 << 20: "1.00MiB", 123 << 20: "123MiB", 1 << 30: "1.00GiB", 1 << 40: "1.00TiB",
		1 << 52: "4096TiB",
	} {
		assert.Equal(t, want, report.Bytes(n), "Bytes(%d)", n)
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		part, whole uint64
		want        string
	}{
		{0, 0, "0"}, {0, 5, "0"}, {5, 0, "0"},
		{1, 1_000_000, "<0.1%"}, {4, 10_000, "<0.1%"}, {5, 10_000, "0.1%"},
		{1, 1000, "0.1%"}, {1, 3, "33.3%"}, {2, 3, "66.7%"},
		{999, 1000, "99.9%"}, {1, 1, "100.0%"}, {math.MaxUint64, math.MaxUint64, "100.0%"},
	} {
		assert.Equal(t, c.want, report.Share(c.part, c.whole), "Share(%d, %d)", c.part, c.whole)
	}
}

// Whatever is shown is three digits and a unit, so that columns stay narrow.
func TestFiguresAreShort(t *testing.T) {
	for v := int64(1); v < 1e17; v = v*11/10 + 1 {
		for _, s := range []string{report.Count(uint64(v)), report.Bytes(v)} {
			assert.LessOrEqual(t, len(s), 8, "%d: %s", v, s)
		}
		s := report.Duration(v)
		assert.LessOrEqual(t, len(strings.ReplaceAll(s, "µ", "u")), 12, "%d: %s", v, s)
	}
}

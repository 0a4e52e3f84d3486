package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Count shows n with three significant digits: 1234567 is 1.23M.
func Count(n uint64) string {
	const units = " kMGT"
	if n < 10_000 {
		return strconv.FormatUint(n, 10)
	}
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	return digits(v) + units[u:u+1]
}

// Duration shows ns with three significant digits and one unit: 1234567 is 1.23ms.
func Duration(ns int64) string {
	switch v := float64(ns); {
	case ns == 0:
		return "0"
	case v < 999.5:
		return strconv.FormatInt(ns, 10) + "ns"
	case v < 999.5e3:
		return digits(v/1e3) + "µs"
	case v < 999.5e6:
		return digits(v/1e6) + "ms"
	case v < 120e9:
		return digits(v/1e9) + "s"
	}
	return time.Duration(ns).Round(time.Second).String()
}

// Bytes shows n in binary units: 1048576 is 1.00MiB.
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	if u == 0 {
		return strconv.FormatInt(n, 10) + "B"
	}
	return digits(v) + units[u]
}

// Share shows part of whole in per cent; "0" only when there is none of it.
func Share(part, whole uint64) string {
	switch {
	case part == 0 || whole == 0:
		return "0"
	case float64(part) < 0.0005*float64(whole):
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

func digits(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func words(path string) string {
	return strings.ReplaceAll(path, "_", " ")
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

// LoadUnit is what a load is counted in, after what was sought.
func LoadUnit(find string) string {
	switch find {
	case "rate":
		return "changes per second"
	case "providers":
		return "providers"
	}
	return find
}

// LoadText shows a load: from a thousand on whole, with its thousands apart.
func LoadText(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString("\u00a0")
		}
		b.WriteRune(c)
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// sentence ends a text with a full stop and begins it with a capital.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	return strings.TrimRight(capital(s), ".") + "."
}

// healedWhen says it in a sentence about a run that has healed.
func healedWhen(ns int64) string {
	if ns == 0 {
		return "when the load ended"
	}
	return Duration(ns) + " after the load"
}

func healed(ns int64) string {
	if ns < 0 {
		return "never"
	}
	return Duration(ns)
}

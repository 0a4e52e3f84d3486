package sim

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// SLOUnit is the unit of a figure.
type SLOUnit string

// The units.
const (
	TimeUnit  SLOUnit = "time"  // ns
	ShareUnit SLOUnit = "share" // 0 to 1
	SizeUnit  SLOUnit = "size"  // bytes
)

// The largest limits. A histogram of times ends where the first does.
const (
	timeLimitMax = float64(latencyMax)
	sizeLimitMax = 1 << 50
)

// limits reports whether a figure can have the limit.
func (u SLOUnit) limits(v float64) bool {
	return v > 0 && v <= map[SLOUnit]float64{
		TimeUnit: timeLimitMax, ShareUnit: 1, SizeUnit: sizeLimitMax}[u]
}

func (u SLOUnit) want() string {
	return map[SLOUnit]string{
		TimeUnit:  "a duration above 0, up to 1h, such as 500ms",
		ShareUnit: "a share above 0, up to 1, such as 0.1% or 0.001",
		SizeUnit:  "a size above 0, up to 1PiB, such as 500MB or 2GiB",
	}[u]
}

func (u SLOUnit) parse(text string) (v float64, ok bool) {
	switch u {
	case TimeUnit:
		var d span
		ok = d.set(text)
		return float64(d), ok
	case ShareUnit:
		var f fraction
		ok = f.set(text)
		return float64(f), ok
	}
	return parseSize(text)
}

// exact is what parse reads back as the same.
func (u SLOUnit) exact(v float64) string {
	switch u {
	case TimeUnit:
		return shortDuration(time.Duration(v))
	case ShareUnit:
		return (*fraction)(&v).String()
	}
	return exactSize(v)
}

// rounded is v with three digits.
func (u SLOUnit) rounded(v float64) string {
	digits := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	switch u {
	case TimeUnit:
		unit := math.Pow(10, math.Floor(math.Log10(max(v, 1)))-2)
		return shortDuration(time.Duration(math.Round(math.Round(v/unit) * unit)))
	case ShareUnit:
		return digits(100*v) + "%"
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1024
	}
	return digits(v) + units[i]
}

// shortDuration is d without the zeros at its end: 1m30s, but 5m.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// sizeUnits are the suffixes of a size, each after those that end with it.
var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1},
}

func parseSize(text string) (float64, bool) {
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			v, ok := parseFinite(strings.TrimSpace(number))
			return v * u.bytes, ok
		}
	}
	return 0, false
}

// exactSize prefers the unit with the shortest text.
func exactSize(v float64) string {
	shortest := strconv.FormatFloat(v, 'f', -1, 64) + "B"
	for _, u := range sizeUnits {
		text := strconv.FormatFloat(v/u.bytes, 'f', -1, 64) + u.name
		if back, _ := parseSize(text); v >= u.bytes && back == v && len(text) < len(shortest) {
			shortest = text
		}
	}
	return shortest
}

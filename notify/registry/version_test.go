package registry_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
)

func TestVersionsCompareByNumberAndMissingPartsAreZero(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "1.0.0.0", 0},
		{"1.0", "1.0.0", 0},
		{"1.9", "1.10", -1},
		{"2", "1.32767.32767.32767", +1},
		{"0.0.1", "0.0.0.32767", +1},
		{"01.2", "1.2", 0},
		{"0", "0.0", 0},
	} {
		a, err := registry.ParseVersion(c.a)
		require.NoError(t, err, c.a)
		b, err := registry.ParseVersion(c.b)
		require.NoError(t, err, c.b)
		got := 0
		switch {
		case a < b:
			got = -1
		case a > b:
			got = +1
		}
		assert.Equal(t, c.want, got, "compare(%q, %q)", c.a, c.b)
	}
}

func TestParseVersionRefusesWhatIsNoVersion(t *testing.T) {
	for _, s := range []string{"", ".", "1.", ".1", "1..2", "1.0-beta", "v1", "1.2.3.4.5", "32768",
		"99999999999999999999", "+1", "-1", "1 ", "latest", "1.0+", "١"} {
		_, err := registry.ParseVersion(s)
		require.ErrorIs(t, err, registry.ErrInvalid, "ParseVersion(%q)", s)
		assert.ErrorContains(t, err, "Version "+strconv.Quote(s), "names field and value")
		assert.ErrorContains(t, err, "such as 1.0.0", "names the accepted form")
	}
}

func TestRuleMatch(t *testing.T) {
	for _, c := range []struct {
		rule, version, latest string
		want                  bool
	}{
		{"1.0.0", "1.0.0", "2.0.0", true},
		{"1.0", "1.0.0", "2.0.0", true},
		{"1.0.0", "1.0.1", "2.0.0", false},
		{"0+", "0.0.0", "9", true},
		{"1.0+", "0.9.9", "9", false},
		{"1.0+", "1.0", "9", true},
		{"1.0+", "9", "9", true},
		{"1.0-2.0", "0.9", "9", false},
		{"1.0-2.0", "1.0", "9", true}, // start included
		{"1.0-2.0", "1.99", "9", true},
		{"1.0-2.0", "2.0", "9", false}, // end excluded
		{"latest", "1.0", "2.0", false},
		{"latest", "2.0.0", "2.0", true},
	} {
		rule, err := registry.ParseRule(c.rule)
		require.NoError(t, err)
		version, err := registry.ParseVersion(c.version)
		require.NoError(t, err)
		latest, err := registry.ParseVersion(c.latest)
		require.NoError(t, err)
		assert.Equal(t, c.want, rule.Match(version, latest),
			"Rule(%q).Match(%q, latest %q)", c.rule, c.version, c.latest)
		assert.Equal(t, c.rule, rule.String())
	}
}

func TestParseRuleRefusesWhatIsNoRule(t *testing.T) {
	for _, s := range []string{"", "+", "-", "1.0-", "-1.0", "1.0++", "1.0+-2.0", "1.0-2.0+",
		"1.0-2.0-3.0", "2.0-1.0", "1.0-1.0.0", "Latest", "*", "1.x+", "1.0 - 2.0"} {
		_, err := registry.ParseRule(s)
		require.ErrorIs(t, err, registry.ErrInvalid, "ParseRule(%q)", s)
		assert.ErrorContains(t, err, "1.0-2.0", "names the accepted form")
	}
}

// A version is a list of numbers; the packed one must order as the list does.
func TestVersionOrderIsThatOfTheParts(t *testing.T) {
	parts := rapid.SliceOfN(rapid.IntRange(0, 32767), 1, 4)
	write := func(ps []int) string {
		text := make([]string, len(ps))
		for i, p := range ps {
			text[i] = strconv.Itoa(p)
		}
		return strings.Join(text, ".")
	}
	less := func(a, b []int) bool {
		for i := range 4 {
			var x, y int
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			if x != y {
				return x < y
			}
		}
		return false
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		va, err := registry.ParseVersion(write(a))
		require.NoError(t, err)
		vb, err := registry.ParseVersion(write(b))
		require.NoError(t, err)
		require.Equal(t, less(a, b), va < vb)
		again, err := registry.ParseVersion(va.String())
		require.NoError(t, err)
		require.Equal(t, va, again, "String is read back as the same version")
	})
}

// What is read is written so that it is read as the same, and a longer way to write it is no other.
func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"1.0.0", "1", "32767.0.1.2", "", ".", "1.", "32768", "01", "-1",
		"1.2.3.4.5", "1.0+", "latest", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := registry.ParseVersion(text)
		if err != nil {
			require.ErrorIs(t, err, registry.ErrInvalid)
			require.Zero(t, v)
			return
		}
		again, err := registry.ParseVersion(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)
		if strings.Count(text, ".") < 3 {
			longer, err := registry.ParseVersion(text + ".0")
			require.NoError(t, err)
			require.Equal(t, v, longer)
		}
		rule, err := registry.ParseRule(text)
		require.NoError(t, err, "every version is a rule")
		require.True(t, rule.Match(v, v))
		require.False(t, rule.Match(v+1, v+1))
	})
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"1.0.0", "1.0+", "1.0-2.0", "latest", "", "1.0-", "32768",
		"1.2.3.4.5"} {
		f.Add(s, "1.0")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		v, verr := registry.ParseVersion(version)
		if verr != nil {
			require.ErrorIs(t, verr, registry.ErrInvalid)
			v = 0
		}
		rule, err := registry.ParseRule(text)
		if err != nil {
			require.ErrorIs(t, err, registry.ErrInvalid)
			return
		}
		require.Equal(t, text, rule.String())
		bound, isFrom := strings.CutSuffix(text, "+")
		start, end, isRange := strings.Cut(text, "-")
		switch {
		case text == "latest":
			require.True(t, rule.Match(v, v))
			require.False(t, rule.Match(v, v+1))
		case isFrom:
			from, err := registry.ParseVersion(bound)
			require.NoError(t, err)
			require.Equal(t, v >= from, rule.Match(v, v))
		case isRange:
			from, err := registry.ParseVersion(start)
			require.NoError(t, err)
			to, err := registry.ParseVersion(end)
			require.NoError(t, err)
			require.Equal(t, from <= v && v < to, rule.Match(v, v))
		default:
			exact, err := registry.ParseVersion(text)
			require.NoError(t, err)
			require.Equal(t, v == exact, rule.Match(v, v))
		}
	})
}

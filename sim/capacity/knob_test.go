package capacity_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

func knob(path string, values ...string) sim.Knob { return sim.Knob{Path: path, Values: values} }

func TestParseKnob_ExpandsListsAndRanges(t *testing.T) {
	for text, want := range map[string]sim.Knob{
		"policy=conflate, flush":     knob("policy", "conflate", "flush"),
		"queue_size=100..1000*2":     knob("queue_size", "100", "200", "400", "800"),
		"queue_size=100..800*2":      knob("queue_size", "100", "200", "400", "800"),
		"shards=1..8*1.5":            knob("shards", "1", "2", "3", "5", "8"),
		"consumers=10..50+20":        knob("consumers", "10", "30", "50"),
		"rate=1.5..2.5+0.5":          knob("rate", "1.5", "2", "2.5"),
		"link_delay=10ms..1s*10":     knob("link_delay", "10ms", "100ms", "1s"),
		"handling=0..2ms+1ms":        knob("handling", "0s", "1ms", "2ms"),
		"slow=1%..3%+1%":             knob("slow", "1%", "2%", "3%"),
		"slow=0.1..0.3+0.1":          knob("slow", "0.1", "0.2", "0.3"),
		"rate=5,100..400*2,1000":     knob("rate", "5", "100", "200", "400", "1000"),
		"consumers=1..1000*10,20000": knob("consumers", "1", "10", "100", "1000", "20000"),
	} {
		got, err := capacity.ParseKnob(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestParseKnob_SaysWhatItTakes(t *testing.T) {
	for text, want := range map[string]string{
		"queue_size":              `"queue_size": want path=values, such as queue_size=100,1000`,
		"colour=1":                `field "colour": want one of engine, queue_size`,
		"seed=1,2":                `field "seed": want one of`,
		"rate=":                   "rate: an empty value: want values separated by commas",
		"rate=1,,2":               "rate: an empty value",
		"rate=1,1":                "rate: 1 is there twice: want each value once",
		"rate=1..5":               `range "1..5": want a range with its step, such as 100..10000*2`,
		"rate=1..x*2":             `range "1..x*2": want numbers`,
		"rate=5..1*2":             "want an end that is not below the begin",
		"rate=0..5*2":             "which is above 0, and a factor above 1",
		"rate=1..5*1":             "a factor above 1",
		"rate=1..5+0":             "a step above 0",
		"rate=1..5+1ms":           "want both ends and the step in one unit",
		"handling=1ms..5*2":       "want ends of one unit and a factor without any",
		"handling=1ms..5ms*2ms":   "a factor without any",
		"consumers=1..1000000+1":  "want at most 1000 values",
		"consumers=1..9*1.000001": "want at most 1000 values",
	} {
		_, err := capacity.ParseKnob(text)
		require.ErrorIs(t, err, capacity.ErrKnob, text)
		assert.ErrorContains(t, err, want, text)
	}
}

// A range never passes its end, and begins with its begin.
func TestParseKnob_StaysInTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.IntRange(1, 1000).Draw(t, "first")
		last := first + rapid.IntRange(0, 100_000).Draw(t, "span")
		factor := rapid.Float64Range(1.1, 10).Draw(t, "factor")
		k, err := capacity.ParseKnob(sprintf("queue_size=%d..%d*%g", first, last, factor))
		require.NoError(t, err)
		require.Equal(t, sprintf("%d", first), k.Values[0])
		before := 0
		for _, v := range k.Values {
			n := atoi(t, v)
			require.Greater(t, n, before)
			require.LessOrEqual(t, n, last+1) // rounded
			before = n
		}
	})
}

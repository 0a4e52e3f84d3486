package sim_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

const goodCost = `{"machine": "m", "route_ns": 1.5, "deliver_ns": 2, "queue_ns": 0, ` +
	`"wake_ns": 1e3, "encode_ns": 5, "write_ns": 6}`

func TestACostModelIsReadAsItWasWritten(t *testing.T) {
	want := sim.CostModel{
		Machine: "m", Route: 1.5, Deliver: 2, Queue: 0, Wake: 1000, Encode: 5, Write: 6,
	}
	got, err := sim.ReadCost(strings.NewReader(goodCost))
	require.NoError(t, err)
	assert.Equal(t, want, got)

	for _, c := range []sim.CostModel{want, sim.ZeroCost(), sim.DefaultCost()} {
		data, err := json.Marshal(c)
		require.NoError(t, err)
		got, err := sim.ReadCost(strings.NewReader(string(data)))
		require.NoError(t, err, "%s", data)
		assert.Equal(t, c, got)
	}
}

func TestTheDefaultCostSaysWhereItIsFrom(t *testing.T) {
	c := sim.DefaultCost()
	assert.NotEmpty(t, c.Machine)
	assert.Positive(t, c.Route)
	assert.Positive(t, c.Deliver)
	assert.NotEqual(t, c.Machine, sim.ZeroCost().Machine)
}

// Each case changes one thing about goodCost and wants the field that it is about named.
func TestACostModelThatCannotBeUsedIsRefusedWithItsFields(t *testing.T) {
	for _, x := range []struct{ name, old, new, want string }{
		{"missing", `"wake_ns": 1e3, `, ``, "wake_ns is missing"},
		{"no machine", `"machine": "m", `, ``, "machine is missing"},
		{"null", `"queue_ns": 0`, `"queue_ns": null`, "queue_ns is missing"},
		{"negative", `2`, `-2`, "deliver_ns = -2: want ns, 0 to 1e+09"},
		{"a little negative", `1.5`, `-1e-300`, "route_ns = -1e-300"},
		{"larger than time", `1e3`, `1e300`, "wake_ns = 1e+300"},
		{"larger than a number", `1e3`, `1e999`, "wake_ns"},
		{"text", `1.5`, `"1.5"`, "route_ns"},
		{"not a number", `1.5`, `NaN`, "want one JSON object"},
		{"infinite", `1.5`, `Infinity`, "want one JSON object"},
		{"unknown", `"write_ns"`, `"wirte_ns"`, "wirte_ns"},
		{"one more", `"machine"`, `"x": 1, "machine"`, `"x"`},
		{"another case", `"queue_ns"`, `"Queue_NS"`, "queue_ns is missing"},
	} {
		t.Run(x.name, func(t *testing.T) {
			text := strings.Replace(goodCost, x.old, x.new, 1)
			require.NotEqual(t, goodCost, text)
			_, err := sim.ReadCost(strings.NewReader(text))
			require.ErrorIs(t, err, sim.ErrCost)
			assert.ErrorContains(t, err, x.want)
		})
	}
}

func TestWhatIsNoCostModelIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", "null", "{}", "[]", "42", `"m"`, goodCost[:40], goodCost + goodCost,
		goodCost + "}", "[" + goodCost + "]", "route_ns: 1",
	} {
		_, err := sim.ReadCost(strings.NewReader(text))
		assert.ErrorIs(t, err, sim.ErrCost, "%q", text)
	}
	_, err := sim.ReadCost(iotest.ErrReader(errors.New("torn")))
	assert.ErrorContains(t, err, "torn")
}

func TestAllMistakesOfACostModelAreReported(t *testing.T) {
	_, err := sim.ReadCost(strings.NewReader(`{"machine": "m", "route_ns": -1, "wake_ns": -2}`))
	require.ErrorIs(t, err, sim.ErrCost)
	for _, field := range []string{
		"route_ns = -1", "deliver_ns is missing", "queue_ns is missing", "wake_ns = -2",
		"encode_ns is missing", "write_ns is missing",
	} {
		assert.ErrorContains(t, err, field)
	}
}

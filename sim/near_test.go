package sim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim"
)

func TestNearest_IsWhatATypingErrorMeant(t *testing.T) {
	names := []string{"small", "medium", "large", "slow_factor", "slow", "sc-1.x", "sc-2.x"}
	for got, want := range map[string]string{
		"smal": "small", "Small": "small", "mediun": "medium", "lagre": "large", "large": "",
		"slow-factor": "slow_factor", "slowfactor": "slow_factor", "slo": "slow",
		"": "", "x": "", "planet": "",
		"slwo": "slow", "slox": "slow", "sc-3.x": "", "sc-1x": "sc-1.x", // one of two isn't guessed
	} {
		assert.Equal(t, want, sim.Nearest(got, names), "%q", got)
	}
	assert.Equal(t, "one of a, bc", sim.OneOf("zz", []string{"a", "bc"}))
	assert.Equal(t, "one of abcd, bc; did you mean abcd?",
		sim.OneOf("abxd", []string{"abcd", "bc"}))
}

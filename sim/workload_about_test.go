package sim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim"
)

func TestEveryBuiltInWorkloadSaysWhatItIsFor(t *testing.T) {
	said := map[string]string{}
	for _, w := range sim.Workloads() {
		assert.NotEmpty(t, w.Purpose(), w.Name)
		assert.Empty(t, said[w.Purpose()], "%s says the same", w.Name)
		said[w.Purpose()] = w.Name
	}
	assert.Empty(t, sim.Workload{Name: "mine"}.Purpose())
}

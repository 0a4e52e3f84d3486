package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
)

// Instances come and go all the time, and consumers that are too slow miss changes of them. What a
// long run keeps of that is bounded, and every view is right in the end.
func TestALongRunForgetsWhatNobodyNeeds(t *testing.T) {
	s := quiet(20)
	s.Rate, s.Churn, s.Heal = 1000, 1, 10*time.Second
	s.Handling, s.Slow, s.SlowFactor = 500*time.Microsecond, 0.5, 10
	r := newRig(t, s, oneService(t, 50), preset(t, sim.Config{
		WatcherQueue: 2, Policy: "drop-newest",
	}))
	load := r.Load(0, 30*sec)
	for at := sec; at <= 30*sec; at += sec {
		r.RunTo(at)
		r.Trim()
		log := r.Log(0)
		require.Less(t, log.Entries(), 1000, "after %d s", at/sec)
		require.Less(t, log.Instances(), 2000, "after %d s", at/sec)
	}
	assert.Greater(t, load.Changes(), int64(29_000))
	r.Calm()
	r.RunTo(35 * sec)
	assert.Zero(t, r.Wrong())
	assert.Empty(t, r.Reasons())
}

// An instance that a view lacks keeps its number, though the log has forgotten it: the next one
// must not be taken for it.
func TestWhatAViewLacksIsNotForgotten(t *testing.T) {
	log := sim.NewLog()
	v := sim.NewView(log, 0, 0, 0)
	log.Add(1, 1, "lost", false)
	log.Add(2, 2, "got", false)
	v.Told(1, true)
	v.Apply(2, 10)
	log.Trim(v)
	assert.Zero(t, log.Entries())
	assert.Equal(t, 1, log.Instances())
	log.Add(3, 3, "new", false)
	v.Apply(3, 11)
	assert.Equal(t, []string{"lost"}, v.Missing())
	assert.False(t, v.Right())
	log.Add(4, 4, "lost", false)
	v.Apply(4, 12)
	assert.True(t, v.Right())
}

package sim_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// staged is a scenario in which nothing happens but its stages, at exact times.
func staged(consumers int, stages ...sim.Stage) sim.Scenario {
	s := quiet(consumers)
	s.Arrivals, s.Warmup, s.Stages = "constant", 0, stages
	for _, st := range stages {
		s.Duration = max(s.Duration, st.Length)
	}
	return s
}

// duesOf runs the generator alone, with the recorded time from 1 s on, and counts what is due in
// each of so many seconds.
func duesOf(t *testing.T, s sim.Scenario, seconds int) (perSecond []int) {
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	r.Load(sec, int64(seconds)*sec)
	r.RunTo(int64(seconds) * sec)
	perSecond = make([]int, seconds)
	log := r.Log(0)
	for i := range log.Len() {
		_, due, _, _ := log.Entry(i)
		perSecond[due/sec]++
	}
	return perSecond
}

// A ramp from a to b over n seconds brings a + (b-a)(k+½)/n changes in its second k. An arrival at
// a border counts in the second that it begins.
func TestStages_FollowOneAnotherAndAreExactWithConstantArrivals(t *testing.T) {
	s := staged(0,
		sim.Stage{Length: 2 * time.Second, From: 100, To: 100},
		sim.Stage{Length: 2 * time.Second, From: 100, To: 500},
		sim.Stage{Length: time.Second},
		sim.Stage{Length: 2 * time.Second, From: 400, To: 0},
	)
	s.Rate, s.Duration = 10, 8*time.Second
	got := duesOf(t, s, 10)
	for i, want := range []int{10, 100, 100, 200, 400, 0, 300, 100, 10, 10} {
		assert.InDelta(t, want, got[i], 1, "second %d: %v", i, got)
	}
}

func TestStages_OfPoissonArrivalsHaveTheirRateInTheMean(t *testing.T) {
	s := staged(0, sim.Stage{Length: 4 * time.Second, From: 1000, To: 9000})
	s.Arrivals = "poisson"
	got := duesOf(t, s, 5)
	for i, want := range []float64{2000, 4000, 6000, 8000} {
		assert.InDelta(t, want, got[i+1], 5*math.Sqrt(want), "second %d of the ramp", i)
	}
}

func TestStages_BatchesKeepTheRateOfAll(t *testing.T) {
	s := staged(0, sim.Stage{Length: 2 * time.Second, From: 200, To: 600})
	s.Batch = 20
	got := duesOf(t, s, 3)
	assert.InDelta(t, 300, got[1], 20)
	assert.InDelta(t, 500, got[2], 20)
}

func TestStages_ABurstIsDueAllAtOnce(t *testing.T) {
	s := staged(3, sim.Stage{Length: time.Second}, sim.Stage{Length: time.Second, Burst: 250})
	s.Duration = 4 * time.Second
	run := virtual(t, s, oneService(t, 20), notifylabAlone, sim.ZeroCost())
	assert.EqualValues(t, 250, run.Changes)
	assert.EqualValues(t, 3*250, run.Propagation.Count)
	assert.EqualValues(t, []uint64{250}, published(run))
	assert.Equal(t, sim.Passed, run.Verdict)
}

// published lists how much was published in the seconds in which something was.
func published(run *sim.Run) (out []uint64) {
	for _, p := range run.Series {
		if p.Published > 0 {
			out = append(out, p.Published)
		}
	}
	return out
}

// The pace of one rate is the one that a scenario without stages has.
func TestStages_OfTheUsualRateChangeOnlyRounding(t *testing.T) {
	s := quiet(5)
	s.Arrivals, s.Rate, s.Warmup = "constant", 128, 0 // 1/128 s is a whole number of ns
	plain := virtual(t, s, oneService(t, 20), notifylabAlone, sim.DefaultCost())
	s.Stages = []sim.Stage{{Length: time.Second, From: 128, To: 128}}
	inStages := virtual(t, s, oneService(t, 20), notifylabAlone, sim.DefaultCost())
	inStages.Stages = nil // the figures of the stage, which plain can't have
	assert.Equal(t, asJSON(t, plain), asJSON(t, inStages))
}

func TestStages_SayWhatTheyTake(t *testing.T) {
	for _, c := range []struct {
		stages []sim.Stage
		want   sim.Mistake
	}{
		{[]sim.Stage{{Length: 0}},
			sim.Mistake{Field: "stages[0].length", Got: "0s", Want: "a duration above 0"}},
		{[]sim.Stage{{Length: time.Second}, {Length: 4 * time.Second}}, sim.Mistake{
			Field: "stages[1].length", Got: "4s",
			Want: "stages that last 4s together, as duration says"}},
		{[]sim.Stage{{Length: 1, From: 1, To: -1}},
			sim.Mistake{Field: "stages[0].rate", Got: "-1", Want: "changes per second, 0 to 1e6"}},
		{[]sim.Stage{{Length: 1, From: math.NaN(), To: 2e6}},
			sim.Mistake{Field: "stages[0].rate", Got: "NaN", Want: "changes per second, 0 to 1e6"}},
		{[]sim.Stage{{Length: 1, Burst: -1}},
			sim.Mistake{Field: "stages[0].burst", Got: "-1",
				Want: "a number of changes, 0 to 1e6"}},
		{[]sim.Stage{{Length: 1, Name: "a b"}}, sim.Mistake{
			Field: "stages[0].name", Got: `"a b"`, Want: "letters, digits, - and _"}},
	} {
		s := sim.DefaultScenario()
		s.Stages = c.stages
		assert.Equal(t, sim.Mistakes{c.want}, mistakes(t, s.Validate()))
	}
}

func TestStages_AsTextReadBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0, 1e6)
		want := sim.Stage{
			Name:   rapid.StringMatching(`[a-z0-9_-]{0,5}`).Draw(t, "name"),
			Length: time.Duration(rapid.Int64Min(0).Draw(t, "length")),
			From:   rate.Draw(t, "from"), To: rate.Draw(t, "to"),
			Burst: rapid.IntRange(0, 1e6).Draw(t, "burst"),
		}
		text, err := json.Marshal([]sim.Stage{want})
		require.NoError(t, err)
		var got []sim.Stage
		require.NoError(t, json.Unmarshal(text, &got), "%s", text)
		require.Equal(t, []sim.Stage{want}, got, "%s", text)
	})
}

func TestStages_ATextThatCannotBeReadSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"length=5s":            `rate "": want changes per second, such as 100 or 100..500`,
		"rate=1..x":            `"rate=1..x": want changes per second`,
		"rate=1,length=5":      `"length=5": want a duration, such as 10s or 500ms`,
		"rate=1,rate=2":        `"rate=2": want rate once`,
		"rate=1,speed=2":       `"speed=2": want key=value with one of burst, length, name, rate`,
		"rate=1,length=5s,":    `"": want key=value`,
		"rate=1,burst=1.5":     `"burst=1.5": want a whole number`,
		"length=5s,rate=NaN":   `"rate=NaN": want changes per second`,
		"rate=1 length=5s":     `"rate=1 length=5s"`,
		"rate,length=5s":       `"rate": want key=value`,
		"rate=1..2..3,burst=1": `"rate=1..2..3": want changes per second`,
	} {
		var st sim.Stage
		err := st.UnmarshalText([]byte(text))
		require.ErrorIs(t, err, sim.ErrText, text)
		assert.ErrorContains(t, err, want, text)
		assert.Zero(t, st, text)
	}
}

// notifylabAlone is the engine as it is by default, with one shard.
var notifylabAlone = sim.Config{Engine: "notifylab", Shards: 1}

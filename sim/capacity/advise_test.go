package capacity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

// adviser looks for queues whose sizes are known: 40 changes are due at once for each consumer,
// which takes a millisecond for one. All but the one in hand wait, or are lost.
func adviser(t *testing.T, policies ...string) *capacity.Adviser {
	s := exact(20, 200)
	s.Batch, s.Handling, s.Spread, s.Duration = 40, time.Millisecond, "constant", 4*time.Second
	s.SLOs = slo(t, "dropped < 0.01%", "propagation_p99 < 100ms")
	return &capacity.Adviser{Base: capacity.Base{Scenario: s, Config: notifylab},
		Policies: policies, Headroom: 0.3, Seeds: capacity.Seeds(1, 3),
		Fresh: capacity.Seeds(4, 5), Lab: lab(sim.ZeroCost(), 0)}
}

func TestAdviser_FindsTheSmallestQueuesThatAreEnough(t *testing.T) {
	a := adviser(t, "drop-newest", "conflate")
	doc, err := a.Advise(context.Background(), environment)
	require.NoError(t, err)
	x := doc.Recommendation
	require.GreaterOrEqual(t, x.Choice, 0)
	best := map[string]int{}
	for i, o := range x.Options {
		assert.Equal(t, len(o.Runs) == 3 && o.Meets == 3, len(o.Fails) == 0)
		if i > 0 {
			assert.GreaterOrEqual(t, o.Memory, x.Options[i-1].Memory, "by memory")
		}
		for seed, n := range o.Runs {
			r := doc.Runs[n]
			assert.Equal(t, o.Config, r.Config)
			assert.EqualValues(t, seed+1, r.Seed)
			assert.Equal(t, []sim.Setting{{Path: "rate", Value: "260"}}, r.Settings)
		}
		if least := best[o.Config.Policy]; o.Meets == 3 &&
			(least == 0 || o.Config.WatcherQueue < least) {
			best[o.Config.Policy] = o.Config.WatcherQueue
		}
	}
	assert.Equal(t, 64, best["drop-newest"], "39 or 40 wait")
	assert.Equal(t, "conflate", x.Options[x.Choice].Config.Policy, "it loses nothing with less")
	chosen := x.Options[x.Choice]
	require.Len(t, chosen.Fresh, 5)
	for i, n := range chosen.Fresh {
		assert.Equal(t, a.Fresh[i], doc.Runs[n].Seed)
		assert.Equal(t, chosen.Config, doc.Runs[n].Config)
		assert.Equal(t, sim.Passed, doc.Runs[n].Verdict)
	}
	assert.Equal(t, 5, chosen.Confirmed)
	assert.Equal(t, 1, x.Tries)
	assert.InDelta(t, capacity.PassLevel(5, 1), x.Confidence, 1e-12)
	assert.Equal(t, 0.3, x.Headroom)
}

// With fresh seeds the runs of the smallest queues fail here, whatever they do.
func TestAdviser_TakesTheNextOptionWhereAFreshSeedFails(t *testing.T) {
	a := adviser(t, "drop-newest")
	run, refused := a.Lab.Run, 64
	a.Lab.Run = func(ctx context.Context, j *capacity.Job) (*sim.Run, error) {
		r, err := run(ctx, j)
		if err == nil && j.Scenario.Seed == 6 && j.Config.WatcherQueue <= refused {
			r.Verdict, r.Reasons = sim.Failed, []string{"it is refused"}
		}
		return r, err
	}
	doc, err := a.Advise(context.Background(), environment)
	require.NoError(t, err)
	x := doc.Recommendation
	require.GreaterOrEqual(t, x.Choice, 0)
	assert.Equal(t, 128, x.Options[x.Choice].Config.WatcherQueue)
	tried := 0
	for i, o := range x.Options {
		if len(o.Fresh) > 0 && i != x.Choice {
			tried++
			assert.Equal(t, 4, o.Confirmed)
			assert.Equal(t, []string{"it is refused"}, o.Fails)
		}
	}
	assert.Positive(t, tried)
	assert.Equal(t, tried+1, x.Tries)
	assert.InDelta(t, capacity.PassLevel(5, tried+1), x.Confidence, 1e-12)
	assert.Contains(t, x.Reason, "failed with a fresh seed")

	refused = 1 << 20
	a.Lab = &capacity.Lab{Run: a.Lab.Run}
	doc, err = a.Advise(context.Background(), environment)
	require.NoError(t, err)
	assert.Equal(t, -1, doc.Recommendation.Choice)
	assert.Zero(t, doc.Recommendation.Confidence)
	assert.Contains(t, doc.Recommendation.Reason, "each failed with some of 5 fresh seeds")
}

func TestAdviser_SaysWhatComesNearestWhereNothingIsEnough(t *testing.T) {
	a := adviser(t, "drop-newest", "evict")
	a.Base.Scenario.SLOs = slo(t, "propagation_p99 < 1ns")
	doc, err := a.Advise(context.Background(), environment)
	require.NoError(t, err)
	x := doc.Recommendation
	assert.Equal(t, -1, x.Choice)
	assert.Zero(t, x.Confidence)
	assert.Contains(t, x.Reason, "no policy and no size of the queues met the objectives")
	assert.Contains(t, x.Reason, "propagation_p99 < 1ns: it is")
}

func TestAdviser_GivesUpWhereNoRunCanJudge(t *testing.T) {
	a := adviser(t, "conflate")
	a.Base.Scenario.SLOs = slo(t, "memory < 1GiB")
	_, err := a.Advise(context.Background(), environment)
	require.ErrorIs(t, err, capacity.ErrSamples)
}

func TestAdviser_AdvisesTheSameOnAnyNumberOfCores(t *testing.T) {
	f := func(width int) string {
		a := adviser(t, "flush", "conflate")
		a.Lab = lab(sim.DefaultCost(), width)
		doc, err := a.Advise(context.Background(), environment)
		require.NoError(t, err)
		return asJSON(t, doc)
	}
	assert.Equal(t, f(1), f(3))
}

func TestAdviser_StopsWithoutAChoice(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := adviser(t, "conflate")
	a.Lab.Done = func(*capacity.Job, *sim.Run, int, int) { cancel() }
	doc, err := a.Advise(ctx, environment)
	require.NoError(t, err)
	assert.Equal(t, -1, doc.Recommendation.Choice)
	assert.Equal(t, "it was stopped before all policies were tried", doc.Recommendation.Reason)
}

func TestAdviser_SaysWhatItTakes(t *testing.T) {
	for want, change := range map[string]func(*capacity.Adviser){
		"no policies: want one or more": func(a *capacity.Adviser) { a.Policies = nil },
		"headroom -1: want a share":     func(a *capacity.Adviser) { a.Headroom = -1 },
		"no seeds: want one or more":    func(a *capacity.Adviser) { a.Seeds = nil },
		"seed 3 is there twice":         func(a *capacity.Adviser) { a.Fresh[0] = 3 },
		`policy = "nosuch": want one of`: func(a *capacity.Adviser) {
			a.Policies = []string{"nosuch"}
		},
		"slow = 2: want a share, 0 to 1": func(a *capacity.Adviser) { a.Base.Scenario.Slow = 2 },
		"rate = 1.3e+06: want changes per": func(a *capacity.Adviser) {
			a.Base.Scenario.Rate = 1e6
		},
	} {
		a := adviser(t, "conflate")
		change(a)
		assert.ErrorContains(t, a.Check(), want)
	}
}

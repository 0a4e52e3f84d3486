package capacity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim"
	"github.com/notifylab/notifylab/sim/capacity"
)

// onlyDeliveries is a machine on which a delivery takes so long, and nothing else any time.
func onlyDeliveries(each time.Duration) sim.CostModel {
	c := sim.ZeroCost()
	c.Deliver = float64(each)
	return c
}

// finder looks for a limit that is known: the shard's one server takes each for every delivery, so
// it is busy all the time when rate × consumers × each is a second per second. A little more load,
// and it falls behind by as much for as long as it lasts.
func finder(t *testing.T, find string, each time.Duration, width int) *capacity.Finder {
	s := exact(50, 20)
	s.Duration, s.SLOs = 10*time.Second, slo(t, "propagation_p99 < 80ms")
	return &capacity.Finder{Base: capacity.Base{Scenario: s, Config: notifylab}, Find: find,
		Tolerance: 0.01, Max: 2000, Seeds: capacity.Seeds(1, capacity.SeedsMin),
		Fresh: capacity.Seeds(7, 4),
		Lab:   lab(onlyDeliveries(each), width)}
}

func TestFinder_FindsTheLimitThatTheoryHas(t *testing.T) {
	for _, c := range []struct {
		find string
		each time.Duration
		want float64
	}{
		{capacity.Consumers, 200 * time.Microsecond, 250}, // 20/s × 250 × 200 µs
		{capacity.Rate, 200 * time.Microsecond, 100},      // 100/s × 50 × 200 µs
	} {
		f := finder(t, c.find, c.each, 0)
		doc, err := f.Search(context.Background(), environment)
		require.NoError(t, err)
		x := doc.Capacity
		// In 20 s it falls behind by 80 ms when there is 0.4 % too much.
		assert.InEpsilon(t, c.want, x.Limit, 0.015, c.find)
		assert.LessOrEqual(t, x.Low, x.Median)
		assert.LessOrEqual(t, x.Limit, x.Median)
		assert.Equal(t, capacity.Level(capacity.SeedsMin), x.Level)
		assert.Equal(t, f.Fresh, x.Fresh)
		assert.GreaterOrEqual(t, x.High, c.want*0.99)
		assert.InEpsilon(t, c.want, x.High, 0.02)
		assert.Contains(t, x.Reason, "objective propagation_p99 < 80ms: it is ")
		checkDocument(t, doc)
	}
}

// checkDocument holds a result against the runs that it points to.
func checkDocument(t *testing.T, doc *sim.Document) {
	x := doc.Capacity
	confirmed := 0
	for _, trial := range x.Trials {
		r := doc.Runs[trial.Run]
		assert.Equal(t, x.Find, r.Settings[0].Path)
		assert.Equal(t, trial.Meets, r.Verdict == sim.Passed)
		assert.Equal(t, trial.Meets, len(trial.Fails) == 0)
		assert.False(t, trial.Meets && x.Beyond > 0 && trial.Load > x.Beyond*1.02)
		fresh := slices.Contains(x.Fresh, r.Seed)
		assert.Equal(t, trial.Phase == capacity.Confirm, fresh, "seed %d", r.Seed)
		assert.NotEqual(t, fresh, slices.Contains(x.Seeds, r.Seed))
		if trial.Phase == capacity.Confirm && trial.Load == x.Limit {
			assert.True(t, trial.Meets)
			confirmed++
		}
	}
	assert.Equal(t, len(x.Fresh), confirmed, "with every fresh seed")
	assert.Equal(t, len(x.Fresh), x.Confirmed)
	require.Len(t, x.Knee, len(capacity.Fractions))
	for i, k := range x.Knee {
		assert.Equal(t, capacity.Fractions[i], k.Fraction)
		assert.InDelta(t, k.Fraction*x.Limit, k.Load, 1)
		if k.Fraction < 1 { // some have too few samples
			assert.NotEqual(t, sim.Failed, doc.Runs[k.Run].Verdict)
		}
		if k.Fraction >= 0.5 && k.Fraction <= 1 {
			assert.Equal(t, sim.Passed, doc.Runs[k.Run].Verdict)
		}
	}
}

// A fresh seed fails above a load here, whatever it does; the others know nothing of that.
func TestFinder_LowersTheLimitUntilFreshSeedsConfirmIt(t *testing.T) {
	f := finder(t, capacity.Consumers, 200*time.Microsecond, 0)
	f.Base.Scenario.Duration = 2 * time.Second
	run := f.Lab.Run
	f.Lab.Run = func(ctx context.Context, j *capacity.Job) (*sim.Run, error) {
		r, err := run(ctx, j)
		if err == nil && j.Scenario.Seed == f.Fresh[2] && j.Scenario.Consumers > 240 {
			r.Verdict, r.Reasons = sim.Failed, []string{"it is refused"}
		}
		return r, err
	}
	doc, err := f.Search(context.Background(), environment)
	require.NoError(t, err)
	x := doc.Capacity
	assert.InDelta(t, 239, x.Limit, 2)
	assert.Greater(t, x.Beyond, 240.0)
	assert.Equal(t, "it is refused", x.Reason)
	assert.Greater(t, x.Low, x.Limit, "the seeds of the search had more")
	assert.Equal(t, len(f.Fresh), x.Confirmed)
}

func TestFinder_FindsTheSameOnAnyNumberOfCores(t *testing.T) {
	f := func(width int) string {
		f := finder(t, capacity.Consumers, time.Millisecond, width)
		f.Base.Scenario.Duration = 2 * time.Second
		doc, err := f.Search(context.Background(), environment)
		require.NoError(t, err)
		return asJSON(t, doc)
	}
	assert.Equal(t, f(1), f(3))
}

func TestFinder_SaysThatTheLeastLoadFailsAlready(t *testing.T) {
	f := finder(t, capacity.Consumers, 200*time.Millisecond, 0)
	doc, err := f.Search(context.Background(), environment)
	require.NoError(t, err)
	assert.Zero(t, doc.Capacity.Limit)
	assert.EqualValues(t, 1, doc.Capacity.Beyond)
	assert.Contains(t, doc.Capacity.Reason, "views still wrong")
	assert.Empty(t, doc.Capacity.Knee)
}

func TestFinder_DoesNotLookBeyondItsBound(t *testing.T) {
	f := finder(t, capacity.Consumers, time.Microsecond, 0)
	f.Max, f.Base.Scenario.Duration = 300, time.Second
	doc, err := f.Search(context.Background(), environment)
	require.NoError(t, err)
	x := doc.Capacity
	assert.EqualValues(t, 300, x.Limit)
	assert.Zero(t, x.Beyond)
	assert.Zero(t, x.High)
	assert.Equal(t, "not found up to 300: nothing larger was tried", x.Reason)
	for _, r := range doc.Runs {
		assert.LessOrEqual(t, atoi(t, r.Settings[0].Value), 300)
	}
}

func TestFinder_MakesRunsLongerUntilThereAreEnoughSamples(t *testing.T) {
	f := finder(t, capacity.Consumers, time.Microsecond, 0)
	f.Max, f.Start, f.Base.Scenario.Duration = 20, 20, 200*time.Millisecond // 4 changes, 80 samples
	doc, err := f.Search(context.Background(), environment)
	require.NoError(t, err)
	assert.InDelta(t, 20, doc.Capacity.Limit, 0)
	first := doc.Runs[doc.Capacity.Trials[0].Run]
	assert.GreaterOrEqual(t, first.Propagation.Count, int64(1000))
	assert.Equal(t, "duration", first.Settings[1].Path)
}

func TestFinder_GivesUpWhereNoRunCanJudge(t *testing.T) {
	f := finder(t, capacity.Consumers, time.Microsecond, 0)
	f.Base.Scenario.SLOs = slo(t, "memory < 1GiB") // that only the wall clock knows
	f.Max = 200
	_, err := f.Search(context.Background(), environment)
	require.ErrorIs(t, err, capacity.ErrSamples)
	assert.ErrorContains(t, err, "memory is measured on the wall clock only")
}

func TestFinder_StopsWithWhatIsKnown(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := finder(t, capacity.Consumers, time.Millisecond, 1)
	f.Lab.Done = func(_ *capacity.Job, _ *sim.Run, made, expected int) {
		assert.LessOrEqual(t, made, expected)
		if made == 3 {
			cancel()
		}
	}
	doc, err := f.Search(ctx, environment)
	require.NoError(t, err)
	assert.Equal(t, "it was stopped before the limit was confirmed", doc.Capacity.Reason)
	assert.Zero(t, doc.Capacity.Low)
	assert.Zero(t, doc.Capacity.Confirmed)
	assert.NotEmpty(t, doc.Runs)
	assert.Len(t, doc.Capacity.Trials, len(doc.Runs))
}

// The curve comes last; the limit stays what it was confirmed to be.
func TestFinder_KeepsAConfirmedLimitWhenItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f := finder(t, capacity.Consumers, time.Microsecond, 1)
	f.Max, f.Start, f.Base.Scenario.Duration = 300, 300, time.Second
	f.Lab.Done = func(j *capacity.Job, _ *sim.Run, _, _ int) {
		if j.Scenario.Consumers < 300 { // of the curve
			cancel()
		}
	}
	doc, err := f.Search(ctx, environment)
	require.NoError(t, err)
	assert.EqualValues(t, 300, doc.Capacity.Limit)
	assert.Equal(t, len(f.Fresh), doc.Capacity.Confirmed)
	assert.Equal(t, "not found up to 300: nothing larger was tried; it was stopped before the "+
		"curve up to there was complete", doc.Capacity.Reason)
}

func TestFinder_SaysWhatItTakes(t *testing.T) {
	for want, change := range map[string]func(*capacity.Finder){
		`find "speed": want one of consumers, rate, providers`: func(f *capacity.Finder) {
			f.Find = "speed"
		},
		"tolerance 0: want a share above 0, up to 1": func(f *capacity.Finder) {
			f.Tolerance = 0
		},
		"5 seeds: want 6 or more": func(f *capacity.Finder) {
			f.Seeds = f.Seeds[:5]
		},
		"no seeds: want one or more": func(f *capacity.Finder) {
			f.Fresh = nil
		},
		"seed 2 is there twice": func(f *capacity.Finder) {
			f.Fresh[0] = 2
		},
		"want 1 <= start <= max": func(f *capacity.Finder) {
			f.Start, f.Max = 5, 4
		},
		"rate = -1": func(f *capacity.Finder) {
			f.Base.Scenario.Rate = -1
		},
		"rate = 2e+06: want changes per second": func(f *capacity.Finder) {
			f.Find, f.Max = capacity.Rate, 2e6
		},
	} {
		f := finder(t, capacity.Consumers, time.Millisecond, 1)
		change(f)
		assert.ErrorContains(t, f.Check(), want)
	}
}

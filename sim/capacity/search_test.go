package capacity_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim/capacity"
)

var sprintf = fmt.Sprintf

func atoi(t require.TestingT, text string) int {
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// play searches the boundary of a predicate that holds up to it.
func play(t require.TestingT, s *capacity.Search, boundary float64) (steps int) {
	seen := make(map[float64]bool)
	for {
		load, phase, more := s.Next()
		if !more {
			return steps
		}
		require.False(t, seen[load], "%g is tried twice", load)
		require.True(t, load >= s.Min && load <= s.Max, "%g is out of range", load)
		require.Contains(t, []string{capacity.Grow, capacity.Bisect}, phase)
		seen[load] = true
		s.Tell(load <= boundary)
		steps++
		require.Less(t, steps, 200)
	}
}

func TestSearch_FindsTheBoundaryOfAMonotonePredicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &capacity.Search{Min: 1, Max: 1e6, Whole: rapid.Bool().Draw(t, "whole"),
			Tolerance: rapid.Float64Range(0.001, 1).Draw(t, "tolerance")}
		boundary := math.Exp(rapid.Float64Range(-1, 15).Draw(t, "log boundary"))
		start := rapid.Float64Range(1, 1e6).Draw(t, "start")
		s.Begin(start, rapid.Float64Range(1.01, 2).Draw(t, "factor"))
		steps := play(t, s, boundary)
		limit, beyond := s.Found()
		switch {
		case boundary < 1:
			require.Zero(t, limit)
			require.EqualValues(t, 1, beyond)
		case boundary >= 1e6:
			require.EqualValues(t, 1e6, limit)
			require.Zero(t, beyond)
		default:
			require.LessOrEqual(t, limit, boundary)
			require.Greater(t, beyond, boundary)
			wide := s.Tolerance * limit
			if s.Whole {
				wide = max(wide, 1)
			} else {
				wide = max(wide, 1e-3*limit)
			}
			require.LessOrEqual(t, beyond-limit, wide*(1+1e-9))
		}
		// 2·log2 of the range to grow, then one halving of the logarithm per step.
		require.LessOrEqual(t, steps, 60)
	})
}

func TestSearch_LeavesOutLoadsThatCannotBeJudged(t *testing.T) {
	s := &capacity.Search{Min: 1, Max: 1000, Tolerance: 0.01, Whole: true}
	s.Begin(10, 2)
	for range 3 {
		require.True(t, s.Skip())
	}
	load, _, _ := s.Next()
	assert.EqualValues(t, 80, load)
	play(t, s, 777)
	limit, beyond := s.Found()
	assert.InEpsilon(t, 777, limit, 0.01)
	assert.Greater(t, beyond, 777.0)
	assert.False(t, s.Skip(), "a limit is known")
}

// The median of samples from any distribution is in the interval as often as Level says: here from
// a skewed one.
func TestInterval_CoversTheMedianAsOftenAsItsLevelSays(t *testing.T) {
	const rounds, n = 20_000, capacity.SeedsMin
	state := uint64(1)
	uniform := func() float64 { // an exact, seeded sequence (Knuth's MMIX)
		state = state*6364136223846793005 + 1442695040888963407
		return (float64(state>>11) + 0.5) / (1 << 53)
	}
	covered := 0
	for range rounds {
		var limits, beyonds []float64
		for range n {
			sample := -math.Log(uniform()) // exponential: its median is ln 2
			limits, beyonds = append(limits, sample), append(beyonds, sample)
		}
		if low, high := capacity.Interval(limits, beyonds); low <= math.Ln2 && math.Ln2 <= high {
			covered++
		}
	}
	got := float64(covered) / rounds
	assert.InDelta(t, capacity.Level(n), got, 0.005)
	assert.GreaterOrEqual(t, got, 0.95)
}

func TestInterval_HasNoEndWhereASeedHasNone(t *testing.T) {
	low, high := capacity.Interval([]float64{5, 7}, []float64{6, 0})
	assert.EqualValues(t, 5, low)
	assert.Zero(t, high)
}

// The known table: 59 of 59 for 95 % with 95 % confidence (Wilks), and one alone says 5 %.
func TestPassLevel_IsTheBoundOfClopperAndPearson(t *testing.T) {
	assert.InDelta(t, 0.05, capacity.PassLevel(1), 1e-12)
	assert.InDelta(t, 0.5493, capacity.PassLevel(5), 5e-5)
	assert.Less(t, capacity.PassLevel(58), 0.95)
	assert.GreaterOrEqual(t, capacity.PassLevel(59), 0.95)
	assert.Zero(t, capacity.PassLevel(0))
}

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

// The median of samples from any distribution is in the interval as often as Level says, for any
// number of them: here from a skewed one.
func TestInterval_CoversTheMedianAsOftenAsItsLevelSays(t *testing.T) {
	const rounds = 20_000
	state := uint64(1)
	uniform := func() float64 { // an exact, seeded sequence (Knuth's MMIX)
		state = state*6364136223846793005 + 1442695040888963407
		return (float64(state>>11) + 0.5) / (1 << 53)
	}
	for _, n := range []int{3, capacity.SeedsMin, 8, 9, 12, 20, 51} {
		covered := 0
		for range rounds {
			var samples []float64
			for range n {
				samples = append(samples, -math.Log(uniform())) // exponential: its median is ln 2
			}
			low, high := capacity.Interval(samples, samples)
			if low <= math.Ln2 && math.Ln2 <= high {
				covered++
			}
		}
		got := float64(covered) / rounds // its standard deviation is 0.0015 or less
		assert.InDelta(t, capacity.Level(n), got, 0.007, "n = %d", n)
		assert.Equal(t, n >= capacity.SeedsMin, capacity.Level(n) >= 0.95, "n = %d", n)
	}
}

// The ranks are those of the tables for the sign test, such as Conover, Practical Nonparametric
// Statistics: 1 of 6, 2 of 9, 3 of 12, 6 of 20, 18 of 50.
func TestInterval_NarrowsWithMoreSeeds(t *testing.T) {
	for n, rank := range map[int]int{1: 1, 3: 1, 6: 1, 8: 1, 9: 2, 12: 3, 20: 6, 50: 18} {
		var limits, beyonds []float64
		for i := range n {
			limits = append(limits, float64(n-i)) // n … 1
			beyonds = append(beyonds, float64(n-i)+0.5)
		}
		low, high := capacity.Interval(limits, beyonds)
		assert.EqualValues(t, rank, low, "n = %d", n)
		assert.EqualValues(t, float64(n+1-rank)+0.5, high, "n = %d", n)
	}
	assert.InDelta(t, 0.96875, capacity.Level(6), 1e-12)
	assert.InDelta(t, 1-2*10./512, capacity.Level(9), 1e-12)
	assert.Zero(t, capacity.Level(1))
}

func TestInterval_HasNoEndWhereASeedHasNone(t *testing.T) {
	low, high := capacity.Interval([]float64{5, 7}, []float64{6, 0})
	assert.EqualValues(t, 5, low)
	assert.Zero(t, high)
	var limits, beyonds []float64
	for i := range 9 { // one without an end doesn't matter among nine
		limits, beyonds = append(limits, float64(i+1)), append(beyonds, float64(i+2))
	}
	beyonds[3] = 0
	low, high = capacity.Interval(limits, beyonds)
	assert.EqualValues(t, 2, low)
	assert.EqualValues(t, 10, high)
}

// The known table: 59 of 59 for 95 % with 95 % confidence (Wilks), and one alone says 5 %.
func TestPassLevel_IsTheBoundOfClopperAndPearson(t *testing.T) {
	assert.InDelta(t, 0.05, capacity.PassLevel(1, 1), 1e-12)
	assert.InDelta(t, 0.5493, capacity.PassLevel(5, 1), 5e-5)
	assert.InDelta(t, 0.8609, capacity.PassLevel(20, 1), 5e-5)
	assert.Less(t, capacity.PassLevel(58, 1), 0.95)
	assert.GreaterOrEqual(t, capacity.PassLevel(59, 1), 0.95)
	assert.Zero(t, capacity.PassLevel(0, 1))
	assert.InDelta(t, 0.025, capacity.PassLevel(1, 2), 1e-12, "the second to be tried")
}

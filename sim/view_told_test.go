package sim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/sim"
)

// longLog has a change of another instance every two revisions: position i is revision 2i+2.
func longLog(length int) *sim.GroupLog {
	log := sim.NewLog()
	for i := range length {
		log.Add(revisionAt(i), int64(i), fmt.Sprint(i), false)
	}
	return log
}

func revisionAt(position int) int64 { return 2*int64(position) + 2 }

func TestWhatWasToldIsKnownAsLongAsItMattersAndNoLonger(t *testing.T) {
	const length = 3000
	log := longLog(length)
	rapid.Check(t, func(t *rapid.T) {
		v := sim.NewView(log, 0, 0, 0)
		told, furthest := make(map[int]bool), -1
		var losses, runs []int64
		for position := 0; position < length-400; {
			at := position + rapid.IntRange(0, 300).Draw(t, "ahead")
			switch rapid.SampledFrom([]string{"lost", "lost", "merged", "list"}).Draw(t, "step") {
			case "lost":
				for range rapid.IntRange(1, 100).Draw(t, "in a row") {
					if run := v.Told(revisionAt(at), true); run > 0 {
						runs = append(runs, run)
					}
					told[at], furthest = true, max(furthest, at)
					losses = append(losses, int64(at))
					at++
				}
			case "merged":
				require.Zero(t, v.Told(revisionAt(at), false))
				told[at], furthest = true, max(furthest, at)
			case "list":
				position = at
				v.Reset(revisionAt(at)-1, at, int64(at))
				if run := v.Run(); furthest+64 < position && run == 0 { // 64 bits a word
					require.Negative(t, v.Words(), "there is nothing to be kept")
				}
			}
			for i := position; i <= position+500 && i < length; i++ {
				if told[i] != v.WasTold(i) {
					t.Fatalf("at %d, WasTold(%d) = %v", position, i, v.WasTold(i))
				}
			}
			require.LessOrEqual(t, 64*v.Words(), max(0, furthest-position)+128)
		}
		if run := v.Run(); run > 0 {
			runs = append(runs, run)
		}
		var want []int64
		for i, at := range losses {
			if i > 0 && at == losses[i-1]+1 {
				want[len(want)-1]++
			} else {
				want = append(want, 1)
			}
		}
		require.Equal(t, want, runs, "lengths of the runs of losses")
	})
}

func TestAViewThatMissesNothingKeepsNothing(t *testing.T) {
	v := sim.NewView(longLog(1000), 0, 0, 0)
	for i := range 1000 {
		require.Zero(t, v.Apply(revisionAt(i), int64(i)).Untold)
		require.Negative(t, v.Words())
	}
	assert.True(t, v.Right())
}

// A run of losses is recorded once it has ended, however long that takes.
func TestTheLengthOfAGap(t *testing.T) {
	v := sim.NewView(longLog(1000), 0, 0, 0)
	for i := 10; i < 15; i++ {
		assert.Zero(t, v.Told(revisionAt(i), true), "it has not ended")
	}
	v.Told(revisionAt(15), false) // merged: not lost
	v.Reset(revisionAt(700), 701, 701)
	assert.EqualValues(t, 5, v.Run(), "though the list has made up for it")
	assert.Zero(t, v.Told(revisionAt(700), true), "the list had that")
	assert.EqualValues(t, 5, v.Told(revisionAt(800), true), "another one has begun")
	assert.EqualValues(t, 1, v.Run())
}

func TestAnEventThatIsPassedOverIsFoundExactlyOnce(t *testing.T) {
	for name, c := range map[string]struct {
		told   []int
		unsent bool
		want   int
	}{
		"nothing was told":  {nil, false, 3},
		"one was":           {[]int{2}, false, 2},
		"all were":          {[]int{3, 1, 2}, false, 0},
		"nobody was":        {nil, true, 0},
		"others were, only": {[]int{0, 5}, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			log := sim.NewLog()
			for i := range 6 {
				log.Add(revisionAt(i), int64(i), fmt.Sprint(i), c.unsent && i < 4)
			}
			v := sim.NewView(log, 0, 0, 0)
			require.Zero(t, v.Apply(revisionAt(0), 10).Untold)
			for _, i := range c.told {
				v.Told(revisionAt(i), true)
			}
			assert.Equal(t, c.want, v.Apply(revisionAt(4), 20).Untold)
			assert.ElementsMatch(t, []string{"1", "2", "3"}, v.Missing())
			assert.Zero(t, v.Apply(revisionAt(5), 30).Untold, "it was found before")
			assert.False(t, v.Right())
		})
	}
}

// What is lost while a list is under way that is older is no untold gap, though the consumer had
// no view to be told about.
func TestALossBeforeTheFirstListWasTold(t *testing.T) {
	log := longLog(10)
	v := sim.NewView(log, 0, 0, 0)
	v.Die()
	v.Told(revisionAt(2), true)
	v.Told(revisionAt(6), true)
	v.Begin(revisionAt(4), 5, 100)
	assert.Equal(t, 0, v.Apply(revisionAt(5), 110).Untold)
	assert.Equal(t, 0, v.Apply(revisionAt(7), 120).Untold)
	assert.Equal(t, 1, v.Apply(revisionAt(9), 130).Untold)
}

func TestAViewIsStaleFromItsBirthOnAtTheEarliest(t *testing.T) {
	v := sim.NewView(longLog(10), 0, 0, 100) // all were due before
	for i := range 10 {
		assert.Zero(t, v.Apply(revisionAt(i), 101+int64(i)).Ended.Length)
	}
	_, last, open := v.End(500)
	assert.Equal(t, sim.Ended{From: 100, Length: 10}, last)
	assert.False(t, open)
}

func TestARevisionIsFoundInTheLogOfItsGroup(t *testing.T) {
	_, ok := sim.NewLog().Find(1, 7)
	assert.False(t, ok, "in an empty log")
	rapid.Check(t, func(t *rapid.T) {
		log, at := sim.NewLog(), make(map[int64]int)
		revision := int64(0)
		for i := range rapid.IntRange(0, 50).Draw(t, "length") {
			revision += rapid.Int64Range(1, 4).Draw(t, "skip")
			log.Add(revision, 0, "a", false)
			at[revision] = i
		}
		near := rapid.OneOf(rapid.IntRange(0, 60), rapid.Just(math.MaxInt))
		for r := int64(0); r <= revision+1; r++ {
			want, known := at[r]
			guess := near.Draw(t, "near")
			got, ok := log.Find(r, guess)
			require.Equal(t, known, ok, "Find(%d, %d)", r, guess)
			if ok {
				require.Equal(t, want, got, "Find(%d)", r)
			}
		}
	})
}

func TestTimersGoOffInTheOrderOfTheirTimesAndOfBeingSet(t *testing.T) {
	type set struct{ at, name int64 }
	rapid.Check(t, func(t *rapid.T) {
		var timers sim.Timers
		var model []set // in the order of being set
		require.EqualValues(t, sim.Never, timers.Next())
		for name := range rapid.Int64Range(0, 200).Draw(t, "steps") {
			if len(model) == 0 || rapid.IntRange(0, 2).Draw(t, "step") > 0 {
				x := set{rapid.Int64Range(0, 20).Draw(t, "at"), name}
				timers.Set(x.at, x.name)
				model = append(model, x)
			} else {
				first := 0
				for i, x := range model {
					if x.at < model[first].at {
						first = i
					}
				}
				at, name := timers.Pop()
				require.Equal(t, model[first], set{at, name})
				model = append(model[:first:first], model[first+1:]...)
			}
			next := int64(sim.Never)
			for _, x := range model {
				next = min(next, x.at)
			}
			require.Equal(t, next, timers.Next())
		}
	})
}

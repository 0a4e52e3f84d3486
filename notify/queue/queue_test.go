package queue_test

import (
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func take[T any](q *queue.Queue[T], n int, same func(first, next *T) bool) []T {
	buf := make([]T, n)
	return buf[:q.TakeRun(buf, same)]
}

func TestOffer_RefusesBeyondTheCapacity(t *testing.T) {
	for _, capacity := range []int{1, 2, 15, 16, 17, 33, 100} {
		q := queue.New[int](capacity)
		assert.Equal(t, capacity, q.Cap())
		for i := range capacity {
			assert.False(t, q.Full())
			require.True(t, q.Offer(i), "element %d of %d", i, capacity)
		}
		assert.True(t, q.Full())
		assert.False(t, q.Offer(-1))
		assert.Equal(t, capacity, q.Len())
		assert.Equal(t, []int{0}, take(q, 1, nil))
		assert.True(t, q.Offer(capacity), "room again")
		for i := range capacity {
			assert.Equal(t, []int{i + 1}, take(q, 1, nil))
		}
		assert.Zero(t, q.Len())
		assert.Empty(t, take(q, 1, nil))
	}
}

func TestNew_ACapacityBelowOneCountsAsOne(t *testing.T) {
	for _, capacity := range []int{0, -1, math.MinInt} {
		q := queue.New[int](capacity)
		assert.Equal(t, 1, q.Cap())
		assert.True(t, q.Offer(1))
		assert.False(t, q.Offer(2))
	}
}

func TestNew_AHugeCapacityCostsNothing(t *testing.T) {
	q := queue.New[[1 << 16]byte](math.MaxInt)
	assert.True(t, q.Offer([1 << 16]byte{1}))
	assert.Equal(t, byte(1), take(q, 1, nil)[0][0])
}

func TestTakeRun_TakesLikeElementsTogether(t *testing.T) {
	q := queue.New[string](20)
	for _, s := range []string{"a1", "a2", "a3", "b1", "a4", "b2", "b3"} {
		q.Offer(s)
	}
	initial := func(first, next *string) bool { return (*first)[0] == (*next)[0] }
	assert.Equal(t, []string{"a1", "a2"}, take(q, 2, initial), "no more than the buffer holds")
	assert.Equal(t, []string{"a3"}, take(q, 9, initial))
	assert.Equal(t, []string{"b1"}, take(q, 9, initial))
	assert.Empty(t, take(q, 0, initial))
	assert.Equal(t, []string{"a4"}, take(q, 9, initial))
	assert.Equal(t, []string{"b2", "b3"}, take(q, 9, initial))
	assert.Empty(t, take(q, 9, initial))
}

func TestTakeRun_ComparesWithTheFirstOfTheRun(t *testing.T) {
	q := queue.New[int](20)
	for i := range 10 {
		q.Offer(i)
	}
	near := func(first, next *int) bool { return *next-*first < 4 }
	assert.Equal(t, []int{0, 1, 2, 3}, take(q, 9, near))
	assert.Equal(t, []int{4, 5, 6, 7}, take(q, 9, near))
	assert.Equal(t, []int{8, 9}, take(q, 9, near))
}

func TestTakeRun_KeepsNothingAlive(t *testing.T) {
	q := queue.New[*[64]byte](16)
	freed := make(chan struct{}, 1)
	v := new([64]byte)
	runtime.AddCleanup(v, func(c chan struct{}) { c <- struct{}{} }, freed)
	q.Offer(v)
	v = nil
	take(q, 1, nil)
	for collected := false; !collected; {
		runtime.GC()
		select {
		case <-freed:
			collected = true
		default:
		}
	}
	runtime.KeepAlive(q)
}

func TestHighWater_IsTheMostSinceReset(t *testing.T) {
	q := queue.New[int](40)
	assert.Zero(t, q.HighWater())
	for i := range 30 {
		q.Offer(i)
	}
	take(q, 25, nil)
	assert.Equal(t, 30, q.HighWater())
	q.ResetHighWater()
	assert.Equal(t, 5, q.HighWater(), "at the present length")
	q.Offer(1)
	take(q, 3, nil)
	assert.Equal(t, 6, q.HighWater())
	for range 100 {
		q.Offer(1)
	}
	assert.Equal(t, 40, q.HighWater(), "a refused element does not count")
}

func TestQueue_MemoryFollowsNeed(t *testing.T) {
	q := queue.New[int](1 << 20)
	for i := range 1000 { // the ring has grown once and for all
		q.Offer(i)
	}
	buf := make([]int, 1000)
	q.TakeRun(buf, nil)
	perRound := testing.AllocsPerRun(100, func() {
		for i := range 1000 {
			q.Offer(i)
		}
		q.TakeRun(buf, nil)
	})
	assert.Zero(t, perRound)
}

// The law of a bounded FIFO, against a slice.
func TestLaw_ItIsABoundedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 70).Draw(t, "capacity")
		q := queue.New[int](capacity)
		var want []int
		next, high := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				require.Equal(t, len(want), q.Len())
				require.Equal(t, len(want) == capacity, q.Full())
				require.Equal(t, high, q.HighWater())
				ahead := q.Ahead()
				require.Equal(t, append([]int{}, want[:len(ahead)]...), append([]int{}, ahead...))
			},
			"offer": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "n") {
					require.Equal(t, len(want) < capacity, q.Offer(next))
					if len(want) < capacity {
						want = append(want, next)
						high = max(high, len(want))
					}
					next++
				}
			},
			"take": func(t *rapid.T) {
				n := rapid.IntRange(0, 40).Draw(t, "n")
				div := rapid.IntRange(1, 20).Draw(t, "div")
				same := func(first, next *int) bool { return *first/div == *next/div }
				if rapid.Bool().Draw(t, "any") {
					same = nil
				}
				got := take(q, n, same)
				k := 0
				for k < min(n, len(want)) && (same == nil || same(&want[0], &want[k])) {
					k++
				}
				require.Equal(t, append([]int{}, want[:k]...), got)
				want = want[k:]
			},
			"reset": func(*rapid.T) {
				q.ResetHighWater()
				high = len(want)
			},
		})
	})
}

func TestLaw_HoldsForManyProducers(t *testing.T) {
	const producers, each = 4, 20_000
	for _, capacity := range []int{1, 7, 64, 5000} {
		q := queue.New[[2]int](capacity)
		var group sync.WaitGroup
		for p := range producers {
			group.Go(func() {
				for i := 0; i < each; {
					if q.Offer([2]int{p, i}) {
						i++
					} else {
						runtime.Gosched()
					}
				}
			})
		}
		var next [producers]int
		buf := make([][2]int, 50)
		samePublisher := func(a, b *[2]int) bool { return a[0] == b[0] }
		for total := 0; total < producers*each; {
			n := q.TakeRun(buf, samePublisher)
			for _, v := range buf[:n] {
				require.Equal(t, buf[0][0], v[0], "one run, one producer")
				require.Equal(t, next[v[0]], v[1], "of one producer nothing is lost or late")
				next[v[0]]++
			}
			require.LessOrEqual(t, q.Len(), capacity)
			if total += n; n == 0 {
				runtime.Gosched()
			}
		}
		group.Wait()
		assert.Zero(t, q.Len())
		assert.LessOrEqual(t, q.HighWater(), capacity)
	}
}

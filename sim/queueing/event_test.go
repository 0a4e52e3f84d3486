package queueing_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/notifylab/notifylab/sim/queueing"
)

const arrivals = 1_000_000

func newRand() *rand.Rand { return rand.New(rand.NewPCG(20, 26)) }

// runTailDrop plays one server with k places from arrival to arrival: it keeps the departure times
// of those in the system. It returns the loss and the sorted waits of the accepted.
func runTailDrop(rng *rand.Rand, r float64, k int, service func() float64) (float64, []float64) {
	var now float64
	var departures, waits []float64
	lost := 0
	for range arrivals {
		now += rng.ExpFloat64() / r
		for len(departures) > 0 && departures[0] <= now {
			departures = departures[1:]
		}
		if len(departures) == k {
			lost++
			continue
		}
		start := now
		if n := len(departures); n > 0 {
			start = departures[n-1]
		}
		waits = append(waits, start-now)
		departures = append(departures, start+service())
	}
	slices.Sort(waits)
	return float64(lost) / arrivals, waits
}

func TestTailDrop_IsWhatHappens(t *testing.T) {
	rng := newRand()
	loss, waits := runTailDrop(rng, 0.8, 5, rng.ExpFloat64)
	assert.InEpsilon(t, must(t, mm1k(0.8, 5).Loss), loss, 0.02, "M/M/1/5 loss")
	for _, q := range []float64{0.5, 0.9, 0.99} {
		want := must(t, at(mm1k(0.8, 5).WaitQuantile, q))
		assert.InEpsilon(t, want, waits[int(q*float64(len(waits)))], 0.02, "M/M/1/5 W %v", q)
	}
	always1 := func() float64 { return 1 }
	loss, _ = runTailDrop(rng, 0.9, 5, always1)
	assert.InEpsilon(t, must(t, md1k(0.9, 5).Loss), loss, 0.02, "M/D/1/5 loss")
	_, waits = runTailDrop(rng, 0.7, arrivals, always1)
	for _, q := range []float64{0.5, 0.9, 0.99} {
		want := must(t, at(md1(0.7).WaitQuantile, q))
		assert.InEpsilon(t, want, waits[int(q*float64(len(waits)))], 0.03, "M/D/1 W %v", q)
	}
}

// runChain plays the jumps of a queue with exponential services; arrive says how many the system
// holds after an arrival that found n, and how many were lost by it.
func runChain(rng *rand.Rand, r float64, arrive func(n int) (after, lost int)) (lost int) {
	n := 0
	for came := 0; came < arrivals; {
		if n > 0 && rng.Float64() > r/(1+r) {
			n--
			continue
		}
		came++
		after, gone := arrive(n)
		n, lost = after, lost+gone
	}
	return lost
}

func TestFlush_IsWhatHappens(t *testing.T) {
	const slots = 6
	for _, r := range []float64{0.9, 1, 1.4} {
		lost := runChain(newRand(), r, func(n int) (int, int) {
			if n == slots+1 {
				return 2, slots
			}
			return n + 1, 0
		})
		want := must(t, flush(r, slots).Loss)
		assert.InEpsilon(t, want, float64(lost)/arrivals, 0.02, "r=%v", r)
	}
}

func TestBatches_FillTheRoomThereIs(t *testing.T) {
	const k = 12
	rng := newRand()
	sizes := []int{1, 1, 2, 7}
	lost := runChain(rng, 0.3, func(n int) (int, int) {
		size := sizes[rng.IntN(len(sizes))]
		return min(n+size, k), max(n+size-k, 0)
	})
	q := queueing.BatchM1K{Lambda: 0.3, Mu: 1, K: k, Batch: []float64{.5, .25, 0, 0, 0, 0, .25}}
	const meanSize = 2.75
	assert.InEpsilon(t, must(t, q.Loss), float64(lost)/arrivals/meanSize, 0.02)
}

// The work in front of an arrival is the wait it would have.
func TestPatience_EndsWaitsOfTau(t *testing.T) {
	for _, r := range []float64{0.8, 1, 1.3} {
		rng, work, timeouts := newRand(), 0.0, 0
		for range arrivals {
			work = max(0, work-rng.ExpFloat64()/r)
			if work > 3 {
				timeouts++
			} else {
				work += rng.ExpFloat64()
			}
		}
		want := must(t, patience(r, 3).Timeout)
		assert.InEpsilon(t, want, float64(timeouts)/arrivals, 0.02, "r=%v", r)
	}
}

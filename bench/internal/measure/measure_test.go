package measure_test

import (
	"slices"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
)

// What the figures rest on is tested itself.

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		n    int // of the values 1..n, in falling order
		q    float64
		want time.Duration
	}{
		{0, 0.99, 0}, {1, 0.99, 1}, {2, 0.5, 1}, {3, 0.5, 2}, {100, 0.99, 99}, {101, 0.99, 100},
		{100, 1, 100}, {100, 0, 1},
	} {
		var values []time.Duration
		for i := range tt.n {
			values = append(values, time.Duration(tt.n-i))
		}
		if got := measure.Quantile(values, tt.q); got != tt.want {
			t.Errorf("Quantile(%d..1, %v) = %d, want %d", tt.n, tt.q, got, tt.want)
		}
	}
}

func TestSample_KeepsTheLatest(t *testing.T) {
	s := measure.NewSample(4)
	for _, d := range []time.Duration{9, 9, 1, 2, 3, 4} {
		s.Add(d)
	}
	if got := s.Quantile(1); got != 4 {
		t.Errorf("Quantile(1) = %d, want 4", got)
	}
}

func TestReceiver_NoticesWhatIsWrong(t *testing.T) {
	evs := measure.Events("t", "s")
	for name, tt := range map[string]struct {
		take  []*notify.Event
		wrong uint64
	}{
		"in order, twice round": {slices.Concat(evs, evs), 0},
		"one lost":              {evs[1:3], 2},
		"one repeated":          {[]*notify.Event{evs[0], evs[0], evs[2]}, 1},
		"two swapped":           {[]*notify.Event{evs[1], evs[0], evs[2]}, 2},
	} {
		var r measure.Receiver
		for _, ev := range tt.take {
			r.Take(ev)
		}
		if r.Wrong != tt.wrong || r.Count != uint64(len(tt.take)) {
			t.Errorf("%s: count %d, wrong %d; want %d, %d",
				name, r.Count, r.Wrong, len(tt.take), tt.wrong)
		}
	}
}

func TestArrivals_WaitForTheLastAndNoLonger(t *testing.T) {
	const adders, rounds = 4, 10000
	a := measure.NewArrivals(t, measure.StallAfter)
	starts := make([]chan struct{}, adders)
	for i := range starts {
		starts[i] = make(chan struct{})
		go func() {
			for range starts[i] {
				a.Add(2)
			}
		}()
		defer close(starts[i])
	}
	for round := 1; round <= rounds; round++ {
		for _, start := range starts {
			start <- struct{}{}
		}
		if !a.Wait(round * adders * 2) {
			t.Fatalf("Wait(%d) = false; got %d", round*adders*2, a.Got())
		}
	}
	if got := a.Got(); got != rounds*adders*2 {
		t.Errorf("got %d arrivals, want %d", got, rounds*adders*2)
	}
}

func TestArrivals_NoticeAStall(t *testing.T) {
	a := measure.NewArrivals(t, time.Millisecond)
	a.Add(1)
	if a.Wait(2) {
		t.Error("Wait(2) = true after 1 arrival")
	}
}

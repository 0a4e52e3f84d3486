package peers_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
)

// Each peer delivers what was published, in order, and leaves nothing behind.

func TestPeers_Deliver(t *testing.T) {
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			const n, rounds = 10, 2
			all := measure.NewArrivals(t, measure.StallAfter)
			for _, unicast := range []bool{false, true} {
				if unicast && p.noUnicast {
					continue
				}
				w := newWorld(n, unicast, measure.EventsPerBurst, all)
				e := p.open(t, w)
				past := all.Got()
				for round := 1; round <= rounds; round++ {
					for _, ev := range measure.Events(kind, subject) {
						if !unicast {
							e.publish(ev, subject)
							continue
						}
						for _, topic := range w.topics {
							e.publish(ev, topic)
						}
					}
					if !all.Wait(past + round*measure.EventsPerBurst*n) {
						t.Fatalf("unicast %v: lost some", unicast)
					}
				}
				e.close()
				for _, s := range w.subs {
					s.to.Verify(t, rounds*measure.EventsPerBurst)
				}
			}
			expectGoroutines(t, before+1) // the watch of arrivals
		})
	}
}

// expectGoroutines waits for the goroutines that a peer doesn't wait for itself.
func expectGoroutines(t *testing.T, want int) {
	t.Helper()
	got := runtime.NumGoroutine()
	for range 500 {
		if got <= want {
			return
		}
		time.Sleep(10 * time.Millisecond)
		got = runtime.NumGoroutine()
	}
	stacks := make([]byte, 1<<16)
	stacks = stacks[:runtime.Stack(stacks, true)]
	t.Errorf("%d goroutines, want %d:\n%s", got, want, stacks)
}

func TestHeader_HasAVersionForEachPeer(t *testing.T) {
	got, err := header()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range peers() {
		line := "version-" + strings.ToLower(p.name) + ": " + p.name + " v"
		if has := strings.Contains(got, line); has != (p.module != "") {
			t.Errorf("header has %q: %v\n%s", line, has, got)
		}
	}
}

func TestCodec_KeepsWhatIsLookedAt(t *testing.T) {
	ev := measure.Events(kind, subject)[41]
	if got := decode(encode(ev)); got.Revision != 42 || !got.Due.IsZero() {
		t.Errorf("decode(encode(%+v)) = %+v", ev, got)
	}
	ev.Due = time.Now()
	if got := decode(encode(ev)); got.Due.Sub(ev.Due) != 0 {
		t.Errorf("decode(encode(%+v)) is due %v", ev, got.Due)
	}
}

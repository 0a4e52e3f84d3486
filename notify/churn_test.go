package notify_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// Order and books while subscribers of every kind come and go, under Run.

// mark is the Payload of a churn event: its publisher and that one's running number.
type mark struct{ publisher, n int }

// churner is a subscriber with a temper. Mood is set by the goroutine that owns the subscription.
type churner struct {
	t       *testing.T
	calls   atomic.Int64 // of Deliver and Ended, under way
	rng     *rand.Rand   // of Deliver
	lossRNG *rand.Rand   // of Dropped
	temper  int
	mood    atomic.Bool // takes everything when set
	sub     atomic.Pointer[notify.Subscription]
	last    []int // of each publisher; what comes must be later
	taken   uint64
	lost    uint64
	merged  uint64
	ended   int
	reasons []error
}

const churnPatience = 50 * time.Microsecond

const (
	temperFast = iota
	temperSlow
	temperReady // calls Ready from within Deliver
	temperPanics
	temperFails
	temperCloses // itself, from within Deliver
	temperLies   // about what it took
	temperBlocks // in Deliver, for longer than the engine has patience
	tempers
)

func (c *churner) Deliver(batch []*notify.Event) (int, error) {
	assert.Zero(c.t, c.ended, "Deliver after Ended")
	assert.EqualValues(c.t, 1, c.calls.Add(1), "Deliver while it is under way")
	defer c.calls.Add(-1)
	n := len(batch)
	if !c.mood.Load() && c.temper != temperFast {
		n = c.rng.IntN(n + 1)
	}
	var err error
	switch odd := c.rng.IntN(40) == 0; {
	case c.temper == temperReady || c.temper == temperCloses:
		if s := c.sub.Load(); s != nil {
			s.Ready()
			if odd && c.temper == temperCloses {
				s.Close()
			}
		}
	case c.temper == temperPanics && odd:
		panic(n)
	case c.temper == temperFails && odd:
		err = io.ErrUnexpectedEOF
	case c.temper == temperLies && odd:
		return len(batch) + 1, nil
	case c.temper == temperBlocks && c.rng.IntN(4) == 0:
		time.Sleep(time.Duration(c.rng.IntN(int(4 * churnPatience))))
	}
	for _, ev := range batch[:n] {
		m := ev.Payload.(mark)
		if m.n <= c.last[m.publisher] {
			assert.Greater(c.t, m.n, c.last[m.publisher], "order of publisher %d", m.publisher)
		}
		c.last[m.publisher] = m.n
	}
	c.taken += uint64(n)
	return n, err
}

func (c *churner) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	assert.Zero(c.t, c.ended, "Dropped after Ended")
	if cause == notify.Conflated {
		c.merged += uint64(len(events))
	} else {
		c.lost += uint64(len(events))
	}
	if c.temper == temperCloses && c.lossRNG.IntN(20) == 0 {
		s.Close()
	}
}

func (c *churner) Ended(s *notify.Subscription, reason error) {
	assert.EqualValues(c.t, 1, c.calls.Add(1), "Ended while Deliver is under way")
	c.ended++
	c.reasons = append(c.reasons, reason, s.Err())
}

func TestChurn_OrderAndBooksHoldUnderIt(t *testing.T) {
	const publishers, owners, groups = 3, 4, 5
	events := 12_000
	if raceEnabled || testing.Short() {
		events = 4_000
	}
	var blocked atomic.Int64
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{
			instance: {Shards: 3, QueueSize: 32, Batch: 8},
		},
		Patience: churnPatience,
		Blocked:  func(*notify.Subscription) { blocked.Add(1) },
	})
	require.NoError(t, err)
	stop := start(t, e)

	var publishing, owning, reading sync.WaitGroup
	publishing.Add(publishers)
	var quiet atomic.Bool         // the publishers are through
	turns := make(chan int, 1024) // of the owners: so that they keep pace with the publishers
	for p := range publishers {
		go func() {
			defer publishing.Done()
			rng := rand.New(rand.NewPCG(7, uint64(p)))
			for n := 1; n <= events; n++ {
				ev := &notify.Event{
					Type: instance, Subject: fmt.Sprint("/", rng.IntN(2)), Payload: mark{p, n},
					Revision: int64(n), Key: []string{"", "a", "b", "c"}[rng.IntN(4)],
				}
				var to []string
				for g := range groups {
					if rng.IntN(3) == 0 {
						to = append(to, fmt.Sprint("g", g))
					}
				}
				if err := e.Publish(t.Context(), ev, to...); err != nil {
					assert.NoError(t, err)
					return
				}
				turns <- n
			}
		}()
	}
	go func() {
		publishing.Wait()
		quiet.Store(true)
		close(turns)
	}()

	reading.Go(func() { // every reading of the books balances, and they only grow
		var before notify.Stats
		for !quiet.Load() {
			st := e.Stats()
			if st.Balance() != 0 || st.Offered < before.Offered || st.Delivered < before.Delivered {
				assert.Fail(t, "books", "%+v after %+v", st, before)
				return
			}
			before = st
			runtime.Gosched()
		}
	})

	all := make([][]*churner, owners)
	for o := range owners {
		owning.Go(func() {
			rng := rand.New(rand.NewPCG(11, uint64(o)))
			var mine []*churner
			for i := range turns {
				c := &churner{
					t: t, rng: rand.New(rand.NewPCG(uint64(o), uint64(i))),
					lossRNG: rand.New(rand.NewPCG(uint64(i), uint64(o))),
					temper:  rng.IntN(tempers), last: make([]int, publishers),
				}
				b := &notify.Backlog{
					Size: 1 + rng.IntN(6), Overflow: notify.Overflow(rng.IntN(6)),
					AddTimeout: 20 * time.Microsecond, Prealloc: rng.IntN(3) == 0,
					WaitForList: rng.IntN(8) == 0,
				}
				s, err := e.Subscribe(instance, fmt.Sprint("/", rng.IntN(2)),
					fmt.Sprint("g", rng.IntN(groups)), c, b)
				if err != nil {
					assert.NoError(t, err)
					continue
				}
				c.sub.Store(s)
				all[o], mine = append(all[o], c), append(mine, c)
				for range 6 {
					x := mine[rng.IntN(len(mine))].sub.Load()
					switch rng.IntN(5) {
					case 0:
						x.StartAfter(int64(i + rng.IntN(20)))
						x.Ready()
					case 1:
						x.Subscriber().(*churner).mood.Store(rng.IntN(2) == 0)
						x.Ready()
					default:
						x.Ready()
					}
				}
				if len(mine) > 30 {
					k := rng.IntN(len(mine))
					mine[k].sub.Load().Close()
					mine[k].sub.Load().Close()
					mine = append(mine[:k], mine[k+1:]...)
				}
			}
		})
	}
	publishing.Wait()
	owning.Wait()
	reading.Wait()
	stop()
	assert.ErrorIs(t, e.Publish(context.Background(), newEvent(0)), notify.ErrClosed)
	checkChurned(t, e, all)
	assert.NotZero(t, blocked.Load())
	t.Logf("%d taken to be blocked", blocked.Load())
}

// checkChurned compares what the subscribers counted with what the engine did.
func checkChurned(t *testing.T, e *notify.Engine, all [][]*churner) {
	t.Helper()
	st := e.Stats()
	var taken, lost, merged uint64
	seen := map[string]int{}
	for _, mine := range all {
		for _, c := range mine {
			taken, lost, merged = taken+c.taken, lost+c.lost, merged+c.merged
			require.Equal(t, 1, c.ended, "temper %d", c.temper)
			require.Error(t, c.reasons[0])
			require.Equal(t, c.reasons[0], c.reasons[1], "the reason is there when Ended comes")
			seen[fmt.Sprintf("%T", c.reasons[0])]++
		}
	}
	require.Zero(t, st.Balance())
	assert.Equal(t, taken, st.Delivered)
	assert.Equal(t, lost, st.DroppedTotal())
	assert.Equal(t, merged, st.Conflated)
	assert.Zero(t, st.InFlight)
	assert.Zero(t, st.Parked+st.Blocked)
	assert.Zero(t, st.Subjects+st.Groups+st.Subscriptions)
	assert.NotZero(t, st.Stale)
	for _, cause := range notify.Causes() {
		assert.NotZero(t, st.Dropped[cause], "%v has happened", cause)
	}
	t.Logf("%d offered, %d delivered, dropped %v, %d conflated, %d stale; ends %v",
		st.Offered, st.Delivered, st.Dropped, st.Conflated, st.Stale, seen)
}

package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

func TestACutKeepsTheViewAndLetsItAge(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 10), preset(t, sim.Config{}))
	c := r.Consumer(0)
	change(t, r, 0)
	after(r, sec)
	r.Ask("cut", 0)
	back := r.Settle()
	assert.True(t, c.Away())
	assert.True(t, c.Alive())
	assert.True(t, c.View().Right(), "it knows what it knew")
	assert.Equal(t, 1, r.Wrong(), "but it is away")
	assert.Greater(t, back, r.Now)

	after(r, ms)
	due := r.Now
	change(t, r, 1)
	r.Settle()
	assert.False(t, c.View().Right())
	r.RunTo(back)
	assert.False(t, c.Away())
	assert.True(t, c.View().Right(), "the list has repaired it")

	run := conclude(t, r)
	assert.EqualValues(t, 1, run.Connects)
	assert.EqualValues(t, 1, run.Staleness.Count)
	assert.InEpsilon(t, back-due, run.Staleness.Max, 0.001, "from the change to the list")
	assert.Empty(t, run.Reasons)
}

// An event in hand outlives the connection that brought it.
func TestWhatIsInHandIsHandledAfterACut(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	r.Settle()
	r.Ask("cut", 0)
	r.Settle()
	change(t, r, 1) // which it does not hear of
	after(r, 49*ms) // and it is away for 50 at least
	c := r.Consumer(0)
	assert.True(t, c.Away())
	assert.Equal(t, 1, c.View().Position())
	after(r, sec)
	assert.Zero(t, r.Wrong())
	assert.Empty(t, conclude(t, r).Reasons)
}

// The engine may deliver to a connection that is gone, until it notices.
func TestAConsumerHearsNothingOnAConnectionThatIsGone(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 10), preset(t, sim.Config{}))
	c := r.Consumer(0)
	old := c.Link()
	ev, err := r.Change(0, true)
	require.NoError(t, err)
	r.Ask("cut", 0)
	r.Settle()
	taken, err := old.Deliver([]*notify.Event{ev, ev})
	require.NoError(t, err)
	assert.Equal(t, 2, taken, "so that they are counted as delivered")
	assert.Zero(t, c.Got())
	assert.False(t, c.View().Right())
	received, _, _, _, _ := r.Totals()
	assert.EqualValues(t, 2, received)
	after(r, sec)
	assert.Zero(t, r.Wrong())
	assert.Empty(t, r.Reasons())
}

func TestANewLifeDoesNotMissWhatTheOldOneMissed(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 10), preset(t, sim.Config{}))
	c := r.Consumer(0)
	lost, err := r.Change(0, true)
	require.NoError(t, err)
	c.Lose(lost, notify.Conflated)
	change(t, r, 1)
	r.Settle()
	require.Len(t, c.View().Missing(), 1)
	for _, kind := range []string{"crash", "leave"} {
		r.Ask(kind, 0)
		after(r, sec)
		assert.Zero(t, r.Wrong(), kind)
		assert.Empty(t, c.View().Missing(), kind)
	}
	assert.Empty(t, conclude(t, r).Reasons)
}

func TestANewLifeTakesItsOwnTime(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	handled := r.Settle() // the old one would have
	r.Ask("leave", 0)
	r.Settle()
	r.SetHandling(time.Hour)
	change(t, r, 1)
	r.RunTo(handled + 1)
	assert.True(t, r.Consumer(0).Busy())
	assert.Equal(t, 1, r.Consumer(0).View().Position())
}

func TestACrashForgetsTheView(t *testing.T) {
	s := quiet(2)
	s.Handling = time.Second
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	r.Settle()
	after(r, 100*ms)
	r.Ask("crash", 0)
	back := r.Settle()
	c := r.Consumer(0)
	assert.False(t, c.Alive())
	assert.False(t, c.Busy(), "the event it had in hand is gone, too")
	assert.True(t, c.Away())
	change(t, r, 1)
	r.RunTo(back)
	assert.True(t, c.Alive())
	assert.True(t, c.View().Right(), "the new life begins with a list")

	after(r, 10*sec)
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.EqualValues(t, 1, run.OpenEnds, "it was stale when it died")
	assert.EqualValues(t, 2, run.Staleness.Count, "the dead one's and the other's")
	h, err := run.Staleness.Decode()
	require.NoError(t, err)
	assert.InEpsilon(t, 100*ms, h.Min(), 0.001, "as long as it was by then")
}

func TestWhoLeavesIsReplacedAtOnce(t *testing.T) {
	r := newRig(t, quiet(1), oneService(t, 10), preset(t, sim.Config{}))
	_, err := r.Change(0, true)
	require.NoError(t, err)
	after(r, 100*ms)
	require.Equal(t, 1, r.Wrong(), "nobody was told")
	r.Ask("leave", 0)
	r.Settle()
	assert.Zero(t, r.Wrong())
	run := conclude(t, r)
	assert.EqualValues(t, 1, run.Connects)
	assert.EqualValues(t, 1, run.OpenEnds)
	assert.InEpsilon(t, 100*ms, run.Staleness.Max, 0.001)
	assert.Empty(t, r.Reasons())
}

func TestADeathEndsTheLastIntervalAndKeepsTheOneBefore(t *testing.T) {
	s := quiet(1)
	s.Handling = 10 * time.Millisecond
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	after(r, sec) // stale, and well again
	_, err := r.Change(1, true)
	require.NoError(t, err)
	after(r, 2*sec)
	r.Ask("crash", 0)
	after(r, sec)
	run := conclude(t, r)
	assert.EqualValues(t, 2, run.Staleness.Count)
	assert.InEpsilon(t, 2*sec, run.Staleness.Max, 0.001)
	assert.Less(t, run.Staleness.P50, 100*ms)
}

func TestWhoIsAwayAlreadyDoesNotLeaveTwice(t *testing.T) {
	for _, kind := range []string{"leave", "crash", "cut"} {
		r := newRig(t, quiet(1), oneService(t, 10), preset(t, sim.Config{}))
		r.Ask("cut", 0)
		r.Settle()
		r.Ask(kind, 0)
		r.Settle()
		assert.True(t, r.Consumer(0).Away(), kind)
		assert.True(t, r.Consumer(0).Alive(), kind)
		after(r, sec)
		assert.EqualValues(t, 1, conclude(t, r).Connects, kind)
	}
}

func TestTheBackoffDoublesWithJitterUpToItsLimit(t *testing.T) {
	r := newRig(t, quiet(50), oneService(t, 1), preset(t, sim.Config{}))
	for try := range 40 {
		base := min(float64(100*ms)*float64(uint64(1)<<try), float64(sim.BackoffMax))
		seen := make(map[int64]bool)
		for i := range r.Consumers() {
			d := r.Consumer(i).Backoff()
			require.GreaterOrEqual(t, float64(d), base*0.5, "try %d", try)
			require.LessOrEqual(t, float64(d), base*1.5, "try %d", try)
			seen[d] = true
		}
		assert.Len(t, seen, 50, "try %d: no two come back together", try)
	}
	assert.Equal(t, 40, r.Consumer(0).Tries())
	r.Ask("leave", 0)
	r.Settle()
	assert.Zero(t, r.Consumer(0).Tries(), "the list came")
}

// The list is read half-way through its time, so changes fall on both sides.
func TestEventsAreSplicedToTheListThatWasReadMeanwhile(t *testing.T) {
	s := quiet(1)
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	r.SetListTime(100 * time.Millisecond)
	r.Ask("leave", 0)
	read := r.Settle() // when it will be read
	assert.Equal(t, 1, r.Wrong(), "who has no view yet")
	before := (r.Now + read) / 2
	r.RunTo(before)
	change(t, r, 0)
	r.RunTo(read)
	r.RunTo(r.Now + 1)
	c := r.Consumer(0)
	assert.False(t, c.Alive(), "it has not arrived")
	change(t, r, 1)
	due := r.Now
	arrives := r.Settle()
	r.RunTo(arrives)
	assert.True(t, c.View().Right())

	st := r.Engine().Stats()
	assert.EqualValues(t, 1, st.Stale, "the change before is in the list")
	assert.EqualValues(t, 1, st.Delivered, "the one after comes as an event")
	run := conclude(t, r)
	assert.Empty(t, run.Reasons)
	assert.EqualValues(t, 1, run.Propagation.Count)
	assert.InEpsilon(t, arrives-due, run.Propagation.Max, 0.001)
	assert.Zero(t, run.Staleness.Count, "it wasn't there before the list arrived")
}

func TestAListThatTakesTooLongEndsTheConnection(t *testing.T) {
	p := preset(t, sim.Config{})
	p.Watch.ListTimeout = 50 * time.Millisecond
	r := newRig(t, quiet(1), oneService(t, 10), p)
	r.SetListTime(time.Second)
	c, began := r.Consumer(0), r.Now
	r.Ask("cut", 0)
	for try := 1; try <= 4; try++ {
		back := r.Settle()
		assert.True(t, c.Away())
		assert.Equal(t, try, c.Tries())
		r.RunTo(back)
		require.False(t, c.Away())
		change(t, r, 0)
		ends := r.Settle()
		assert.Equal(t, back+50*ms, ends)
		r.RunTo(ends)
		assert.True(t, c.Alive(), "it keeps its old view")
	}
	assert.Greater(t, r.Now-began, 50*ms+100*ms+200*ms+400*ms, "half of each backoff at least")
	r.SetListTime(0)
	after(r, 10*sec)
	assert.Zero(t, r.Wrong())
	run := conclude(t, r)
	assert.Empty(t, r.Reasons())
	assert.EqualValues(t, 5, run.Connects)
	assert.EqualValues(t, 1, run.Staleness.Count, "all the time, without a break")
	assert.EqualValues(t, 4, run.Books.Dropped["failed"]+run.Books.Dropped["closed"])
}

// What a consumer refused on a connection that is gone is no business of the one being made.
func TestAConsumerThatBecomesFreeWhileItDialsWaitsForNothing(t *testing.T) {
	s := quiet(1)
	s.Handling, s.Spread = time.Second, "constant"
	r := newRig(t, s, oneService(t, 10), preset(t, sim.Config{}))
	change(t, r, 0)
	change(t, r, 1) // refused
	r.Settle()
	r.Dial()
	r.Ask("cut", 0)
	after(r, 2*sec)
	c := r.Consumer(0)
	assert.False(t, c.Away(), "it dials")
	assert.False(t, c.Busy())
	assert.Equal(t, 1, c.View().Position())
	assert.Empty(t, r.Reasons())
}

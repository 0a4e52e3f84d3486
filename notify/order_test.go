package notify_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// Order, joining, and who hears what: the sentences of notify/doc.go.

func TestOrder_ASubscriptionGetsItsEventsInPublishOrder(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Batch: 3})
	a, b := eager(), eager()
	r.join("a", a, nil)
	r.join("b", b, nil)
	both := []string{"a", "b"}
	for _, groups := range [][]string{nil, {"a"}, {"b"}, both, both, {"b"}, nil, {"a"}} {
		r.put(&notify.Event{}, groups...)
	}
	r.settle()
	assert.Equal(t, []int{1, 2, 4, 5, 7, 8}, a.got())
	assert.Equal(t, []int{1, 3, 4, 5, 6, 7}, b.got())
}

func TestOrder_HoldsForOneThatTakesPartsAndComesBack(t *testing.T) {
	r := newRig(t, notify.TypeConfig{QueueSize: 50, Batch: 7, Backlog: notify.Backlog{Size: 100}})
	c := refusing()
	s := r.join("g", c, nil)
	for i := range 9 {
		c.allow(i)
		s.Ready()
		r.send(i)
	}
	c.allow(100)
	s.Ready()
	r.settle()
	assert.Equal(t, seq(1, 36), c.got())
	assert.Zero(t, r.Stats().Parked)
}

func TestOrder_EventsOfADrainThatTakesLongComeBeforeLaterOnes(t *testing.T) {
	// A drain stops after 64 events to let others in; what comes meanwhile stays behind it.
	r := newRig(t, notify.TypeConfig{QueueSize: 1000, Backlog: notify.Backlog{Size: 1000}})
	c := refusing()
	s := r.join("g", c, nil)
	r.send(300)
	c.allow(1000)
	s.Ready()
	r.step()
	assert.Equal(t, seq(1, 64), c.got(), "one step drains no more")
	r.send(3)
	assert.Equal(t, seq(1, 303), c.got())
}

func TestJoining_AnEventPublishedAfterSubscribeIsOffered(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 3})
	var all []*client
	for i := range 20 { // no step in between: the joins wait like the events do
		c := eager()
		all = append(all, c)
		r.join([]string{"a", "b"}[i%2], c, nil)
		r.put(&notify.Event{})
	}
	r.settle()
	for i, c := range all {
		got := c.got()
		require.GreaterOrEqual(t, len(got), 20-i, "subscriber %d missed events", i)
		assert.Equal(t, seq(21-len(got), 20), got, "one published before may be offered, in order")
	}
}

func TestJoining_WhileTheShardWaitsIsOfferedWhatComesAfter(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: notify.Block}})
	stuck, c := refusing(), eager()
	r.join("g", stuck, nil)
	r.send(2)
	r.join("g", c, nil)
	late, _ := r.settle()
	require.False(t, late.Next.IsZero(), "the shard waits")
	r.put(&notify.Event{}, "g")
	r.wait(notify.DefaultAddTimeout) // for 2
	assert.Empty(t, c.got(), "2 was routed before it joined")
	r.wait(notify.DefaultAddTimeout) // for 3
	assert.Equal(t, []int{3}, c.got())
}

func TestGroups_NamedOnesHearWhatNamesThemAndBroadcasts(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 2})
	none, a, b, other := eager(), eager(), eager(), eager()
	r.join("", none, nil)
	r.join("a", a, nil)
	r.join("b", b, nil)
	_, err := r.Subscribe(instance, "/other/", "a", other, nil)
	require.NoError(t, err)

	r.put(&notify.Event{}, "a")
	r.put(&notify.Event{}, "b")
	r.put(&notify.Event{}, "a", "b")
	r.put(&notify.Event{})
	r.put(&notify.Event{}, "") // "" is all groups, in service-center and here
	r.put(&notify.Event{}, "a", "")
	r.settle()
	assert.Equal(t, []int{4, 5, 6}, none.got(), `"" hears only what is for all`)
	assert.Equal(t, []int{1, 3, 4, 5, 6}, a.got())
	assert.Equal(t, []int{2, 3, 4, 5, 6}, b.got())
	assert.Empty(t, other.got(), "another subject")
}

func TestGroups_SlicesOfManyNamesThatAreEqualButNotTheSame(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	a, b := eager(), eager()
	r.join("a", a, nil)
	r.join("b", b, nil)
	table := []string{"a", "b", "c"}
	r.put(&notify.Event{}, table...)
	r.put(&notify.Event{}, table...)
	r.put(&notify.Event{}, "a", "b", "c")
	r.put(&notify.Event{}, table[:2]...)
	r.put(&notify.Event{}, "c", "b", "x")
	r.settle()
	assert.Equal(t, []int{1, 2, 3, 4}, a.got())
	assert.Equal(t, []int{1, 2, 3, 4, 5}, b.got())
}

func TestGroups_UnknownSubjectOrGroupIsNoError(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	r.join("g", c, nil)
	r.put(&notify.Event{}, "nobody")
	require.NoError(t, r.Publish(context.Background(),
		&notify.Event{Type: instance, Subject: "/unheard/"}))
	_, sum := r.settle()
	assert.Equal(t, 2, sum.Routed)
	assert.Empty(t, c.got())
	st := r.Stats()
	assert.EqualValues(t, 2, st.Published)
	assert.Zero(t, st.Offered)
}

func TestGroups_VanishWithTheLastMemberAndComeAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	a1, a2, b := r.join("a", eager(), nil), r.join("a", eager(), nil), r.join("b", eager(), nil)
	type living struct{ subjects, groups, subscriptions int }
	count := func() living {
		r.settle()
		st := r.Stats()
		return living{st.Subjects, st.Groups, st.Subscriptions}
	}
	assert.Equal(t, living{1, 2, 3}, count())
	a1.Close()
	assert.Equal(t, living{1, 2, 2}, count())
	a2.Close()
	assert.Equal(t, living{1, 1, 1}, count())
	b.Close()
	assert.Equal(t, living{}, count())
	c := eager()
	r.join("a", c, nil)
	assert.Equal(t, living{1, 1, 1}, count())
	r.send(1, "a")
	assert.Equal(t, []int{1}, c.got())
}

func TestGroups_LeaversInTheMiddleDisturbNobody(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	var subs []*notify.Subscription
	var clients []*client
	for i := range 12 {
		c := eager()
		clients = append(clients, c)
		subs = append(subs, r.join([]string{"a", "b", "c", "d"}[i%4], c, nil))
	}
	left := map[int]bool{}
	for _, i := range []int{0, 4, 8, 5, 11, 2} { // the whole of group a among them
		subs[i].Close()
		left[i] = true
		r.send(1)
		for j, c := range clients {
			last := -1
			if got := c.got(); len(got) > 0 {
				last = got[len(got)-1]
			}
			assert.Equal(t, !left[j], last == r.next-1, "subscriber %d after %d left", j, i)
		}
	}
}

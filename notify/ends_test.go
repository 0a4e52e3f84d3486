package notify_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// Failing subscribers, and the end of a subscription: once, with the reason that came first.

// badErrors is an error that can't be compared: comparing two of them panics.
type badErrors []error

func (badErrors) Error() string { return "several" }

func TestFailing_LosesTheSubscriptionAndTheOthersDoNotNotice(t *testing.T) {
	type outcome = func(batch []*notify.Event) (int, error)
	for _, tt := range []struct {
		name    string
		deliver outcome
		taken   int
		reason  func(t *testing.T, err error)
	}{
		{"error", func([]*notify.Event) (int, error) { return 0, io.EOF }, 0,
			func(t *testing.T, err error) { assert.Equal(t, io.EOF, err) }},
		{"error after a part", func([]*notify.Event) (int, error) { return 2, io.EOF }, 2,
			func(t *testing.T, err error) { assert.Equal(t, io.EOF, err) }},
		{"error with all taken", func(b []*notify.Event) (int, error) { return len(b), io.EOF }, 4,
			func(t *testing.T, err error) { assert.Equal(t, io.EOF, err) }},
		{"incomparable error", func([]*notify.Event) (int, error) { return 0, badErrors{} }, 0,
			func(t *testing.T, err error) { assert.IsType(t, badErrors{}, err) }},
		{"takes too many", func(b []*notify.Event) (int, error) { return len(b) + 1, nil }, 0,
			func(t *testing.T, err error) {
				assert.ErrorIs(t, err, notify.ErrInvalid)
				assert.ErrorContains(t, err, "took 5 of a batch of 4")
			}},
		{"takes less than nothing", func([]*notify.Event) (int, error) { return -1, nil }, 0,
			func(t *testing.T, err error) { assert.ErrorIs(t, err, notify.ErrInvalid) }},
		{"panic", func([]*notify.Event) (int, error) { panic("boom") }, 0,
			func(t *testing.T, err error) {
				var p *notify.PanicError
				require.ErrorAs(t, err, &p)
				assert.Equal(t, "boom", p.Value)
				assert.Contains(t, string(p.Stack), "ends_test.go")
				assert.EqualError(t, err, "notify: subscriber panicked: boom")
			}},
		{"panic with an error", func([]*notify.Event) (int, error) { panic(io.EOF) }, 0,
			func(t *testing.T, err error) { assert.ErrorIs(t, err, io.EOF) }},
		{"panic with nil", func([]*notify.Event) (int, error) { panic(nil) }, 0,
			func(t *testing.T, err error) { assert.IsType(t, &notify.PanicError{}, err) }},
	} {
		for _, waiting := range []bool{false, true} { // fails at once, or out of its mailbox
			name := tt.name
			if waiting {
				name += " in a drain"
			}
			t.Run(name, func(t *testing.T) {
				r := newRig(t, notify.TypeConfig{})
				before, c, after := eager(), witness{refusing(), newListener()}, eager()
				r.join("g", before, nil)
				s := r.join("g", c, nil)
				r.join("g", after, nil)
				if !waiting {
					c.on = tt.deliver
				}
				r.send(4)
				if waiting {
					c.on = tt.deliver
					s.Ready()
					r.settle()
				}
				tt.reason(t, s.Err())
				require.Len(t, c.ends[s], 1)
				tt.reason(t, c.ends[s][0])
				<-s.Done()
				lost := uint64(4 - tt.taken)
				st := r.Stats()
				assert.Equal(t, drops(map[notify.Cause]uint64{notify.Failed: lost}), st.Dropped)
				assert.EqualValues(t, 8+tt.taken, st.Delivered)
				assert.Len(t, c.lost[notify.Failed], int(lost))
				assert.Zero(t, st.InFlight)
				assert.Zero(t, st.Parked)
				assert.Equal(t, 2, st.Subscriptions)

				calls := c.calls
				r.send(2)
				assert.Equal(t, calls, c.calls, "nothing follows the end")
				assert.Equal(t, seq(1, 6), before.got())
				assert.Equal(t, seq(1, 6), after.got())
			})
		}
	}
}

func TestEnds_ComeOnceWithTheReasonThatCameFirst(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 1, Overflow: notify.Evict}})
	c := witness{refusing(), newListener()}
	s := r.join("g", c, nil)
	assert.NoError(t, s.Err())
	select {
	case <-s.Done():
		t.Fatal("done before its end")
	default:
	}
	r.send(2)
	s.Close()
	s.Close()
	r.Close()
	r.settle()
	assert.Equal(t, notify.ErrSlow, s.Err())
	assert.Equal(t, []error{notify.ErrSlow}, c.ends[s])
	<-s.Done()
}

func TestEnds_CloseFromWithinDeliverGoesBeforeItsError(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	c := eager()
	var s *notify.Subscription
	c.on = func([]*notify.Event) (int, error) {
		s.Close()
		return 1, io.EOF
	}
	s = r.join("g", c, nil)
	r.send(3)
	assert.Equal(t, notify.ErrClosed, s.Err())
	assert.Equal(t, drops(map[notify.Cause]uint64{notify.Closed: 2}), r.Stats().Dropped)
	assert.Equal(t, []int{1}, c.got())
}

func TestEnds_CloseLosesWhatWaits(t *testing.T) {
	for o := notify.Conflate; o <= notify.Block; o++ {
		r := newRig(t, notify.TypeConfig{Backlog: notify.Backlog{Size: 3, Overflow: o}})
		s := r.join("g", refusing(), nil)
		r.keyed("a", "b", "c")
		assert.Equal(t, 1, r.Stats().Parked)
		s.Close()
		r.settle()
		st := r.Stats()
		assert.Equal(t, drops(map[notify.Cause]uint64{notify.Closed: 3}), st.Dropped, "%v", o)
		assert.Zero(t, st.InFlight)
		assert.Zero(t, st.Parked)
	}
}

func TestEnds_BeforeItJoinedIsHeardToo(t *testing.T) {
	obs := newListener()
	r := newRig(t, notify.TypeConfig{}, obs)
	c := eager()
	s := r.join("g", c, nil)
	s.Close()
	r.send(1)
	assert.Equal(t, map[*notify.Subscription][]error{s: {notify.ErrClosed}}, obs.ends)
	assert.Empty(t, c.got())
	assert.Zero(t, r.Stats().Offered)
	assert.Same(t, c, s.Subscriber())
}

func TestEnds_ManyAtOnceHaveOneReason(t *testing.T) {
	// Close, Ready, a failure and the end of the engine race; everybody must see the same reason,
	// and hear of it, however late the closer comes to tell the shard.
	rounds := 6000
	if raceEnabled || testing.Short() {
		rounds = 600
	}
	for round := range rounds {
		obs := newListener()
		e := newEngine(t, notify.TypeConfig{Shards: 1 + round%2}, obs)
		ran := make(chan error, 1)
		go func() { ran <- e.Run(context.Background()) }()
		var subs []*notify.Subscription
		for i := range 6 {
			c := eager()
			c.on = func([]*notify.Event) (int, error) { return 0, io.EOF }
			s, err := e.Subscribe(instance, subject, "g", c, nil)
			require.NoError(t, err, i)
			subs = append(subs, s)
		}
		var racers sync.WaitGroup
		racers.Go(func() {
			for _, s := range subs {
				s.Ready()
				s.Close()
			}
		})
		if round%3 == 0 {
			racers.Go(func() {
				err := e.Publish(t.Context(), newEvent(0))
				assert.True(t, err == nil || errors.Is(err, notify.ErrClosed))
			})
		}
		racers.Go(e.Close)
		racers.Wait()
		require.NoError(t, <-ran)
		for _, s := range subs {
			<-s.Done()
			require.Error(t, s.Err())
			require.Equal(t, []error{s.Err()}, obs.ends[s], "heard once, with the reason")
		}
		st := e.Stats()
		require.Zero(t, st.Balance())
		require.Zero(t, st.InFlight)
		require.Zero(t, st.Subscriptions)
	}
}

package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

// The acceptance figure of spec/engine.md: 159 of 200 000 joiners of a group whose last member was
// leaving stayed deaf upstream; here it must be 0 of 1 000 000.

func deafTries() int {
	if raceEnabled || testing.Short() {
		return 100_000
	}
	return 1_000_000
}

// joiner hears in which round it last got an event.
type joiner struct{ heard int }

func (j *joiner) Deliver(batch []*notify.Event) (int, error) {
	j.heard = batch[len(batch)-1].Payload.(int)
	return len(batch), nil
}

func TestAcceptance_NoJoinerIsDeaf(t *testing.T) {
	// In every round the only member of each group leaves while another one joins it; then an
	// event is published, and everyone who joined must have it when the fence is passed.
	const groups = 256
	e := newEngine(t, notify.TypeConfig{Shards: 1}, nil)
	f := newFence(t, e)
	start(t, e)
	names := make([]string, groups)
	members := make([]*notify.Subscription, groups)
	for i := range names {
		names[i] = fmt.Sprint("consumer-", i)
		var err error
		members[i], err = e.Subscribe(instance, subject, names[i], &joiner{}, nil)
		require.NoError(t, err)
	}

	rounds := make(chan []*notify.Subscription)
	left := make(chan struct{})
	go func() { // the leavers
		for leaving := range rounds {
			for _, s := range leaving {
				s.Close()
			}
			left <- struct{}{}
		}
	}()
	defer close(rounds)

	tries, deaf := 0, 0
	joiners := make([]joiner, groups)
	next := make([]*notify.Subscription, groups)
	for round := 1; tries < deafTries(); round++ {
		rounds <- members
		for i, name := range names {
			joiners[i].heard = 0
			s, err := e.Subscribe(instance, subject, name, &joiners[i], nil)
			require.NoError(t, err)
			next[i] = s
		}
		if round%2 == 0 { // else the event itself races with the leavers
			<-left
		}
		target := names
		if round%3 == 0 {
			target = nil // for all groups
		}
		require.NoError(t, e.Publish(context.Background(), newEvent(round), target...))
		if round%2 == 1 {
			<-left
		}
		f.wait()
		for i := range joiners {
			if joiners[i].heard != round {
				deaf++
			}
		}
		tries += groups
		members, next = next, members
		joiners = make([]joiner, groups) // those of this round may still be called
	}
	assert.Zero(t, deaf, "of %d", tries)
	st := e.Stats()
	assert.LessOrEqual(t, st.Groups, groups+4, "those of the fence, too")
	assert.Zero(t, st.Balance())
}

func TestAcceptance_ALastMemberAndANewOneInEveryOrderOfSteps(t *testing.T) {
	// The same by hand: the shard looks, or does not, between any two of the three things.
	for looks := range 8 {
		for _, joinFirst := range []bool{false, true} {
			r := newRig(t, notify.TypeConfig{})
			old, c := eager(), eager()
			s := r.join("g", old, nil)
			r.settle()
			look := func(bit int) {
				if looks&bit != 0 {
					r.settle()
				}
			}
			if joinFirst {
				r.join("g", c, nil)
				look(1)
				s.Close()
			} else {
				s.Close()
				look(1)
				r.join("g", c, nil)
			}
			look(2)
			r.put(&notify.Event{}, "g")
			look(4)
			r.put(&notify.Event{})
			r.settle()
			assert.Equal(t, []int{1, 2}, c.got())
			assert.Empty(t, old.got())
			assert.Equal(t, 1, r.Stats().Groups)
		}
	}
}

func TestAcceptance_NoJoinerIsDeafWhenManyJoinAndLeaveAtOnce(t *testing.T) {
	rounds := deafTries() / 2000
	e := newEngine(t, notify.TypeConfig{Shards: 3}, nil)
	f := newFence(t, e)
	stop := start(t, e)
	for round := range rounds {
		var stayed [4][]*client
		var racers sync.WaitGroup
		for p := range stayed {
			racers.Go(func() {
				for range 8 {
					leaver, c := eager(), eager()
					s, err := e.Subscribe(instance, subject, "g", leaver, nil)
					assert.NoError(t, err)
					s.Close()
					_, err = e.Subscribe(instance, subject, "g", c, nil)
					assert.NoError(t, err)
					stayed[p] = append(stayed[p], c)
				}
			})
		}
		racers.Wait()
		require.NoError(t, e.Publish(t.Context(), newEvent(round), "g"))
		f.wait()
		for _, clients := range stayed {
			for _, c := range clients {
				require.Equal(t, []int{round}, c.got())
				c.mu.Lock()
				c.on = func([]*notify.Event) (int, error) { return 0, context.Canceled }
				c.mu.Unlock()
			}
		}
		require.NoError(t, e.Publish(t.Context(), newEvent(round), "g")) // and they are gone
		f.wait()
	}
	stop() // the fence is passed before its step has reported
	st := e.Stats()
	assert.EqualValues(t, rounds*32, st.Delivered-uint64(rounds)*2*4)
	assert.EqualValues(t, rounds*32, st.Dropped[notify.Failed])
}

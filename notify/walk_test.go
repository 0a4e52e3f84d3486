package notify_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
)

// A random walk without a model: everything at once, with any number of steps between any two
// things, Block and WaitForList and several shards among them. What must hold is checked after
// every step.

type guest struct {
	c    witness
	sub  *notify.Subscription
	done bool // told to end
}

type party struct {
	r      *rig
	all    *listener
	guests []*guest
	rev    int64
}

func (p *party) arrive(t *rapid.T) {
	b := &notify.Backlog{
		Size:        rapid.IntRange(1, 4).Draw(t, "size"),
		Overflow:    notify.Overflow(rapid.IntRange(0, int(notify.Block)).Draw(t, "overflow")),
		AddTimeout:  time.Duration(rapid.IntRange(1, 5).Draw(t, "timeout")) * time.Millisecond,
		Prealloc:    rapid.Bool().Draw(t, "prealloc"),
		WaitForList: rapid.IntRange(0, 4).Draw(t, "wait") == 0,
	}
	g := &guest{c: witness{refusing(), newListener()}}
	g.c.allow(rapid.SampledFrom([]int{0, 1, 3, unlimited}).Draw(t, "credit"))
	switch rapid.IntRange(0, 7).Draw(t, "temper") {
	case 0: // closes itself when it loses something
		g.c.onDrop = func(s *notify.Subscription, _ *notify.Event, _ notify.Cause) { s.Close() }
	case 1: // never has enough, and is always ready
		g.c.on = func(batch []*notify.Event) (int, error) {
			g.sub.Ready()
			return (len(batch) + 1) / 2, nil
		}
	case 2: // makes room when it loses something
		g.c.onDrop = func(s *notify.Subscription, _ *notify.Event, _ notify.Cause) {
			g.c.allow(1)
			s.Ready()
		}
	}
	g.sub = p.r.join(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "group"), g.c, b)
	p.guests = append(p.guests, g)
}

func (p *party) publish(t *rapid.T) {
	to := rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"b", "a"}}).Draw(t, "groups")
	for range rapid.IntRange(1, 8).Draw(t, "n") {
		p.rev++
		p.r.put(&notify.Event{
			Key:      rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "key"),
			Revision: p.rev,
		}, to...)
	}
}

func (p *party) act(t *rapid.T) {
	if len(p.guests) == 0 {
		t.Skip("nobody")
	}
	g := rapid.SampledFrom(p.guests).Draw(t, "guest")
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		g.sub.Close()
		g.done = true
	case 1:
		g.c.on = func([]*notify.Event) (int, error) { panic(g) }
		g.sub.Ready()
	case 2:
		g.sub.StartAfter(p.rev - 3)
		g.sub.Ready()
	default:
		g.c.allow(rapid.SampledFrom([]int{1, 2, 9, unlimited}).Draw(t, "k"))
		g.sub.Ready()
	}
}

func (p *party) steps(t *rapid.T) {
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		p.r.step()
	}
}

func (p *party) pass(t *rapid.T) {
	p.r.now = p.r.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "µs")) * time.Microsecond)
	p.r.step()
}

// finish lets time pass until nothing waits for it any more.
func (p *party) finish(t *rapid.T) {
	for range 100_000 {
		w, _ := p.r.settle()
		if w.Next.IsZero() {
			return
		}
		require.True(t, w.Next.After(p.r.now), "what is due now is done now")
		p.r.now = w.Next
	}
	require.FailNow(t, "it waits for ever")
}

// check holds at any moment.
func (p *party) check(t *rapid.T) {
	for i, g := range p.guests {
		got := g.c.got()
		for j := 1; j < len(got); j++ {
			require.Less(t, got[j-1], got[j], "guest %d: publish order, nothing twice", i)
		}
		require.LessOrEqual(t, len(g.c.ends[g.sub]), 1)
		require.Zero(t, g.c.late, "guest %d heard something after its Ended", i)
		if g.done {
			require.Error(t, g.sub.Err())
		}
	}
}

// account compares the books with what the guests counted themselves.
func (p *party) account(t *rapid.T) {
	st := p.r.Stats()
	var delivered, conflated uint64
	var lost notify.Books
	for _, g := range p.guests {
		delivered += uint64(len(g.c.got()))
		conflated += uint64(len(g.c.lost[notify.Conflated]))
		for _, cause := range notify.Causes() {
			lost.Dropped[cause] += uint64(len(g.c.lost[cause]))
		}
	}
	require.Equal(t, delivered, st.Delivered)
	require.Equal(t, conflated, st.Conflated)
	require.Equal(t, lost.Dropped, st.Dropped)
	for cause, events := range p.all.lost {
		n := conflated
		if cause != notify.Conflated {
			n = lost.Dropped[cause]
		}
		require.EqualValues(t, n, len(events), "config's Observer, %v", cause)
	}
}

func TestWalk_WhatHoldsAlwaysHoldsInEveryStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := newListener()
		p := &party{all: all, r: newRig(t, notify.TypeConfig{
			QueueSize: math.MaxInt32,
			Shards:    rapid.IntRange(1, 3).Draw(t, "shards"),
			Batch:     rapid.SampledFrom([]int{1, 3, 64}).Draw(t, "batch"),
		}, all)}
		t.Repeat(map[string]func(*rapid.T){
			"": p.check, "arrive": p.arrive, "publish": p.publish, "publish2": p.publish,
			"act": p.act, "act2": p.act, "steps": p.steps, "steps2": p.steps, "pass": p.pass,
		})
		if rapid.Bool().Draw(t, "rest") {
			// Whoever takes everything from now on has everything soon.
			for _, g := range p.guests {
				g.c.allow(unlimited)
				g.sub.Ready()
			}
			p.finish(t)
			for _, g := range p.guests { // Ready again: Deliver may have refused before it was told
				g.sub.Ready()
			}
			p.finish(t)
			st := p.r.Stats()
			require.Zero(t, st.InFlight)
			require.Zero(t, st.Parked)
			require.Zero(t, st.Queued)
			p.account(t)
		}
		p.r.Close() // in the middle of whatever it does
		p.r.settle()
		p.check(t)
		p.account(t)
		st := p.r.Stats()
		require.Zero(t, st.InFlight+uint64(st.Parked+st.Queued+st.Subscriptions+st.Groups))
		for _, g := range p.guests {
			require.Len(t, g.c.ends[g.sub], 1)
			require.Equal(t, g.c.ends[g.sub][0], g.sub.Err())
		}
		require.Len(t, all.ends, len(p.guests))
		require.Zero(t, all.late)
	})
}

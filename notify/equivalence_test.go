package notify_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
)

// Ways of running an engine that must make no difference to what a subscriber gets.

// script is what happens to an engine: subscribers join at their moment, events are published.
type script struct {
	groups []string // of the subscribers
	joinAt []int    // before which event
	stages [][]int  // credit that a subscriber gets, and is ready, before each event
	events []scripted
}

type scripted struct {
	to  []string
	key string
}

func drawScript(t *rapid.T) script {
	groupGen := rapid.SampledFrom([]string{"", "a", "b"})
	var s script
	n := rapid.IntRange(1, 40).Draw(t, "events")
	for range n {
		s.events = append(s.events, scripted{
			to:  rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}}).Draw(t, "to"),
			key: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "key"),
		})
	}
	for range rapid.IntRange(1, 9).Draw(t, "subscribers") {
		s.groups = append(s.groups, groupGen.Draw(t, "group"))
		s.joinAt = append(s.joinAt, rapid.IntRange(0, n-1).Draw(t, "join"))
		s.stages = append(s.stages,
			rapid.SliceOfN(rapid.IntRange(0, 3), n, n).Draw(t, "credit"))
	}
	return s
}

// play runs the script through Step; every says after how many events the engine may work.
func (s script) play(t *rapid.T, tc notify.TypeConfig, every int) ([][]int, notify.Stats) {
	r := newRig(t, tc)
	clients := make([]*client, len(s.groups))
	subs := make([]*notify.Subscription, len(s.groups))
	for i, ev := range s.events {
		for j, at := range s.joinAt {
			if at == i {
				r.settle() // an event published shortly before may be offered, or not
				clients[j] = refusing()
				subs[j] = r.join(s.groups[j], clients[j], nil)
			}
			if k := s.stages[j][i]; k > 0 && subs[j] != nil {
				clients[j].allow(k)
				subs[j].Ready()
			}
		}
		if every == 1 { // a drain stops after a batch, and a new event may overtake the rest of it
			r.settle()
		}
		r.put(&notify.Event{Key: ev.key}, ev.to...)
		if i%every == 0 {
			r.settle()
		}
	}
	r.settle()
	st := r.Stats()
	for j := range subs {
		clients[j].allow(unlimited)
		subs[j].Ready()
	}
	r.settle()
	var got [][]int
	for _, c := range clients {
		got = append(got, c.got())
	}
	return got, st
}

var roomy = notify.Backlog{Size: 1000}

func TestEquivalence_OneShardAndFour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		one, _ := s.play(t, notify.TypeConfig{Shards: 1, Backlog: roomy}, 1)
		four, _ := s.play(t, notify.TypeConfig{Shards: 4, Backlog: roomy}, 1)
		require.Equal(t, one, four)
		lazy, _ := s.play(t, notify.TypeConfig{Shards: 4, Backlog: roomy, Batch: 2}, 7)
		require.Equal(t, one, lazy, "nor does it matter when the work is done")
	})
}

func TestEquivalence_BatchesOfOneAndMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		for o := notify.Conflate; o < notify.Evict; o++ {
			b := notify.Backlog{Size: 2, Overflow: o}
			many, manyStats := s.play(t, notify.TypeConfig{Backlog: b}, 1)
			one, oneStats := s.play(t, notify.TypeConfig{Backlog: b, Batch: 1}, 1)
			require.Equal(t, one, many, "%v", o)
			require.Equal(t, oneStats.Books, manyStats.Books, "%v", o)
			if o == notify.DropNewest {
				four, fourStats := s.play(t, notify.TypeConfig{Backlog: b, Shards: 4}, 1)
				require.Equal(t, one, four)
				require.Equal(t, oneStats.Books, fourStats.Books)
			}
		}
	})
}

func TestEquivalence_RunAndStepDeliverTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt)
		for i := range s.joinAt { // under Run nobody can say what was published shortly before
			s.joinAt[i] = 0
		}
		want, stats := s.play(rt, notify.TypeConfig{Shards: 2, Backlog: roomy}, 3)

		e := newEngine(rt, notify.TypeConfig{Shards: 2, Backlog: roomy, QueueSize: 3}, nil)
		f := newFence(rt, e)
		var clients []*client
		var subs []*notify.Subscription
		for _, group := range s.groups {
			c := refusing()
			sub, err := e.Subscribe(instance, subject, group, c, nil)
			require.NoError(rt, err)
			clients, subs = append(clients, c), append(subs, sub)
		}
		stop := start(t, e)
		for i, ev := range s.events {
			for j, sub := range subs {
				if k := s.stages[j][i]; k > 0 {
					clients[j].allow(k)
					sub.Ready()
				}
			}
			require.NoError(rt, e.Publish(t.Context(), newEvent(i+1), ev.to...))
		}
		for j, sub := range subs {
			clients[j].allow(unlimited)
			sub.Ready()
		}
		f.wait()
		for _, sub := range subs { // what was refused meanwhile; the fence then follows the drain
			sub.Ready()
		}
		f.wait()
		stop()
		for j, c := range clients {
			assert.Equal(rt, want[j], c.got(), "subscriber %d", j)
		}
		st := e.Stats()
		require.Zero(rt, st.Balance())
		require.Zero(rt, st.DroppedTotal())
		require.Equal(rt, stats.Offered, st.Offered-8, "less the fence's")
	})
}

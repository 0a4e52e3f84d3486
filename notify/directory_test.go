package notify_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
)

// routed publishes an event to groups and says how many deliveries each shard made, by shard.
func routed(r *rig, groups ...string) map[int]int {
	r.put(&notify.Event{}, groups...)
	by := make(map[int]int)
	for w := r.step(); !w.Idle; w = r.step() {
		by[w.Shard] += w.Delivered
	}
	return by
}

func TestShards_ASmallGroupLivesOnOneAndTheyTakeTurns(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 3})
	for i := range 6 {
		for range 10 {
			r.join(fmt.Sprint(i), eager(), nil)
		}
	}
	r.settle()
	for i := range 6 {
		assert.Equal(t, map[int]int{i % 3: 10}, routed(r, fmt.Sprint(i)))
	}
	assert.Equal(t, map[int]int{1: 20}, routed(r, "1", "4"), "groups of one shard")
	assert.Equal(t, map[int]int{0: 10, 1: 10, 2: 0}, routed(r, "0", "1"))
	assert.Equal(t, map[int]int{0: 20, 1: 20, 2: 20}, routed(r))
	assert.Equal(t, map[int]int{0: 0, 1: 0, 2: 0}, routed(r, "nobody"))
}

func TestShards_ALargeGroupIsSpreadUntilTheLastHasLeft(t *testing.T) {
	r := newRig(t, notify.TypeConfig{Shards: 4})
	var subs []*notify.Subscription
	for range 128 {
		subs = append(subs, r.join("g", eager(), nil))
	}
	r.settle()
	require.Equal(t, map[int]int{0: 128}, routed(r, "g"))
	for range 80 {
		subs = append(subs, r.join("g", eager(), nil))
	}
	r.settle()
	assert.Equal(t, map[int]int{0: 148, 1: 20, 2: 20, 3: 20}, routed(r, "g"))
	for _, s := range subs[1:] {
		s.Close()
	}
	r.settle()
	assert.Equal(t, map[int]int{0: 1, 1: 0, 2: 0, 3: 0}, routed(r, "g"))
	subs[0].Close()
	r.settle()
	r.join("g", eager(), nil)
	r.settle()
	assert.Equal(t, map[int]int{1: 1}, routed(r, "g"), "a new group on the next shard")
}

// Whoever has joined gets every event for its group, and nobody another one, however groups grow,
// shrink and come again.
func TestShards_EveryMemberIsReachedWhereverItLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, notify.TypeConfig{
			Shards: rapid.IntRange(1, 5).Draw(t, "shards"), QueueSize: 1000,
		})
		type member struct {
			*client
			sub   *notify.Subscription
			group string
			want  []int
		}
		var members []*member
		names := rapid.SampledFrom([]string{"", "a", "b", "c"})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				r.settle() // else a new member may be offered what was published shortly before
				group := names.Draw(t, "group")
				for range rapid.SampledFrom([]int{1, 5, 130}).Draw(t, "how many") {
					m := &member{client: eager(), group: group, want: []int{}}
					m.sub = r.join(group, m.client, nil)
					members = append(members, m)
				}
			case 1:
				group := names.Draw(t, "group")
				left := rapid.IntRange(0, 2).Draw(t, "left")
				var stay []*member
				for _, m := range members {
					if m.group == group && left == 0 {
						m.sub.Close()
						continue
					}
					if m.group == group {
						left--
					}
					stay = append(stay, m)
				}
				members = stay
			default:
				to := rapid.SampledFrom([][]string{nil, {"a"}, {"b", "c"}, {"a", "c", "none"}}).
					Draw(t, "to")
				for _, m := range members {
					for _, name := range to {
						if m.group == name {
							m.want = append(m.want, r.next)
						}
					}
					if to == nil {
						m.want = append(m.want, r.next)
					}
				}
				r.put(&notify.Event{}, to...)
			}
			if rapid.Bool().Draw(t, "settle") {
				r.settle()
			}
		}
		r.settle()
		for _, m := range members {
			require.Equal(t, m.want, m.got())
		}
		require.Equal(t, len(members), r.Stats().Subscriptions)
	})
}

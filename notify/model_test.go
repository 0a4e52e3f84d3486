package notify_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
)

// A reference model of one shard, as simple as it can be, and a random walk that keeps the engine
// beside it: after every operation both must have come to the same books and the same deliveries.

var errModel = errors.New("on request")

// twin is one subscription as the model sees it, beside the real one.
type twin struct {
	group   string
	backlog notify.Backlog
	credit  int
	fail    bool // at the next Deliver
	since   int64
	ended   bool
	reason  error
	got     []int
	box     []*notify.Event // in order, at most backlog.Size
	over    []*notify.Event // beyond it: the latest of each key

	sub  *notify.Subscription
	real *client
}

type model struct {
	r     *rig
	twins []*twin
	books notify.Books
	rev   int64
}

func (x *twin) waiting() int { return len(x.box) + len(x.over) }

func (m *model) end(x *twin, reason error, cause notify.Cause) {
	m.books.Dropped[cause] += uint64(x.waiting())
	x.box, x.over, x.ended, x.reason = nil, nil, true, reason
}

// deliver is one call of Deliver with events; what is left of them is returned.
func (m *model) deliver(x *twin, events []*notify.Event) []*notify.Event {
	if x.fail {
		m.books.Dropped[notify.Failed] += uint64(len(events))
		m.end(x, errModel, notify.Failed)
		return nil
	}
	n := min(len(events), x.credit)
	x.credit -= n
	x.got = append(x.got, payloads(events[:n])...)
	m.books.Delivered += uint64(n)
	return events[n:]
}

func stale(ev *notify.Event, since int64) bool { return ev.Revision != 0 && ev.Revision <= since }

// offer is one batch for one member.
func (m *model) offer(x *twin, batch []*notify.Event) {
	m.books.Offered += uint64(len(batch))
	if x.waiting() == 0 {
		fresh := slices.DeleteFunc(slices.Clone(batch), func(ev *notify.Event) bool {
			return stale(ev, x.since)
		})
		m.books.Stale += uint64(len(batch) - len(fresh))
		if len(fresh) == 0 {
			return
		}
		batch = m.deliver(x, fresh)
	}
	for i, ev := range batch {
		if x.ended {
			m.books.Dropped[notify.Evicted] += uint64(len(batch) - i)
			return
		}
		m.push(x, ev)
	}
}

func (m *model) push(x *twin, ev *notify.Event) {
	if len(x.box) < x.backlog.Size {
		x.box = append(x.box, ev)
		return
	}
	switch x.backlog.Overflow {
	case notify.Conflate:
		if ev.Key == "" {
			m.books.Dropped[notify.Newest]++
			return
		}
		same := func(o *notify.Event) bool { return o.Key == ev.Key }
		if i := slices.IndexFunc(x.over, same); i >= 0 {
			x.over = slices.Delete(x.over, i, i+1)
			m.books.Conflated++
		}
		x.over = append(x.over, ev)
	case notify.DropOldest:
		m.books.Dropped[notify.Oldest]++
		x.box = append(x.box[1:], ev)
	case notify.DropNewest:
		m.books.Dropped[notify.Newest]++
	case notify.Flush:
		m.books.Dropped[notify.Flushed] += uint64(len(x.box))
		x.box = []*notify.Event{ev}
	case notify.Evict:
		m.books.Dropped[notify.Evicted]++
		m.end(x, notify.ErrSlow, notify.Evicted)
	}
}

// ready drains x as far as it goes.
func (m *model) ready(x *twin) {
	for !x.ended && len(x.box) > 0 {
		if stale(x.box[0], x.since) {
			m.books.Stale++
		} else if left := m.deliver(x, x.box[:1]); x.ended || len(left) > 0 {
			if x.fail { // deliver has counted that one twice: as offered to it and as waiting
				m.books.Dropped[notify.Failed]--
			}
			return
		}
		x.box = x.box[1:]
		if len(x.over) > 0 {
			x.box, x.over = append(x.box, x.over[0]), x.over[1:]
		}
	}
}

// check compares the two.
func (m *model) check(t *rapid.T) {
	want := m.books
	members, parked, groups := 0, 0, map[string]bool{}
	for i, x := range m.twins {
		want.InFlight += uint64(x.waiting())
		require.Equal(t, x.got, x.real.got(), "twin %d %+v", i, x.backlog)
		require.Equal(t, x.reason, x.sub.Err(), "twin %d", i)
		if x.ended {
			continue
		}
		members++
		groups[x.group] = true
		if x.waiting() > 0 {
			parked++
		}
	}
	st := m.r.Stats()
	// The model knows at once what is stale or superseded; the engine counts what waits on a trail
	// when the subscription comes to it, and what is both as one of them.
	late := want.Stale + want.Conflated - st.Stale - st.Conflated
	require.LessOrEqual(t, late, st.InFlight)
	st.Stale, st.Conflated, st.InFlight = want.Stale, want.Conflated, st.InFlight-late
	require.Equal(t, want, st.Books)
	require.Equal(t, parked, st.Parked)
	require.Equal(t, members, st.Subscriptions)
	require.Equal(t, len(groups), st.Groups)
}

func (m *model) pick(t *rapid.T) *twin {
	if len(m.twins) == 0 {
		t.Skip("nobody")
	}
	return rapid.SampledFrom(m.twins).Draw(t, "twin")
}

func (m *model) subscribe(t *rapid.T) {
	x := &twin{
		group: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "group"), got: []int{},
		credit: rapid.SampledFrom([]int{0, 0, 1, 5, unlimited}).Draw(t, "credit"),
		backlog: notify.Backlog{
			Size:     rapid.IntRange(1, 5).Draw(t, "size"),
			Overflow: notify.Overflow(rapid.IntRange(0, int(notify.Evict)).Draw(t, "overflow")),
			Prealloc: rapid.Bool().Draw(t, "prealloc"),
		},
	}
	x.real = &client{credit: x.credit}
	x.sub = m.r.join(x.group, x.real, &x.backlog)
	m.r.settle()
	m.twins = append(m.twins, x)
}

// publish sends a run of events with one target, which the shard takes as one batch.
func (m *model) publish(t *rapid.T) {
	n := rapid.OneOf(rapid.IntRange(1, 12), rapid.Just(60)).Draw(t, "n")
	to := rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"none"}, {"b", "a"}}).Draw(t, "groups")
	batch := make([]*notify.Event, n)
	for i := range batch {
		batch[i] = &notify.Event{Key: rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(t, "key")}
		if rapid.IntRange(0, 3).Draw(t, "unordered") > 0 {
			m.rev++
			batch[i].Revision = m.rev
		}
		m.r.put(batch[i], to...)
	}
	m.r.settle()
	for _, x := range m.twins {
		if !x.ended && (to == nil || slices.Contains(to, x.group)) {
			m.offer(x, batch)
		}
	}
}

// act has one twin do something, and the model do the same.
func (m *model) act(t *rapid.T) {
	x := m.pick(t)
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); what {
	case 0:
		x.sub.Close()
		if !x.ended {
			m.end(x, notify.ErrClosed, notify.Closed)
		}
	case 1:
		if !x.ended { // its next Deliver will see it
			x.fail = true
			x.real.on = func([]*notify.Event) (int, error) { return 0, errModel }
		}
	case 2:
		since := m.rev + int64(rapid.IntRange(-8, 3).Draw(t, "since"))
		x.sub.StartAfter(since)
		x.since = max(x.since, since)
	case 3: // credit alone wakes nobody
		x.real.allow(2)
		x.credit += 2
	default:
		k := rapid.SampledFrom([]int{0, 1, 2, 3, 7, unlimited}).Draw(t, "k")
		x.real.allow(k)
		x.credit += k
		x.sub.Ready()
		m.ready(x)
	}
	m.r.settle()
}

func TestModel_TheEngineDoesWhatTheModelDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{r: newRig(t, notify.TypeConfig{
			Batch: rapid.SampledFrom([]int{60, 64}).Draw(t, "batch"),
		})}
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"subscribe": m.subscribe,
			"publish":   m.publish,
			"publish2":  m.publish,
			"act":       m.act,
			"act2":      m.act,
			"act3":      m.act,
		})
		m.r.Close()
		m.r.settle()
		for _, x := range m.twins {
			if !x.ended {
				m.end(x, notify.ErrClosed, notify.Closed)
			}
		}
		m.check(t)
	})
}

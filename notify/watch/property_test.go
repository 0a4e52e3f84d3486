package watch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// TestProperty_EveryViewConverges interleaves changes, publishing, reading a list, delivering it,
// taking, losing, joining and leaving in any order. When all has come to rest, every watcher's view
// is the truth; on the way there none goes back in time (the sink checks that) and the books
// balance after every step (the rig checks that).
func TestProperty_EveryViewConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"change":  m.change,
			"publish": m.publish,
			"step":    m.step,
			"settle":  func(*rapid.T) { m.settle() },
			"pass":    func(*rapid.T) { m.pass(time.Millisecond) },
			"open":    m.join,
			"close":   m.leave,
			"read":    m.read,
			"answer":  m.answer,
			"take":    m.take,
			"tick":    m.tick,
		})
		m.finish()
	})
}

// model is a rig with watchers of every kind, the events that are not published yet, and the lists
// that were read and not delivered yet.
type model struct {
	*rig
	unpublished []*notify.Event
	members     []*member
}

type member struct {
	*sink
	c      watch.Config
	read   *watch.List
	closed bool
}

func newModel(t *rapid.T) *model {
	return &model{rig: newRig(t, notify.TypeConfig{
		QueueSize: 1 << 20,
		Shards:    rapid.IntRange(1, 2).Draw(t, "shards"),
		Batch:     rapid.SampledFrom([]int{1, 3, 64}).Draw(t, "batch"),
	})}
}

func (m *model) change(t *rapid.T) {
	key := rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "key")
	ev := (*notify.Event)(nil)
	if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
		ev = m.remove(key)
	} else {
		ev = m.rig.change(key)
	}
	m.unpublished = append(m.unpublished, ev)
}

func (m *model) publish(t *rapid.T) {
	n := rapid.IntRange(0, len(m.unpublished)).Draw(t, "n")
	for _, ev := range m.unpublished[:n] {
		require.NoError(t, m.Publish(context.Background(), ev, here.Group))
	}
	m.unpublished = m.unpublished[n:]
}

func (m *model) step(t *rapid.T) {
	_, err := m.Step(m.now)
	require.NoError(t, err)
}

func (m *model) join(t *rapid.T) {
	if len(m.members) == 6 {
		t.Skip("enough watchers")
	}
	mb := &member{sink: &sink{
		r: m.rig, view: state{}, came: map[int64]time.Duration{},
		room: rapid.SampledFrom([]int{0, 1, unlimited}).Draw(t, "room"),
	}}
	if rapid.Bool().Draw(t, "inline") {
		inline(mb.sink)
	}
	overflow := rapid.SampledFrom(notify.OverflowNames()).Draw(t, "overflow")
	mb.c = watch.Config{Resync: true, Poll: rapid.Bool().Draw(t, "poll")}
	mb.c.Backlog = notify.Backlog{
		Size:        rapid.IntRange(1, 4).Draw(t, "size"),
		AddTimeout:  time.Millisecond,
		Prealloc:    rapid.Bool().Draw(t, "prealloc"),
		WaitForList: rapid.Bool().Draw(t, "wait for list"),
	}
	var err error
	mb.c.Backlog.Overflow, err = notify.ParseOverflow(overflow)
	require.NoError(t, err)
	mb.w, err = watch.Open(m.Engine, here, mb.sink, &mb.c)
	require.NoError(t, err)
	m.members = append(m.members, mb)
}

// pick draws a member for which ok holds, or skips the action.
func (m *model) pick(t *rapid.T, ok func(*member) bool) *member {
	var fit []*member
	for _, mb := range m.members {
		if ok(mb) {
			fit = append(fit, mb)
		}
	}
	if len(fit) == 0 {
		t.Skip("no such watcher")
	}
	return fit[rapid.IntRange(0, len(fit)-1).Draw(t, "member")]
}

func any1(*member) bool { return true }

func (m *model) leave(t *rapid.T) {
	mb := m.pick(t, func(mb *member) bool { return !mb.closed })
	mb.closed = true
	mb.w.Close()
}

// read reads a list, which is delivered some time later. It is read after it was asked for.
func (m *model) read(t *rapid.T) {
	mb := m.pick(t, func(mb *member) bool { return mb.owed > 0 && mb.read == nil })
	l := m.list()
	mb.read = &l
}

func (m *model) answer(t *rapid.T) {
	m.pick(t, func(mb *member) bool { return mb.read != nil }).deliver()
}

func (mb *member) deliver() {
	l := *mb.read
	mb.read = nil
	mb.owed--
	mb.w.Listed(l)
}

func (m *model) take(t *rapid.T) {
	mb := m.pick(t, any1)
	mb.room = rapid.SampledFrom([]int{0, 1, 2, unlimited}).Draw(t, "room")
	mb.w.Ready()
}

func (m *model) tick(t *rapid.T) { m.pick(t, any1).w.Tick() }

// finish publishes, lists and takes all there is, and compares the views with the truth.
func (m *model) finish() {
	for _, ev := range m.unpublished {
		require.NoError(m.t, m.Publish(context.Background(), ev))
	}
	for round := 0; !m.quiet(); round++ {
		require.Less(m.t, round, 10_000, "it never comes to rest")
		for _, mb := range m.members {
			if mb.owed > 0 {
				if mb.read == nil {
					l := m.list()
					mb.read = &l
				}
				mb.deliver()
			}
			mb.room = unlimited
			mb.w.Ready()
			mb.w.Tick()
		}
		m.pass(time.Millisecond)
	}
	for i, mb := range m.members {
		what := fmt.Sprintf("member %d, %+v: %v", i, mb.c, mb.log)
		switch err := mb.w.Err(); {
		case mb.closed && err == notify.ErrClosed:
		case mb.c.Backlog.Overflow == notify.Evict && err == notify.ErrSlow:
		default:
			require.NoError(m.t, err, what)
			require.Equal(m.t, m.truth, mb.view, what)
		}
	}
}

// quiet reports whether nothing is under way any more.
func (m *model) quiet() bool {
	next := m.settle()
	for _, mb := range m.members {
		if mb.owed > 0 && mb.w.Err() == nil {
			return false
		}
	}
	return next.IsZero() && m.Stats().InFlight == 0
}

package alarm_test

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "400"); err != nil { // the default of 100 takes no time
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	kind     = notify.Type("INSTANCE")
	subject  = "/instances/"
	capacity = 10 // of the task queue of kind
)

// The shards of a rig: the types are numbered in the order of their names.
const (
	alarmShard = 0
	kindShard  = 1
)

var epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)

// tester is what *testing.T and *rapid.T have in common, as far as it is needed here.
type tester interface {
	require.TestingT
	Helper()
}

// types are those of a rig; a test may change them before.
func types() map[notify.Type]notify.TypeConfig {
	return map[notify.Type]notify.TypeConfig{
		kind:         {QueueSize: capacity, Shards: 1, WhenFull: notify.Reject},
		alarm.Events: alarm.TypeConfig(),
	}
}

// rig is a monitored engine with a board, driven with Step at the time now.
type rig struct {
	*notify.Engine
	*alarm.Monitor
	board *alarm.Board
	t     tester
	now   time.Time
}

func newRig(t tester, with ...func(*alarm.Config)) *rig {
	t.Helper()
	c := alarm.Config{Types: types()}
	for _, f := range with {
		f(&c)
	}
	m, err := alarm.NewMonitor(c)
	require.NoError(t, err)
	return rigOf(t, m, notify.Config{Types: c.Types, Observer: m, Blocked: m.Blocked})
}

func rigOf(t tester, m *alarm.Monitor, c notify.Config) *rig {
	t.Helper()
	e, err := notify.New(c)
	require.NoError(t, err)
	r := &rig{Engine: e, Monitor: m, t: t, now: epoch}
	r.board = r.open()
	return r
}

func (r *rig) open() *alarm.Board {
	r.t.Helper()
	b, err := alarm.Open(r.Engine)
	require.NoError(r.t, err)
	return b
}

// check lets a second pass, checks, and brings what that gives to the boards. The queue of kind
// stays as it is.
func (r *rig) check() alarm.Checked {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	did, err := r.Check(r.Engine, r.now)
	require.NoError(r.t, err)
	require.Equal(r.t, r.now.Add(time.Second), did.Next)
	r.settle(alarmShard)
	return did
}

// settle has a shard do all that it can do now.
func (r *rig) settle(shard int) {
	r.t.Helper()
	for {
		w, err := r.StepShard(shard, r.now)
		require.NoError(r.t, err)
		if w.Idle {
			return
		}
	}
}

// fill puts n events on the queue of kind.
func (r *rig) fill(n int) {
	r.t.Helper()
	for range n {
		require.NoError(r.t, r.publish())
	}
}

func (r *rig) publish() error {
	return r.Publish(context.Background(), &notify.Event{Type: kind, Subject: subject})
}

// jam fills the queue of the alarms, with events that mean nothing to a board.
func (r *rig) jam() {
	r.t.Helper()
	for {
		err := r.Publish(context.Background(),
			&notify.Event{Type: alarm.Events, Subject: "/elsewhere/"})
		if errors.Is(err, notify.ErrFull) {
			return
		}
		require.NoError(r.t, err)
	}
}

func (r *rig) join(to notify.Subscriber, b *notify.Backlog) *notify.Subscription {
	r.t.Helper()
	s, err := r.Subscribe(kind, subject, "shop", to, b)
	require.NoError(r.t, err)
	return s
}

// lit is the ids of what is raised on a board.
func lit(b *alarm.Board) []alarm.ID {
	var ids []alarm.ID
	for _, a := range b.List() {
		if a.Status == alarm.Raised {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// get is an alarm that must be on the board.
func (r *rig) get(id alarm.ID) alarm.Alarm {
	r.t.Helper()
	a, ok := r.board.Get(id)
	require.True(r.t, ok, "Get(%s) on %v", id, r.board.List())
	return a
}

// deliver is a subscriber made of its only method.
type deliver func(batch []*notify.Event) (int, error)

func (d deliver) Deliver(batch []*notify.Event) (int, error) { return d(batch) }

// refuse takes nothing.
var refuse = deliver(func([]*notify.Event) (int, error) { return 0, nil })

// hear remembers what is published about alarms.
func (r *rig) hear() *[]alarm.Report {
	r.t.Helper()
	heard := new([]alarm.Report)
	_, err := r.Subscribe(alarm.Events, alarm.Subject, "", deliver(
		func(batch []*notify.Event) (int, error) {
			for _, ev := range batch {
				*heard = append(*heard, *ev.Payload.(*alarm.Report))
			}
			return len(batch), nil
		}), nil)
	require.NoError(r.t, err)
	return heard
}

// raise and clear publish and bring it to the board, a second later.
func (r *rig) raise(id alarm.ID, fields ...alarm.Field) {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	require.NoError(r.t, alarm.Raise(r.Engine, r.now, id, fields...))
	r.settle(alarmShard)
}

func (r *rig) clear(id alarm.ID, fields ...alarm.Field) {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	require.NoError(r.t, alarm.Clear(r.Engine, r.now, id, fields...))
	r.settle(alarmShard)
}

// at is the time n seconds after the rig began.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

func testRig(t *testing.T, with ...func(*alarm.Config)) *rig {
	t.Helper()
	r := newRig(t, with...)
	t.Cleanup(func() {
		r.Close()
		for {
			w, err := r.Step(r.now)
			require.NoError(t, err)
			if w.Closed && w.Idle {
				break
			}
		}
		st := r.Stats()
		require.Zero(t, st.Balance(), "books: %+v", st.Books)
	})
	return r
}

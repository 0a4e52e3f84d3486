package watch_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestMain(m *testing.M) {
	// More than rapid's defaults, for these runs are short; the command line still wins.
	for name, value := range map[string]string{"rapid.checks": "2000", "rapid.steps": "100"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	kind    = notify.Type("INSTANCE")
	subject = "/instances/"
)

var (
	here  = watch.At{Type: kind, Subject: subject, Group: "shop"}
	epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)
)

// tester is what *testing.T and *rapid.T have in common, as far as it is needed here.
type tester interface {
	require.TestingT
	Helper()
}

// state is what is watched: the revision of each key's latest change.
type state map[string]int64

// gone is the Payload of an event that says that its Key was removed.
type gone struct{}

// rig is a source of truth and an engine that is driven with Step, at the time now.
type rig struct {
	*notify.Engine
	t     tester
	now   time.Time
	rev   int64
	truth state
}

func newRig(t tester, tc notify.TypeConfig) *rig {
	t.Helper()
	if tc.Shards == 0 {
		tc.Shards = 1
	}
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: tc}})
	require.NoError(t, err)
	return &rig{Engine: e, t: t, now: epoch, truth: state{}}
}

// change changes the truth and makes the event about it, but doesn't publish that.
func (r *rig) change(key string) *notify.Event {
	r.rev++
	r.truth[key] = r.rev
	return &notify.Event{Type: kind, Subject: subject, Revision: r.rev, Key: key}
}

// remove is change for a key that vanishes.
func (r *rig) remove(key string) *notify.Event {
	ev := r.change(key)
	delete(r.truth, key)
	ev.Payload = gone{}
	return ev
}

// list reads the truth.
func (r *rig) list() watch.List {
	return watch.List{Revision: r.rev, State: maps.Clone(r.truth)}
}

// publish publishes the events and lets the engine do all it can do at the present time.
func (r *rig) publish(events ...*notify.Event) {
	r.t.Helper()
	for _, ev := range events {
		require.NoError(r.t, r.Publish(context.Background(), ev))
	}
	r.settle()
}

// changes publishes n changes of keys of their own.
func (r *rig) changes(n int) {
	r.t.Helper()
	for range n {
		r.publish(r.change(fmt.Sprint("k", r.rev+1)))
	}
}

// settle steps until there is nothing to do at the present time, and checks the books after each
// step. It returns the time at which there may be something again, or zero.
func (r *rig) settle() time.Time {
	r.t.Helper()
	for range 1_000_000 {
		w, err := r.Step(r.now)
		require.NoError(r.t, err)
		if w.Idle {
			return w.Next
		}
		st := r.Stats()
		require.Zero(r.t, st.Balance(), "books after %+v: %+v", w, st.Books)
	}
	require.FailNow(r.t, "the engine never comes to rest")
	return time.Time{}
}

// pass lets d go by, and the engine do on the way what it wants to do.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	end := r.now.Add(d)
	for {
		next := r.settle()
		if next.IsZero() || next.After(end) {
			break
		}
		r.now = next
	}
	r.now = end
	r.settle()
}

// lost is the number of deliveries lost.
func (r *rig) lost() uint64 {
	st := r.Stats()
	return st.DroppedTotal()
}

// since is the time that has passed since the rig began.
func (r *rig) since() time.Duration { return r.now.Sub(epoch) }

// open opens a watcher and settles. How the sink answers NeedList can be set before.
func (r *rig) open(c watch.Config, with ...func(*sink)) *sink {
	r.t.Helper()
	s := &sink{r: r, room: unlimited, view: state{}, came: map[int64]time.Duration{}}
	for _, f := range with {
		f(s)
	}
	w, err := watch.Open(r.Engine, here, s, &c)
	require.NoError(r.t, err)
	s.w = w
	r.settle()
	return s
}

const unlimited = 1 << 40

// inline makes a sink list at once, within NeedList.
func inline(s *sink) { s.needed = func(w *watch.Watcher) { w.Listed(s.r.list()) } }

// sink keeps a view of the truth, and a log of what it heard: "need", "list 3" (its revision),
// "4" (an event's revision), "lost 5 oldest", "end: reason". It fails the test when the view goes
// back in time.
type sink struct {
	r      *rig
	w      *watch.Watcher
	needed func(*watch.Watcher)
	owed   int // lists asked for and not answered
	room   int // how many events more it takes

	view state
	rev  int64 // of the view
	log  []string
	came map[int64]time.Duration // when each event came
	init error                   // what Init returns
}

func (s *sink) NeedList(w *watch.Watcher) {
	s.log = append(s.log, "need")
	s.owed++
	if s.needed != nil {
		s.owed--
		s.needed(w)
	}
}

func (s *sink) Init(l watch.List) error {
	s.log = append(s.log, fmt.Sprint("list ", l.Revision))
	require.GreaterOrEqual(s.r.t, l.Revision, s.rev, "a list goes back in time: %v", s.log)
	s.rev = l.Revision
	if l.State != nil {
		s.view = maps.Clone(l.State.(state))
	}
	return s.init
}

func (s *sink) Deliver(batch []*notify.Event) (taken int, err error) {
	taken = min(len(batch), s.room)
	s.room -= taken
	for _, ev := range batch[:taken] {
		s.log = append(s.log, fmt.Sprint(ev.Revision))
		s.came[ev.Revision] = s.r.since()
		if ev.Revision == 0 {
			continue
		}
		require.Greater(s.r.t, ev.Revision, s.rev, "an event goes back in time: %v", s.log)
		s.rev = ev.Revision
		if s.view[ev.Key] = ev.Revision; ev.Payload == (gone{}) {
			delete(s.view, ev.Key)
		}
	}
	return taken, nil
}

func (s *sink) Dropped(_ *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	for _, ev := range events {
		s.log = append(s.log, fmt.Sprint("lost ", ev.Revision, " ", cause))
	}
}

func (s *sink) Ended(_ *notify.Subscription, reason error) {
	s.log = append(s.log, fmt.Sprint("end: ", reason))
}

// answer lists now, for a NeedList that was not answered, and settles.
func (s *sink) answer() {
	s.r.t.Helper()
	s.listed(s.r.list())
}

func (s *sink) listed(l watch.List) {
	s.r.t.Helper()
	s.owed--
	s.w.Listed(l)
	s.r.settle()
}

// take makes room for n events, says so and settles.
func (s *sink) take(n int) {
	s.r.t.Helper()
	s.room = n
	s.w.Ready()
	s.r.settle()
}

// heard returns the log and begins a new one.
func (s *sink) heard() []string {
	log := s.log
	s.log = nil
	return log
}

// count counts the lines of the log that are line.
func (s *sink) count(line string) int {
	n := 0
	for _, l := range s.log {
		if l == line {
			n++
		}
	}
	return n
}

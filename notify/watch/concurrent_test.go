package watch_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// tooLong bounds every wait of these tests: nothing that works comes near it.
const tooLong = 2 * time.Minute

// endless is the patience of an engine that must not take a busy machine for a subscriber that
// blocks.
const endless = time.Hour

// running is an engine under Run that ends with the test.
func running(t *testing.T, tc notify.TypeConfig, patience time.Duration) (
	*notify.Engine, context.Context) {
	t.Helper()
	types := map[notify.Type]notify.TypeConfig{kind: tc}
	e, err := notify.New(notify.Config{Types: types, Patience: patience})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), tooLong)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		st := e.Stats()
		require.Zero(t, st.Balance(), "books: %+v", st.Books)
		require.Zero(t, st.InFlight)
	})
	return e, ctx
}

// registry is a source of truth for many goroutines.
type registry struct {
	mu    sync.Mutex
	rev   int64
	truth state
}

func (r *registry) change(key string) *notify.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rev++
	r.truth[key] = r.rev
	return &notify.Event{Type: kind, Subject: subject, Revision: r.rev, Key: key}
}

func (r *registry) list() watch.List {
	r.mu.Lock()
	defer r.mu.Unlock()
	return watch.List{Revision: r.rev, State: maps.Clone(r.truth)}
}

// slowSink takes one or two events and then has to be told that it can take more. Its calls must
// not overlap, which busy checks.
type slowSink struct {
	final int64 // the last revision there will be
	busy  atomic.Bool
	wrong atomic.Pointer[string]

	view  state
	rev   int64
	calls int
	lists int

	need  chan struct{} // a list is asked for
	nudge chan struct{} // Ready is to be called
	there chan struct{} // closed at the final revision
}

func newSlowSink(final int64) *slowSink {
	return &slowSink{
		final: final, view: state{},
		need: make(chan struct{}, 1), nudge: make(chan struct{}, 1), there: make(chan struct{}),
	}
}

func (s *slowSink) NeedList(*watch.Watcher) {
	select {
	case s.need <- struct{}{}:
	default:
		s.fail("two lists are asked for at once")
	}
}

func (s *slowSink) Init(l watch.List) error {
	defer s.enter("Init")()
	if l.Revision < s.rev {
		s.fail("list %d after %d", l.Revision, s.rev)
	}
	s.view = maps.Clone(l.State.(state))
	s.lists++
	s.reach(l.Revision)
	return nil
}

func (s *slowSink) Deliver(batch []*notify.Event) (taken int, err error) {
	defer s.enter("Deliver")()
	s.calls++
	taken = min(1+s.calls%2, len(batch))
	for _, ev := range batch[:taken] {
		if ev.Revision <= s.rev {
			s.fail("event %d after %d", ev.Revision, s.rev)
		}
		s.view[ev.Key] = ev.Revision
		s.reach(ev.Revision)
	}
	if taken < len(batch) {
		select {
		case s.nudge <- struct{}{}:
		default:
		}
	}
	return taken, nil
}

// enter notes a call and gives another goroutine a chance to break in.
func (s *slowSink) enter(what string) (leave func()) {
	if !s.busy.CompareAndSwap(false, true) {
		s.fail("%s while another call is under way", what)
	}
	runtime.Gosched()
	return func() { s.busy.Store(false) }
}

func (s *slowSink) reach(rev int64) {
	if s.rev < s.final && rev == s.final {
		close(s.there)
	}
	s.rev = rev
}

func (s *slowSink) fail(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	s.wrong.CompareAndSwap(nil, &msg)
}

// drive answers the sink's wishes on two goroutines until ctx ends.
func (s *slowSink) drive(ctx context.Context, wg *sync.WaitGroup, w *watch.Watcher, r *registry) {
	on := func(c <-chan struct{}, do func()) func() {
		return func() {
			for {
				select {
				case <-c:
					do()
				case <-ctx.Done():
					return
				}
			}
		}
	}
	wg.Go(on(s.need, func() { w.Listed(r.list()) }))
	wg.Go(on(s.nudge, func() { w.Ready() }))
}

// TestRun_SlowWatchersConvergeAndNoCallsOverlap: under every losing policy, with lists that are
// read while events come and go, Init and Deliver never overlap, nothing goes back in time, and
// every watcher has the truth in the end.
func TestRun_SlowWatchersConvergeAndNoCallsOverlap(t *testing.T) {
	// So little that the engine goes on without some calls, too.
	e, ctx := running(t, notify.TypeConfig{QueueSize: 64, Batch: 8}, 20*time.Microsecond)
	r := &registry{truth: state{}}
	events := int64(raceOr(2_000, 20_000))

	var wg sync.WaitGroup
	driving, stop := context.WithCancel(ctx)
	var sinks []*slowSink
	for i := range 40 {
		overflow := losing[i%len(losing)].overflow
		c := &watch.Config{Resync: true, Backlog: notify.Backlog{
			Size: 1 + i%3, Overflow: overflow, AddTimeout: time.Microsecond,
		}}
		s := newSlowSink(events)
		w, err := watch.Open(e, here, s, c)
		require.NoError(t, err)
		s.drive(driving, &wg, w, r)
		sinks = append(sinks, s)
	}
	for range events {
		ev := r.change(fmt.Sprint("k", r.rev%7))
		if r.rev%3 == 0 {
			ev.Key = "" // so that Conflate loses, too
		}
		require.NoError(t, e.Publish(ctx, ev))
	}
	for i, s := range sinks {
		select {
		case <-s.there:
		case <-ctx.Done():
			t.Fatalf("sink %d has not seen revision %d", i, events)
		}
	}
	stop()
	wg.Wait()
	e.Close()
	lists := 0
	for i, s := range sinks {
		if wrong := s.wrong.Load(); wrong != nil {
			t.Errorf("sink %d: %s", i, *wrong)
		}
		lists += s.lists
	}
	assert.Greater(t, lists, len(sinks), "nobody listed again: the test tests nothing")
}

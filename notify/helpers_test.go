package notify_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "400"); err != nil { // the default of 100 takes no time
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const (
	instance = notify.Type("INSTANCE")
	subject  = "/instances/"
)

var epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)

// tester is what *testing.T, *testing.B and *rapid.T have in common, as far as it is needed here.
type tester interface {
	require.TestingT
	Helper()
}

// rig is an engine of one type that is driven with Step, at the time now. It checks the books
// after every step.
type rig struct {
	*notify.Engine
	t    tester
	now  time.Time
	next int // Payload of the next event
}

func newRig(t tester, tc notify.TypeConfig, obs ...notify.Observer) *rig {
	t.Helper()
	if tc.Shards == 0 {
		tc.Shards = 1
	}
	c := notify.Config{Types: map[notify.Type]notify.TypeConfig{instance: tc}}
	if len(obs) > 0 {
		c.Observer = obs[0]
	}
	e, err := notify.New(c)
	require.NoError(t, err)
	return &rig{Engine: e, t: t, now: epoch, next: 1}
}

// step does one step and checks that the books balance after it.
func (r *rig) step() notify.Work {
	r.t.Helper()
	w, err := r.Step(r.now)
	require.NoError(r.t, err)
	st := r.Stats()
	require.Zero(r.t, st.Balance(), "books after %+v: %+v", w, st.Books)
	return w
}

// settle steps until there is nothing to do at the present time. It returns the last Work, which
// is idle, and the sum of what was done before.
func (r *rig) settle() (last, sum notify.Work) {
	r.t.Helper()
	for range 1_000_000 {
		w := r.step()
		if w.Idle {
			return w, sum
		}
		sum.Routed += w.Routed
		sum.Delivered += w.Delivered
		sum.Queued += w.Queued
	}
	require.FailNow(r.t, "the engine never comes to rest")
	return last, sum
}

// wait lets d pass and settles.
func (r *rig) wait(d time.Duration) notify.Work {
	r.t.Helper()
	r.now = r.now.Add(d)
	w, _ := r.settle()
	return w
}

func (r *rig) join(group string, to notify.Subscriber, b *notify.Backlog) *notify.Subscription {
	r.t.Helper()
	s, err := r.Subscribe(instance, subject, group, to, b)
	require.NoError(r.t, err)
	return s
}

// send publishes n events, whose Payloads count on, and settles.
func (r *rig) send(n int, groups ...string) {
	r.t.Helper()
	for range n {
		r.put(&notify.Event{}, groups...)
	}
	r.settle()
}

// put publishes ev as the next event, without a step.
func (r *rig) put(ev *notify.Event, groups ...string) {
	r.t.Helper()
	ev.Type, ev.Subject, ev.Payload = instance, subject, r.next
	r.next++
	require.NoError(r.t, r.Publish(context.Background(), ev, groups...))
}

// keyed publishes an event for each key, and settles.
func (r *rig) keyed(keys ...string) {
	r.t.Helper()
	for _, key := range keys {
		r.put(&notify.Event{Key: key})
	}
	r.settle()
}

// client is a Subscriber that takes events as long as it has credit for them.
type client struct {
	mu     sync.Mutex
	credit int
	calls  int // of Deliver
	events []*notify.Event
	on     func(batch []*notify.Event) (int, error) // decides instead of credit; may be nil
}

const unlimited = 1 << 40

func eager() *client    { return &client{credit: unlimited} }
func refusing() *client { return &client{} }

func (c *client) Deliver(batch []*notify.Event) (taken int, err error) {
	c.mu.Lock()
	c.calls++
	on := c.on
	taken = min(len(batch), c.credit)
	c.mu.Unlock()
	if on != nil {
		taken, err = on(batch)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.credit -= taken
	if taken >= 0 && taken <= len(batch) {
		c.events = append(c.events, batch[:taken]...)
	}
	return taken, err
}

// allow gives c credit for n more events.
func (c *client) allow(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.credit += n
}

// got is the Payloads of what c took, in order.
func (c *client) got() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return payloads(c.events)
}

func payloads(events []*notify.Event) []int {
	out := make([]int, len(events))
	for i, ev := range events {
		out[i] = ev.Payload.(int)
	}
	return out
}

// seq is the integers from first to last.
func seq(first, last int) []int {
	out := make([]int, 0, last-first+1)
	for i := first; i <= last; i++ {
		out = append(out, i)
	}
	return out
}

// listener is an Observer that remembers what it heard. Under Run with several shards it is called
// concurrently.
type listener struct {
	mu     sync.Mutex
	lost   map[notify.Cause][]int // Payloads
	ends   map[*notify.Subscription][]error
	late   int // calls about a subscription after its Ended
	onDrop func(s *notify.Subscription, ev *notify.Event, cause notify.Cause)
	onEnd  func(s *notify.Subscription, reason error)
}

func newListener() *listener {
	return &listener{
		lost: map[notify.Cause][]int{}, ends: map[*notify.Subscription][]error{},
	}
}

func (l *listener) Dropped(s *notify.Subscription, events []*notify.Event, cause notify.Cause) {
	l.mu.Lock()
	l.lost[cause] = append(l.lost[cause], payloads(events)...)
	if len(l.ends[s]) > 0 {
		l.late++
	}
	l.mu.Unlock()
	if l.onDrop != nil {
		for _, ev := range events {
			l.onDrop(s, ev, cause)
		}
	}
}

func (l *listener) Ended(s *notify.Subscription, reason error) {
	l.mu.Lock()
	l.ends[s] = append(l.ends[s], reason)
	l.mu.Unlock()
	if l.onEnd != nil {
		l.onEnd(s, reason)
	}
}

// witness is a client that is the Observer of its own subscription too.
type witness struct {
	*client
	*listener
}

// start runs e until the test's end, or until stop is called, which returns when Run has.
func start(t *testing.T, e *notify.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

// fence waits until everything that was published before has been handled.
type fence struct {
	t    tester
	e    *notify.Engine
	c    chan struct{}
	subs int // 4: of up to 4 shards each has one
}

// newFence subscribes to a subject of its own.
func newFence(t tester, e *notify.Engine) *fence {
	t.Helper()
	f := &fence{t: t, e: e, c: make(chan struct{}, 64)}
	on := func(batch []*notify.Event) (int, error) {
		for range batch {
			f.c <- struct{}{}
		}
		return len(batch), nil
	}
	for ; f.subs < 4; f.subs++ {
		// New groups take turns with the shards.
		group := fmt.Sprint("fence", f.subs)
		_, err := e.Subscribe(instance, "/fence/", group, &client{on: on}, nil)
		require.NoError(t, err)
	}
	return f
}

func (f *fence) wait() {
	f.t.Helper()
	ev := &notify.Event{Type: instance, Subject: "/fence/", Payload: 0}
	require.NoError(f.t, f.e.Publish(context.Background(), ev))
	for range f.subs {
		<-f.c
	}
}

// newEngine makes an engine of one type for Run.
// newEngine has endless patience: on a busy machine a worker may stand still in the middle of a
// call that doesn't block.
func newEngine(t tester, tc notify.TypeConfig, obs notify.Observer) *notify.Engine {
	t.Helper()
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{instance: tc}, Observer: obs, Patience: time.Hour,
	})
	require.NoError(t, err)
	return e
}

func newEvent(payload int) *notify.Event {
	return &notify.Event{Type: instance, Subject: subject, Payload: payload}
}

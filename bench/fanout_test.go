package bench_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/notifylab/notifylab/bench/internal/measure"
	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// The engine, under Run and with its defaults: a shard per CPU, its own queues and batches. Modes
// and figures are those of the package doc.

const (
	kind    = notify.Type("bench")
	subject = "bench"
)

// subsCounts and fanoutModes are what fan-out is measured with.
var (
	subsCounts  = []int{1, 100, 1000, 10000}
	fanoutModes = []measure.Mode{measure.Burst, measure.Lockstep}
)

func BenchmarkFanout(b *testing.B) {
	for _, n := range subsCounts {
		for _, mode := range fanoutModes {
			b.Run(fmt.Sprintf("subs=%d/mode=%s", n, mode), func(b *testing.B) {
				r := newRig(b)
				for range n {
					r.subscribe("")
				}
				r.fanout(mode)
			})
		}
	}
}

// BenchmarkWatched is BenchmarkFanout for subscribers that aren't notify.Prompt, as those of the
// other benchmarks are: each call is watched.
func BenchmarkWatched(b *testing.B) {
	for _, n := range subsCounts {
		for _, mode := range fanoutModes {
			b.Run(fmt.Sprintf("subs=%d/mode=%s", n, mode), func(b *testing.B) {
				r := newRig(b)
				r.watched = true
				for range n {
					r.subscribe("")
				}
				r.fanout(mode)
			})
		}
	}
}

// BenchmarkWatchers is BenchmarkFanout for list-watchers. They are listed, conflate on overflow,
// and none of them is behind.
func BenchmarkWatchers(b *testing.B) {
	const n = 10000
	for _, mode := range fanoutModes {
		b.Run(fmt.Sprintf("subs=%d/mode=%s", n, mode), func(b *testing.B) {
			r := newRig(b)
			c := &watch.Config{Backlog: notify.Backlog{Overflow: notify.Conflate}, Resync: true}
			for range n {
				_, err := watch.Open(r.Engine, watch.At{Type: kind, Subject: subject}, r.add(), c)
				r.check(err)
			}
			r.fanout(mode)
		})
	}
}

func BenchmarkUnicast(b *testing.B) {
	const n = 10000
	b.Run(fmt.Sprintf("groups=%d/mode=unicast", n), func(b *testing.B) { newRig(b).unicast(n) })
}

// BenchmarkIdleMemory is about the memory of subscriptions to which nothing was published. B/sub
// holds the 16 bytes of the subscriber itself; the names of the groups are there before.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 100000
	for _, groups := range []int{1, n} {
		b.Run(fmt.Sprintf("subs=%d/groups=%d/mode=idle", n, groups), func(b *testing.B) {
			idleMemory(b, n, groups, defaultShards)
		})
	}
}

// idleMemory measures mode=idle.
func idleMemory(b *testing.B, subs, groups, shards int) {
	names := measure.GroupNames(groups)
	measure.Idle(b, subs, func() (end func()) {
		r := newRigOf(b, shards)
		idlers := make([]idler, subs)
		for i := range idlers {
			_, err := r.Subscribe(kind, subject, names[i%groups], &idlers[i], nil)
			r.check(err)
		}
		r.settle(func(notify.Work) {})
		r.run()
		return r.stop
	})
}

// idler is the least a subscriber can be.
type idler [16]byte

func (s *idler) Deliver(batch []*notify.Event) (taken int, err error) { return len(batch), nil }

// subscriber takes what it is offered. It serves as a watcher's sink, too: its list is there at
// once, and empty.
type subscriber struct {
	to    measure.Receiver
	rig   *rig
	tally *measure.Tally // of its shard; nil while that is not known
}

func (s *subscriber) Deliver(batch []*notify.Event) (taken int, err error) {
	t := s.tally
	if t == nil {
		s.rig.found = append(s.rig.found, s)
		return len(batch), nil
	}
	for _, ev := range batch {
		s.to.Take(ev)
		if t.Times != nil {
			t.Times.Add(time.Since(ev.Due))
		}
	}
	t.Add(len(batch))
	return len(batch), nil
}

func (s *subscriber) Prompt() bool { return !s.rig.watched }

func (s *subscriber) NeedList(w *watch.Watcher) { w.Listed(watch.List{}) }

func (s *subscriber) Init(watch.List) error { return nil }

// rig is an engine with its subscribers.
type rig struct {
	*notify.Engine
	b       *testing.B
	all     *measure.Arrivals
	subs    []*subscriber
	tallies []*measure.Tally // by shard
	found   []*subscriber    // those that the step under way has come to
	watched bool             // no subscriber is notify.Prompt

	ctx      context.Context // ends when the benchmark hangs in Publish
	watchdog *time.Timer
	waits    int
	stop     func() // returns after the engine's last goroutine
}

const defaultShards = 0 // one per CPU

func newRig(b *testing.B) *rig { return newRigOf(b, defaultShards) }

func newRigOf(b *testing.B, shards int) *rig {
	types := map[notify.Type]notify.TypeConfig{kind: {Shards: shards}}
	e, err := notify.New(notify.Config{Types: types})
	r := &rig{Engine: e, b: b}
	r.check(err)
	return r
}

func (r *rig) check(err error) {
	if err != nil {
		r.b.Fatal(err)
	}
}

// add makes a subscriber that somebody else subscribes.
func (r *rig) add() *subscriber {
	s := &subscriber{rig: r}
	r.subs = append(r.subs, s)
	return s
}

func (r *rig) subscribe(group string) {
	_, err := r.Subscribe(kind, subject, group, r.add(), nil)
	r.check(err)
}

// settle does all there is to do, before the engine runs.
func (r *rig) settle(each func(notify.Work)) {
	for {
		work, err := r.Step(time.Now())
		r.check(err)
		if work.Idle {
			return
		}
		each(work)
	}
}

// start finds out which shard each subscriber lives on, by an event that isn't counted, and runs
// the engine. In a round each subscriber gets so many events.
func (r *rig) start(events int) {
	r.all = measure.NewArrivals(r.b, measure.StallAfter)
	r.check(r.Publish(context.Background(), &notify.Event{Type: kind, Subject: subject}))
	found := 0
	r.settle(func(work notify.Work) {
		for len(r.tallies) <= work.Shard {
			r.tallies = append(r.tallies, &measure.Tally{All: r.all})
		}
		t := r.tallies[work.Shard]
		for _, s := range r.found {
			s.tally = t
		}
		t.Round += len(r.found) * events
		found += len(r.found)
		r.found = r.found[:0]
	})
	if found != len(r.subs) {
		r.b.Fatalf("the first event reaches %d of %d subscribers", found, len(r.subs))
	}
	for _, t := range r.tallies {
		t.Left = t.Round
	}
	r.run()
}

// run starts the engine's goroutines. They end with stop, at the latest with the benchmark.
func (r *rig) run() {
	b, ended := r.b, make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	watchdog := time.AfterFunc(6*measure.StallAfter, cancel)
	go func() { ended <- r.Run(ctx) }()
	r.ctx, r.watchdog = ctx, watchdog
	r.stop = sync.OnceFunc(func() { // without r, for Cleanup would keep that till the end
		watchdog.Stop()
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(r.stop)
}

// wait waits for the subscribers to have taken that much together.
func (r *rig) wait(deliveries int) bool {
	if r.waits++; r.waits%64 == 0 { // now and then, for it would cost more than a small round
		r.watchdog.Reset(6 * measure.StallAfter)
	}
	return r.all.Wait(deliveries)
}

// unicast measures publishing to each of so many groups by name.
func (r *rig) unicast(groups int) {
	names := measure.GroupNames(groups)
	for _, name := range names {
		r.subscribe(name)
	}
	r.start(1)
	u := measure.Unicast{
		Groups:  names,
		Publish: func(ev *notify.Event, group string) { r.check(r.Publish(r.ctx, ev, group)) },
		Wait:    func(events int) bool { return r.wait(events * groups) },
	}
	r.verify(u.Measure(r.b, measure.Events(kind, subject)))
}

// fanout measures a mode of publishing to all subscribers.
func (r *rig) fanout(mode measure.Mode) {
	f := measure.Fanout{
		Subs:    len(r.subs),
		Publish: func(ev *notify.Event) { r.check(r.Publish(r.ctx, ev)) },
		Wait:    func(events int) bool { return r.wait(events * len(r.subs)) },
	}
	r.start(mode.Round())
	r.verify(f.Measure(r.b, mode, measure.Events(kind, subject)))
}

// verify ends the engine, and fails the benchmark unless every subscriber took exactly what was
// published, in order, and the engine's own books say so, too.
func (r *rig) verify(published int) {
	r.stop()
	for _, s := range r.subs {
		s.to.Verify(r.b, published)
	}
	want := uint64(len(r.subs) * (published + 1)) // start publishes one more
	if st := r.Stats(); st.Delivered != want || st.Balance() != 0 {
		r.b.Fatalf("books: %+v; want %d delivered", st.Books, want)
	}
}

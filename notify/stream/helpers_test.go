package stream_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestMain(m *testing.M) {
	// More than rapid's default, for these runs are short; the command line still wins.
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const kind = notify.Type("INSTANCE")

var (
	here  = watch.At{Type: kind, Subject: "/instances/", Group: "shop"}
	epoch = time.Date(2018, time.December, 1, 0, 0, 0, 0, time.UTC)

	errList = errors.New("there is no list")
)

// encode makes "e7" of the event of revision 7.
func encode(ev *notify.Event) ([]byte, error) { return fmt.Appendf(nil, "e%d", ev.Revision), nil }

// encodeList makes "l7.0", "l7.1" and so on of a list of revision 7 whose state is a count.
func encodeList(l watch.List) (frames [][]byte, err error) {
	for i := range l.State.(int) {
		frames = append(frames, fmt.Appendf(nil, "l%d.%d", l.Revision, i))
	}
	return frames, nil
}

// tester is what *testing.T and *rapid.T have in common, as far as it is needed here.
type tester interface {
	require.TestingT
	Helper()
}

// rig is a session on an engine that is driven with Step, at the time now.
type rig struct {
	*notify.Engine
	*stream.Session
	t   tester
	now time.Time
	rev int64
	got []string // the frames of all steps so far
}

// newRig opens a session with a lister that is never called, for the tests say what was listed.
func newRig(t tester, c stream.Config, wc watch.Config) *rig {
	t.Helper()
	r := newBareRig(t)
	if c.Encode == nil {
		c.Encode, c.EncodeList = encode, encodeList
	}
	list := func(context.Context) (watch.List, error) { return watch.List{}, errList }
	var err error
	r.Session, err = stream.Open(r.Engine, here, list, &wc, &c, r.now)
	require.NoError(t, err)
	return r
}

func newBareRig(t tester) *rig {
	t.Helper()
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: {Shards: 1}}})
	require.NoError(t, err)
	return &rig{Engine: e, t: t, now: epoch}
}

// publish publishes n events and lets the engine deliver what it can.
func (r *rig) publish(n int) {
	r.t.Helper()
	for range n {
		r.rev++
		ev := &notify.Event{Type: kind, Subject: here.Subject, Revision: r.rev}
		require.NoError(r.t, r.Publish(context.Background(), ev, here.Group))
	}
	r.settle()
}

// settle runs the engine until there is nothing to do.
func (r *rig) settle() {
	r.t.Helper()
	for r.HasWork(0) {
		_, err := r.Engine.Step(r.now)
		require.NoError(r.t, err)
	}
}

// next asks for one step and keeps its frames.
func (r *rig) next() stream.Step {
	step := r.Next(r.now)
	for _, frame := range step.Frames {
		r.got = append(r.got, string(frame))
	}
	return step
}

// begin answers the first request for a list, with n frames.
func (r *rig) begin(n int) {
	r.t.Helper()
	require.True(r.t, r.next().List)
	r.Listed(watch.List{Revision: r.rev, State: n})
	r.settle()
}

// drain takes frames, which are written in no time, until there are none.
func (r *rig) drain() (last stream.Step) {
	for {
		last = r.next()
		r.settle()
		if last.Frames == nil {
			return last
		}
	}
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) { r.now = r.now.Add(d) }

// numbered is prefix followed by each number from first to last.
func numbered(prefix string, first, last int) (names []string) {
	for i := first; i <= last; i++ {
		names = append(names, fmt.Sprint(prefix, i))
	}
	return names
}

func joined(lists ...[]string) (all []string) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

var _ tester = (*testing.T)(nil)

package watch_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// pull makes a Puller on r whose list is the truth.
func (r *rig) pull(c watch.Config, o watch.PullOptions) *watch.Puller {
	r.t.Helper()
	list := func(context.Context) (watch.List, error) { return r.list(), nil }
	p, err := watch.Pull(r.Engine, here, list, &c, o)
	require.NoError(r.t, err)
	r.settle()
	return p
}

// next calls Next, which must not have to wait, and settles. It returns the list's revision or -1,
// and the revisions of the events.
func (r *rig) next(p *watch.Puller) (list int64, events []int64) {
	r.t.Helper()
	u, err := p.Next(context.Background())
	require.NoError(r.t, err)
	list = -1
	if u.List != nil {
		list = u.List.Revision
	}
	for _, ev := range u.Events {
		events = append(events, ev.Revision)
	}
	r.settle()
	return list, events
}

// wantNext compares what next returns.
func (r *rig) wantNext(p *watch.Puller, list int64, events ...int64) {
	r.t.Helper()
	gotList, gotEvents := r.next(p)
	require.Equal(r.t, list, gotList, "list")
	require.Equal(r.t, events, gotEvents, "events")
}

// wantNothing checks that Next waits, by a context that has ended.
func (r *rig) wantNothing(p *watch.Puller) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u, err := p.Next(ctx)
	require.Equal(r.t, watch.Update{}, u)
	require.Equal(r.t, context.Canceled, err)
}

func TestPuller_NextListsWhenThatIsDueAndReturnsWhatThereIs(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	p := r.pull(watch.Config{}, watch.PullOptions{})
	r.changes(2)
	r.wantNext(p, 2)
	r.wantNothing(p)
	r.changes(3)
	r.wantNext(p, -1, 3, 4, 5)
	r.changes(1)
	r.wantNext(p, -1, 6)
	assert.EqualValues(t, 2, r.Stats().Stale)
}

func TestPuller_TakesSizeEventsAheadOfNext(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	p := r.pull(watch.Config{}, watch.PullOptions{Size: 2})
	r.wantNext(p, 0)
	r.changes(5)
	assert.EqualValues(t, 3, r.Stats().InFlight, "beyond Size events stay in the backlog")
	r.wantNext(p, -1, 1, 2)
	r.wantNext(p, -1, 3, 4)
	r.wantNext(p, -1, 5)

	_, err := watch.Pull(r.Engine, here, nil, &watch.Config{}, watch.PullOptions{Size: -1})
	assert.ErrorIs(t, err, notify.ErrInvalid)

	whole := r.pull(watch.Config{}, watch.PullOptions{})
	r.wantNext(whole, 5)
	r.changes(65)
	_, events := r.next(whole)
	assert.Len(t, events, 64, "the default")
}

// TestPuller_AResyncStartsAgainFromItsList: the events before the loss, the list, the events after.
func TestPuller_AResyncStartsAgainFromItsList(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	var lost recorder
	c := watch.Config{Backlog: small(notify.DropOldest), Resync: true}
	p := r.pull(c, watch.PullOptions{Size: 2, Observer: &lost})
	r.wantNext(p, 0)
	r.changes(6)
	assert.Equal(t, []notify.Cause{notify.Oldest, notify.Oldest}, lost.causes)
	r.wantNext(p, -1, 1, 2)
	list, _ := r.next(p)
	require.EqualValues(t, 6, list)
	r.changes(1)
	r.wantNext(p, -1, 7)

	p.Close()
	r.settle()
	assert.Equal(t, []error{notify.ErrClosed}, lost.reasons)
}

// recorder is an Observer.
type recorder struct {
	causes  []notify.Cause
	reasons []error
}

func (o *recorder) Dropped(_ *notify.Subscription, events []*notify.Event, c notify.Cause) {
	for range events {
		o.causes = append(o.causes, c)
	}
}

func (o *recorder) Ended(_ *notify.Subscription, reason error) {
	o.reasons = append(o.reasons, reason)
}

func TestPuller_EventsAreValidUntilTheNextCallOfNext(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	p := r.pull(watch.Config{}, watch.PullOptions{Size: 2})
	r.wantNext(p, 0)
	r.changes(2)
	for rev := int64(1); rev < 9; rev += 2 {
		u, err := p.Next(context.Background())
		require.NoError(t, err)
		r.changes(2)
		require.Len(t, u.Events, 2)
		require.Equal(t, rev, u.Events[0].Revision)
		require.Equal(t, rev+1, u.Events[1].Revision)
	}
}

func TestPuller_WhatWasReceivedBeforeTheEndIsReturnedFirst(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	p := r.pull(watch.Config{Backlog: small(notify.Evict)}, watch.PullOptions{Size: 3})
	r.wantNext(p, 0)
	r.changes(6)
	require.Equal(t, notify.ErrSlow, p.Err())
	<-p.Done()
	r.wantNext(p, -1, 1, 2, 3)
	for range 2 {
		_, err := p.Next(context.Background())
		require.Equal(t, notify.ErrSlow, err, "and then the reason, each time")
	}
}

func TestPuller_CloseEndsItWithErrClosed(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	p := r.pull(watch.Config{}, watch.PullOptions{})
	require.NoError(t, p.Err())
	p.Close()
	p.Close()
	r.settle()
	_, err := p.Next(context.Background())
	assert.Equal(t, notify.ErrClosed, err)
	assert.Equal(t, notify.ErrClosed, p.Err())
}

func TestPuller_AListThatFailsEndsItWithItsError(t *testing.T) {
	for name, tt := range map[string]struct {
		close bool
		want  []error
	}{
		"by itself":                   {false, []error{errBoom, watch.ErrList}},
		"after the watcher has ended": {true, []error{notify.ErrClosed}},
	} {
		r := newRig(t, notify.TypeConfig{})
		var p *watch.Puller
		list := func(context.Context) (watch.List, error) {
			if tt.close {
				p.Close()
			}
			return watch.List{}, errBoom
		}
		p, err := watch.Pull(r.Engine, here, list, &watch.Config{}, watch.PullOptions{})
		require.NoError(t, err)
		for range 2 {
			_, err := p.Next(context.Background())
			for _, want := range tt.want {
				assert.ErrorIs(t, err, want, name)
				assert.ErrorIs(t, p.Err(), want, name)
			}
			r.settle()
		}
	}
}

func TestPuller_AListInterruptedByTheCallersContextIsStillOwed(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	ctx, cancel := context.WithCancel(context.Background())
	tries := 0
	list := func(listCtx context.Context) (watch.List, error) {
		if tries++; tries == 1 {
			cancel()
			<-listCtx.Done()
			return watch.List{}, listCtx.Err()
		}
		return r.list(), nil
	}
	p, err := watch.Pull(r.Engine, here, list, &watch.Config{}, watch.PullOptions{})
	require.NoError(t, err)
	r.changes(3)
	_, err = p.Next(ctx)
	require.Equal(t, context.Canceled, err)
	require.NoError(t, p.Err(), "the watcher lives")
	r.wantNext(p, 3)
	assert.Equal(t, 2, tries)
}

package watch_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

var errBoom = errors.New("boom")

func TestSplice_EventsWaitUntilTheListIsDelivered(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	r.changes(2)
	s := r.open(watch.Config{})
	r.changes(3)
	assert.Equal(t, []string{"need"}, s.heard(), "events 3 to 5 must wait for the list")
	assert.EqualValues(t, 3, r.Stats().InFlight)

	s.listed(watch.List{Revision: 4})
	assert.Equal(t, []string{"list 4", "5"}, s.heard())
	assert.EqualValues(t, 2, r.Stats().Stale, "3 and 4 are in the list")

	r.changes(2)
	assert.Equal(t, []string{"6", "7"}, s.heard(), "the later ones follow in order")
	assert.EqualValues(t, 0, r.lost())
	assert.EqualValues(t, 3, r.Stats().Delivered)
}

func TestSplice_NothingOfTheListComesAgain(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	late := []*notify.Event{r.change("a"), r.remove("a"), r.change("b")}
	s := r.open(watch.Config{}, inline)
	r.publish(late...) // the list had them before they were published
	r.publish(r.change("b"))
	assert.Equal(t, []string{"need", "list 3", "4"}, s.heard())
	assert.EqualValues(t, 3, r.Stats().Stale)
	assert.Equal(t, r.truth, s.view)
}

func TestSplice_AnEventWithoutARevisionIsNeverStale(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{})
	r.publish(&notify.Event{Type: kind, Subject: subject})
	s.listed(watch.List{Revision: 9})
	r.publish(&notify.Event{Type: kind, Subject: subject})
	assert.Equal(t, []string{"need", "list 9", "0", "0"}, s.heard())
}

func TestNeedList_MayBeAnsweredWithinOpen(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	r.changes(3)
	s := r.open(watch.Config{}, inline)
	r.changes(1)
	assert.Equal(t, []string{"need", "list 3", "4"}, s.heard())
}

func TestLists_OneThatFailsEndsTheWatcherWithItsError(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{})
	r.changes(2)
	require.NoError(t, s.w.Err())
	s.w.Fail(errBoom)
	r.settle()
	assert.Equal(t, errBoom, s.w.Err())
	assert.Equal(t, []string{"need", "lost 1 failed", "lost 2 failed", "end: boom"}, s.heard())
	assert.Zero(t, r.Stats().Subscriptions)
}

func TestInit_ItsErrorEndsTheWatcher(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{}, inline, func(s *sink) { s.init = errBoom })
	r.changes(1)
	assert.Equal(t, errBoom, s.w.Err())
	assert.Equal(t, []string{"need", "list 0", "end: boom"}, s.heard())
}

func TestListed_AnAnswerThatNobodyWaitsForIsIgnored(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{}, inline)
	r.changes(1)
	s.w.Listed(watch.List{Revision: 7})
	r.changes(1)
	assert.Equal(t, []string{"need", "list 0", "1", "2"}, s.heard())
}

func TestListed_FromWithinInitIsIgnored(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := &insistent{}
	_, err := watch.Open(r.Engine, here, s, &watch.Config{})
	require.NoError(t, err)
	assert.Equal(t, 1, s.inits)
}

// insistent answers once more from within Init.
type insistent struct {
	sink
	w     *watch.Watcher
	inits int
}

func (s *insistent) NeedList(w *watch.Watcher) { s.w = w; w.Listed(watch.List{}) }

func (s *insistent) Init(l watch.List) error {
	s.inits++
	s.w.Listed(l)
	return nil
}

func TestEnds_AnEndedWatcherIgnoresListed(t *testing.T) {
	for _, settle := range []bool{false, true} {
		t.Run(fmt.Sprint("settled=", settle), func(t *testing.T) {
			r := newRig(t, notify.TypeConfig{})
			s := r.open(watch.Config{})
			s.w.Close()
			if settle { // or else the engine has not come to it yet
				r.settle()
			}
			s.answer()
			r.changes(1)
			assert.Equal(t, []string{"need", "end: notify: closed"}, s.heard())
		})
	}
}

func TestEnds_OnceWithTheFirstReason(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{}, inline)
	select {
	case <-s.w.Done():
		t.Fatal("Done is closed before the end")
	default:
	}
	s.w.Close()
	s.w.Fail(errBoom)
	s.w.Close()
	r.settle()
	<-s.w.Done()
	assert.Equal(t, notify.ErrClosed, s.w.Err())
	assert.Equal(t, []string{"need", "list 0", "end: notify: closed"}, s.heard())
}

func TestEnds_WithTheEngine(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{Resync: true})
	r.changes(1)
	r.Close()
	r.settle()
	assert.Equal(t, notify.ErrClosed, s.w.Err())
	assert.Equal(t, []string{"need", "lost 1 closed", "end: notify: closed"}, s.heard())
}

func TestReady_TheRestFollowsInOrder(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := r.open(watch.Config{}, inline, func(s *sink) { s.room = 1 })
	r.changes(4)
	assert.Equal(t, []string{"need", "list 0", "1"}, s.heard())
	s.take(2)
	assert.Equal(t, []string{"2", "3"}, s.heard())
	r.changes(1)
	s.take(unlimited)
	assert.Equal(t, []string{"4", "5"}, s.heard())
}

func TestOpen_Errors(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	closed := newRig(t, notify.TypeConfig{})
	closed.Close()
	bad := watch.Config{Backlog: notify.Backlog{Size: -1}}
	for name, tt := range map[string]struct {
		e    *notify.Engine
		at   watch.At
		c    watch.Config
		want error
	}{
		"unknown type": {r.Engine, watch.At{Type: "x", Subject: subject}, watch.Config{},
			notify.ErrUnknownType},
		"no subject":   {r.Engine, watch.At{Type: kind}, watch.Config{}, notify.ErrInvalid},
		"bad backlog":  {r.Engine, here, bad, notify.ErrInvalid},
		"list timeout": {r.Engine, here, watch.Config{ListTimeout: -1}, notify.ErrInvalid},
		"closed":       {closed.Engine, here, watch.Config{}, notify.ErrClosed},
	} {
		s := &sink{}
		w, err := watch.Open(tt.e, tt.at, s, &tt.c)
		require.ErrorIs(t, err, tt.want, name)
		assert.Nil(t, w, name)
		assert.Empty(t, s.log, "%s: nobody lists for a watcher that is not there", name)
		p, err := watch.Pull(tt.e, tt.at, nil, &tt.c, watch.PullOptions{})
		require.ErrorIs(t, err, tt.want, name)
		assert.Nil(t, p, name)
	}
}

func TestConfig_EveryMistakeIsReported(t *testing.T) {
	c := watch.Config{ListTimeout: -1, Backlog: notify.Backlog{Size: -1, AddTimeout: -1}}
	err := c.Validate()
	require.ErrorIs(t, err, notify.ErrInvalid)
	for _, field := range []string{"ListTimeout = -1ns: want 0 (1s)", "Size", "AddTimeout"} {
		assert.ErrorContains(t, err, field)
	}
	assert.NoError(t, new(watch.Config).Validate())
}

// TestReceiver_NeedNotBeAnObserver: without the methods of notify.Observer losses and the end are
// told to nobody, and nothing else changes.
func TestReceiver_NeedNotBeAnObserver(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	s := &plain{}
	w, err := watch.Open(r.Engine, here, s, &watch.Config{
		Backlog: notify.Backlog{Size: 1, Overflow: notify.DropOldest}, Resync: true,
	})
	require.NoError(t, err)
	r.changes(4)
	assert.EqualValues(t, 2, s.lists)
	w.Close()
	r.settle()
	assert.Equal(t, notify.ErrClosed, w.Err())
}

// plain takes nothing and counts its lists.
type plain struct{ lists int64 }

func (p *plain) NeedList(w *watch.Watcher) {
	w.Listed(watch.List{Revision: 3 * p.lists})
}

func (p *plain) Init(watch.List) error {
	p.lists++
	return nil
}

func (p *plain) Deliver([]*notify.Event) (taken int, err error) { return 0, nil }

// promptSink is a sink that says whether it is notify.Prompt.
type promptSink struct {
	*sink
	is bool
}

func (s promptSink) Prompt() bool { return s.is }

func TestWatcher_IsPromptIfItsSinkIs(t *testing.T) {
	r := newRig(t, notify.TypeConfig{})
	for is, want := range map[watch.Sink]bool{
		&sink{r: r}:                    false,
		promptSink{&sink{r: r}, false}: false,
		promptSink{&sink{r: r}, true}:  true,
	} {
		w, err := watch.Open(r.Engine, here, is, &watch.Config{})
		require.NoError(t, err)
		assert.Equal(t, want, w.Prompt())
	}
}

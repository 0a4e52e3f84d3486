package watch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/watch"
)

// preset is the preset of that name on one shard, so that Step goes through everything in order.
func preset(t *testing.T, name string) watch.Preset {
	t.Helper()
	p, err := watch.PresetNamed(name)
	require.NoError(t, err)
	p.Type.Shards = 1
	return p
}

func TestPresets_AreValidAndTheDefaultComesFirst(t *testing.T) {
	var names []string
	for i, p := range watch.Presets() {
		names = append(names, p.Name)
		assert.NotEmpty(t, p.About, p.Name)
		assert.Equal(t, i > 0, p.Baseline, p.Name)
		assert.Equal(t, p.Watch.Poll, p.PollInterval > 0, "%s: an interval belongs to Poll", p.Name)

		e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: p.Type}})
		require.NoError(t, err, p.Name)
		_, err = watch.Open(e, here, &plain{}, &p.Watch)
		require.NoError(t, err, p.Name)

		found, err := watch.PresetNamed(p.Name)
		require.NoError(t, err)
		assert.Equal(t, p, found)
	}
	assert.Equal(t, []string{"notifylab", "sc-1.x", "sc-2.x"}, names)
}

func TestPresetNamed_TheErrorListsTheNames(t *testing.T) {
	_, err := watch.PresetNamed("sc-3.x")
	require.ErrorIs(t, err, notify.ErrInvalid)
	assert.ErrorContains(t, err, `"sc-3.x": want one of notifylab, sc-1.x, sc-2.x`)
}

func TestPreset_EffectiveHasNoZeroThatStandsForADefault(t *testing.T) {
	for _, p := range watch.Presets() {
		e := p.Effective()
		assert.Positive(t, e.Type.Shards, p.Name)
		assert.Positive(t, e.Type.Batch, p.Name)
		assert.Positive(t, e.Watch.Backlog.Size, p.Name)
		assert.Positive(t, e.Watch.Backlog.AddTimeout, p.Name)
		assert.Equal(t, watch.DefaultListTimeout, e.Watch.ListTimeout, p.Name)
		assert.Equal(t, e, e.Effective(), p.Name)
	}
}

// headOfLine opens a watcher that never takes anything and one that takes all, fills the backlog of
// the first with 5000 events, and then publishes 3 more. It returns the stuck one and how late
// these 3 came to the other.
func headOfLine(t *testing.T, name string) (stuck *sink, late []time.Duration) {
	p := preset(t, name)
	r := newRig(t, p.Type)
	stuck = r.open(p.Watch, inline, func(s *sink) { s.room = 0 })
	p.Watch.Poll = false // the other one is as fast as can be
	other := r.open(p.Watch, inline)
	r.changes(5000)
	require.Len(t, other.came, 5000)
	began := r.since()
	for range 3 {
		r.publish(r.change("k"))
	}
	r.pass(10 * time.Second)
	for rev := r.rev - 2; rev <= r.rev; rev++ {
		require.Contains(t, other.came, rev)
		late = append(late, other.came[rev]-began)
	}
	require.Equal(t, r.truth, other.view)
	return stuck, late
}

// TestSC1_AFullWatcherDelaysTheOthersByAddTimeoutPerEvent: 3 events, 3 s, and the full watcher has
// lost them without being told.
func TestSC1_AFullWatcherDelaysTheOthersByAddTimeoutPerEvent(t *testing.T) {
	stuck, late := headOfLine(t, "sc-1.x")
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, late)
	assert.EqualValues(t, 3, stuck.r.Stats().Dropped[notify.TimedOut])
	assert.NoError(t, stuck.w.Err())
	assert.Equal(t, 1, stuck.count("need"), "a silent gap")
}

func TestOthers_AFullWatcherDelaysNobody(t *testing.T) {
	for _, name := range []string{"notifylab", "sc-2.x"} {
		_, late := headOfLine(t, name)
		assert.Equal(t, []time.Duration{0, 0, 0}, late, name)
	}
}

// behindAList opens a watcher whose list comes after d, and one whose list is there; it publishes
// an event and returns how late that came to the second.
func behindAList(t *testing.T, name string, d time.Duration) time.Duration {
	p := preset(t, name)
	p.Watch.Poll = false
	r := newRig(t, p.Type)
	slow := r.open(p.Watch)
	other := r.open(p.Watch, inline)
	ev := r.change("k")
	r.publish(ev)
	r.pass(d)
	slow.answer()
	r.pass(2 * time.Second)
	require.Equal(t, r.truth, slow.view)
	require.Equal(t, r.truth, other.view)
	require.Contains(t, other.came, ev.Revision)
	return other.came[ev.Revision]
}

func TestSC1_AListingWatcherDelaysDispatchUpToOneSecond(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		0:                      0,
		300 * time.Millisecond: 300 * time.Millisecond,
		time.Minute:            time.Second,
	} {
		assert.Equal(t, want, behindAList(t, "sc-1.x", d), "a list after %v", d)
	}
	for _, name := range []string{"notifylab", "sc-2.x"} {
		assert.Zero(t, behindAList(t, name, time.Minute), name)
	}
}

// TestSC1_TwoEventsPerSecond: a burst of 12 takes 12 ticks of 500 ms; the specification measured
// 5.8 s, between two ticks.
func TestSC1_TwoEventsPerSecond(t *testing.T) {
	p := preset(t, "sc-1.x")
	r := newRig(t, p.Type)
	s := r.open(p.Watch, inline)
	s.w.Tick()
	r.pass(200 * time.Millisecond)
	began := r.since()
	r.changes(12)
	require.Empty(t, s.came)
	r.pass(300 * time.Millisecond)
	for range 12 {
		s.w.Tick()
		r.settle()
		r.pass(p.PollInterval)
	}
	for rev := int64(1); rev <= 12; rev++ {
		want := 300*time.Millisecond + time.Duration(rev-1)*p.PollInterval
		assert.Equal(t, want, s.came[rev]-began, "event %d", rev)
	}
}

func TestNotifylab_ABurstComesAtOnce(t *testing.T) {
	for _, name := range []string{"notifylab", "sc-2.x"} {
		p := preset(t, name)
		r := newRig(t, p.Type)
		s := r.open(p.Watch, inline)
		r.changes(12)
		assert.Len(t, s.came, 12, name)
		assert.Equal(t, r.truth, s.view, name)
	}
}

// overflown lets a watcher that takes nothing overflow by one event, lets it take everything then,
// and returns it.
func overflown(t *testing.T, p watch.Preset, size int) *sink {
	r := newRig(t, p.Type)
	s := r.open(p.Watch, inline)
	s.room = 0
	r.publish(r.change("only once"))
	for range size {
		r.publish(r.change("k"))
	}
	s.take(unlimited)
	return s
}

func TestSC2_AFlushThrows5000AwayAndIsSilent(t *testing.T) {
	s := overflown(t, preset(t, "sc-2.x"), 5000)
	assert.EqualValues(t, 5000, s.r.Stats().Dropped[notify.Flushed])
	assert.EqualValues(t, 1, s.r.Stats().Delivered)
	assert.NoError(t, s.w.Err())
	assert.Equal(t, 1, s.count("need"), "it doesn't list again")
	assert.NotEqual(t, s.r.truth, s.view, "and so its view stays wrong")
}

func TestNotifylab_ASlowWatcherHasTheTruthAsSoonAsItTakes(t *testing.T) {
	s := overflown(t, preset(t, "notifylab"), 5000)
	assert.Zero(t, s.r.lost())
	assert.NotZero(t, s.r.Stats().Conflated)
	assert.Equal(t, s.r.truth, s.view)
}

// TestNotifylab_AGapRepairsItself: without keys even the default loses, but it lists again.
func TestNotifylab_AGapRepairsItself(t *testing.T) {
	p := preset(t, "notifylab")
	r := newRig(t, p.Type)
	s := r.open(p.Watch, inline)
	s.room = 0
	for range 300 {
		r.publish(r.change(""))
	}
	s.take(unlimited)
	assert.NotZero(t, r.lost())
	assert.Equal(t, r.truth, s.view)
}

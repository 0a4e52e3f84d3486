package notify_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
)

func TestValidate_ReportsAllMistakesAtOnce(t *testing.T) {
	c := notify.Config{Types: map[notify.Type]notify.TypeConfig{
		"": {},
		"BAD": {Shards: -1, Batch: -2, WhenFull: 7,
			Backlog: notify.Backlog{Size: -3, Overflow: 8, AddTimeout: -4}},
		"GOOD": {QueueSize: -5},
	}, Patience: -5}
	err := c.Validate()
	require.ErrorIs(t, err, notify.ErrInvalid)
	for _, want := range []string{
		`Types[""].name`, `Types["BAD"].Shards = -1`, `Types["BAD"].Batch = -2`,
		`Types["BAD"].WhenFull = 7: want Wait or Reject`, `Types["BAD"].Backlog`, "Size = -3",
		"Overflow = Overflow(8): want one of conflate, drop-oldest", "AddTimeout = -4ns",
		"Patience = -5ns: want 0 (5ms) or more",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "GOOD")
	_, newErr := notify.New(c)
	require.ErrorIs(t, newErr, notify.ErrInvalid)
	assert.Len(t, strings.Split(newErr.Error(), "\n"), 8)

	assert.ErrorContains(t, notify.Config{}.Validate(), "Types: want at least one type")
}

func TestConfig_TheZeroTypeConfigIsReady(t *testing.T) {
	e, err := notify.New(notify.Config{
		Types: map[notify.Type]notify.TypeConfig{instance: {}, "B": {QueueSize: -1}},
	})
	require.NoError(t, err)
	for _, typ := range []notify.Type{instance, "B"} {
		for range notify.DefaultQueueSize {
			require.NoError(t, e.Publish(t.Context(), &notify.Event{Type: typ, Subject: "/x/"}))
		}
	}
	assert.Equal(t, 1000, e.Stats().QueueHigh)
	w, err := e.Step(epoch)
	require.NoError(t, err)
	assert.Equal(t, notify.DefaultBatch, w.Routed)
	shards := map[int]bool{w.Shard: true}
	for !w.Idle {
		w, err = e.Step(epoch)
		require.NoError(t, err)
		shards[w.Shard] = true
	}
	assert.Len(t, shards, 2*runtime.GOMAXPROCS(0), "of each type GOMAXPROCS, numbered through")
}

func TestEffective_SaysWhatAZeroStandsFor(t *testing.T) {
	got := notify.TypeConfig{QueueSize: -1}.Effective()
	assert.Equal(t, notify.TypeConfig{
		QueueSize: 1000, Shards: runtime.GOMAXPROCS(0), Batch: 64,
		Backlog: notify.Backlog{Size: 256, AddTimeout: time.Second},
	}, got)
	assert.Equal(t, got, got.Effective())
}

func TestOverflow_NamesAreParsedAgain(t *testing.T) {
	names := notify.OverflowNames()
	assert.Len(t, names, 6)
	for i, name := range names {
		o, err := notify.ParseOverflow(name)
		require.NoError(t, err)
		assert.Equal(t, notify.Overflow(i), o)
		assert.Equal(t, name, o.String())
	}
	_, err := notify.ParseOverflow("drop")
	assert.ErrorIs(t, err, notify.ErrInvalid)
	assert.ErrorContains(t, err, strings.Join(names, ", "))
	names[0] = "changed"
	assert.Equal(t, "conflate", notify.OverflowNames()[0], "a copy")
	assert.Equal(t, "Overflow(99)", notify.Overflow(99).String())
}

func TestCauses_AreNamedInTheOrderOfTheBooks(t *testing.T) {
	var names []string
	for _, cause := range notify.Causes() {
		names = append(names, cause.String())
	}
	assert.Equal(t, []string{
		"oldest", "newest", "flushed", "evicted", "timed_out", "failed", "closed",
	}, names)
	assert.Equal(t, "conflated", notify.Conflated.String())
	assert.Equal(t, "Cause(99)", notify.Cause(99).String())
	var b notify.Books
	assert.Len(t, b.Dropped, len(names))
}

func TestBooks_BalanceIsWhatIsMissing(t *testing.T) {
	b := notify.Books{Offered: 20, Delivered: 3, Stale: 4, Conflated: 2, InFlight: 1}
	b.Dropped[notify.Newest], b.Dropped[notify.Closed] = 5, 3
	assert.EqualValues(t, 8, b.DroppedTotal())
	assert.EqualValues(t, 2, b.Balance())
	b.Delivered += 3
	assert.EqualValues(t, -1, b.Balance())
}

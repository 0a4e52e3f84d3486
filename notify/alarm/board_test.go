package alarm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
)

func TestBoard_HoldsTheLastStateOfEachIDByID(t *testing.T) {
	r := testRig(t)
	assert.Empty(t, r.board.List())
	r.raise("c")
	r.raise("a", alarm.String(alarm.Detail, "first"))
	r.raise("b")
	r.clear("b")
	r.raise("a", alarm.String(alarm.Detail, "second"))
	var got []string
	for _, a := range r.board.List() {
		got = append(got, fmt.Sprint(a.ID, " ", a.Status, " ", a.Fields))
	}
	want := []string{"a ACTIVATED [detail=second]", "b CLEARED []", "c ACTIVATED []"}
	assert.Equal(t, want, got)
	_, ok := r.board.Get("d")
	assert.False(t, ok)
}

func TestBoard_CountsRaisesSinceTheLastClear(t *testing.T) {
	r := testRig(t)
	want := func(status alarm.Status, timestamp, first, last int, count uint64) {
		t.Helper()
		got := r.get("x")
		assert.Equal(t, status, got.Status)
		assert.Equal(t, at(timestamp), got.Timestamp)
		assert.Equal(t, at(first), got.FirstRaised)
		assert.Equal(t, at(last), got.LastRaised)
		assert.Equal(t, count, got.Count)
	}
	r.clear("x") // nothing was lit: it is no alarm yet
	assert.Empty(t, r.board.List())
	r.raise("x", alarm.Int("n", 1))
	want(alarm.Raised, 2, 2, 2, 1)
	r.raise("x", alarm.Int("n", 2))
	r.raise("x", alarm.Int("n", 3))
	want(alarm.Raised, 4, 2, 4, 3)
	r.clear("x")
	want(alarm.Cleared, 5, 2, 4, 3)
	assert.Equal(t, int64(3), r.get("x").Fields.Get("n"), "fields of the last raise")
	r.clear("x") // again: it stays as it was
	want(alarm.Cleared, 5, 2, 4, 3)
	r.raise("x")
	want(alarm.Raised, 7, 7, 7, 1)
	r.clear("x", alarm.Int("n", 4))
	assert.Equal(t, int64(4), r.get("x").Fields.Get("n"), "fields of the clear")
}

func TestBoardClear_IsSeenOnReturnAndHeardByOthers(t *testing.T) {
	r := testRig(t)
	heard, other := r.hear(), r.open()
	r.raise("x")
	require.NoError(t, r.board.Clear("x", at(9)))
	assert.Equal(t, alarm.Cleared, r.get("x").Status, "before the engine has brought it")
	assert.Equal(t, []alarm.ID{"x"}, lit(other))
	r.settle(alarmShard)
	assert.Empty(t, lit(other))
	want := []alarm.Report{
		{ID: "x", Status: alarm.Raised, Timestamp: at(1)},
		{ID: "x", Status: alarm.Cleared, Timestamp: at(9)},
	}
	assert.Equal(t, want, *heard)

	require.NoError(t, r.board.Clear("x", at(10)), "of a cleared one")
	r.settle(alarmShard)
	assert.Len(t, *heard, 2)
	assert.ErrorIs(t, r.board.Clear("y", at(10)), alarm.ErrUnknown)
}

func TestBoardClear_ChangesNothingWhenOthersCannotBeTold(t *testing.T) {
	for _, with := range []func(*alarm.Config){func(*alarm.Config) {}, waiting} {
		r := testRig(t, with)
		r.raise("x")
		fillAlarms(r)
		assert.ErrorIs(t, r.board.Clear("x", r.now), notify.ErrFull)
		n, err := r.board.ClearAll(r.now)
		assert.ErrorIs(t, err, notify.ErrFull)
		assert.Zero(t, n)
		assert.Equal(t, []alarm.ID{"x"}, lit(r.board))
		r.settle(alarmShard)
		assert.NoError(t, r.board.Clear("x", r.now))
		assert.Empty(t, lit(r.board))
	}
}

// waiting is a configuration under which Publish would wait for room for ever.
func waiting(c *alarm.Config) {
	c.Types[alarm.Events] = notify.TypeConfig{QueueSize: 4, Shards: 1, WhenFull: notify.Wait}
}

// fillAlarms fills the queue of the alarms by raising one.
func fillAlarms(r *rig) {
	r.t.Helper()
	for i := 0; ; i++ {
		if err := alarm.Raise(r.Engine, r.now, "x"); err != nil {
			require.ErrorIs(r.t, err, notify.ErrFull)
			require.Positive(r.t, i)
			return
		}
	}
}

func TestBoardClearAll_ClearsWhatIsLitAndCountsIt(t *testing.T) {
	r := testRig(t)
	for _, id := range []alarm.ID{"a", "b", "c"} {
		r.raise(id)
	}
	r.clear("b")
	n, err := r.board.ClearAll(r.now)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Empty(t, lit(r.board))
	assert.Len(t, r.board.List(), 3)
	r.settle(alarmShard)
	n, err = r.board.ClearAll(r.now)
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestBoard_ShowsWhatItHasAfterItsEnd(t *testing.T) {
	r := testRig(t)
	r.raise("x")
	r.board.Close()
	r.settle(alarmShard)
	r.raise("y")
	assert.Equal(t, []alarm.ID{"x"}, lit(r.board))
	r.Engine.Close()
	assert.ErrorIs(t, r.board.Clear("x", r.now), notify.ErrClosed)
	assert.Equal(t, []alarm.ID{"x"}, lit(r.board))
}

func TestBoard_IsBoundedAndKeepsPlacesForItsOwn(t *testing.T) {
	r := testRig(t)
	stranger := func(i int) alarm.ID { return alarm.ID(fmt.Sprintf("stranger%03d", i)) }
	r.raise(alarm.QueueHigh)
	for i := range alarm.OthersMax + 5 {
		r.raise(stranger(i))
	}
	assert.Len(t, r.board.List(), alarm.OthersMax+1)
	assert.EqualValues(t, 5, r.board.Refused())
	r.raise(alarm.BackendConnectionRefuse)
	assert.Len(t, r.board.List(), alarm.OthersMax+2)
	r.raise(stranger(0)) // known, so nothing new
	assert.EqualValues(t, 5, r.board.Refused())

	r.clear(stranger(7))
	r.clear(stranger(3))
	r.clear(alarm.QueueHigh)
	r.raise("newcomer")
	assert.Len(t, r.board.List(), alarm.OthersMax+2)
	_, ok := r.board.Get(stranger(7))
	assert.False(t, ok, "it was cleared first")
	_, ok = r.board.Get(stranger(3))
	assert.True(t, ok)
	assert.EqualValues(t, 5, r.board.Refused())
}

func TestBoard_RefusesAndCountsWhatIsNoReport(t *testing.T) {
	fields := make(alarm.Fields, alarm.FieldsMax+1)
	for i := range fields {
		fields[i] = alarm.Int(fmt.Sprint("k", i), 0)
	}
	long := alarm.ID(make([]byte, alarm.IDMax+1))
	for name, payload := range map[string]any{
		"nothing":    nil,
		"nil":        (*alarm.Report)(nil),
		"a value":    alarm.Report{ID: "x", Status: alarm.Raised},
		"no id":      &alarm.Report{Status: alarm.Raised},
		"long id":    &alarm.Report{ID: long, Status: alarm.Raised},
		"no status":  &alarm.Report{ID: "x"},
		"a status":   &alarm.Report{ID: "x", Status: "raised"},
		"fields":     &alarm.Report{ID: "x", Status: alarm.Raised, Fields: fields},
		"bare field": &alarm.Report{ID: "x", Status: alarm.Raised, Fields: make(alarm.Fields, 1)},
	} {
		r := testRig(t)
		ev := &notify.Event{Type: alarm.Events, Subject: alarm.Subject, Payload: payload}
		require.NoError(t, r.Publish(context.Background(), ev))
		r.settle(alarmShard)
		assert.EqualValues(t, 1, r.board.Refused(), name)
		r.raise("y")
		assert.Len(t, r.board.List(), 1, "%s: and it goes on", name)
	}
}

func TestAlarm_JSON(t *testing.T) {
	r := testRig(t)
	r.raise("x", alarm.String("text", `"<é>"`), alarm.Int("n", math.MaxInt64),
		alarm.Duration("waited", 1500*time.Millisecond), alarm.Float("share", 0.5),
		alarm.Float("none", math.NaN()), alarm.Float("all", math.Inf(-1)))
	r.raise("y")
	r.clear("y")
	got, err := json.Marshal(r.board.List())
	require.NoError(t, err)
	want := `[{"id":"x","status":"ACTIVATED","fields":{"text":"\"\u003cé\u003e\"",` +
		`"n":9223372036854775807,"waited":"1.5s","share":0.5,"none":"NaN","all":"-Inf"},` +
		`"timestamp":"2018-12-01T00:00:01Z","firstRaised":"2018-12-01T00:00:01Z",` +
		`"lastRaised":"2018-12-01T00:00:01Z","count":1},` +
		`{"id":"y","status":"CLEARED","timestamp":"2018-12-01T00:00:03Z",` +
		`"firstRaised":"2018-12-01T00:00:02Z","lastRaised":"2018-12-01T00:00:02Z","count":1}]`
	assert.Equal(t, want, string(got))
}

// A subscriber that is behind has the last state of each alarm waiting, not their history.
func TestEvents_ConflateByID(t *testing.T) {
	r := testRig(t)
	var got []string
	behind := true
	s, err := r.Subscribe(alarm.Events, alarm.Subject, "", deliver(
		func(batch []*notify.Event) (int, error) {
			if behind {
				return 0, nil
			}
			for _, ev := range batch {
				a := ev.Payload.(*alarm.Report)
				got = append(got, fmt.Sprint(a.ID, " ", a.Status))
			}
			return len(batch), nil
		}), &notify.Backlog{Size: 1})
	require.NoError(t, err)
	r.raise("x") // the one that waits in order
	for range 3 {
		r.raise("y")
		r.raise("z")
		r.clear("y")
	}
	behind = false
	s.Ready()
	r.settle(alarmShard)
	assert.Equal(t, []string{"x ACTIVATED", "z ACTIVATED", "y CLEARED"}, got)
}

// TestBoards_AgreeOnWhatIsLit: a board on which somebody clears, ahead of the engine, shows the
// same in the end as one that only listens, in whatever order things come.
func TestBoards_AgreeOnWhatIsLit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t)
		other := r.open()
		id := rapid.SampledFrom([]alarm.ID{"a", "b"})
		t.Repeat(map[string]func(*rapid.T){
			"raise": func(t *rapid.T) {
				require.NoError(t, alarm.Raise(r.Engine, r.now, id.Draw(t, "id")))
			},
			"clear": func(t *rapid.T) {
				if err := r.board.Clear(id.Draw(t, "id"), r.now); err != nil {
					require.ErrorIs(t, err, alarm.ErrUnknown)
				}
			},
			"bring": func(t *rapid.T) {
				r.settle(alarmShard)
				require.Equal(t, lit(other), lit(r.board))
			},
		})
	})
}

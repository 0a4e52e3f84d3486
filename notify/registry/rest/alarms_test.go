package rest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/alarm"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/registry/rest"
)

const alarmsPath = "/v4/default/admin/alarms"

// statuses lists the alarms as a client sees them.
func statuses(t testing.TB, body string) map[alarm.ID]alarm.Status {
	t.Helper()
	var list struct{ Alarms []alarm.Alarm }
	// Fields only write themselves, for whoever reads them knows their types.
	decode(t, strings.ReplaceAll(body, `"fields":`, `"-":`), &list)
	all := map[alarm.ID]alarm.Status{}
	for _, a := range list.Alarms {
		all[a.ID] = a.Status
	}
	return all
}

func TestAlarms_AreListedAndClearedOneByOneOrAllTogether(t *testing.T) {
	s := newServer(t, rest.Config{})
	for _, id := range []alarm.ID{alarm.InternalError, alarm.QueueHigh, alarm.Evicted} {
		require.NoError(t, alarm.Raise(s.engine, s.now, id, alarm.Int("queued", 3)))
	}
	require.Eventually(t, func() bool { return len(s.board.List()) == 3 }, patient,
		time.Millisecond)
	body := s.do("GET", alarmsPath, "").body
	assert.Contains(t, body, `"fields":{"queued":3}`)
	assert.Equal(t, map[alarm.ID]alarm.Status{alarm.InternalError: alarm.Raised,
		alarm.QueueHigh: alarm.Raised, alarm.Evicted: alarm.Raised}, statuses(t, body))

	for range 2 { // one that is cleared stays so
		s.ok("DELETE", alarmsPath+"/QueueHigh", "")
		assert.Equal(t, map[alarm.ID]alarm.Status{alarm.InternalError: alarm.Raised,
			alarm.QueueHigh: alarm.Cleared, alarm.Evicted: alarm.Raised},
			statuses(t, s.do("GET", alarmsPath, "").body))
	}
	s.ok("DELETE", alarmsPath, "")
	assert.Equal(t, map[alarm.ID]alarm.Status{alarm.InternalError: alarm.Cleared,
		alarm.QueueHigh: alarm.Cleared, alarm.Evicted: alarm.Cleared},
		statuses(t, s.do("GET", alarmsPath, "").body))
}

func TestAlarms_AnUnknownOneIsA404(t *testing.T) {
	s := newServer(t, rest.Config{})
	got := s.do("DELETE", alarmsPath+"/QueueHigh", "")
	assert.Equal(t, http.StatusNotFound, got.status)
	assertError(t, got, rest.CodeInvalid, "alarmId")

	h, _ := offline(t) // without a board
	got = direct(h, "DELETE", alarmsPath+"/QueueHigh", "", "", "")
	assert.Equal(t, http.StatusNotFound, got.status)
	assertError(t, got, rest.CodeInvalid, "alarmId")
	assert.JSONEq(t, `{"alarms":[]}`, direct(h, "GET", alarmsPath, "", "", "").body)
	assert.Equal(t, http.StatusOK, direct(h, "DELETE", alarmsPath, "", "", "").status)
}

// TestAlarms_ThatNobodyCanBeToldOfStayLit has an engine that nobody runs, so that its queue stays
// as it is made here.
func TestAlarms_ThatNobodyCanBeToldOfStayLit(t *testing.T) {
	now := time.Unix(began, 0)
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{
		registry.InstanceEvents: {}, alarm.Events: alarm.TypeConfig()}})
	require.NoError(t, err)
	board, err := alarm.Open(e)
	require.NoError(t, err)
	hub, err := registry.NewHub(registry.New(), e, registry.HubConfig{})
	require.NoError(t, err)
	h, err := rest.New(rest.Config{Hub: hub, Engine: e, Alarms: board})
	require.NoError(t, err)
	require.NoError(t, alarm.Raise(e, now, alarm.QueueHigh))
	for len(board.List()) == 0 {
		work, err := e.Step(now)
		require.NoError(t, err)
		require.False(t, work.Idle)
	}
	unavailable := func(why string) {
		t.Helper()
		for _, path := range []string{alarmsPath, alarmsPath + "/QueueHigh"} {
			got := direct(h, "DELETE", path, "", "", "")
			assert.Equal(t, http.StatusServiceUnavailable, got.status, why)
			assertError(t, got, rest.CodeUnavailable, "engine")
			assert.Equal(t, map[alarm.ID]alarm.Status{alarm.QueueHigh: alarm.Raised},
				statuses(t, direct(h, "GET", alarmsPath, "", "", "").body), why)
		}
	}
	for i := 0; err == nil; i++ {
		err = alarm.Raise(e, now, alarm.ID(fmt.Sprint("other", i)))
	}
	require.True(t, errors.Is(err, notify.ErrFull), err)
	unavailable("full")
	e.Close()
	unavailable("closed")
}

package stream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestHeartbeat_EveryIntervalUntilTheClientPings(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(0)
	for range 3 {
		step := r.next()
		assert.Equal(t, r.now.Add(30*time.Second), step.Until)
		r.now = step.Until.Add(-1)
		assert.False(t, r.next().Ping)
		r.pass(1)
		step = r.next()
		assert.True(t, step.Ping)
		assert.Equal(t, r.now.Add(5*time.Second), step.Deadline)
		r.Heard(r.now, stream.Pong, 0)
	}
	r.Heard(r.now, stream.Ping, 0)
	assert.Equal(t, r.now.Add(120*time.Second), r.next().Until)
	r.pass(119 * time.Second)
	assert.False(t, r.next().Ping)
}

// TestHeartbeat_NotPutOffByEvents: a client that only receives has nothing to answer but pings.
func TestHeartbeat_NotPutOffByEvents(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(0)
	pings := 0
	for range 600 {
		r.pass(time.Second)
		r.publish(1)
		step := r.next()
		if step.Ping {
			pings++
			r.Heard(r.now, stream.Pong, 0)
			step = r.next()
		}
		require.Len(t, step.Frames, 1)
	}
	assert.Equal(t, 20, pings)
}

// TestOneWay_AHeartbeatAfterSilenceOnly: what is written shows life, from when it is written.
func TestOneWay_AHeartbeatAfterSilenceOnly(t *testing.T) {
	r := newRig(t, stream.Config{OneWay: true}, watch.Config{})
	r.begin(0)
	for range 60 {
		r.pass(20 * time.Second)
		r.publish(1)
		require.Len(t, r.next().Frames, 1)
		r.pass(2 * time.Second) // to write it
		assert.Equal(t, r.now.Add(30*time.Second), r.next().Until)
	}
	for range 10 {
		r.pass(30*time.Second - 1)
		require.False(t, r.next().Ping)
		r.pass(1)
		step := r.next()
		require.True(t, step.Ping)
		assert.Equal(t, r.now.Add(5*time.Second), step.Deadline)
		assert.Equal(t, r.now.Add(30*time.Second), r.next().Until)
	}
}

// TestOneWay_AnEventInsteadOfAHeartbeat: when both are due the event will do.
func TestOneWay_AnEventInsteadOfAHeartbeat(t *testing.T) {
	r := newRig(t, stream.Config{OneWay: true}, watch.Config{})
	r.begin(0)
	r.pass(30 * time.Second)
	r.publish(1)
	assert.Len(t, r.next().Frames, 1)
	assert.Equal(t, r.now.Add(30*time.Second), r.next().Until)
}

func TestOneWay_TheClientMayBeSilentForEver(t *testing.T) {
	r := newRig(t, stream.Config{OneWay: true}, watch.Config{})
	assert.True(t, r.OneWay())
	r.begin(0)
	r.Heard(r.now, stream.Ping, 0) // which is not a promise to come again
	for range 1000 {
		r.pass(30 * time.Second)
		require.True(t, r.next().Ping)
		require.False(t, r.next().Until.IsZero())
	}
	r.pass(1000 * time.Hour)
	require.NoError(t, r.next().Err)
	require.False(t, newRig(t, stream.Config{}, watch.Config{}).OneWay())
}

func TestOneWay_AWriteThatTakesTooLong(t *testing.T) {
	r := newRig(t, stream.Config{OneWay: true}, watch.Config{})
	r.begin(0)
	r.pass(30 * time.Second)
	require.True(t, r.next().Ping)
	r.pass(5*time.Second + 1)
	assert.ErrorIs(t, r.next().Err, stream.ErrWriteTimeout)
}

func TestRead_PingAndPongExtendTheDeadlineAndDataDoesNot(t *testing.T) {
	for _, test := range []struct {
		name  string
		what  stream.Heard
		lives bool
	}{
		{"ping", stream.Ping, true}, {"pong", stream.Pong, true}, {"data", stream.Data, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, stream.Config{Heartbeat: time.Second}, watch.Config{})
			r.begin(0)
			r.pass(4*time.Second - 1)
			r.Heard(r.now, test.what, 5)
			r.pass(1)
			if test.lives {
				require.NoError(t, r.next().Err)
				r.pass(4*time.Second - 2)
				require.NoError(t, r.next().Err)
				r.pass(1)
			}
			assert.ErrorIs(t, r.next().Err, stream.ErrReadTimeout)
		})
	}
}

func TestRead_WhoSpeaksTooLateIsTooLate(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(0)
	r.pass(2 * time.Minute)
	r.Heard(r.now, stream.Pong, 0)
	assert.ErrorIs(t, r.next().Err, stream.ErrReadTimeout)
}

func TestRead_MoreThanTheLimitIsTooBig(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(0)
	assert.Equal(t, 64, r.ReadLimit())
	r.Heard(r.now, stream.Data, 64)
	require.NoError(t, r.next().Err)
	r.Heard(r.now, stream.Data, 65)
	assert.ErrorIs(t, r.next().Err, stream.ErrTooBig)
}

func TestWrite_ItsDeadlineIsItsOwn(t *testing.T) {
	r := newRig(t, stream.Config{}, watch.Config{})
	r.begin(0)
	for range 3 { // each in time, though all together are not
		r.publish(1)
		step := r.next()
		require.Equal(t, r.now.Add(5*time.Second), step.Deadline)
		r.now = step.Deadline
	}
	r.publish(2)
	r.next()
	r.pass(5*time.Second + 1)
	assert.ErrorIs(t, r.next().Err, stream.ErrWriteTimeout)
	assert.Equal(t, 2, r.Unsent())
}

func TestConfig_TimesOfOnesOwn(t *testing.T) {
	c := stream.Config{
		Heartbeat: 3 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: time.Second,
		ReadLimit: 7,
	}
	r := newRig(t, c, watch.Config{})
	r.begin(0)
	assert.Equal(t, epoch.Add(3*time.Second), r.next().Until)
	r.publish(1)
	assert.Equal(t, epoch.Add(time.Second), r.next().Deadline)
	r.pass(time.Second)
	r.Heard(r.now, stream.Ping, 0)
	assert.Equal(t, epoch.Add(6*time.Second), r.next().Until)
	r.Heard(r.now, stream.Data, 8)
	assert.ErrorIs(t, r.next().Err, stream.ErrTooBig)
}

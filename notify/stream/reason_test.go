package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestCloseCode_SaysWhatTheClientMayKnow(t *testing.T) {
	long := strings.Repeat("x", 122) + "ü"
	for _, test := range []struct {
		reason error
		code   int
		text   string
	}{
		{stream.ErrTooBig, 1009, ""},
		{stream.ErrLeft, 0, ""},
		{fmt.Errorf("%w: reset", stream.ErrVanished), 0, ""},
		{fmt.Errorf("%w: pipe", stream.ErrWrite), 0, ""},
		{stream.ErrWriteTimeout, 0, ""},
		{stream.ErrReadTimeout, 0, ""},
		{notify.ErrClosed, 1001, "server is going away"},
		{context.Canceled, 1001, "server is going away"},
		{notify.ErrSlow, 1013, "too slow: list again"},
		{errors.New("password is 1234"), 1011, "internal error"},
		{&stream.CloseError{Code: 1008, Text: "consumer deleted"}, 1008, "consumer deleted"},
		{fmt.Errorf("x: %w", &stream.CloseError{Code: 1008, Text: long}), 1008, long[:122]},
	} {
		code, text := stream.CloseCode(test.reason)
		assert.Equal(t, test.code, code, "CloseCode(%v)", test.reason)
		assert.Equal(t, test.text, text, "CloseCode(%v)", test.reason)
	}
	err := &stream.CloseError{Code: 1008, Text: "consumer deleted"}
	assert.EqualError(t, err, "stream: consumer deleted (1008)")
}

func TestCache_EncodesOnceForAll(t *testing.T) {
	var cache stream.Cache
	var calls atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			bytes, err := cache.Get(func() ([]byte, error) {
				calls.Add(1)
				return []byte("once"), nil
			})
			assert.NoError(t, err)
			assert.Equal(t, "once", string(bytes))
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, calls.Load())
}

func TestCache_ThePanicIsTheFirstOnesAndTheErrorAllOthers(t *testing.T) {
	var cache stream.Cache
	assert.Panics(t, func() { _, _ = cache.Get(func() ([]byte, error) { panic("broken") }) })
	bytes, err := cache.Get(func() ([]byte, error) { return []byte("never"), nil })
	assert.ErrorIs(t, err, stream.ErrEncode)
	assert.Nil(t, bytes)
}

// TestCache_ManyConnectionsShareTheBytes: an event is encoded once, whoever comes first.
func TestCache_ManyConnectionsShareTheBytes(t *testing.T) {
	type payload struct{ json stream.Cache }
	calls := 0
	c := stream.Config{Encode: func(ev *notify.Event) ([]byte, error) {
		return ev.Payload.(*payload).json.Get(func() ([]byte, error) {
			calls++
			return []byte("{}"), nil
		})
	}}
	r := newBareRig(t)
	var sessions []*stream.Session
	for range 5 {
		s, err := stream.Open(r.Engine, here, nil, &watch.Config{}, &c, r.now)
		require.NoError(t, err)
		sessions = append(sessions, s)
	}
	ev := &notify.Event{Type: kind, Subject: here.Subject, Revision: 1, Payload: &payload{}}
	require.NoError(t, r.Publish(context.Background(), ev, here.Group))
	r.settle()
	assert.Zero(t, calls, "not on the engine's goroutine")
	var first []byte
	for _, s := range sessions {
		frames := s.Next(r.now).Frames
		require.Len(t, frames, 1)
		if first == nil {
			first = frames[0]
		}
		assert.Same(t, &first[0], &frames[0][0])
	}
	assert.Equal(t, 1, calls)
}

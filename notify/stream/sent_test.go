package stream_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/watch"
)

// told keeps what Config.Sent hears, as "e7 at 2s".
type told []string

func (l *told) hear(ev *notify.Event, now time.Time) {
	*l = append(*l, fmt.Sprintf("e%d at %v", ev.Revision, now.Sub(epoch)))
}

func TestSent_HearsOfAnEventOnceItIsWritten(t *testing.T) {
	var heard told
	r := newRig(t, stream.Config{Sent: heard.hear, Outbox: 2}, watch.Config{})
	r.begin(3)
	r.drain()
	require.Empty(t, heard, "of a list")
	r.publish(3)
	require.Len(t, r.next().Frames, 2)
	r.settle()
	require.Empty(t, heard, "before the write")
	r.pass(time.Second)
	require.Len(t, r.next().Frames, 1)
	assert.Equal(t, told{"e1 at 1s", "e2 at 1s"}, heard)
	r.pass(time.Second)
	r.drain()
	r.drain()
	assert.Equal(t, told{"e1 at 1s", "e2 at 1s", "e3 at 2s"}, heard)
}

// TestSent_NotOfWhatWasNotSent: an event without a frame, and those of a write that failed or took
// too long.
func TestSent_NotOfWhatWasNotSent(t *testing.T) {
	var heard told
	c := stream.Config{Sent: heard.hear, EncodeList: encodeList}
	c.Encode = func(ev *notify.Event) ([]byte, error) {
		if ev.Revision%2 == 0 {
			return nil, nil
		}
		return encode(ev)
	}
	r := newRig(t, c, watch.Config{})
	r.begin(0)
	r.publish(3)
	r.drain()
	require.Equal(t, told{"e1 at 0s", "e3 at 0s"}, heard)
	r.publish(1)
	r.drain()
	r.publish(1)
	require.Len(t, r.next().Frames, 1)
	r.pass(stream.DefaultWriteTimeout + 1)
	require.ErrorIs(t, r.next().Err, stream.ErrWriteTimeout)
	assert.Len(t, heard, 2)
	assert.Equal(t, 1, r.Unsent())
}

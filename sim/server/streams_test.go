package server_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/sim/server"
)

// TestStreams_NoListAtTheBeginAndUpdatesAfterALoss: of a CREATE of what they have, clients make
// that they have it twice.
func TestStreams_NoListAtTheBeginAndUpdatesAfterALoss(t *testing.T) {
	w, err := small(t).Build(0, 0)
	require.NoError(t, err)
	consumer := w.Groups[0].ServiceID
	list := server.Lister(w.Registry, consumer, 7)
	first, err := list(context.Background())
	require.NoError(t, err)
	assert.EqualValues(t, 7, first.Revision)
	frames, err := server.EncodeView(first)
	require.NoError(t, err)
	assert.Empty(t, frames)

	second, err := list(context.Background())
	require.NoError(t, err)
	assert.Equal(t, w.Registry.Revision(), second.Revision)
	frames, err = server.EncodeView(second)
	require.NoError(t, err)
	var want [][]byte
	for _, id := range w.Registry.Providers(consumer) {
		for _, in := range w.Registry.Instances(id) {
			want = append(want, grpc.EncodeFrame(
				registry.NewFrame(registry.Update, w.Registry.Service(id), in)))
		}
	}
	require.NotEmpty(t, want)
	assert.Equal(t, want, frames)

	_, err = w.Registry.DeleteService(consumer)
	require.NoError(t, err)
	_, err = list(context.Background())
	var reason *stream.CloseError
	assert.ErrorAs(t, err, &reason)
}

// TestStreams_AnEventIsEncodedOnce for all streams, and each as itself.
func TestStreams_AnEventIsEncodedOnce(t *testing.T) {
	w, err := small(t).Build(0, 0)
	require.NoError(t, err)
	var f server.Frames
	var events []*notify.Event
	for _, in := range w.Registry.Instances(w.Providers[0].ServiceID) {
		for range 3000 / len(w.Providers[0].Instances) {
			c, err := w.Registry.Update(*in)
			require.NoError(t, err)
			events = append(events, c.Event(epoch))
		}
	}
	require.Greater(t, len(events), 2000)
	for _, ev := range events {
		c := ev.Payload.(*registry.Change)
		got, err := f.Encode(ev)
		require.NoError(t, err)
		require.Equal(t, grpc.EncodeFrame(registry.NewFrame(c.Action, c.Service, c.Instance)), got)
		again, err := f.Encode(ev)
		require.NoError(t, err)
		require.Same(t, &got[0], &again[0])
	}
}

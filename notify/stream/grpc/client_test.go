package grpc_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// watcher is a client's end of one stream.
type watcher struct {
	rpc.ClientStream
	t      *testing.T
	cancel context.CancelFunc
}

// watch opens a stream; header is metadata, names and values in turn.
func (s *server) watch(selfServiceID string, header ...string) *watcher {
	s.t.Helper()
	w := s.begin(header...)
	request := message("WatchInstanceRequest")
	request.Set(request.Descriptor().Fields().ByName("selfServiceId"),
		protoreflect.ValueOfString(selfServiceID))
	require.NoError(s.t, w.SendMsg(request))
	require.NoError(s.t, w.CloseSend())
	return w
}

// begin opens a stream and sends no request.
func (s *server) begin(header ...string) *watcher {
	s.t.Helper()
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(s.ctx, header...))
	s.t.Cleanup(cancel)
	cs, err := s.client.NewStream(ctx, &rpc.StreamDesc{ServerStreams: true}, method)
	require.NoError(s.t, err)
	return &watcher{cs, s.t, cancel}
}

// response is what a client makes of a WatchInstanceResponse.
type response struct {
	code     int64
	why      string
	action   string
	instance string // its id
	json     string
}

func (w *watcher) next() (response, error) {
	m := message("WatchInstanceResponse")
	if err := w.RecvMsg(m); err != nil {
		return response{}, err
	}
	text, err := protojson.Marshal(m)
	require.NoError(w.t, err)
	get := func(m protoreflect.Message, field protoreflect.Name) protoreflect.Value {
		return m.Get(m.Descriptor().Fields().ByName(field))
	}
	told := get(m, "response").Message()
	require.True(w.t, told.IsValid(), "clients read it unchecked")
	return response{
		code: get(told, "code").Int(), why: get(told, "message").String(),
		action: get(m, "action").String(), json: string(text),
		instance: get(get(m, "instance").Message(), "instanceId").String(),
	}, nil
}

// read reads n frames and gives the ids of their instances.
func (w *watcher) read(n int) (ids []string) {
	w.t.Helper()
	for range n {
		r, err := w.next()
		require.NoError(w.t, err, "after %v", ids)
		require.Zero(w.t, r.code)
		ids = append(ids, r.instance)
	}
	return ids
}

// end reads on to the end, and checks the status. It returns how many frames came before that.
func (w *watcher) end(want codes.Code, text string) (frames int) {
	w.t.Helper()
	for {
		_, err := w.next()
		if err != nil {
			assert.Equal(w.t, want, status.Code(err), "%v", err)
			assert.Equal(w.t, text, status.Convert(err).Message())
			return frames
		}
		frames++
	}
}

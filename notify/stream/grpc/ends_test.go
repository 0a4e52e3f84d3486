package grpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestEnds_TheReasonReachesTheClient(t *testing.T) {
	end := func(reason error) func(*server, *stream.Session) {
		return func(_ *server, s *stream.Session) { s.End(reason) }
	}
	closeErr := func(code int) error { return &stream.CloseError{Code: code, Text: "because"} }
	for _, test := range []struct {
		name  string
		cause func(*server, *stream.Session)
		want  error
		code  codes.Code
		text  string
	}{
		{"engine", func(s *server, _ *stream.Session) { s.Engine.Close() },
			notify.ErrClosed, codes.Unavailable, "server is going away"},
		{"slow", end(notify.ErrSlow), notify.ErrSlow,
			codes.ResourceExhausted, "too slow: list again"},
		{"deleted", end(closeErr(1008)), nil, codes.FailedPrecondition, "because"},
		{"going away", end(closeErr(1001)), nil, codes.Unavailable, "because"},
		{"other", end(closeErr(4321)), nil, codes.Unknown, "because"},
		{"secret", end(context.DeadlineExceeded), context.DeadlineExceeded,
			codes.Internal, "internal error"},
		{"cut", end(stream.ErrVanished), stream.ErrVanished, codes.Unavailable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			each(t, func(t *testing.T, gc grpc.Config) {
				var s *server
				sessions := make(chan *stream.Session, 1)
				gc.Open = func(ctx context.Context, id, domain, project string) (
					*stream.Session, error) {
					session, err := s.open(ctx, id, domain, project)
					sessions <- session
					return session, err
				}
				s = newServer(t, stream.Config{}, gc)
				w := s.watch("s")
				w.read(2)
				test.cause(s, <-sessions)
				assert.Zero(t, w.end(test.code, test.text))
				if test.want == nil {
					var told *stream.CloseError
					assert.ErrorAs(t, <-s.ends, &told)
					return
				}
				s.ended(test.want)
			})
		})
	}
}

func TestEnds_CloseEndsAllAndWaits(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		s := newServer(t, stream.Config{}, gc)
		var watchers []*watcher
		for range 3 {
			w := s.watch("s")
			w.read(2)
			watchers = append(watchers, w)
		}
		s.Close()
		assert.Zero(t, s.Conns())
		for _, w := range watchers {
			assert.Zero(t, w.end(codes.Unavailable, "server is going away"))
			s.ended(notify.ErrClosed)
		}
		assert.Zero(t, s.watch("s").end(codes.Unavailable, "server is going away"))
		s.rpc.GracefulStop() // has nothing to wait for
	})
}

func TestEnds_CloseWaitsForNoRequest(t *testing.T) {
	s := newServer(t, stream.Config{}, grpc.Config{})
	s.begin()
	for s.Conns() == 0 {
		require.NoError(t, s.ctx.Err())
	}
	s.Close()
	assert.Equal(t, 1, s.Conns(), "nothing was asked, so nothing is served")
}

func TestEnds_APanicOfTheListerEndsThatSessionAlone(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		var s *server
		first := true
		gc.Open = func(ctx context.Context, id, domain, project string) (*stream.Session, error) {
			if !first {
				return s.open(ctx, id, domain, project)
			}
			first = false
			list := func(context.Context) (watch.List, error) { panic("broken") }
			return stream.Open(s.Engine, here, list, &watch.Config{}, &s.c, time.Now())
		}
		s = newServer(t, stream.Config{}, gc)
		assert.Zero(t, s.watch("s").end(codes.Internal, "internal error"))
		var panicked *notify.PanicError
		require.ErrorAs(t, <-s.ends, &panicked)
		assert.Equal(t, "broken", panicked.Value)
		s.watch("s").read(2)
	})
}

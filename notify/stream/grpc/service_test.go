package grpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestFrames_TheListThenTheEventsInOrder(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		s := newServer(t, stream.Config{}, gc)
		w := s.watch("s")
		first, err := w.next()
		require.NoError(t, err)
		assert.JSONEq(t, `{"response":{},"action":"INIT","key":{},
			"instance":{"instanceId":"l0","status":"UP"}}`, first.json)
		assert.Equal(t, []string{"l1"}, w.read(1))
		want := s.push(300, 0) // the backlog and the outbox hold them all
		assert.Equal(t, want, w.read(300))
	})
}

// TestFrames_OfEverySize: those that the transport copies, and those that it doesn't.
func TestFrames_OfEverySize(t *testing.T) {
	s := newServer(t, stream.Config{}, grpc.Config{})
	w := s.watch("s")
	w.read(2)
	for _, size := range []int{100, 1024, 4096, 70_000, 1 << 20} {
		want := s.push(3, size)
		assert.Equal(t, want, w.read(3))
	}
}

func TestFrames_AreEncodedOnceForAllStreams(t *testing.T) {
	s := newServer(t, stream.Config{}, grpc.Config{})
	var watchers []*watcher
	for range 5 {
		w := s.watch("s")
		w.read(2)
		watchers = append(watchers, w)
	}
	want := s.push(10, 100)
	for _, w := range watchers {
		assert.Equal(t, want, w.read(10))
	}
	assert.EqualValues(t, 10, s.codes.Load())
}

func TestOpen_GetsWhatTheClientAsksFor(t *testing.T) {
	var s *server
	asked := make(chan [3]string, 1)
	open := func(ctx context.Context, id, domain, project string) (*stream.Session, error) {
		asked <- [3]string{id, domain, project}
		return s.open(ctx, id, domain, project)
	}
	s = newServer(t, stream.Config{}, grpc.Config{Open: open})
	s.watch("consumer", "domain", "acme", "project", "shop")
	assert.Equal(t, [3]string{"consumer", "acme", "shop"}, <-asked)
	s.watch("")
	assert.Equal(t, [3]string{"", "default", "default"}, <-asked)
}

func TestRefused_OneResponseThenTheEnd(t *testing.T) {
	open := func(context.Context, string, string, string) (*stream.Session, error) {
		return nil, errors.New("service \xff does not exist")
	}
	s := newServer(t, stream.Config{}, grpc.Config{Open: open})
	w := s.watch("s")
	r, err := w.next()
	require.NoError(t, err)
	assert.Equal(t, int64(400), r.code)
	assert.Equal(t, "service � does not exist", r.why)
	assert.Empty(t, r.action)
	assert.Zero(t, w.end(codes.FailedPrecondition, "service � does not exist"))
}

// TestRefused_APanicIsTheServers: this one catches it.
func TestRefused_APanicIsTheServers(t *testing.T) {
	open := func(context.Context, string, string, string) (*stream.Session, error) {
		panic("broken")
	}
	catch := func(srv any, ss rpc.ServerStream, _ *rpc.StreamServerInfo,
		handle rpc.StreamHandler) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = status.Errorf(codes.Internal, "caught: %v", v)
			}
		}()
		return handle(srv, ss)
	}
	s := newServer(t, stream.Config{}, grpc.Config{Open: open}, rpc.StreamInterceptor(catch))
	assert.Zero(t, s.watch("s").end(codes.Internal, "caught: broken"))
	assert.Zero(t, s.Conns())
}

func TestRefused_ASessionThatWaitsForPongs(t *testing.T) {
	s := newServer(t, stream.Config{}, grpc.Config{})
	s.c.OneWay = false
	s.watch("s").end(codes.Internal, "internal error")
	s.ended(notify.ErrInvalid)
}

func TestHeartbeats_InSilence(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		s := newServer(t, stream.Config{Heartbeat: 20 * time.Millisecond}, gc)
		w := s.watch("s")
		w.read(2)
		for range 8 { // twice as long as a client that can answer may be silent
			r, err := w.next()
			require.NoError(t, err)
			assert.Equal(t, `{"response":{}}`, r.json)
		}
	})
}

func TestClient_Leaves(t *testing.T) {
	for name, leave := range map[string]func(*server, *watcher){
		"cancels": func(_ *server, w *watcher) { w.cancel() },
		"closes":  func(s *server, _ *watcher) { assert.NoError(s.t, s.client.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, gc grpc.Config) {
				s := newServer(t, stream.Config{}, gc)
				w := s.watch("s")
				w.read(2)
				leave(s, w)
				s.ended(stream.ErrLeft)
			})
		})
	}
}

func TestClient_LeavesWhileItIsWrittenTo(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		s := newServer(t, stream.Config{}, gc)
		w := s.watch("s")
		w.read(2)
		s.push(8, 1<<20) // more than fits, so a write waits
		w.read(1)
		w.cancel()
		s.ended(stream.ErrLeft)
	})
}

// TestClient_LeavesWhileItsListIsRead: nobody lists for one that has left.
func TestClient_LeavesWhileItsListIsRead(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		var s *server
		listing := make(chan struct{})
		list := func(ctx context.Context) (watch.List, error) {
			close(listing)
			<-ctx.Done()
			return watch.List{}, ctx.Err()
		}
		gc.Open = func(context.Context, string, string, string) (*stream.Session, error) {
			wc := &watch.Config{ListTimeout: time.Hour}
			return stream.Open(s.Engine, here, list, wc, &s.c, time.Now())
		}
		s = newServer(t, stream.Config{}, gc)
		w := s.watch("s")
		<-listing
		w.cancel()
		s.ended(stream.ErrLeft)
	})
}

// TestClient_ThatDoesNotReadTimesOut publishes 10 MB; the transport has buffered no more of it than
// the windows of both ends hold, and two messages.
func TestClient_ThatDoesNotReadTimesOut(t *testing.T) {
	each(t, func(t *testing.T, gc grpc.Config) {
		s := newServer(t, stream.Config{WriteTimeout: 100 * time.Millisecond}, gc)
		w := s.watch("s")
		w.read(2)
		const size = 16 << 10
		s.push(640, size)
		s.ended(stream.ErrWriteTimeout)
		assert.Zero(t, s.Conns())
		frames := w.end(codes.ResourceExhausted, "too slow: list again")
		assert.LessOrEqual(t, frames, 2*(1<<16)/size+2)
	})
}

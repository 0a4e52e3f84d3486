package grpc_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	rpc "google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	kind    = notify.Type("INSTANCE")
	patient = 10 * time.Second // for what should take no time
	method  = "/proto.ServiceInstanceCtrl/watch"
)

var here = watch.At{Type: kind, Subject: "/instances/", Group: "shop"}

// schema is watch.proto, compiled.
var schema = sync.OnceValue(func() protoreflect.FileDescriptor {
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := compiler.Compile(context.Background(), "watch.proto")
	if err != nil {
		panic(err)
	}
	return files[0]
})

// message makes an empty message of the schema, as protobuf has it.
func message(name protoreflect.Name) *dynamicpb.Message {
	return dynamicpb.NewMessage(schema().Messages().ByName(name))
}

// server is an engine with a service of watchers on it, and a connection to it, on loopback.
type server struct {
	*notify.Engine
	*grpc.Service
	t      *testing.T
	ctx    context.Context
	c      stream.Config
	list   int // frames of the list
	ends   chan error
	rpc    *rpc.Server
	client *rpc.ClientConn
	rev    int64
	codes  atomic.Int64 // events encoded
}

// change is the payload of an event: a frame, and its wire form once somebody wanted it.
type change struct {
	frame registry.Frame
	wire  stream.Cache
}

// frame makes one whose instance has an id, and a property of some size.
func frame(action registry.Action, id string, size int) registry.Frame {
	in := &registry.Instance{ID: id, Status: registry.StatusUp}
	if size > 0 {
		in.Properties = map[string]string{"p": strings.Repeat("x", size)}
	}
	return registry.NewFrame(action, &registry.Service{ID: "s"}, in)
}

// newServer starts one; all of it has ended when the test has.
func newServer(t *testing.T, c stream.Config, gc grpc.Config, options ...rpc.ServerOption) *server {
	t.Helper()
	e, err := notify.New(notify.Config{Types: map[notify.Type]notify.TypeConfig{kind: {}}})
	require.NoError(t, err)
	s := &server{Engine: e, t: t, c: c, list: 2, ends: make(chan error, 1000)}
	s.c.Encode, s.c.EncodeList = s.encode, s.encodeList
	s.c.OneWay = true
	if gc.Open == nil {
		gc.Open = s.open
	}
	gc.Ended = func(_ *stream.Session, reason error) { s.ends <- reason }
	s.Service, err = grpc.New(gc)
	require.NoError(t, err)
	s.rpc = rpc.NewServer(append(options, grpc.Codec(), rpc.WaitForHandlers(true))...)
	s.Register(s.rpc)

	var cancel context.CancelFunc
	s.ctx, cancel = context.WithTimeout(context.Background(), patient)
	running := make(chan error, 1)
	go func() { running <- e.Run(context.Background()) }()
	t.Cleanup(func() {
		assert.Zero(t, s.Conns())
		cancel()
	})
	addr := listen(t, s.rpc)
	t.Cleanup(func() {
		e.Close()
		assert.NoError(t, <-running)
		s.Close()
		assert.Zero(t, s.Stats().Subscriptions)
	})
	s.client = dial(t, addr)
	return s
}

// Close is there twice.
func (s *server) Close() { s.Service.Close() }

// listen has a server serve on loopback, until the test ends.
func listen(t *testing.T, server *rpc.Server) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		assert.NoError(t, <-serving)
	})
	return listener.Addr().String()
}

// dial connects a client whose windows are as small as can be.
func dial(t *testing.T, addr string) *rpc.ClientConn {
	t.Helper()
	client, err := rpc.NewClient(addr,
		rpc.WithTransportCredentials(insecure.NewCredentials()),
		rpc.WithStaticStreamWindowSize(1<<16), rpc.WithStaticConnWindowSize(1<<16))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (s *server) encode(ev *notify.Event) ([]byte, error) {
	c := ev.Payload.(*change)
	return c.wire.Get(func() ([]byte, error) {
		s.codes.Add(1)
		return grpc.EncodeFrame(c.frame), nil
	})
}

func (s *server) encodeList(watch.List) (frames [][]byte, err error) {
	for i := range s.list {
		frames = append(frames, grpc.EncodeFrame(frame(registry.Init, fmt.Sprint("l", i), 0)))
	}
	return frames, nil
}

func (s *server) open(context.Context, string, string, string) (*stream.Session, error) {
	list := func(context.Context) (watch.List, error) { return watch.List{}, nil }
	return stream.Open(s.Engine, here, list, &watch.Config{}, &s.c, time.Now())
}

// push publishes n events "e1" and so on, with frames a little longer than size.
func (s *server) push(n, size int) (ids []string) {
	s.t.Helper()
	for range n {
		s.rev++
		id := fmt.Sprint("e", s.rev)
		ids = append(ids, id)
		ev := &notify.Event{
			Type: kind, Subject: here.Subject, Revision: s.rev,
			Payload: &change{frame: frame(registry.Update, id, size)},
		}
		require.NoError(s.t, s.Publish(s.ctx, ev, here.Group))
	}
	return ids
}

// ended waits for the end of a session, and checks its reason.
func (s *server) ended(want error) {
	s.t.Helper()
	select {
	case got := <-s.ends:
		assert.ErrorIs(s.t, got, want)
	case <-s.ctx.Done():
		s.t.Errorf("no end; want %v", want)
	}
}

// newPool runs a pool for as long as the test.
func newPool(t *testing.T) *stream.Pool {
	t.Helper()
	pool, err := stream.NewPool(stream.PoolConfig{})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pool.Run(context.Background())
	}()
	t.Cleanup(func() {
		pool.Close()
		<-done
	})
	return pool
}

// each runs a test with both drivers.
func each(t *testing.T, test func(t *testing.T, gc grpc.Config)) {
	t.Run("driver=serve", func(t *testing.T) { test(t, grpc.Config{}) })
	t.Run("driver=pool", func(t *testing.T) { test(t, grpc.Config{Pool: newPool(t)}) })
}

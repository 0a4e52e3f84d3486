package sim

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	rpc "google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
)

// siteGRPC serves over gRPC. The service that a request asks for is the number of its dial.
type siteGRPC struct {
	listener net.Listener
	server   *rpc.Server
	service  *grpc.Service
	serving  sync.WaitGroup
}

func newSiteGRPC(b *web, listener net.Listener) (*siteGRPC, error) {
	open := func(_ context.Context, id, _, _ string) (*stream.Session, error) { return b.open(id) }
	service, err := grpc.New(grpc.Config{Open: open, Ended: b.ended})
	if err != nil {
		return nil, err
	}
	x := &siteGRPC{listener: listener, service: service, server: rpc.NewServer(grpc.Codec(),
		rpc.ReadBufferSize(clientBuffer))}
	service.Register(x.server)
	x.serving.Go(func() { _ = x.server.Serve(listener) }) // until Stop, which says the same
	return x, nil
}

func (x *siteGRPC) decode(text []byte, epoch time.Time) (frame, error) {
	return decodeProto(text, epoch)
}

func (x *siteGRPC) close() {
	x.service.Close()
	x.server.Stop()
	x.serving.Wait()
}

// clientGRPC is a consumer's stream on a connection of its own, for consumers are processes.
type clientGRPC struct {
	conn   *rpc.ClientConn
	stream rpc.ClientStream
	cancel context.CancelFunc
}

func (x *siteGRPC) dial(ctx context.Context, from net.Addr, number uint64) (client, error) {
	d := net.Dialer{LocalAddr: from, KeepAlive: -1}
	conn, err := rpc.NewClient("passthrough:///"+x.listener.Addr().String(),
		rpc.WithTransportCredentials(insecure.NewCredentials()),
		rpc.WithContextDialer(func(ctx context.Context, to string) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", to)
		}),
		rpc.WithReadBufferSize(clientBuffer), rpc.WithNoProxy(), rpc.WithDisableServiceConfig(),
		rpc.WithDefaultCallOptions(rpc.ForceCodecV2(bytesCodec{})))
	if err != nil {
		return nil, err
	}
	c := &clientGRPC{conn: conn}
	ctx, c.cancel = context.WithCancel(ctx)
	if err = c.watch(ctx, strconv.FormatUint(number, 10)); err != nil {
		c.hangUp(nil)
		return nil, fmt.Errorf("watch over gRPC: %w", err)
	}
	return c, nil
}

// watch sends a WatchInstanceRequest.
func (c *clientGRPC) watch(ctx context.Context, id string) (err error) {
	c.stream, err = c.conn.NewStream(ctx, &rpc.StreamDesc{ServerStreams: true},
		"/proto.ServiceInstanceCtrl/watch")
	if err != nil {
		return err
	}
	request := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), id)
	if err = c.stream.SendMsg(request); err != nil {
		return err
	}
	return c.stream.CloseSend()
}

func (c *clientGRPC) next() (text []byte, ping bool, err error) {
	err = c.stream.RecvMsg(&text)
	field, _, _ := cutProto(text)
	return text, err == nil && field > 0 && field != protoRevision, err
}

// pong: nothing goes back over a stream of responses.
func (c *clientGRPC) pong() error { return nil }

// hangUp closes the stream and its connection. The server can't tell how.
func (c *clientGRPC) hangUp(error) {
	c.cancel()
	_ = c.conn.Close() // twice is no harm
}

// bytesCodec leaves messages as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

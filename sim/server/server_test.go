package server_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/sim/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is for what should take no time.
const patient = 10 * time.Second

const registryPath = "/v4/default/registry"

// running is a server on loopback, and a client.
type running struct {
	*server.Server
	t      testing.TB
	ctx    context.Context
	client *http.Client
	stop   func() // and wait for its end
	grpc   net.Addr
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

// start runs a server of the small world until the test ends.
func start(t testing.TB, c server.Config) *running {
	t.Helper()
	c.Listener, c.GRPC = listen(t), listen(t)
	c.Topology = small(t)
	s, err := server.New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, client: &http.Client{Transport: &http.Transport{}},
		grpc: c.GRPC.Addr()}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = func() {
		if ctx.Err() == nil {
			cancel()
			assert.NoError(t, <-ended)
		}
	}
	var tired context.CancelFunc
	r.ctx, tired = context.WithTimeout(context.Background(), patient)
	t.Cleanup(func() {
		r.stop()
		tired()
		r.client.CloseIdleConnections()
	})
	return r
}

// do sends a request, and returns what came with status 200.
func (r *running) do(method, path, body string) string {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.ctx, method, "http://"+r.Addr().String()+path,
		strings.NewReader(body))
	require.NoError(r.t, err)
	answer, err := r.client.Do(q)
	require.NoError(r.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, answer.StatusCode, "%s", text)
	return string(text)
}

// watch opens a watcher.
func (r *running) watch(serviceID string) *websocket.Conn {
	r.t.Helper()
	conn, _, err := websocket.Dial(r.ctx, fmt.Sprintf("ws://%s%s/microservices/%s/watcher",
		r.Addr(), registryPath, serviceID), nil)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// pair is a consumer and a provider of the small world.
func pair(t testing.TB) (consumer, provider string) {
	t.Helper()
	w, err := small(t).Build(0, 0)
	require.NoError(t, err)
	consumer = w.Groups[0].ServiceID
	return consumer, w.Registry.Providers(consumer)[0]
}

// register registers an instance named so.
func (r *running) register(provider, id string) {
	r.t.Helper()
	r.do("POST", registryPath+"/microservices/"+provider+"/instances",
		fmt.Sprintf(`{"instance":{"instanceId":%q,"hostName":"h"}}`, id))
}

func read(r *running, conn *websocket.Conn) (registry.Frame, error) {
	_, text, err := conn.Read(r.ctx)
	if err != nil {
		return registry.Frame{}, err
	}
	return registry.DecodeFrame(text)
}

func TestConfig_NamesAllThatIsWrong(t *testing.T) {
	_, err := server.New(server.Config{Rate: math.NaN(), Churn: 2, Providers: 3})
	require.ErrorIs(t, err, server.ErrConfig)
	for _, field := range []string{"Listener", "Topology", "Rate", "Churn"} {
		assert.ErrorContains(t, err, field)
	}
	l := listen(t)
	defer l.Close()
	_, err = server.New(server.Config{Listener: l, Topology: small(t), Providers: 3, Rate: -1})
	require.ErrorIs(t, err, server.ErrConfig)
	assert.ErrorContains(t, err, "providers 3: want 0")
	assert.ErrorContains(t, err, "Rate -1: want 0 (no changes) to 1e+06 per second")
}

func TestServer_AWatcherHearsOfAClientsChange(t *testing.T) {
	r := start(t, server.Config{})
	consumer, provider := pair(t)
	conn := r.watch(consumer)
	for i := range 12 {
		r.register(provider, fmt.Sprint("guest-", i))
		f, err := read(r, conn)
		require.NoError(t, err)
		assert.Equal(t, registry.Create, f.Action)
		assert.Equal(t, fmt.Sprint("guest-", i), f.Instance.ID)
	}
}

func TestServer_AWatcherHearsOfTheServersOwnChanges(t *testing.T) {
	r := start(t, server.Config{Rate: 1000, Churn: 0.3})
	consumer, _ := pair(t)
	conn := r.watch(consumer)
	for range 20 {
		_, err := read(r, conn)
		require.NoError(t, err)
	}
	assert.NotZero(t, r.Stats().Synthetic)
	assert.NotZero(t, r.Stats().Lag.Count)
}

func TestServer_TheSizeOfTheWorldIsTheConfigs(t *testing.T) {
	l := listen(t)
	defer l.Close()
	s, err := server.New(server.Config{Listener: l, Topology: small(t), Providers: 500})
	require.NoError(t, err)
	assert.Equal(t, "test: 10 services, 500 instances, 30 dependencies", s.World())
}

// raw is a codec of bytes.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// stream opens a watcher over gRPC.
func (r *running) stream(serviceID string) gogrpc.ClientStream {
	r.t.Helper()
	conn, err := gogrpc.NewClient(r.grpc.String(),
		gogrpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = conn.Close() })
	s, err := conn.NewStream(r.ctx, &gogrpc.StreamDesc{ServerStreams: true},
		"/proto.ServiceInstanceCtrl/watch", gogrpc.ForceCodecV2(raw{}))
	require.NoError(r.t, err)
	request := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), serviceID)
	require.NoError(r.t, s.SendMsg(request))
	require.NoError(r.t, s.CloseSend())
	return s
}

// TestServer_GRPCBringsTheSame as WebSocket does; both end when their service is deleted.
func TestServer_GRPCBringsTheSame(t *testing.T) {
	r := start(t, server.Config{})
	consumer, provider := pair(t)
	conn, first, second := r.watch(consumer), r.stream(consumer), r.stream(consumer)
	require.Eventually(t, func() bool { return r.Stats().Events.Subscriptions == 3 }, patient,
		time.Millisecond)
	for i := range 3 {
		r.register(provider, fmt.Sprint("guest-", i))
		f, err := read(r, conn)
		require.NoError(t, err)
		for _, s := range []gogrpc.ClientStream{first, second} {
			var got []byte
			require.NoError(t, s.RecvMsg(&got))
			assert.Equal(t, grpc.EncodeFrame(f), got)
		}
	}
	r.do("DELETE", registryPath+"/microservices/"+consumer+"?force=1", "")
	var rest []byte
	for _, s := range []gogrpc.ClientStream{first, second} {
		err := s.RecvMsg(&rest)
		for err == nil {
			err = s.RecvMsg(&rest) // of its own instances, if it consumes itself
		}
		assert.ErrorContains(t, err, "service was deleted")
	}
	_, err := read(r, conn)
	assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
	require.Eventually(t, func() bool {
		ended := r.Stats().Ended
		return ended["grpc"]["service was deleted"] == 2 &&
			ended["websocket"]["service was deleted"] == 1
	}, patient, time.Millisecond)
}

func TestServer_GRPCSaysThatAServiceDoesNotExist(t *testing.T) {
	r := start(t, server.Config{})
	s := r.stream("nobody")
	var got []byte
	require.NoError(t, s.RecvMsg(&got))
	assert.Contains(t, string(got), "service does not exist")
	assert.ErrorContains(t, s.RecvMsg(&got), "service does not exist")
}

// TestServer_StatsSayWhatHappened: requests by status, watchers and how they ended, and the
// latency of each frame.
func TestServer_StatsSayWhatHappened(t *testing.T) {
	r := start(t, server.Config{})
	consumer, provider := pair(t)
	leaves, stays := r.watch(consumer), r.watch(consumer)
	r.register(provider, "guest")
	for _, conn := range []*websocket.Conn{leaves, stays} {
		_, err := read(r, conn)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return r.Stats().Sent.Count == 2 }, patient,
		time.Millisecond)
	assert.EqualValues(t, 2, r.Interval().Count)
	assert.EqualValues(t, 0, r.Interval().Count)
	sent := r.Stats().Sent
	assert.EqualValues(t, 2, sent.Count)
	assert.Positive(t, sent.P50)
	assert.LessOrEqual(t, sent.P50, sent.Max)

	require.NoError(t, leaves.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool { return r.Stats().Connections["websocket"] == 1 }, patient,
		time.Millisecond)
	answer, err := r.client.Get("http://" + r.Addr().String() + registryPath + "/nothing")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	reading := make(chan error, 1)
	go func() {
		_, err := read(r, stays)
		reading <- err
	}()
	r.stop()
	assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-reading))
	s := r.Stats()
	assert.Equal(t, map[int]uint64{101: 2, 200: 1, 404: 1}, s.Requests)
	assert.Equal(t, map[string]map[string]uint64{
		"websocket": {"client left": 1, "server closed": 1}}, s.Ended)
	assert.EqualValues(t, 1, s.Hub.Changes[registry.Create])
	assert.EqualValues(t, 2, s.Events.Delivered)
	assert.EqualValues(t, 0, s.Synthetic)
}

// TestServer_StopsUnderLoad: watchers that read and that don't, and changes that come meanwhile.
// That nothing is left of it is for TestMain to say.
func TestServer_StopsUnderLoad(t *testing.T) {
	r := start(t, server.Config{Rate: 5000, Churn: 0.5})
	consumer, _ := pair(t)
	conn := r.watch(consumer)
	for range 10 {
		_, err := read(r, conn)
		require.NoError(t, err)
	}
	go func() { // answers the close
		for _, err := read(r, conn); err == nil; _, err = read(r, conn) {
		}
	}()
	r.stop()
	s := r.Stats()
	assert.Zero(t, s.Connections["websocket"])
	assert.Zero(t, s.Events.Balance())
}

func TestServer_AListenerThatFailsEndsIt(t *testing.T) {
	l := listen(t)
	s, err := server.New(server.Config{Listener: l, Topology: small(t)})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	assert.ErrorIs(t, s.Run(context.Background()), net.ErrClosed)
}

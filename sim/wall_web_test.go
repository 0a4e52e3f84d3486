package sim_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/sim"
)

func TestWire_EveryPolicyHeals(t *testing.T) {
	topology := generated(t, builtIn(t, "small"), 1)
	for i, policy := range notify.OverflowNames() {
		t.Run(policy, func(t *testing.T) {
			s := brief(150)
			s.Transport = []sim.Transport{sim.WebSocket, sim.GRPC}[i%2]
			c := sim.Config{Engine: "notifylab", Policy: policy, WatcherQueue: 4, Shards: 2}
			run := runWall(t, s, topology, c)
			assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
			assert.Positive(t, run.Propagation.Count)
			assert.Positive(t, run.Stream.Encoded)
			assert.LessOrEqual(t, run.Stream.Encoded, run.Changes, "each once")
			assert.Greater(t, run.Stream.Frames, run.Stream.Encoded)
			assert.Zero(t, run.Stream.Refused)
			assert.GreaterOrEqual(t, run.Stream.Opened, int64(150))
		})
	}
}

// All that is cut, crashes or leaves is seen by the server as what it is. Over gRPC it isn't told
// from each other.
func TestWire_AnEndHasItsReason(t *testing.T) {
	for _, over := range []sim.Transport{sim.WebSocket, sim.GRPC} {
		s := brief(100)
		s.Transport, s.ConsumerChurn, s.Duration = over, 1, time.Second
		run := runWall(t, s, oneService(t, 10), notifylab)
		assert.Equal(t, sim.Passed, run.Verdict, "%s: %q", over, run.Reasons)
		assert.Positive(t, run.Stream.Ended["left"], over)
		assert.Equal(t, over == sim.WebSocket, run.Stream.Ended["vanished"] > 0, over)
		assert.Zero(t, run.Stream.Ended["closed"], "%s: the end of the run is none", over)
		assert.Positive(t, run.Connects, over)
	}
}

func TestWire_WhoIsWellAnswersPingsAndWhoIsStuckEnds(t *testing.T) {
	s := brief(40)
	s.Transport, s.ConsumerChurn, s.Slow, s.Stuck = sim.WebSocket, 0, 0, 0.25
	s.Rate, s.Storm, s.Heartbeat, s.Duration = 50, 0, 100*time.Millisecond, 2*time.Second
	s.ReadTimeout = 500 * time.Millisecond
	run := runWall(t, s, oneService(t, 10), notifylab)
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	assert.Positive(t, run.Stream.Heartbeats)
	assert.Positive(t, run.Stream.Ended[sim.EndedByRead])
	assert.GreaterOrEqual(t, run.Stream.Ended[sim.EndedByRead], int64(10), "each who is stuck")
}

// What a consumer got doesn't depend on whether it came over a wire.
func TestWire_DeliversTheSameAsInProcess(t *testing.T) {
	s := brief(40)
	s.Handling, s.Stuck, s.ConsumerChurn, s.Pull = time.Millisecond, 0, 0, 0
	topology := mesh(t)
	run, want := tally(t, s, topology, roomy("notifylab"), sim.ZeroCost(), sim.Meddling{})
	for _, over := range []sim.Transport{sim.WebSocket, sim.GRPC} {
		s.Transport = over
		wire, got, err := sim.TallyWall(t.Context(), s, topology, roomy("notifylab"))
		require.NoError(t, err)
		goleak.VerifyNone(t)
		require.Equal(t, sim.Passed, wire.Verdict, "%s: %q", over, wire.Reasons)
		assert.Equal(t, want, got, over)
		assert.Equal(t, run.Propagation.Count, wire.Propagation.Count, over)
		assert.Zero(t, wire.OnWire, "%s: all that was delivered has arrived", over)
	}
}

// upgraded is a server that upgrades by the book, says something and hangs up.
func upgraded(t *testing.T, key, says string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + key))
		w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			_, err = rw.WriteString(says)
			assert.NoError(t, err)
			assert.NoError(t, rw.Flush())
			assert.NoError(t, conn.Close())
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

const webSocketKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // of RFC 6455, section 1.3

func TestWSClient_ReadsFramesOfEverySize(t *testing.T) {
	var says strings.Builder
	sizes := []int{0, 1, 125, 126, 1000, 1024, 1025, 70_000, 3}
	for i, n := range sizes {
		says.WriteString("\x81")
		switch {
		case n < 126:
			says.WriteByte(byte(n))
		case n < 1<<16:
			says.Write(binary.BigEndian.AppendUint16([]byte{126}, uint16(n)))
		default:
			says.Write(binary.BigEndian.AppendUint64([]byte{127}, uint64(n)))
		}
		says.WriteString(strings.Repeat(string(rune('a'+i)), n))
	}
	c, err := sim.DialWS(t.Context(), upgraded(t, webSocketKey, says.String()))
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	for i, n := range sizes {
		op, text, err := c.Next()
		require.NoError(t, err)
		assert.EqualValues(t, 1, op)
		assert.Equal(t, strings.Repeat(string(rune('a'+i)), n), string(text))
	}
	_, _, err = c.Next()
	assert.Error(t, err)
}

func TestWSClient_RefusesWhatItsServerNeverSends(t *testing.T) {
	for name, says := range map[string]string{
		"a part of a message": "\x01\x01a", "a masked frame": "\x81\x81aaaaa",
		"half a frame": "\x81\x05ab", "half a length": "\x81\x7e\x00",
	} {
		c, err := sim.DialWS(t.Context(), upgraded(t, webSocketKey, says))
		require.NoError(t, err)
		_, _, err = c.Next()
		assert.Error(t, err, name)
		assert.NoError(t, c.Close())
	}
}

func TestWSClient_ADialFailsWithAReason(t *testing.T) {
	_, err := sim.DialWS(t.Context(), upgraded(t, "another key", ""))
	assert.ErrorContains(t, err, "upgrade to WebSocket: the server's Sec-WebSocket-Accept")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, err = sim.DialWS(t.Context(), strings.TrimPrefix(plain.URL, "http://"))
	assert.ErrorContains(t, err, "upgrade to WebSocket: the server says 404")

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := silent.Accept()
		if assert.NoError(t, err) {
			_, _ = bufio.NewReader(conn).ReadByte() // the client has dialled
			cancel()
			assert.NoError(t, conn.Close())
		}
	}()
	_, err = sim.DialWS(ctx, silent.Addr().String())
	assert.ErrorContains(t, err, "upgrade to WebSocket", "the end of ctx ends it, too")
	require.NoError(t, silent.Close())
	_, err = sim.DialWS(t.Context(), silent.Addr().String())
	assert.Error(t, err, "nobody listens")
}

// The pongs of the client are masked, as a client's frames must be.
func TestWSClient_WritesMaskedFrames(t *testing.T) {
	frames := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + webSocketKey))
		w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			frame := make([]byte, 8)
			_, err = io.ReadFull(rw, frame) // the first byte may come alone
			assert.NoError(t, err)
			frames <- frame
			assert.NoError(t, conn.Close())
		}
	}))
	defer server.Close()
	c, err := sim.DialWS(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	require.NoError(t, c.Pong([]byte("hi")))
	assert.Equal(t, "\x8a\x82\x00\x00\x00\x00hi", string(<-frames))
	require.NoError(t, c.Close())
}

// A system dials from some 28 000 ports of each address.
func TestWire_ManyConsumersDialFromManyAddresses(t *testing.T) {
	assert.Empty(t, sim.Source(20_000, 1), "any will do")
	for consumers, want := range map[int]int{20_001: 2, 100_000: 5} {
		dials := make(map[string]int)
		for number := range uint64(consumers) {
			dials[sim.Source(consumers, number)]++
		}
		assert.Len(t, dials, want)
		for from, n := range dials {
			assert.LessOrEqual(t, n, 20_000, from)
			assert.Regexp(t, `^127\.0\.0\.\d+:0$`, from)
		}
	}
	assert.Equal(t, "127.0.1.0:0", sim.Source(10_000_000, 255))
}

// Over gRPC a heartbeat comes after silence, and nobody answers.
func TestWire_HeartbeatsOverGRPC(t *testing.T) {
	s := brief(20)
	s.Transport, s.ConsumerChurn, s.Slow, s.Stuck = sim.GRPC, 0, 0, 0
	s.Rate, s.Storm, s.Heartbeat, s.Duration = 5, 0, 50*time.Millisecond, time.Second
	run := runWall(t, s, oneService(t, 10), notifylab)
	assert.Equal(t, sim.Passed, run.Verdict, "%q", run.Reasons)
	assert.Positive(t, run.Stream.Heartbeats)
	assert.Empty(t, run.Stream.Ended)
}

func TestFrameProto_WhatIsNoneIsAnError(t *testing.T) {
	const revision, due, position = "\xc8\x3e", "\xd0\x3e", "\xd8\x3e" // tags
	for _, text := range []string{"", "\xff", "\x0a\x00", revision, revision + "\x01",
		revision + "\x01" + due, due + "\x01" + revision + "\x01"} {
		assert.Error(t, sim.CheckFrameProto(text), "%x", text)
	}
	for _, text := range []string{revision + "\x01" + due + "\x02",
		revision + "\x01" + position + "\x02\x0a\x00"} {
		assert.NoError(t, sim.CheckFrameProto(text), "%x", text)
	}
}

func TestFrame_WhatIsNoneIsAnError(t *testing.T) {
	for _, text := range []string{"", "{", `{"revision":`, `{"revision":x,"due":1`,
		`{"revision":1}`, `{"revision":1,"due":}`, `{"revision":1,"position":}`,
		`{"revision":99999999999999999999,"due":1,`} {
		assert.Error(t, sim.CheckFrame(text), text)
	}
	for _, text := range []string{`{"revision":1,"due":-2,"action":"UPDATE"}`,
		`{"revision":1,"position":2,"action":"INIT"}`} {
		assert.NoError(t, sim.CheckFrame(text), text)
	}
}

package ws_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
	"github.com/notifylab/notifylab/notify/watch"
)

func TestFrames_TheListThenTheEventsInOrder(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		assert.Equal(t, []string{"l0", "l1"}, s.read(conn, 2))
		want := s.push(300, 0) // the backlog and the outbox hold them all
		assert.Equal(t, want, s.read(conn, 300))
	})
}

// TestFrames_OfEverySize: those that don't fit a buffer, and lengths that are written otherwise.
func TestFrames_OfEverySize(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		conn.SetReadLimit(-1)
		s.read(conn, 2)
		for _, size := range []int{125, 126, 256, 4096, 70_000, 1 << 20} {
			want := s.push(3, size)
			assert.Equal(t, want, s.read(conn, 3))
		}
	})
}

func TestFrames_ABurstOfTwelveIsThereAtOnce(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		s.read(conn, 2)
		best := patient // of several tries, for the machine may be busy
		for range 5 {
			began := time.Now()
			s.push(12, 1000)
			s.read(conn, 12)
			best = min(best, time.Since(began))
		}
		assert.Less(t, best, 50*time.Millisecond)
	})
}

func TestRefused_OneTextThenTheEnd(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		open := func(*http.Request) (*stream.Session, error) {
			return nil, errors.New("service does not exist")
		}
		wc.Open = open
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		assert.Equal(t, []string{"service does not exist"}, s.read(conn, 1))
		_, _, err := conn.Read(s.ctx)
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "%v", err)
	})
}

func TestRefused_APanicCutsTheConnection(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		open := func(*http.Request) (*stream.Session, error) { panic(http.ErrAbortHandler) }
		wc.Open = open
		s := newServer(t, stream.Config{}, wc)
		_, _, err := s.dial(nil).Read(s.ctx)
		assert.Error(t, err)
		assert.NoError(t, s.ctx.Err())
	})
}

func TestClient_AMessageThatIsTooBig(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		s.read(conn, 2)
		require.NoError(t, conn.Write(s.ctx, websocket.MessageText, make([]byte, 64)))
		want := s.push(1, 0)
		assert.Equal(t, want, s.read(conn, 1), "64 bytes are no harm")
		require.NoError(t, conn.Write(s.ctx, websocket.MessageText, make([]byte, 100)))
		_, _, err := conn.Read(s.ctx)
		assert.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)
		s.ended(stream.ErrTooBig)
	})
}

func TestClient_ItsCloseIsEchoed(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		s.read(conn, 2)
		assert.NoError(t, conn.Close(4321, "bye"), "an error unless the code comes back")
		s.ended(stream.ErrLeft)
	})
}

func TestClient_Vanishes(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		conn := s.dial(nil)
		s.read(conn, 2)
		require.NoError(t, conn.CloseNow())
		s.ended(stream.ErrVanished)
	})
}

func TestPings_ComeUntilTheClientPings(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{Heartbeat: 100 * time.Millisecond}, wc)
		pings := make(chan struct{}, 100)
		conn := s.dial(func() { pings <- struct{}{} })
		s.read(conn, 2)
		gone := conn.CloseRead(s.ctx)
		for range 8 { // twice as long as the server waits for a pong
			select {
			case <-pings:
			case <-gone.Done():
				t.Fatal("the connection ended")
			}
		}
		require.NoError(t, conn.Ping(s.ctx), "the server's pong")
		for len(pings) > 0 {
			<-pings
		}
		// Now the client is silent, and it is the one that should ping.
		s.ended(stream.ErrReadTimeout)
		assert.LessOrEqual(t, len(pings), 1, "but the one that was under way")
	})
}

// TestPings_AreAnsweredLongAfterAWrite: the deadline of a write is over with the write.
func TestPings_AreAnsweredLongAfterAWrite(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{WriteTimeout: 50 * time.Millisecond}, wc)
		conn := s.dial(nil)
		s.read(conn, 2)
		conn.CloseRead(s.ctx)
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, conn.Ping(s.ctx))
	})
}

func TestClient_ThatNeverPongs(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{Heartbeat: 20 * time.Millisecond}, wc)
		s.dial(nil) // doesn't read, so it answers nothing
		s.ended(stream.ErrReadTimeout)
	})
}

// TestClient_ThatDoesNotReadTimesOut has a connection without buffers, for those of the system hold
// nobody knows how much.
func TestClient_ThatDoesNotReadTimesOut(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{WriteTimeout: 100 * time.Millisecond}, wc)
		s.url = newPipe(t, s)
		conn := s.dial(nil)
		s.read(conn, 2)
		s.push(8, 1<<20)
		s.ended(stream.ErrWriteTimeout)
	})
}

func TestEnds_TheReasonReachesTheClient(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		deleted := &stream.CloseError{Code: 1008, Text: "consumer deleted"}
		for _, test := range []struct {
			name  string
			cause func(*server, *stream.Session)
			want  error
			code  websocket.StatusCode
		}{
			{"the owner's", func(_ *server, s *stream.Session) { s.End(deleted) }, deleted, 1008},
			{"the engine's", func(s *server, _ *stream.Session) { s.Engine.Close() },
				notify.ErrClosed, 1001},
		} {
			t.Run(test.name, func(t *testing.T) {
				var s *server
				sessions := make(chan *stream.Session, 1)
				open := func(r *http.Request) (*stream.Session, error) {
					session, err := s.open(r)
					sessions <- session
					return session, err
				}
				wc.Open = open
				s = newServer(t, stream.Config{}, wc)
				conn := s.dial(nil)
				s.read(conn, 2)
				test.cause(s, <-sessions)
				_, _, err := conn.Read(s.ctx)
				assert.Equal(t, test.code, websocket.CloseStatus(err), "%v", err)
				s.ended(test.want)
			})
		}
	})
}

func TestEnds_CloseEndsAllAndWaits(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		s := newServer(t, stream.Config{}, wc)
		closed := make(chan websocket.StatusCode, 3)
		for range cap(closed) {
			conn := s.dial(nil)
			s.read(conn, 2)
			go func() {
				_, _, err := conn.Read(s.ctx)
				closed <- websocket.CloseStatus(err)
			}()
		}
		s.Handler.Close()
		assert.Zero(t, s.Conns())
		for range cap(closed) {
			assert.Equal(t, websocket.StatusGoingAway, <-closed)
			s.ended(notify.ErrClosed)
		}
	})
}

func TestEnds_APanicOfTheListerEndsThatSessionAlone(t *testing.T) {
	overDrivers(t, func(t *testing.T, wc ws.Config) {
		var s *server
		first := true
		open := func(r *http.Request) (*stream.Session, error) {
			if !first {
				return s.open(r)
			}
			first = false
			list := func(context.Context) (watch.List, error) { panic("broken") }
			return stream.Open(s.Engine, here, list, &watch.Config{}, &s.c, time.Now())
		}
		wc.Open = open
		s = newServer(t, stream.Config{}, wc)
		_, _, err := s.dial(nil).Read(s.ctx)
		assert.Equal(t, websocket.StatusInternalError, websocket.CloseStatus(err), "%v", err)
		var panicked *notify.PanicError
		require.ErrorAs(t, <-s.ends, &panicked)
		assert.Equal(t, "broken", panicked.Value)
		s.read(s.dial(nil), 2)
	})
}

func TestConfig_EveryMistakeIsReported(t *testing.T) {
	_, err := ws.New(ws.Config{
		Origins: []string{"[", "ok"}, ConnsMax: -1, SendBuffer: -1,
		PerConn: true, Pool: new(stream.Pool),
	})
	assert.ErrorIs(t, err, notify.ErrInvalid)
	fields := []string{"Open", `Origins: "["`, "ConnsMax = -1", "SendBuffer = -1", "PerConn"}
	for _, field := range fields {
		assert.ErrorContains(t, err, field)
	}
	assert.Equal(t, len(fields)-1, strings.Count(err.Error(), "\n"))
}

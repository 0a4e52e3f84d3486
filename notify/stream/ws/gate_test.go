package ws_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/ws"
)

func TestGate_OpenByDefault(t *testing.T) {
	s := newServer(t, stream.Config{}, ws.Config{})
	code, _ := s.status("Origin: https://elsewhere.example")
	assert.Equal(t, http.StatusSwitchingProtocols, code)
}

func TestGate_Origins(t *testing.T) {
	s := newServer(t, stream.Config{}, ws.Config{Origins: []string{"*.friend.example"}})
	for origin, want := range map[string]int{
		"Origins: not of interest":         http.StatusSwitchingProtocols,
		"Origin: " + s.url:                 http.StatusSwitchingProtocols,
		"Origin: https://a.friend.example": http.StatusSwitchingProtocols,
		"Origin: https://foe.example":      http.StatusForbidden,
	} {
		code, _ := s.status(origin)
		assert.Equal(t, want, code, origin)
	}
}

func TestGate_Authenticate(t *testing.T) {
	check := func(r *http.Request) error {
		if r.Header.Get("Authorization") != "Bearer good" {
			return errors.New("the token is from the wrong issuer")
		}
		return nil
	}
	s := newServer(t, stream.Config{}, ws.Config{Authenticate: check})
	code, body := s.status("Authorization: Bearer bad")
	assert.Equal(t, http.StatusUnauthorized, code)
	assert.NotContains(t, body, "issuer", "why is nobody's business")
	code, _ = s.status("Authorization: Bearer good")
	assert.Equal(t, http.StatusSwitchingProtocols, code)
}

func TestGate_ConnsMax(t *testing.T) {
	s := newServer(t, stream.Config{}, ws.Config{ConnsMax: 2})
	first, second := s.dial(nil), s.dial(nil)
	s.read(first, 2)
	s.read(second, 2)
	assert.Equal(t, 2, s.Conns())
	code, _ := s.status()
	assert.Equal(t, http.StatusServiceUnavailable, code)

	require.NoError(t, first.CloseNow())
	s.ended(stream.ErrVanished)
	for s.Conns() > 1 { // its handler returns right after
		require.NoError(t, s.ctx.Err())
	}
	s.read(s.dial(nil), 2)
}

func TestGate_PlainHTTPIsNotUpgraded(t *testing.T) {
	s := newServer(t, stream.Config{}, ws.Config{})
	resp, err := s.client.Get(s.url)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUpgradeRequired, resp.StatusCode)

	answer := httptest.NewRecorder() // which can't be taken over
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for name, value := range handshake {
		r.Header.Set(name, value)
	}
	s.ServeHTTP(answer, r)
	assert.Equal(t, http.StatusNotImplemented, answer.Code)
}

var handshake = map[string]string{
	"Connection": "Upgrade", "Upgrade": "websocket",
	"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

// TestClient_ThatDoesNotWaitForTheUpgrade sends a ping, masked with zeros, along with the request.
func TestClient_ThatDoesNotWaitForTheUpgrade(t *testing.T) {
	s := newServer(t, stream.Config{}, ws.Config{})
	conn := s.raw("\x89\x82\x00\x00\x00\x00hi")
	defer func() { assert.NoError(t, conn.Close()) }()

	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	var got strings.Builder
	for !strings.Contains(got.String(), "\x8a\x02hi") || !strings.Contains(got.String(), "l1") {
		b, err := r.ReadByte()
		require.NoError(t, err, "%q", got.String())
		got.WriteByte(b)
	}
	assert.Contains(t, got.String(), "\x81\x02l0\x81\x02l1")
}

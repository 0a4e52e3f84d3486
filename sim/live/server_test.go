package live_test

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/sim/live"
)

func get(t *testing.T, method, url, host string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	req.Host = host
	res, err := newClient(t).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header, string(body)
}

// On an address of this machine a name that isn't its own is refused, whatever is asked for.
func TestServer_RefusesOtherHosts(t *testing.T) {
	url, _ := serve(t, newBoard())
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:1234": 200, "127.0.0.1": 200, "[::1]:80": 200,
		"[::1]": 200, "evil.example": 403, "evil.example:80": 403, "localhost.evil.example": 403,
		"127.0.0.1.evil.example": 403,
	} {
		got, _, _ := get(t, http.MethodGet, url, host)
		assert.Equal(t, want, got, "%q", host)
	}
	got, _, _ := get(t, http.MethodGet, url+"events", "evil.example")
	assert.Equal(t, http.StatusForbidden, got)
}

// On another address names can't be told apart, and Local says so.
func TestServer_TakesAnyHostElsewhere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := live.New(live.Config{Board: newBoard(), Listener: elsewhere{l}})
	assert.False(t, s.Local())
	run(t, s)
	got, _, _ := get(t, http.MethodGet, "http://"+l.Addr().String(), "lab.example")
	assert.Equal(t, http.StatusOK, got)
}

// elsewhere is a listener that other machines could reach by its address.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// The page and what it loads come from here and are never kept by a browser; nothing else is there.
func TestServer_NeedsNothingElse(t *testing.T) {
	b := live.NewBoard(`<script>alert("title")</script>`, start)
	url, _ := serve(t, b)
	var all strings.Builder
	for path, kind := range map[string]string{
		"": "text/html", "live.css": "text/css", "live.js": "text/javascript",
	} {
		status, header, body := get(t, http.MethodGet, url+path, "")
		assert.Equal(t, http.StatusOK, status, path)
		assert.True(t, strings.HasPrefix(header.Get("Content-Type"), kind), path)
		assert.Equal(t, "no-store", header.Get("Cache-Control"))
		assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		policy := header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'")
		assert.NotContains(t, policy, "unsafe")
		all.WriteString(body)
	}
	addresses := regexp.MustCompile(`https?://[^"]*`).FindAllString(all.String(), -1)
	for _, a := range addresses {
		assert.Contains(t, []string{"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"},
			a, "names of XML, nothing that is loaded")
	}
	assert.NotContains(t, all.String(), "<script>alert", "a title is text")
	assert.Contains(t, all.String(), "<noscript>")
	assert.Contains(t, all.String(), "--paper", "the report's colours")
	for path, want := range map[string]int{"nothing": 404, "../go.mod": 404} {
		status, _, _ := get(t, http.MethodGet, url+path, "")
		assert.Equal(t, want, status, path)
	}
	status, _, _ := get(t, http.MethodPost, url, "")
	assert.Equal(t, http.StatusMethodNotAllowed, status)
}

// A listener that fails is Run's error.
func TestRun_ReturnsTheListenersError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s := live.New(live.Config{Board: newBoard(), Listener: l})
	assert.ErrorIs(t, s.Run(t.Context()), net.ErrClosed)
}

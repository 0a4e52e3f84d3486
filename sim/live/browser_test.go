package live_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// browser is a tab of a headless Chromium, driven over the DevTools protocol.
type browser struct {
	conn    *websocket.Conn
	session string
	id      int
	console []string // what the page complained about
}

// newBrowser skips the test where there is no Chromium.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return startBrowser(t, path)
		}
	}
	t.Skip("there is no chromium on the PATH")
	return nil
}

func startBrowser(t *testing.T, path string) *browser {
	dir, err := os.MkdirTemp("", "profile")
	require.NoError(t, err)
	// A browser leaves helpers behind that write there for a moment.
	t.Cleanup(func() {
		for range 50 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	cmd := exec.CommandContext(t.Context(), path, "--headless", "--no-sandbox", "--disable-gpu",
		"--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "about:blank")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stderr)
	address := ""
	for address == "" && lines.Scan() {
		_, address, _ = strings.Cut(lines.Text(), "DevTools listening on ")
	}
	require.NotEmpty(t, address, "the browser says where it listens")
	go func() {
		for lines.Scan() { // or it would wait for a reader
		}
	}()
	b := &browser{}
	b.conn, _, err = websocket.Dial(t.Context(), address, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.conn.CloseNow() })
	b.conn.SetReadLimit(1 << 26)
	var target struct{ TargetID, SessionID string }
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call(t, "Target.attachToTarget",
		map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(t, domain+".enable", nil, nil)
	}
	return b
}

// call calls a method of the protocol, and keeps what the page says meanwhile.
func (b *browser) call(t *testing.T, method string, params, result any) {
	t.Helper()
	b.id++
	request, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params,
		"sessionId": b.session})
	require.NoError(t, err)
	if b.session == "" {
		request = []byte(strings.Replace(string(request), `,"sessionId":""`, "", 1))
	}
	require.NoError(t, b.conn.Write(t.Context(), websocket.MessageText, request))
	for {
		_, data, err := b.conn.Read(t.Context())
		require.NoError(t, err)
		var answer struct {
			ID     int
			Method string
			Result json.RawMessage
			Error  json.RawMessage
		}
		require.NoError(t, json.Unmarshal(data, &answer))
		switch {
		case answer.Method == "Runtime.exceptionThrown", answer.Method == "Log.entryAdded",
			answer.Method == "Runtime.consoleAPICalled":
			b.console = append(b.console, string(data))
		case answer.ID == b.id:
			require.Empty(t, string(answer.Error), method)
			if result != nil {
				require.NoError(t, json.Unmarshal(answer.Result, result))
			}
			return
		}
	}
}

func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	b.call(t, "Page.navigate", map[string]any{"url": url}, nil)
}

// eval gives the value of an expression in the page.
func (b *browser) eval(t *testing.T, expression string) any {
	t.Helper()
	var out struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true,
		"awaitPromise": true}, &out)
	require.Nil(t, out.ExceptionDetails, expression)
	return out.Result.Value
}

// until waits for an expression to be true.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	for range 300 {
		if b.eval(t, expression) == true {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Failf(t, "it never comes true", "%s\n%v\n%v", expression, b.console,
		b.eval(t, "document.body.innerText"))
}

// look sets how the page is looked at.
func (b *browser) look(t *testing.T, width, height int, scheme string) {
	t.Helper()
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width,
		"height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call(t, "Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// shot is a picture (PNG) of the page.
func (b *browser) shot(t *testing.T) []byte {
	t.Helper()
	var out struct{ Data string }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &out)
	data, err := base64.StdEncoding.DecodeString(out.Data)
	require.NoError(t, err)
	return data
}

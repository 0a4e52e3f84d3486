package registry_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/notifylab/notifylab/notify/registry"
)

// recordedFrames reads the JSON frames that a real server sent.
func recordedFrames(t testing.TB) (frames []json.RawMessage) {
	t.Helper()
	text, err := os.ReadFile("testdata/watch-frames.jsonl")
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var line struct {
			JSON json.RawMessage `json:"json"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line.JSON != nil {
			frames = append(frames, line.JSON)
		}
	}
	require.NoError(t, lines.Err())
	return frames
}

// Each recorded event is replayed against a registry, and the frame of the change must have the
// fields of the recorded one, no more and no less.
func TestFramesAreThoseOfARealServer(t *testing.T) {
	seen := map[registry.Action]int{}
	for i, recorded := range recordedFrames(t) {
		f, err := registry.DecodeFrame(recorded)
		require.NoError(t, err)
		assert.JSONEq(t, string(recorded), string(f.Encode()), "frame %d, read and written", i)
		seen[f.Action]++

		service := registry.Service{ID: f.Instance.ServiceID, Key: f.Key}
		service.Tenant = tenant // an INIT says none
		r := registry.New()
		require.NoError(t, done(r.PutService(service)))
		c, err := r.Register(*f.Instance)
		require.NoError(t, err)
		switch f.Action {
		case registry.Init:
			in := r.Instances(service.ID)[0]
			frame := registry.NewFrame(registry.Init, r.Service(service.ID), in)
			assert.JSONEq(t, string(recorded), string(frame.Encode()), "frame %d, as listed", i)
			continue
		case registry.Update:
			c, err = r.Update(*f.Instance)
		case registry.Delete:
			c, err = r.Deregister(service.ID, f.Instance.ID)
		}
		require.NoError(t, err)
		assert.JSONEq(t, string(recorded), string(c.Encoded()), "frame %d, as changed", i)
	}
	want := map[registry.Action]int{registry.Init: 1, registry.Create: 2, registry.Update: 4,
		registry.Delete: 2}
	assert.Equal(t, want, seen)
}

func TestAFrameAlwaysHasAnInstanceAndNeverAResponse(t *testing.T) {
	k := registry.Key{Tenant: tenant, Name: "cart", Alias: "basket", Version: "1.0.0"}
	service := &registry.Service{ID: "s", Key: k, Status: "UP"}
	expire := registry.Change{Action: registry.Expire, Service: service}
	const want = `{"action":"EXPIRE","key":{"tenant":"default/default","serviceName":"cart",` +
		`"alias":"basket","version":"1.0.0"},"instance":{}}`
	assert.Equal(t, want, string(expire.Encoded()))
	assert.Equal(t, want, string(registry.Frame{Action: registry.Expire, Key: k}.Encode()))

	f, err := registry.DecodeFrame([]byte(`{"response":{"code":0},"action":"EXPIRE"}`))
	require.NoError(t, err)
	assert.Equal(t, `{"action":"EXPIRE","key":{},"instance":{}}`, string(f.Encode()))
}

func TestAnInitFrameHasNoTenantAndLeavesTheServiceItsOwn(t *testing.T) {
	service := &registry.Service{ID: "s", Key: key("cart", "1.0.0")}
	in := &registry.Instance{ID: "i", ServiceID: "s", Status: "UP", Timestamp: 7}
	assert.Equal(t, `{"action":"INIT","key":{"environment":"production","appId":"shop",`+
		`"serviceName":"cart","version":"1.0.0"},"instance":{"instanceId":"i","serviceId":"s",`+
		`"status":"UP","timestamp":"7"}}`,
		string(registry.NewFrame(registry.Init, service, in).Encode()))
	assert.Equal(t, tenant, service.Tenant)
}

func TestAChangeIsEncodedOnceHoweverManyAsk(t *testing.T) {
	r := world(t, "cart")
	c := register(t, r, "cart", "i")
	texts := make([][]byte, 16)
	var wg sync.WaitGroup
	for i := range texts {
		wg.Go(func() { texts[i] = c.Encoded() })
	}
	wg.Wait()
	for _, text := range texts {
		assert.Same(t, &texts[0][0], &text[0])
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Encoded() }))
}

func TestDecodeFrameRefusesWhatIsNoFrame(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{``, "JSON object"},
		{`service does not exist`, "JSON object"},
		{`null`, "Action"},
		{`[]`, "JSON object"},
		{`{}`, `Action ""`},
		{`{"action":"create"}`, "CREATE"},
		{`{"action":"CREATE","instance":{"timestamp":1795318893}}`, "JSON object"},
		{`{"action":"CREATE","instance":{"timestamp":"soon"}}`, "JSON object"},
		{`{"action":"CREATE","key":"cart"}`, "key"},
	} {
		_, err := registry.DecodeFrame([]byte(c.text))
		require.ErrorIs(t, err, registry.ErrInvalid, "DecodeFrame(%s)", c.text)
		assert.ErrorContains(t, err, c.says)
	}
}

// What is read is written so that it is read as the same.
func FuzzDecodeFrame(f *testing.F) {
	for _, frame := range recordedFrames(f) {
		f.Add([]byte(frame))
	}
	f.Add([]byte(`{"action":"EXPIRE","key":{},"instance":{}}`))
	f.Add([]byte(`{"action":"INIT","instance":{"endpoints":[],"properties":{},"healthCheck":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := registry.DecodeFrame(text)
		if err != nil {
			require.ErrorIs(t, err, registry.ErrInvalid)
			return
		}
		require.NotNil(t, frame.Instance)
		first := frame.Encode()
		again, err := registry.DecodeFrame(first)
		require.NoError(t, err)
		require.Equal(t, string(first), string(again.Encode()))
		require.False(t, strings.HasPrefix(string(first), `{"response"`))
	})
}

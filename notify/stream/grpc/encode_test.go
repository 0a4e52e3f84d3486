package grpc_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream/grpc"
)

// decoded is the frame as protobuf reads it, in JSON, without its response. Its fields have the
// names that the JSON of a frame has. What protobuf reads it must write in the same way.
func decoded(t require.TestingT, wire []byte) string {
	m := message("WatchInstanceResponse")
	require.NoError(t, proto.Unmarshal(wire, m))
	require.Empty(t, m.GetUnknown())
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	require.Equal(t, again, wire)
	told := m.Descriptor().Fields().ByName("response")
	require.True(t, m.Has(told))
	require.Zero(t, proto.Size(m.Get(told).Message().Interface()))
	m.Clear(told)
	text, err := protojson.Marshal(m)
	require.NoError(t, err)
	return string(text)
}

// TestEncodeFrame_IsTheFrame: every field comes back from protobuf as it was.
func TestEncodeFrame_IsTheFrame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := frames().Draw(rt, "frame")
		require.JSONEq(rt, string(f.Encode()), decoded(rt, grpc.EncodeFrame(f)))
	})
}

// frames are those of any content: every field of a registry.Frame but the action may be empty.
func frames() *rapid.Generator[registry.Frame] {
	actions := rapid.SampledFrom([]registry.Action{registry.Init, registry.Create,
		registry.Update, registry.Delete, registry.Expire})
	text := rapid.OneOf(rapid.Just(""), rapid.String())
	toInt := func(n int32) int { return int(n) }
	number := rapid.OneOf(rapid.Just(0), rapid.Map(rapid.Int32(), toInt))
	check := rapid.Custom(func(t *rapid.T) *registry.HealthCheck {
		return &registry.HealthCheck{
			Mode: text.Draw(t, "mode"), Interval: number.Draw(t, "interval"),
			Times: number.Draw(t, "times"), Port: number.Draw(t, "port"), URL: text.Draw(t, "url"),
		}
	})
	dc := rapid.Custom(func(t *rapid.T) *registry.DataCenter {
		return &registry.DataCenter{
			Name: text.Draw(t, "dc"), Region: text.Draw(t, "region"), Zone: text.Draw(t, "zone"),
		}
	})
	instance := rapid.Custom(func(t *rapid.T) *registry.Instance {
		return &registry.Instance{
			ID: text.Draw(t, "id"), ServiceID: text.Draw(t, "service"),
			Endpoints: rapid.SliceOf(text).Draw(t, "endpoints"),
			HostName:  text.Draw(t, "host"), Status: text.Draw(t, "status"),
			Properties:   rapid.MapOf(text, text).Draw(t, "properties"),
			HealthCheck:  orNil(check).Draw(t, "check"),
			Timestamp:    rapid.Int64().Draw(t, "timestamp"),
			ModTimestamp: rapid.Int64().Draw(t, "mod"), Version: text.Draw(t, "version"),
			DataCenter: orNil(dc).Draw(t, "center"),
		}
	})
	return rapid.Custom(func(t *rapid.T) registry.Frame {
		return registry.Frame{
			Action: actions.Draw(t, "action"),
			Key: registry.Key{
				Tenant: text.Draw(t, "tenant"), Env: text.Draw(t, "env"), App: text.Draw(t, "app"),
				Name: text.Draw(t, "name"), Alias: text.Draw(t, "alias"),
				Version: text.Draw(t, "version"),
			},
			Instance: orNil(instance).Draw(t, "instance"),
		}
	})
}

func orNil[T any](some *rapid.Generator[*T]) *rapid.Generator[*T] {
	return rapid.OneOf(rapid.Just[*T](nil), some)
}

// TestEncodeFrame_OfARealServer: what was recorded as JSON has the same content here; an INIT has
// no tenant, and the others have the project in it.
func TestEncodeFrame_OfARealServer(t *testing.T) {
	file, err := os.Open("../../registry/testdata/watch-frames.jsonl")
	require.NoError(t, err)
	defer func() { assert.NoError(t, file.Close()) }()
	seen := map[registry.Action]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct{ JSON json.RawMessage }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line.JSON == nil {
			continue
		}
		f, err := registry.DecodeFrame(line.JSON)
		require.NoError(t, err)
		assert.JSONEq(t, string(line.JSON), decoded(t, grpc.EncodeFrame(f)))
		seen[f.Action]++
	}
	assert.Len(t, seen, 4)
}

// TestEncodeFrame_EqualFramesEqualBytes: whatever the order of a map.
func TestEncodeFrame_EqualFramesEqualBytes(t *testing.T) {
	f := frame(registry.Update, "i", 0)
	f.Instance.Properties = map[string]string{}
	for i := range 20 {
		f.Instance.Properties[fmt.Sprint(i)] = "x"
	}
	first := grpc.EncodeFrame(f)
	for range 10 {
		assert.Equal(t, first, grpc.EncodeFrame(f))
	}
}

// TestEncodeFrame_WhatProtobufHasNoRoomFor: bytes that are no text, and numbers above 32 bits.
func TestEncodeFrame_WhatProtobufHasNoRoomFor(t *testing.T) {
	f := frame("a\xffb", "\xc3(", 0)
	f.Instance.Endpoints = []string{"\xff"}
	f.Instance.Properties = map[string]string{"\xfe": "\xff"}
	f.Instance.HealthCheck = &registry.HealthCheck{Interval: 1 << 40, Times: -1 << 40}
	assert.JSONEq(t, `{"action":"a�b","key":{},"instance":{"instanceId":"�(","status":"UP",
		"endpoints":["�"],"properties":{"�":"�"},
		"healthCheck":{"interval":2147483647,"times":-2147483648}}}`,
		decoded(t, grpc.EncodeFrame(f)))
}

// TestProto_HasTheNumbersThatClientsKnow, for a name that moved to another number would still be
// written and read alike here.
func TestProto_HasTheNumbersThatClientsKnow(t *testing.T) {
	want := map[protoreflect.Name]string{
		"WatchInstanceRequest":  "selfServiceId",
		"WatchInstanceResponse": "response action key instance",
		"Response":              "code message",
		"MicroServiceKey":       "tenant project appId serviceName version environment alias",
		"MicroServiceInstance": "instanceId serviceId endpoints hostName status properties " +
			"healthCheck timestamp dataCenterInfo modTimestamp version",
		"HealthCheck":    "mode port interval times url",
		"DataCenterInfo": "name region availableZone",
	}
	require.Equal(t, len(want), schema().Messages().Len())
	for name, fields := range want {
		got := schema().Messages().ByName(name).Fields()
		for i, field := range strings.Fields(fields) {
			number := protoreflect.FieldNumber(i + 1)
			require.NotNil(t, got.ByNumber(number), "%s: %d", name, number)
			assert.EqualValues(t, field, got.ByNumber(number).Name(), "%s: %d", name, number)
		}
		assert.Equal(t, len(strings.Fields(fields)), got.Len(), name)
	}
	service := schema().Services().ByName("ServiceInstanceCtrl")
	assert.EqualValues(t, method, fmt.Sprintf("/%s/%s", service.FullName(),
		service.Methods().Get(0).Name()))
}

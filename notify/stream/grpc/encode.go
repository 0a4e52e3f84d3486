package grpc

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/notifylab/notifylab/notify/registry"
)

// codeRefused is the code of a response that says why there is no watcher, in the words of HTTP.
const codeRefused = 400

// heartbeat is a WatchInstanceResponse with nothing but an empty response, for clients read its
// code unchecked.
var heartbeat = []byte{1<<3 | byte(protowire.BytesType), 0}

// EncodeFrame gives the frame as a WatchInstanceResponse of watch.proto. Equal frames give equal
// bytes: those of protobuf's deterministic encoding. They go to many streams, so they must not
// change; a stream.Cache keeps them for an event. What isn't UTF-8 is replaced, and a number beyond
// 32 bits is as near as can be.
//
//	encode := func(ev *notify.Event) ([]byte, error) {
//		change := ev.Payload.(*Change)
//		return change.wire.Get(func() ([]byte, error) {
//			return grpc.EncodeFrame(change.frame), nil
//		})
//	}
func EncodeFrame(f registry.Frame) []byte {
	var key, instance encoder
	key.text(1, f.Key.Tenant) // 2, the project, is in the tenant
	key.text(3, f.Key.App)
	key.text(4, f.Key.Name)
	key.text(5, f.Key.Version)
	key.text(6, f.Key.Env)
	key.text(7, f.Key.Alias)
	if f.Instance != nil {
		instance.instance(f.Instance)
	}
	e := encoder(slices.Clone(heartbeat)) // for that is a response, and all else is empty
	e.text(2, string(f.Action))
	e.message(3, key)
	e.message(4, instance)
	return e
}

// encodeRefusal gives a WatchInstanceResponse that says why there is no watcher.
func encodeRefusal(why string) []byte {
	var response, e encoder
	response.number(1, codeRefused)
	response.text(2, why)
	e.message(1, response)
	return e
}

// encoder is a message in the making, by the rules of protobuf.dev/programming-guides/encoding. A
// text or a number that is zero is left out, as proto3 has it; a message without fields is not, for
// clients look into key and instance unchecked.
//
// It is written by hand because nothing of a frame has to be copied into generated messages first,
// and because what it takes is less than what protoc would generate.
type encoder []byte

func (e *encoder) instance(in *registry.Instance) {
	e.text(1, in.ID)
	e.text(2, in.ServiceID)
	for _, endpoint := range in.Endpoints {
		e.message(3, []byte(valid(endpoint))) // even if it is empty
	}
	e.text(4, in.HostName)
	e.text(5, in.Status)
	for _, name := range slices.Sorted(maps.Keys(in.Properties)) {
		var property encoder // a map's entry has both, always
		property.message(1, []byte(valid(name)))
		property.message(2, []byte(valid(in.Properties[name])))
		e.message(6, property)
	}
	if check := in.HealthCheck; check != nil {
		e.message(7, encodeHealthCheck(check))
	}
	e.seconds(8, in.Timestamp)
	if dc := in.DataCenter; dc != nil {
		e.message(9, encodeDataCenter(dc))
	}
	e.seconds(10, in.ModTimestamp)
	e.text(11, in.Version)
}

func encodeHealthCheck(check *registry.HealthCheck) (e encoder) {
	e.text(1, check.Mode)
	e.number(2, check.Port)
	e.number(3, check.Interval)
	e.number(4, check.Times)
	e.text(5, check.URL)
	return e
}

func encodeDataCenter(dc *registry.DataCenter) (e encoder) {
	e.text(1, dc.Name)
	e.text(2, dc.Region)
	e.text(3, dc.Zone)
	return e
}

func (e *encoder) text(field protowire.Number, s string) {
	if s != "" {
		e.message(field, []byte(valid(s)))
	}
}

// valid replaces what isn't UTF-8, or a client couldn't read the whole stream any more.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// seconds writes a time as service-center has it, as digits.
func (e *encoder) seconds(field protowire.Number, unix int64) {
	if unix != 0 {
		e.text(field, strconv.FormatInt(unix, 10))
	}
}

// number writes an int32.
func (e *encoder) number(field protowire.Number, n int) {
	if n == 0 {
		return
	}
	n = max(math.MinInt32, min(n, math.MaxInt32))
	*e = protowire.AppendTag(*e, field, protowire.VarintType)
	*e = protowire.AppendVarint(*e, uint64(n)) // a negative one has ten bytes, by the rules
}

func (e *encoder) message(field protowire.Number, content []byte) {
	*e = protowire.AppendTag(*e, field, protowire.BytesType)
	*e = protowire.AppendBytes(*e, content)
}

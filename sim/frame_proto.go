package sim

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/registry"
	"github.com/notifylab/notifylab/notify/stream/grpc"
	"github.com/notifylab/notifylab/notify/watch"
)

// The fields that go before the registry's in a response over gRPC: other clients take them for
// fields of a later version and ignore them.
const (
	protoRevision protowire.Number = 1001
	protoDue      protowire.Number = 1002
	protoPosition protowire.Number = 1003
)

func appendProto(text []byte, field protowire.Number, n int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(text, field, protowire.VarintType), uint64(n))
}

func (f *framed) encodeProto(revision int64) []byte {
	text := appendProto(appendProto(nil, protoRevision, revision), protoDue, f.due)
	c := f.change
	return append(text, grpc.EncodeFrame(registry.NewFrame(c.Action, c.Service, c.Instance))...)
}

// encodeListProto is encodeList over gRPC.
func encodeListProto(l watch.List) ([][]byte, error) {
	text := appendProto(nil, protoRevision, l.Revision)
	text = appendProto(text, protoPosition, int64(l.State.(int)))
	return [][]byte{append(text, grpc.EncodeFrame(registry.Frame{Action: registry.Init})...)}, nil
}

// decodeProto is decodeFrame over gRPC.
func decodeProto(text []byte, epoch time.Time) (frame, error) {
	field, revision, rest := cutProto(text)
	second, n, _ := cutProto(rest)
	switch {
	case field != protoRevision:
	case second == protoDue:
		return frame{ev: &notify.Event{
			Type: registry.InstanceEvents, Revision: revision,
			Due: epoch.Add(time.Duration(n)),
		}}, nil
	case second == protoPosition:
		return frame{list: &watch.List{Revision: revision, State: int(n)}}, nil
	}
	return frame{}, fmt.Errorf("response % .30x: %w", text, errProto)
}

var errProto = fmt.Errorf("want field %d, then %d or %d", protoRevision, protoDue,
	protoPosition)

// cutProto reads the field that text begins with, and the number in it, if it is one.
func cutProto(text []byte) (field protowire.Number, number int64, rest []byte) {
	field, kind, size := protowire.ConsumeTag(text)
	if size < 0 {
		return -1, 0, nil
	}
	if text = text[size:]; kind != protowire.VarintType {
		return field, 0, text
	}
	n, size := protowire.ConsumeVarint(text)
	if size < 0 {
		return -1, 0, nil
	}
	return field, int64(n), text[size:]
}

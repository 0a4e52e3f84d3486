package grpc

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Codec is the option that a server needs to have a Service. It changes nothing for other services
// of that server: what isn't of this package is left to protobuf. It isn't registered for the
// process, for a codec is chosen by what the client says it sends, and that is protobuf.
func Codec() grpc.ServerOption {
	return grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(proto.Name)})
}

// encoded is a message that is encoded already. It goes to many streams, so nobody may change it.
type encoded []byte

type codec struct{ encoding.CodecV2 }

// Marshal passes encoded messages on. There is nothing to give back: they belong to the collector.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if message, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(message)}, nil
	}
	return c.CodecV2.Marshal(v)
}
